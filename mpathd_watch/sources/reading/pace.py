"""When a source reads again: in rounds that cost little, at once when woken, and ever later while reads fail."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

SHARE = 200
"""A round of reads is repeated no sooner than after this many times its own duration: half a percent of the time."""


class Round:
    """A round of reads that is repeated ``every`` so many seconds, and less often where it takes long.

    ``due`` is when the next one is to begin, by ``clock``.
    """

    def __init__(self, clock: Callable[[], float], every: float) -> None:
        self.due = float("-inf")
        self._clock = clock
        self._every = every

    async def run(self, reading: Awaitable[None]) -> float:
        """Read, and return the seconds that it took."""
        began = self._clock()
        await reading
        took = self._clock() - began
        self.postpone(took)
        return took

    def postpone(self, took: float) -> None:
        """Put off the next round as if one had just ended that took so many seconds."""
        self.due = self._clock() + max(self._every, SHARE * took)


class Backoff:
    """The pause before the next try: ``shortest`` seconds at first, then twice as long each time, up to ``longest``."""

    def __init__(self, shortest: float, longest: float) -> None:
        self._shortest = shortest
        self._longest = longest
        self._pause = shortest

    def next(self) -> float:
        """Seconds to wait after this failure."""
        pause = self._pause
        self._pause = min(2 * pause, self._longest)
        return pause

    def reset(self) -> None:
        """Begin with the shortest pause again: a try succeeded, or there is reason to hope so."""
        self._pause = self._shortest


async def wait_at_most(event: asyncio.Event, seconds: float) -> None:
    """Wait until ``event`` is set, but no longer than that."""
    try:
        async with asyncio.timeout(seconds):  # not wait_for: until Python 3.12 it could swallow a cancellation
            await event.wait()
    except TimeoutError:
        return
