"""The raw states of each path over time, from a recorder's log and from what the lab itself has done.

They are those of `tests.sim.oracle.truth.Raw`, so that the simulator's oracle can judge a real kernel, too. What the
recorder cannot read, multipathd's checker, follows from the lab's own faults: it is a set of what it may report.
"""

from __future__ import annotations

import bisect
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from mpathd_watch.core.model.vocabulary import Cause, CheckerState, DeviceState, Health, SessionStatus
from tests.sim.oracle.truth import GRACE, OUT, READ_WITHIN, SUSPECT, UP, USABLE, WARNS_WITHIN, Raw, Words, words

T = TypeVar("T")

Line = Mapping[str, Any]
Key = tuple[str, str]
"""A map's name and ADDRESS:PORT of a portal."""

SURE_AFTER = 9.0
"""Seconds after which a loss must have been seen that lasted as long, on an emulated host."""
SEEN_UP_AFTER = 7.0
"""Seconds after which a path must have been seen usable that has been so for as long."""
CHECKED_AFTER = 12.0
"""Seconds after the way to a disk is back within which multipathd has checked it twice."""
BEGINS = 2.0
"""Seconds of a record within which what is there has been there before."""
MOMENT = 0.001
STALE = 0.05
"""Seconds after a uevent about a path within which the map's status may have been read before it."""

_CONN_ERROR = re.compile(r"connection(?P<session>\d+):0: detected conn error \((?P<error>\d+)\)")
_CAUSES = {"1022": Cause.NOP_TIMEOUT, "1020": Cause.CONNECTION_CLOSED}

ABSENT = frozenset({"multipathd frozen", "multipathd killed"})
"""What the lab does by which multipathd is away for a while."""
WORKS = frozenset({CheckerState.READY})
MAY_BE_FAULTY = frozenset({CheckerState.READY, CheckerState.FAULTY})


class Steps(Generic[T]):
    """A value that changes at moments."""

    def __init__(self, first: T) -> None:
        self.moments: list[float] = []
        self._values: list[T] = [first]

    def set(self, at: float, value: T) -> None:
        """The value is `value` from `at` on, which is not before any earlier change."""
        if value != self._values[-1]:
            self.moments.append(at)
            self._values.append(value)

    def at(self, moment: float) -> T:
        """The value at a moment."""
        return self._values[bisect.bisect_right(self.moments, moment)]

    def within(self, begin: float, end: float) -> list[T]:
        """All values from `begin` to `end`."""
        first, last = bisect.bisect_right(self.moments, begin), bisect.bisect_right(self.moments, end)
        return self._values[first : last + 1]

    def __iter__(self) -> Iterator[tuple[float, T]]:
        return iter(zip(self.moments, self._values[1:], strict=True))


@dataclass(frozen=True)
class Span:
    """From when to when something was so."""

    begin: float
    end: float

    def touches(self, begin: float, end: float) -> bool:
        """Whether it was so at some moment from `begin` to `end`."""
        return self.begin <= end and begin <= self.end


@dataclass(frozen=True)
class Deed:
    """What the lab did: a kind of fault, to which link (0: none), from when to when."""

    kind: str
    number: int
    span: Span


@dataclass
class Track:
    """One path over time; `steps` has the raw states by their names, `words` what is true of it.

    `joined`: when it became a member, or its map was loaded again.
    """

    map: str
    portal: str
    steps: dict[str, Steps[Any]]
    words: Steps[Words]
    joined: list[float] = field(default_factory=list)

    def raw(self, at: float) -> Raw:
        """The raw states at a moment; the checker finds it up if it may."""
        values = {name: steps.at(at) for name, steps in self.steps.items()}
        return Raw(**{**values, "checker": CheckerState.READY})


class Timeline:
    """What really happened: a track for each path, and what else the judge asks for.

    `interfaces`: ADDRESS:PORT of a portal -> the initiator's interface that leads there.
    """

    def __init__(self, lines: Sequence[Line], deeds: Sequence[Deed] | None, interfaces: Mapping[str, str]) -> None:
        self.lines = sorted(lines, key=lambda line: line["mono"])
        self.known = deeds is not None
        """Whether it is known what the lab did."""
        self.deeds: Sequence[Deed] = deeds or ()
        self.end: float = self.lines[-1]["mono"] if self.lines else 0.0
        self.late = [Span(line["mono"] - line["seconds"], line["mono"]) for line in self._of("late")]
        self.interfaces = interfaces
        self.sessions: dict[str, Steps[Line]] = {}
        self.carriers = {link: Steps(True) for link in interfaces.values()}
        self.heard = {portal: self._heard(portal) for portal in interfaces}
        self.errors: list[tuple[float, str, Cause]] = []
        """When the kernel gave up the connection to which portal, and why."""
        self.tracks: dict[Key, Track] = {}
        self._disks: dict[Key, str] = {}
        """The disk that is, or last was, a member of a map."""
        self._follow()

    def numbers(self, portal: str) -> set[int]:
        """The number of the link to a portal, and 0."""
        return {0, int(re.sub(r"\D", "", self.interfaces[portal]) or 0)}

    def did(self, kinds: Iterable[str], portal: str, begin: float, end: float) -> bool:
        """Whether the lab did one of these to a portal at some moment from `begin` to `end`."""
        wanted = set(kinds)
        return any(
            deed.kind in wanted and deed.number in self.numbers(portal) and deed.span.touches(begin, end)
            for deed in self.deeds
        )

    def lateness(self, begin: float, end: float) -> float:
        """For how many seconds the guest stood still, or nearly, from `begin` to `end`."""
        return sum(span.end - span.begin for span in self.late if span.touches(begin, end))

    def session(self, portal: str, at: float) -> Line:
        """What the recorder has of the session to a portal at a moment."""
        steps = self.sessions.get(portal)
        return {} if steps is None else steps.at(at)

    # --- reading ------------------------------------------------------------------------------------------------------

    def _of(self, source: str) -> Iterator[Line]:
        return (line for line in self.lines if line["source"] == source)

    def _heard(self, portal: str) -> list[float]:
        return sorted({line["heard"] for line in self._of("heard") if line["portal"] == portal})

    def _follow(self) -> None:
        """Go through the record, and take down the states of every path after each line."""
        disks: dict[str, Line] = {}
        maps: dict[str, dict[str, str]] = {}
        told: dict[tuple[str, str], float] = {}
        for line in self.lines:
            at, source = line["mono"], line["source"]
            if source == "session":
                steps = self.sessions.setdefault(line["portal"], Steps[Line]({}))
                # A new session may be there before the end of the old one is read.
                if line["state"] is not None or steps.at(at).get("id") in (line["id"], None):
                    steps.set(at, line)
            elif source == "device":
                disks[line["id"]] = line
            elif source == "link" and line["id"] in self.carriers:
                self.carriers[line["id"]].set(at, line["carrier"] == "1")
            elif source == "map":
                before = maps.get(line["id"], {})
                fresh = {dev_t for dev_t in line["paths"] if at - told.get((line["id"], dev_t), -1.0) < STALE}
                maps[line["id"]] = {
                    dev_t: before.get(dev_t, state) if dev_t in fresh else state
                    for dev_t, state in line["paths"].items()
                }
            elif source == "uevent" and "DM_PATH" in line:
                state = {"PATH_FAILED": "F", "PATH_REINSTATED": "A"}.get(line.get("DM_ACTION", ""))
                known = maps.get(line["DM_NAME"], {})
                if state and line["DM_PATH"] in known:
                    known[line["DM_PATH"]] = state
                    told[line["DM_NAME"], line["DM_PATH"]] = at
            elif source == "kmsg":
                self._error(line)
                continue
            else:
                continue
            self._note(at, disks, maps)
        for track in self.tracks.values():
            self._complete(track)

    def _error(self, line: Line) -> None:
        match = _CONN_ERROR.search(line["text"])
        for portal, steps in self.sessions.items() if match else ():
            if match and steps.at(line["mono"]).get("id") == f"session{match['session']}":
                cause = _CAUSES.get(match["error"], Cause.CONNECTION_ERROR)
                self.errors.append((line["mono"], portal, cause))

    def _note(self, at: float, disks: Mapping[str, Line], maps: Mapping[str, Mapping[str, str]]) -> None:
        for name, states in maps.items():
            for portal in self.interfaces:
                # A disk that is gone may still be in its map, and another one already have come; one that was taken out
                # of its map still works.
                behind = [each for each in disks.values() if each["portal"] == portal]
                members = [each for each in behind if each["dev_t"] in states]
                if members or (name, portal) not in self._disks:
                    disk = max(members, key=lambda each: each["state"] is not None, default=None)
                else:
                    disk = disks.get(self._disks[name, portal])
                if disk is not None:
                    self._disks[name, portal] = disk["id"]
                session = self.session(portal, at).get("state")
                if (name, portal) not in self.tracks:
                    if disk is None:
                        continue
                    self.tracks[name, portal] = Track(name, portal, _first(), Steps(frozenset({Health.MISSING})))
                track = self.tracks[name, portal]
                alive = disk is not None and disk["state"] is not None and session is not None
                there = alive and bool(members)
                was = track.steps["member"].at(at)
                track.steps["member"].set(at, there)
                if there and not was and at > self.lines[0]["mono"] + BEGINS:
                    track.joined.append(at)
                track.steps["session"].set(at, SessionStatus(session) if session else SessionStatus.MISSING)
                state = disk["state"] if alive and disk is not None else None
                track.steps["disk"].set(at, DeviceState(state) if state else DeviceState.DELETED)
                track.steps["failed"].set(at, there and disk is not None and states[disk["dev_t"]] == "F")

    # --- what follows from it -----------------------------------------------------------------------------------------

    def _complete(self, track: Track) -> None:
        """Add what the recorder has not read: silence, the checker, whether a loss was seen, and the words."""
        track.joined += [deed.span.begin for deed in self.deeds if deed.kind == "multipathd reconfigured"]
        for at, usable in self._usable(track):
            track.steps["usable"].set(at, usable)
        track.steps["checker"] = self._checker(track)
        lost = track.steps["lost"]
        out, up_since, gone_since = False, float("-inf"), None
        # The last moments are those at which a loss, or a return, has lasted for long enough.
        moments = sorted({at for steps in track.steps.values() for at in steps.moments})
        extra = {at + after for at in moments for after in (SURE_AFTER, SEEN_UP_AFTER)}
        for at in sorted({*moments, *extra}):
            raw = track.raw(at)
            if raw.gone:
                gone_since = at if gone_since is None else gone_since
                sure = at - gone_since >= SURE_AFTER - 0.001
                lost.set(at, True if sure else lost.at(at) or None)
            else:
                gone_since = None
            raw = track.raw(at)
            now = words(raw, out=out)
            if now <= USABLE:
                up_since = at if up_since == float("-inf") else up_since
                if lost.at(at) is not False:
                    lost.set(at, False if at - up_since >= SEEN_UP_AFTER - 0.001 else None)
            else:
                up_since = float("-inf")
            out = bool(now & OUT)
            track.words.set(at, now)

    def _usable(self, track: Track) -> list[tuple[float, Words]]:
        """Whether a session that carries I/O is silent, or its interface carries nothing: as the simulator's oracle."""
        portal, carriers, heard = track.portal, self.carriers[self.interfaces[track.portal]], self.heard[track.portal]
        moments = {0.0}
        for at in carriers.moments:
            moments |= {at, at + READ_WITHIN}
        moments |= set(self.sessions[portal].moments if portal in self.sessions else ())
        recv = {
            float(line["recv_tmo"]) for line in self._of("session") if line["portal"] == portal and line["recv_tmo"]
        }
        limits = {each + GRACE for each in recv if each}
        moments |= {at + limit for at, _ in self.sessions.get(portal, Steps[Line]({})) for limit in limits}
        for before, after in zip(heard, [*heard[1:], self.end], strict=True):
            for limit in limits:
                if after - before > limit:
                    moments |= {before + limit, before + limit + WARNS_WITHIN, after, after + READ_WITHIN}
        # Also a moment later, so that nothing is missed by a rounding.
        moments |= {at + MOMENT for at in moments}
        return [(at, self._usable_at(portal, carriers, heard, at)) for at in sorted(moments)]

    def _usable_at(self, portal: str, carriers: Steps[bool], heard: list[float], at: float) -> Words:
        session = self.session(portal, at)
        if session.get("connection") != "up" or session.get("state") != "LOGGED_IN":
            return USABLE
        changed = max((each for each in carriers.moments if each <= at), default=float("-inf"))
        if not carriers.at(at):
            return USABLE if at - changed < READ_WITHIN else SUSPECT
        just_now = at - changed < READ_WITHIN
        position = bisect.bisect_right(heard, at)
        if not position or not int(session["recv_tmo"] or 0) or not int(session["ping_tmo"] or 0):
            return USABLE if just_now or not position else UP
        last, limit = heard[position - 1], float(session["recv_tmo"]) + GRACE
        if position > 1 and last - heard[position - 2] > limit and at - last < READ_WITHIN:
            # A new connection has not been silent.
            return USABLE if heard[position - 2] >= self._login(portal, at) else UP
        if at - max(last, session["mono"]) < limit:
            return USABLE if just_now or at - last >= limit else UP
        return USABLE if at - last < limit + WARNS_WITHIN else SUSPECT

    def _login(self, portal: str, at: float) -> float:
        """When the session to a portal was logged in last."""
        login, before = float("-inf"), ""
        for moment, line in self.sessions[portal]:
            if moment > at:
                break
            if line["state"] == "LOGGED_IN" != before:
                login = moment
            before = line["state"]
        return login

    def _checker(self, track: Track) -> Steps[frozenset[CheckerState]]:
        """What multipathd's checker may report: faulty while something is wrong, and until it has checked again.

        When dm has failed a path, multipathd lets it be used again as soon as a check finds it up.
        """
        wrong: list[Span] = []
        begin: float | None = None
        for at in sorted({at for name in ("member", "session", "disk", "failed") for at in track.steps[name].moments}):
            raw = track.raw(at)
            trouble = raw.gone or raw.failed
            if trouble and begin is None:
                begin = at
            elif not trouble and begin is not None:
                wrong.append(Span(begin, at if track.steps["failed"].at(at - MOMENT) else at + CHECKED_AFTER))
                begin = None
        if begin is not None:
            wrong.append(Span(begin, self.end))
        numbers = self.numbers(track.portal)
        wrong += [
            Span(deed.span.begin, deed.span.end + CHECKED_AFTER)
            for deed in self.deeds
            if deed.number in numbers and deed.kind == "LUN not ready"
        ]
        absent = [deed.span for deed in self.deeds if deed.kind in ABSENT]
        wrong += [
            Span(span.begin, away.end + CHECKED_AFTER)
            for span in wrong
            for away in absent
            if away.touches(span.begin, span.end)
        ]
        checker = Steps(WORKS)
        for at in sorted({moment for span in wrong for moment in (span.begin, span.end + MOMENT)}):
            checker.set(at, MAY_BE_FAULTY if any(span.touches(at, at) for span in wrong) else WORKS)
        return checker


def _first() -> dict[str, Steps[Any]]:
    default = Raw()
    return {
        "member": Steps(default.member),
        "session": Steps(default.session),
        "disk": Steps(default.disk),
        "failed": Steps(default.failed),
        "checker": Steps(WORKS),
        "usable": Steps(USABLE),
        "lost": Steps(None),
    }
