"""The clock of a simulation: what happens when, always in the same order for the same seed."""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable
from dataclasses import dataclass

from mpathd_watch.core.model.instant import Instant

MONOTONIC_AT_START = 1000.0
WALL_AT_START = 1_700_000_000.0

Action = Callable[[], None]


@dataclass(slots=True)
class Timer:
    """An action at a moment."""

    moment: float
    action: Action | None

    def cancel(self) -> None:
        """Do nothing when the moment comes."""
        self.action = None


class Clock:
    """Runs actions in the order of their moments. ``now`` is CLOCK_MONOTONIC in seconds."""

    def __init__(self) -> None:
        self.now = MONOTONIC_AT_START
        self.wall_ahead = WALL_AT_START - MONOTONIC_AT_START
        self._timers: list[tuple[float, int, Timer]] = []
        """Each with its moment, and a number that decides between actions at the same moment."""
        self._order = 0

    @property
    def instant(self) -> Instant:
        """Both clocks now."""
        return Instant(self.now, self.now + self.wall_ahead)

    def at(self, moment: float, action: Action) -> Timer:
        """Run ``action`` at ``moment``, or now if that has passed."""
        self._order += 1
        timer = Timer(max(moment, self.now), action)
        heapq.heappush(self._timers, (timer.moment, self._order, timer))
        return timer

    def after(self, seconds: float, action: Action) -> Timer:
        """Run ``action`` in ``seconds``."""
        return self.at(self.now + seconds, action)

    @property
    def next(self) -> float | None:
        """When the next action is due; ``None`` if there is none."""
        while self._timers and self._timers[0][2].action is None:
            heapq.heappop(self._timers)
        return self._timers[0][0] if self._timers else None

    def step(self) -> None:
        """Run the next action at its moment."""
        self.now, _, timer = heapq.heappop(self._timers)
        if timer.action is not None:
            timer.action()

    def run(self, until: float) -> None:
        """Run what is due up to ``until``."""
        while self._timers and self._timers[0][0] <= until:
            self.now, _, timer = heapq.heappop(self._timers)
            if timer.action is not None:
                timer.action()
        self.now = max(self.now, until)


def on_grid(moment: float, origin: float, every: float) -> float:
    """The first moment of the grid ``origin + n * every`` (n at least 1) that is not before ``moment``."""
    return origin + max(1, math.ceil((moment - origin) / every - 1e-9)) * every
