"""The kernel's uevents, and what it reports of connections by NETLINK_ISCSI and of interfaces by rtnetlink."""

from __future__ import annotations

from random import Random
from typing import Any

from mpathd_watch.core.events import ConnectionFailed, DmPathEvent, Event, EventsLost, NetworkRead
from mpathd_watch.core.model.vocabulary import SourceName
from tests.sim.clock import Clock
from tests.sim.sources.source import Emit, Source
from tests.sim.world.changes import What
from tests.sim.world.host import World

MOST_LATE = 0.5


class Uevents(Source):
    """The uevent socket. ``losing``: its buffer overflows. ``late``: what comes is late, and out of order."""

    def __init__(self, clock: Clock, random: Random, emit: Emit, world: World) -> None:
        super().__init__(SourceName.UEVENT, clock, random, emit)
        self.losing = False
        self.late = False
        self.lost_at: float | None = None
        self._lost = False
        self._world = world
        self._batch: list[Event] = []

    def begin(self) -> None:
        """Open the socket."""
        self._world.changes.listen(self._changed)
        self.report_up()

    def close(self) -> None:
        """Close the socket."""
        super().close()
        self._world.changes.silence(self._changed)

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
        self._deliver(sorted(batch, key=_seqnum))

    def _deliver(self, events: list[Event]) -> None:
        for event in events:
            self.emit(event)


def _seqnum(event: Event) -> int:
    """The order among path events; the others come where they came (``uevent.parse.in_order``)."""
    return event.seqnum or 0 if isinstance(event, DmPathEvent) else 0


class KernelErrors(Source):
    """NETLINK_ISCSI. ``losing``: what is sent does not arrive."""

    def __init__(self, clock: Clock, random: Random, emit: Emit, world: World) -> None:
        super().__init__(SourceName.ISCSI, clock, random, emit)
        self.losing = False
        self._world = world

    def begin(self) -> None:
        """Open the socket."""
        self._world.changes.listen(self._changed)
        self.report_up()

    def close(self) -> None:
        """Close the socket."""
        super().close()
        self._world.changes.silence(self._changed)

    def _changed(self, what: What, thing: Any) -> None:
        if what is What.ERROR and not self.losing:
            session, error = thing
            event = ConnectionFailed(session.sid, error)
            self.clock.after(self.random.uniform(*self._world.laws.netlink), lambda: self.emit(event))


class Network(Source):
    """rtnetlink: all interfaces at the start, and whenever one has changed."""

    def __init__(self, clock: Clock, random: Random, emit: Emit, world: World) -> None:
        super().__init__(SourceName.NETWORK, clock, random, emit)
        self._world = world
        self._reading = False

    def begin(self) -> None:
        """Read all, and listen."""
        self._world.changes.listen(self._changed)
        self.report_up()
        self._read()

    def close(self) -> None:
        """Close the socket."""
        super().close()
        self._world.changes.silence(self._changed)

    def _changed(self, what: What, _: Any) -> None:
        if what is What.LINK and not self._reading:
            self._reading = True
            self.clock.after(self.random.uniform(*self._world.laws.carrier_reported), self._read)

    def _read(self) -> None:
        self._reading = False
        self.emit(NetworkRead(tuple(link.facts() for link in self._world.links)))
