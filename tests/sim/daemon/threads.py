"""What stands for a thread of the daemon: its reads take virtual time, and may hang."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from random import Random
from typing import Any

from mpathd_watch.sources.reading.worker import settle
from tests.sim.clock import Clock
from tests.sim.laws import Range

Job = Callable[[], Any]


class Thread:
    """Does one job at a time. ``took``: the range of seconds that one takes; it looks at the world in between."""

    def __init__(
        self,
        clock: Clock,
        random: Random,
        took: Range,
        hangs: Callable[[], bool],
        look: Callable[[], None] = lambda: None,
    ) -> None:
        self.began: float | None = None
        """When the job was begun that is being done."""
        self.last = clock.now
        """When the last job was submitted."""
        self.ended = clock.now
        """When the last job ended."""
        self._clock = clock
        self._random = random
        self._took = took
        self._hangs = hangs
        self._look = look
        self._jobs: deque[tuple[Job, asyncio.Future[Any]]] = deque()
        self._stuck: tuple[Job, asyncio.Future[Any], float] | None = None

    def submit(self, job: Job, future: asyncio.Future[Any]) -> None:
        """As the thread of a ``Worker``."""
        self.last = self._clock.now
        self._jobs.append((job, future))
        if self.began is None:
            self._begin()

    def release(self) -> None:
        """What has hung returns."""
        stuck, self._stuck = self._stuck, None
        if stuck is not None:
            self._clock.after(self._random.uniform(0.0, 0.1), lambda: self._work(*stuck))

    def _begin(self) -> None:
        self.began = self._clock.now
        self._look()
        job, future = self._jobs.popleft()
        took = self._random.uniform(*self._took)
        first = took * self._random.random()
        self._clock.after(first, lambda: self._work(job, future, took - first))

    def _work(self, job: Job, future: asyncio.Future[Any], rest: float) -> None:
        if self._hangs():
            self._stuck = job, future, rest
            return
        outcome = _outcome(job)
        self._clock.after(rest, lambda: self._end(future, outcome))

    def _end(self, future: asyncio.Future[Any], outcome: Job) -> None:
        self.began, self.ended = None, self._clock.now
        settle(future, outcome)
        if self._jobs:
            self._begin()


def _outcome(job: Job) -> Job:
    """Do a job now; what is returned returns or raises later what it did."""
    try:
        result = job()
    except Exception as error:  # noqa: BLE001  # whatever it is, the worker passes it on
        failure = error

        def fail() -> Any:
            raise failure

        return fail
    return lambda: result
