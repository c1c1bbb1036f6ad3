"""What Prometheus would have scraped from a host that replays the shipped recording, and from a few simulated hosts.

Nothing waits for a clock: each host answers for a moment in virtual time, which begins at 0.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Final

from benchmarks.fleet.simulated import Layout, SimulatedHost
from mpathd_watch.core.events import Event, SourceDown, SourceUp
from mpathd_watch.core.model.instant import Instant
from mpathd_watch.core.model.vocabulary import AccessState, DmState, SessionStatus, SourceName
from mpathd_watch.daemon.replay import SHIPPED, Playback
from mpathd_watch.sinks.backlog import Outlet
from mpathd_watch.sinks.metrics import Exposition
from mpathd_watch.sinks.view import View
from mpathd_watch.sources.recording import read
from tests.story import San, Story, moment

INTERVAL: Final = 5
"""Seconds from scrape to scrape: the phases of the recorded outage take 5 s to 25 s."""
END: Final = 1200
REPLAY: Final = 120
"""When the recording begins, in which a path fails for 45 s."""
FAULT: Final = range(300, 900)
"""When the simulated hosts have lost what they lose."""
SOURCE_DOWN: Final = range(240, 600)
"""When multipathd does not answer the host that replays."""
GONE: Final = 900
"""From then on one host does not answer."""
CLONED: Final = 180
"""From then on there is a host with the initiator name of another one."""

WITH_ALUA: Final = "alua:10068"
REPLAYED: Final = "article:10068"
SIMULATED: Final = "db1:10068"
LEAVING: Final = "db3:10068"
CLONE: Final = "clone-of-db2:10068"
PORTALS: Final = ("10.0.1.7:3260", "10.0.2.7:3260")

_LEARNED: Final = 100
"""The second of a story by which paths that it has begun with are expected."""
_SAMPLE: Final = re.compile(r"^(mpathd_watch_\w+)(?:{(.*)})? (\S+)$", re.MULTILINE)


@dataclass(slots=True)
class Series:
    """The values of each series, by its name with its labels, one for each scrape; ``None`` where it was absent."""

    scrapes: int = 0
    values: dict[str, list[str | None]] = field(default_factory=dict)

    def add(self, at: int, labels: str, text: str) -> None:
        """Take what one host has exported in the scrape number ``at``."""
        for name, own, value in _SAMPLE.findall(text):
            self.put(at, f"{name}{{{labels}{',' if own else ''}{own}}}", value)

    def put(self, at: int, series: str, value: str) -> None:
        """Take one sample."""
        self.scrapes = max(self.scrapes, at + 1)
        samples = self.values.setdefault(series, [])
        samples.extend([None] * (at - len(samples)))
        samples.append(value)

    def notation(self) -> Iterator[tuple[str, str]]:
        """Each series and its values as promtool reads them. One that is not in a scrape is stale."""
        for series, values in self.values.items():
            words: list[str] = []
            there = False
            for value in [*values, *[None] * (self.scrapes - len(values))]:
                words.append(value if value is not None else "stale" if there else "_")
                there = value is not None
            yield series, " ".join(words)


def scraped() -> Series:
    """All that Prometheus has after ``END`` seconds."""
    series = Series()
    clock = _Clock()
    hosts = [(SIMULATED, 1), ("db2:10068", 2), (LEAVING, 3), ("db4:10068", 4), (CLONE, 2)]
    layout = Layout(maps=2, portals=PORTALS)
    simulated = {name: SimulatedHost(number, layout, clock.now) for name, number in hosts}
    lost = dict.fromkeys(simulated, PORTALS[:1]) | {"db4:10068": PORTALS}
    replayed = _ReplayedHost()
    with_alua = _HostWithAlua()
    for number, second in enumerate(range(0, END + INTERVAL, INTERVAL)):
        clock.second = second
        if second in (FAULT.start, FAULT.stop):
            for name, host in simulated.items():
                host.lose(lost[name] if second == FAULT.start else ())
        for name, host in simulated.items():
            if name == CLONE and second < CLONED:
                continue
            absent = name == LEAVING and second >= GONE
            series.put(number, _up(name, "east"), "0" if absent else "1")
            if not absent:
                _, parts = host.metrics("text/plain;version=0.0.4", "identity")
                series.add(number, _labels(name, "east"), b"".join(parts).decode())
        series.put(number, _up(WITH_ALUA, ""), "1")
        series.add(number, _labels(WITH_ALUA, ""), with_alua.metrics(second))
        if second >= REPLAY:
            series.put(number, _up(REPLAYED, ""), "1")
            series.add(number, _labels(REPLAYED, ""), replayed.metrics(second))
    return series


def scraped_without_a_map(until: int) -> Series:
    """A host that has lost one of its two maps before the beginning: its paths were down, and then it was gone."""
    story = Story(San.of(["lun00", "lun01"], ["10.0.3.7", "10.0.4.7"])).begun()
    wwid, disks = story.san.wwid("lun00"), story.san.map_of("sda").slaves
    story.at(_LEARNED)
    for sid in story.san.sessions:
        story.session(sid, SessionStatus.FREE)
    for disk in disks:
        story.dm(disk, DmState.FAILED)
    for disk in disks:
        story.san.remove_disk(disk)
    del story.san.maps[wwid]
    story.look().listing()
    exposition = Exposition(lambda: View(story.state, moment(story.seconds)))
    series = Series()
    for number, second in enumerate(range(0, until + INTERVAL, INTERVAL)):
        story.at(_LEARNED + second)
        series.put(number, _up(WITH_ALUA, ""), "1")
        series.add(number, _labels(WITH_ALUA, ""), _text(exposition))
    return series


def _labels(instance: str, site: str) -> str:
    return f'job="mpathd-watch",instance="{instance}"' + (f',site="{site}"' if site else "")


def _up(instance: str, site: str) -> str:
    return f"up{{{_labels(instance, site)}}}"


class _Clock:
    """The time of the simulated hosts."""

    def __init__(self) -> None:
        self.second = 0

    def now(self) -> Instant:
        return Instant(1000.0 + self.second, float(self.second))


class _ReplayedHost:
    """The shipped recording, then its end for as long as it is asked. The seconds must not go back."""

    def __init__(self) -> None:
        events = list(read(Path(str(files("mpathd_watch") / "recordings" / SHIPPED))))
        self._first = events[0][1]
        later: list[tuple[Event, Instant]] = [
            (SourceDown(SourceName.MULTIPATHD, "timeout", "it hangs"), self._at(SOURCE_DOWN.start)),
            (SourceUp(SourceName.MULTIPATHD), self._at(SOURCE_DOWN.stop)),
        ]
        self._waiting = deque(
            [*((event, self._at(REPLAY + at.wall - self._first.wall)) for event, at in events), *later]
        )
        self._playback = Playback(lambda _alert: None)
        self._now = self._at(REPLAY)
        self._exposition = Exposition(self._view)

    def metrics(self, second: int) -> str:
        """What it exports then."""
        self._now = self._at(second)
        while self._waiting and self._waiting[0][1].wall <= second:
            self._playback.play(*self._waiting.popleft())
        return _text(self._exposition)

    def _at(self, second: float) -> Instant:
        return Instant(self._first.monotonic - REPLAY + second, second)

    def _view(self) -> View:
        # A replay has no outlet and no history; a daemon has.
        outlets = {"journal": Outlet(lost=0, waiting=0, stalled=False)}
        return View(self._playback.engine.state, self._now, outlets=outlets, history=1)


class _HostWithAlua:
    """A host whose array has two port groups. In the fault it loses both, and multipathd counts down until I/O fails.

    Its moments are those of a story, years after the virtual time: only how many there are is of interest.
    """

    def __init__(self) -> None:
        san = San.of(["lun00"], ["10.0.3.7", "10.0.4.7"]).grouped(g2=AccessState.NON_OPTIMIZED)
        self._story = Story(san).begun()
        self._exposition = Exposition(lambda: View(self._story.state, moment(self._story.seconds)))

    def metrics(self, second: int) -> str:
        """What it exports then. The seconds must not go back."""
        self._story.at(second)
        if second in (FAULT.start, FAULT.stop):
            self._lose(second == FAULT.start)
        return _text(self._exposition)

    def _lose(self, lost: bool) -> None:
        story = self._story
        for sid in story.san.sessions:
            story.session(sid, SessionStatus.FREE if lost else SessionStatus.LOGGED_IN)
        for disk in story.san.devices:
            story.dm(disk, DmState.FAILED if lost else DmState.ACTIVE)
        story.san.queueing, story.san.queues = "9 sec" if lost else "on", True
        story.listing()


def _text(exposition: Exposition) -> str:
    wanted = exposition.format("text/plain;version=0.0.4", "identity")
    return b"".join(exposition.render(wanted)).decode()
