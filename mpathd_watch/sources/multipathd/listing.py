"""When one of multipathd's listings is requested, and what it held last."""

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
    """The listing that ``command`` requests, at intervals of ``every`` seconds, and sooner after a wake.

    Requests after wakes are at least ``wake_spacing`` seconds apart. A reply may take ``deadline`` seconds. ``last`` is
    what the last reply held; with ``None``, the next one is reported whatever it holds.
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
        """The time of the next request."""
        return min(self.routine, self.last_woken + self.wake_spacing) if self.woken else self.routine

    def begin(self, now: float) -> tuple[T, ...] | None:
        """Note a request at ``now``. Return what it held last; ``None`` if the reply must be reported in any case."""
        previous = None if self.woken else self.last
        if self.woken:
            self.last_woken = now
        self.woken = False
        self.routine = now + self.every
        self.last = None
        return previous

    def forget(self) -> None:
        """Request it as soon as possible, and report whatever it holds then."""
        self.routine = -math.inf
        self.last = None
