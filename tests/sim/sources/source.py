"""What all sources have: whether they answer, and how the product learns of it."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

from mpathd_watch.core.events import Event, SourceAnswered, SourceDown, SourceUp
from mpathd_watch.core.model.vocabulary import SourceName
from tests.sim.clock import Clock
from tests.sim.world.changes import What
from tests.sim.world.host import World

Emit = Callable[[Event], None]


class Source:
    """One source. ``up``: whether it answers, as last reported to the product; ``None`` before."""

    def __init__(self, name: SourceName, clock: Clock, random: Random, emit: Emit) -> None:
        self.clock = clock
        self.random = random
        self.up: bool | None = None
        self.up_since = clock.now
        self.name = name
        self._reason = ""
        self._emit = emit
        self._closed = False

    def emit(self, event: Event) -> None:
        """Pass an event to the product, unless the daemon has ended."""
        if not self._closed:
            self._emit(event)

    def close(self) -> None:
        """The daemon ends."""
        self._closed = True

    @property
    def closed(self) -> bool:
        """Whether the daemon has ended."""
        return self._closed

    def report_up(self) -> None:
        """As ``Availability.report_up``."""
        if not self.up:
            self.up, self._reason, self.up_since = True, "", self.clock.now
            self.emit(SourceUp(self.name))

    def report_down(self, reason: str) -> None:
        """As ``Availability.report_down``."""
        self.up = False
        if reason != self._reason:
            self._reason = reason
            self.emit(SourceDown(self.name, reason, f"{self.name} does not answer: {reason}"))

    def report_unchanged(self) -> None:
        """It answered without news."""
        self.emit(SourceAnswered(self.name))


class Listener(Source):
    """A source that the kernel sends messages to, over a socket of its own."""

    def __init__(self, name: SourceName, clock: Clock, random: Random, emit: Emit, *, world: World) -> None:
        super().__init__(name, clock, random, emit)
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
        """Receive what a change in the world makes the kernel send."""
        raise NotImplementedError
