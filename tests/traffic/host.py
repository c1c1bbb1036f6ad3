"""The core on a host of one map, fed with what the sources would read of its traffic, at the moments when they do.

Disks are read every 5 s, as ``sources/sysfs/source.py`` does, and when the core asks for it; the connections every 5 s.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from mpathd_watch.core.catalog.alerts import AlertKind
from mpathd_watch.core.effects import Alert, Refresh, Scope
from mpathd_watch.core.events import DevicesRead, Event, SessionsRead, Tick
from mpathd_watch.core.model.facts import DeviceFacts, IoFacts, TcpFacts
from mpathd_watch.core.model.instant import Instant
from mpathd_watch.core.model.vocabulary import AccessState
from mpathd_watch.core.step import next_deadline, step
from mpathd_watch.sources.iscsi.session_source import TIMEOUTS_EVERY
from mpathd_watch.sources.sysfs.source import DISKS_EVERY
from tests.story import START, San, Story
from tests.traffic.model import Path, Traffic

READ = 0.01
"""Seconds from a request of the core until the disks have been read."""


@dataclass
class Said:
    """An alert about a slow path, or its end."""

    at: float
    event: str
    path: int
    message: str


class Host:
    """One map, each path through a session of its own. ``states``: the paths' access states, if the array has any."""

    def __init__(self, traffic: Traffic, states: tuple[AccessState, ...] = (), *, phase: float = 0.0) -> None:
        self.traffic = traffic
        count = len(traffic.paths)
        san = San.of(["mpio"], [f"192.168.{number}.1" for number in range(count)])
        if states:
            san = san.grouped(**{f"g{number + 1}": state for number, state in enumerate(states)})
        story = Story(san).begun()
        self._devices = list(san.devices.values())
        self._sessions = [replace(session, recv_tmo=0) for session in san.sessions.values()]
        self._state = story.state
        self._labels = {f"192.168.{number}.1:3260": number for number in range(count)}
        self._round = phase
        self._tcp = phase / 2
        self._asked: float | None = None
        self.said: list[Said] = []
        self.readings = 0

    def run(self, until: float) -> None:
        """Go on to this second of the traffic."""
        while True:
            deadline = next_deadline(self._state)
            tick = until + 1 if deadline is None else max(self.traffic.now, deadline - START.monotonic)
            now = min(self._round, self._tcp, tick, until + 1 if self._asked is None else self._asked)
            if now > until:
                break
            self.traffic.advance(now)
            if now == self._asked:
                self._asked = None
                self._feed(self._read(closely=True), now)
            elif now == self._round:
                self._round = now + DISKS_EVERY
                self._feed(self._read(closely=False), now)
            elif now == self._tcp:
                self._tcp = now + TIMEOUTS_EVERY
                self._feed(self._connections(), now)
            else:
                self._feed(Tick(), now)
        self.traffic.advance(until)

    def _feed(self, event: Event, now: float) -> None:
        self._state, effects = step(self._state, event, Instant(START.monotonic + now, START.wall + now))
        for effect in effects:
            if isinstance(effect, Alert) and effect.kind in (AlertKind.PATH_SLOW, AlertKind.PATH_STEADY):
                path = self._labels[effect.fields["PATH"]]
                self.said.append(Said(now, effect.kind.event, path, effect.message))
            elif isinstance(effect, Refresh) and effect.scope is Scope.DEVICES and self._asked is None:
                self._asked = now + READ

    def _read(self, *, closely: bool) -> DevicesRead:
        self.readings += 1
        fresh = [_device(device, path, closely) for device, path in zip(self._devices, self.traffic.paths, strict=True)]
        changed = [new for new, old in zip(fresh, self._devices, strict=True) if closely or new.io != old.io]
        self._devices = fresh
        return DevicesRead(tuple(changed), requested=START.monotonic + self.traffic.now)

    def _connections(self) -> SessionsRead:
        for number, path in enumerate(self.traffic.paths):
            tcp = TcpFacts(rtt=None, retransmits=path.retransmits, backoff=0, heard=None)
            self._sessions[number] = replace(self._sessions[number], tcp=tcp)
        return SessionsRead(tuple(self._sessions), START.monotonic + self.traffic.now)


def _device(device: DeviceFacts, path: Path, closely: bool) -> DeviceFacts:
    times = int(path.read_time * 1000), int(path.write_time * 1000)
    io = IoFacts(path.reads, times[0], path.writes, times[1], path.read_sectors, path.write_sectors)
    return replace(device, io=io, in_flight=0 if closely else None)
