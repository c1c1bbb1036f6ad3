"""The timetable of one listing of multipathd's, and what it held last."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from mpathd_watch.core.events import Event
from mpathd_watch.sources.multipathd.replies import Parsed

T = TypeVar("T")


@dataclass(slots=True)
class Listing(Generic[T]):
    """What is asked for by ``command``, ``every`` so many seconds and sooner after a wake.

    Wakes are answered no more often than each ``wake_spacing``. A reply may take ``deadline``. ``last`` is what the
    last reply held; ``None``: the next one is reported whatever it holds.
    """

    command: str
    parse: Callable[[str], Parsed[T]]
    event: Callable[[tuple[T, ...], float], Event]
    every: float
    wake_spacing: float
    deadline: float
    routine: float = -math.inf
    woken: bool = False
    last_woken: float = -math.inf
    last: tuple[T, ...] | None = None

    def due(self) -> float:
        """When it is to be asked for next."""
        return min(self.routine, self.last_woken + self.wake_spacing) if self.woken else self.routine

    def begin(self, now: float) -> tuple[T, ...] | None:
        """Note that it is asked for now, and return what it held last, unless it is to be reported in any case."""
        previous = None if self.woken else self.last
        if self.woken:
            self.last_woken = now
        self.woken = False
        self.routine = now + self.every
        self.last = None
        return previous

    def forget(self) -> None:
        """Forget what it held: multipathd is down, and may hold something else when it answers again."""
        self.routine = -math.inf
        self.last = None
