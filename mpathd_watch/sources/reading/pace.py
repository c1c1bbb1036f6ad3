"""When a source reads again: in rounds, after a wake, or after a pause that grows with each failure."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

SHARE = 200
"""A round of reads is repeated after this many times its own duration at the earliest: it takes 0.5 % of the time."""


class Round:
    """A round of reads, repeated at intervals of ``every`` seconds, or longer ones if the reads take long.

    ``due`` is the time of the next round by ``clock``. If one round takes longer than the one before, the shorter time
    counts: it has probably waited for a lock, which costs nothing. After a wait of 5 s the next round would otherwise
    follow a quarter of an hour later.
    """

    def __init__(self, clock: Callable[[], float], every: float) -> None:
        self.due = float("-inf")
        self._clock = clock
        self._every = every
        self._before = float("inf")

    def postpone(self, took: float) -> None:
        """Postpone the next round: one has just ended that took ``took`` seconds."""
        self.due = self._clock() + max(self._every, SHARE * min(took, self._before))
        self._before = took


class Backoff:
    """The pause before the next attempt: ``shortest`` seconds, doubled at each failure up to ``longest``."""

    def __init__(self, shortest: float, longest: float) -> None:
        self._shortest = shortest
        self._longest = longest
        self._pause = shortest

    def next(self) -> float:
        """The seconds to wait after this failure."""
        pause = self._pause
        self._pause = min(2 * pause, self._longest)
        return pause

    def reset(self) -> None:
        """Start with the shortest pause again: an attempt succeeded, or the next one probably will."""
        self._pause = self._shortest


async def wait_at_most(event: asyncio.Event, seconds: float) -> None:
    """Wait until ``event`` is set, at most ``seconds``."""
    try:
        async with asyncio.timeout(seconds):  # not wait_for: before Python 3.12 it could swallow a cancellation
            await event.wait()
    except TimeoutError:
        return
