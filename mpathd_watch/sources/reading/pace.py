"""When a source reads again: in rounds, after a wake, or after a pause that grows with each failure."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import TypeVar

Result = TypeVar("Result")

SHARE = 200
"""A round of reads is repeated after this many times its own cost at the earliest: it takes 0.5 % of a processor."""


class Cost:
    """The processor time of reads on the thread of a ``Worker``, in ``seconds``. ``clock`` measures it there.

    Waiting for a lock costs nothing. On a host where reads wait for seconds now and then, rounds that took their whole
    duration for a cost were a quarter of an hour apart.
    """

    def __init__(self, clock: Callable[[], float] = time.thread_time) -> None:
        self.seconds = 0.0
        self._clock = clock

    def of(self, job: Callable[[], Result]) -> Callable[[], Result]:
        """``job``, whose cost is added."""

        def measured() -> Result:
            began = self._clock()
            try:
                return job()
            finally:
                self.seconds += self._clock() - began

        return measured


class Round:
    """A round of reads, repeated at intervals of ``every`` seconds, or longer ones if the reads cost much.

    ``due`` is the time of the next round by ``clock``.
    """

    def __init__(self, clock: Callable[[], float], every: float) -> None:
        self.due = float("-inf")
        self._clock = clock
        self._every = every

    def postpone(self, cost: float) -> None:
        """Postpone the next round: one has just ended that cost so many seconds."""
        self.due = self._clock() + max(self._every, SHARE * cost)


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
