"""When multipathd is asked again after it did not answer."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable

from mpathd_watch.sources.multipathd.client import not_running
from mpathd_watch.sources.multipathd.presence import Presence
from mpathd_watch.sources.reading.availability import Availability
from mpathd_watch.sources.reading.pace import Backoff


class Recovery:
    """Waits after a failure until the next attempt.

    The next attempt follows after the pause of ``backoff``. Meanwhile the process is checked at intervals of
    ``presence_every`` seconds: it may have stopped, or it may be a new one, which is asked at once.
    """

    def __init__(
        self,
        availability: Availability,
        presence: Callable[[], Presence],
        clock: Callable[[], float],
        backoff: Backoff,
        presence_every: float,
    ) -> None:
        self._availability = availability
        self._presence = presence
        self._clock = clock
        self._backoff = backoff
        self._presence_every = presence_every
        self._retry_at = -math.inf
        self._failed_pid: int | None = None

    def failed(self) -> None:
        """Note that multipathd did not answer, and which process it is."""
        self._failed_pid = self._presence().pid
        self._retry_at = self._clock() + self._backoff.next()

    def succeeded(self) -> None:
        """Note that multipathd answered."""
        self._backoff.reset()

    async def wait(self) -> None:
        """Wait until the next attempt, and report it if multipathd is not running any more."""
        while True:
            presence = self._presence()
            wait = self._presence_every
            if not presence.running:
                self._failed_pid = None
                error = not_running(presence)
                self._availability.report_down(error.reason, error.detail)
            elif presence.pid != self._failed_pid:
                self._backoff.reset()
                return
            else:
                wait = min(wait, self._retry_at - self._clock())
            if wait <= 0:
                return
            await asyncio.sleep(wait)
