"""The kernel's uevents, and what it reports of connections by NETLINK_ISCSI and of interfaces by rtnetlink."""

from __future__ import annotations

from random import Random
from typing import Any

from mpathd_watch.core.events import ConnectionFailed, Event, EventsLost, NetworkRead
from mpathd_watch.core.model.vocabulary import SourceName
from mpathd_watch.core.step import gathered
from mpathd_watch.sources.uevent.parse import in_order
from tests.sim.clock import Clock
from tests.sim.sources.source import Emit, Listener
from tests.sim.world.changes import What
from tests.sim.world.host import World

MOST_LATE = 0.5


class Uevents(Listener):
    """The uevent socket. ``losing``: its buffer overflows. ``late``: what comes is late, and out of order."""

    def __init__(self, clock: Clock, random: Random, emit: Emit, world: World) -> None:
        super().__init__(SourceName.UEVENT, clock, random, emit, world=world)
        self.losing = False
        self.late = False
        self.lost_at: float | None = None
        self._lost = False
        self._batch: list[Event] = []

    def lose(self, *, losing: bool) -> None:
        """The buffer is full, or drained again: then the loss is reported."""
        self.losing = losing
        if not losing and self._lost:
            self._lost = False
            self.lost_at = self.clock.now
            self.emit(EventsLost())

    def _changed(self, what: What, thing: Any) -> None:
        if what is not What.UEVENT:
            return
        if self.losing:
            self._lost = True
            return
        latency = self.random.uniform(*self._world.laws.uevent)
        if self.late:
            latency += self.random.uniform(0.0, MOST_LATE)
            self.clock.after(latency, lambda: self._deliver([thing]))
            return
        if not self._batch:
            self.clock.after(latency, self._drain)
        self._batch.append(thing)

    def _drain(self) -> None:
        batch, self._batch = self._batch, []
        self._deliver(in_order(batch))

    def _deliver(self, events: list[Event]) -> None:
        for event in gathered(events):
            self.emit(event)


class KernelErrors(Listener):
    """NETLINK_ISCSI. ``losing``: what is sent does not arrive."""

    def __init__(self, clock: Clock, random: Random, emit: Emit, world: World) -> None:
        super().__init__(SourceName.ISCSI, clock, random, emit, world=world)
        self.losing = False

    def _changed(self, what: What, thing: Any) -> None:
        if what is What.ERROR and not self.losing:
            session, error = thing
            event = ConnectionFailed(session.sid, error)
            self.clock.after(self.random.uniform(*self._world.laws.netlink), lambda: self.emit(event))


class Network(Listener):
    """rtnetlink: all interfaces at the start, and whenever one has changed."""

    def __init__(self, clock: Clock, random: Random, emit: Emit, world: World) -> None:
        super().__init__(SourceName.NETWORK, clock, random, emit, world=world)
        self._reading = False

    def begin(self) -> None:
        """Read all, and listen."""
        super().begin()
        self._read()

    def _changed(self, what: What, _: Any) -> None:
        if what is What.LINK and not self._reading:
            self._reading = True
            self.clock.after(self.random.uniform(*self._world.laws.carrier_reported), self._read)

    def _read(self) -> None:
        self._reading = False
        self.emit(NetworkRead(tuple(link.facts() for link in self._world.links)))
