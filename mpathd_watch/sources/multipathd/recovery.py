"""When multipathd is asked again after it failed to answer."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable

from mpathd_watch.sources.multipathd.client import not_running
from mpathd_watch.sources.multipathd.presence import Presence
from mpathd_watch.sources.reading.availability import Availability
from mpathd_watch.sources.reading.pace import Backoff


class Recovery:
    """Waits after a failure until another try is worthwhile.

    The next try follows after the pause that ``backoff`` gives. Meanwhile a look each ``presence_every`` seconds shows
    whether multipathd stopped, or was started again and can be asked at once.
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
        """Note that multipathd has just failed to answer, as the process that it is now."""
        self._failed_pid = self._presence().pid
        self._retry_at = self._clock() + self._backoff.next()

    def succeeded(self) -> None:
        """Note that multipathd has answered."""
        self._backoff.reset()

    async def wait(self) -> None:
        """Wait until a try is worthwhile, and report it if multipathd does not run any more."""
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
