"""What a soak does, and when: a bad week, a hundred times as fast. Pure: numbers in, a schedule out."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

from benchmarks.host.tree import PATHS_OF_A_MAP
from mpathd_watch.core.model.settings import Settings

WEEK = 7 * 86_400.0
LUNS = 16
SESSIONS = PATHS_OF_A_MAP
"""As many sessions as a map has paths: each session carries one path of every LUN."""
TIMES = 100
"""How many times as fast a bad week goes by."""
MOST_TIMES_LUNS = 8
"""With more LUNs than that, and one disk of each in a session, the host would need more sessions."""
MOST_PACE = 16
"""With a higher pace a session would be lost for less than half a second, which few reads of the daemon see."""

_LIMITS = Settings()
FLAPS = round(WEEK / _LIMITS.flap_window_seconds * _LIMITS.flap_failures)
"""Losses of one session in a bad week: a cable that fails all week at the rate from which on its paths are reported as
flapping (flap_failures within flap_window_seconds)."""
RESTARTS = 7
"""Restarts of one of two controllers in a bad week, one each night: half of the sessions are lost at once."""
UEVENTS = 2 * LUNS * (FLAPS + RESTARTS * SESSIONS // 2)
"""Uevents of dm in a bad week: each path that is lost fails and returns."""
RELOADS = 7
"""Reloads of the configuration in a bad week, one a day."""


class Deed(Enum):
    """What is done to the host or the daemon."""

    UEVENT_LOSS = "dm fails the paths of a session, and reinstates them"
    SESSION_LOSS = "a session is lost, its disks go offline, dm fails its paths; then all return"
    RESTART = "two sessions are lost at once"
    RELOAD = "SIGHUP"
    JOURNALD = "journald goes, and another one comes"
    DISK = "the disk of the state directory is full, and is freed"


@dataclass(slots=True)
class Done:
    """How often each disturbance was done.

    Of those times that the disk was full, ``written``: in which all could be written nevertheless, into pages that the
    history had freed, and ``unnoticed``: in which it could not, and the daemon did not report that.
    """

    reloads: int = 0
    journald: int = 0
    disk: int = 0
    written: int = 0
    unnoticed: int = 0


@dataclass(frozen=True, slots=True)
class Action:
    """A deed ``at`` so many seconds; it is undone ``lasts`` seconds later. ``session`` is the first one it concerns."""

    at: float
    deed: Deed
    lasts: float = 0.0
    session: int = 0


GIVEN_UP = 0.4
"""The part of the loss of a session after which the kernel gives it up, and dm fails its paths."""


@dataclass(frozen=True, slots=True)
class Pace:
    """Seconds from one deed to the next, and how long it lasts.

    ``luns`` is the number of LUNs: a host with more of them has as many times the events. ``history`` and ``record``
    are MiB that the history and the recording may have: little, so that they come to their limits.
    """

    luns: int
    losses: float
    restarts: float
    reloads: float
    journald: float
    journald_gone: float
    disk: float
    disk_full: float
    down: float = 1.7
    """Seconds for which a session is lost."""
    scrapes: float = 1.0
    """Seconds between two scrapes of one scraper."""
    sample: float = 5.0
    """Seconds between two samples."""
    history: int = 16
    record: int = 1

    @property
    def events(self) -> float:
        """Uevents a second, roughly."""
        return 2 * self.luns * (1 / self.losses + SESSIONS / 2 / self.restarts)


@dataclass(frozen=True, slots=True)
class Course:
    """How long each part of a run takes, in seconds.

    In the rehearsal each deed is done once, so that all is loaded and opened that ever will be. What a quiet daemon has
    then must be what it has after the load. The first part ``warm_up`` of the load does not count for slopes.
    """

    rehearsal: float
    load: float
    warm_up: float


def bad_week(pace: int = 1) -> Pace:
    """A bad week, ``TIMES`` as fast, and with ``pace`` that many times as fast again.

    First by as many times the LUNs, and from ``MOST_TIMES_LUNS`` on by shorter intervals: then everything lasts less
    long, too. Scrapes and disturbances are that many times as frequent in either case.
    """
    spell = WEEK / TIMES
    times_luns = min(pace, MOST_TIMES_LUNS)
    shorter = pace / times_luns
    return Pace(
        luns=LUNS * times_luns,
        losses=spell / FLAPS / shorter,
        restarts=spell / RESTARTS / shorter,
        reloads=spell / RELOADS / pace,
        journald=600.0 / pace,
        journald_gone=8.0 / shorter,
        disk=600.0 / pace,
        disk_full=30.0 / shorter,
        down=1.7 / shorter,
        scrapes=1.0 / pace,
    )


def quick(load: float) -> Pace:
    """The same rate of events, and each disturbance at least twice within so many seconds."""
    return Pace(
        luns=LUNS,
        losses=WEEK / TIMES / FLAPS,
        restarts=load / 2.5,
        reloads=load / 5.5,
        journald=load / 2.5,
        journald_gone=3.0,
        disk=load / 2.5,
        disk_full=14.0,
        sample=1.0,
        history=1,
    )


def course(hours: float) -> Course:
    """The parts of a run of so many hours. The first 25 minutes of the load are for warming up, or half of it."""
    load = hours * 3600.0
    return Course(rehearsal=60.0, load=load, warm_up=min(load / 2, 1500.0))


QUICK = Course(rehearsal=22.0, load=84.0, warm_up=16.0)


def schedule(pace: Pace, seconds: float, seed: int) -> list[Action]:
    """All deeds within so many seconds, in order. Each is undone by then; no session is lost twice at a time."""
    dice = random.Random(seed)  # noqa: S311  # no secret; the same seed gives the same run
    found = list(_losses(pace, seconds, dice))
    found += _every(pace.reloads, seconds, Deed.RELOAD)
    found += _every(pace.journald, seconds, Deed.JOURNALD, pace.journald_gone, first=0.25)
    found += _every(pace.disk, seconds, Deed.DISK, pace.disk_full)
    return sorted((each for each in found if each.at + each.lasts <= seconds), key=lambda each: each.at)


def rehearsal(pace: Pace, seconds: float, seed: int) -> list[Action]:
    """Losses, and each disturbance once."""
    dice = random.Random(seed)  # noqa: S311  # as above
    once = [
        Action(0.1 * seconds, Deed.JOURNALD, min(pace.journald_gone, 0.2 * seconds)),
        Action(0.3 * seconds, Deed.DISK, min(pace.disk_full, 0.55 * seconds)),
        Action(0.9 * seconds, Deed.RELOAD),
    ]
    losses = [each for each in _losses(pace, seconds, dice) if each.at + each.lasts <= seconds]
    return sorted([*losses, *once], key=lambda each: each.at)


def _losses(pace: Pace, seconds: float, dice: random.Random) -> Iterator[Action]:
    """Sessions are lost in turn, and at other moments two at once; half of the losses show in dm only.

    After two at once one loss is left out: it would be of the second one of them, a moment after it has come back.
    """
    restarts = {round(each.at / pace.losses) for each in _every(pace.restarts, seconds, Deed.RESTART)}
    for number in range(int(seconds / pace.losses)):
        if number - 1 in restarts:
            continue
        at = number * pace.losses + dice.uniform(0.0, pace.losses / 10)
        deed = Deed.RESTART if number in restarts else dice.choice((Deed.UEVENT_LOSS, Deed.SESSION_LOSS))
        yield Action(at, deed, pace.down, number % SESSIONS)


def _every(interval: float, seconds: float, deed: Deed, lasts: float = 0.0, *, first: float = 0.5) -> Iterator[Action]:
    """For the first time after the part ``first`` of the interval."""
    moments = ((number + first) * interval for number in range(int(seconds / interval) + 1))
    return (Action(at, deed, lasts) for at in moments if at < seconds)
