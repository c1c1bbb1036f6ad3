"""The beat of the loop, which shows that it is alive."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from mpathd_watch.sinks.notify import Notifier

HEARTBEAT = 1.0
"""Seconds between two beats. A beat feeds the watchdog and updates STATUS; ``/healthz`` reads its age."""


class Pulse:
    """Notifies the service manager that the loop works, and of the daemon's status. ``run`` it as a task.

    ``clock`` returns CLOCK_MONOTONIC seconds, and ``status`` the status in one line.
    """

    def __init__(self, notifier: Notifier, clock: Callable[[], float], status: Callable[[], str]) -> None:
        self.ready = False
        """Whether the start is complete."""
        self._notifier = notifier
        self._clock = clock
        self._status = status
        self._beat = clock()

    def start_is_complete(self) -> None:
        """Notify the service manager of it, and of the status from then on."""
        self.ready = True
        self._notifier.ready(self._status())

    def age(self) -> float:
        """Seconds since the last beat. Any thread may call it."""
        return self._clock() - self._beat

    async def run(self) -> None:
        """Beat until cancelled."""
        fed = float("-inf")
        while True:
            self._beat = now = self._clock()
            interval = self._notifier.interval
            if interval is not None and now - fed >= interval - HEARTBEAT:
                self._notifier.watchdog()
                fed = now
            if self.ready:
                self._notifier.status(self._status())
            self._notifier.retry()
            await asyncio.sleep(HEARTBEAT)
