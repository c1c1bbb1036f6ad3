"""When the local ends of the sessions are read: with each full scan, and after a login."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping

from mpathd_watch.sources.iscsi.local_ends import LocalEnd, LocalEnds
from mpathd_watch.sources.reading.attributes import Attributes
from mpathd_watch.sources.reading.availability import Availability
from mpathd_watch.sources.reading.pace import wait_at_most
from mpathd_watch.sources.reading.poller import reason_of
from mpathd_watch.sources.reading.worker import StalledError, Worker

ENDS_DEADLINE = 2.0
"""Seconds that a full scan waits for the local ends, each of which takes a lock."""
ENDS_APART = 3.0
"""Seconds between two readings besides full scans, doubled after each reading that found no change."""
LONGEST_APART = 60.0
"""The longest such pause."""


class CurrentEnds:
    """The local ends as last read. ``run`` it as a task.

    Reading takes the locks of sockets and therefore has a separate thread: a connection that hangs delays nothing else.
    ``worker`` returns a new worker of a name.
    """

    def __init__(self, reader: LocalEnds, availability: Availability, worker: Callable[[str], Worker] = Worker) -> None:
        self.known: Mapping[int, LocalEnd] = {}
        self._reader = reader
        self._availability = availability
        self._worker = worker("iscsi-ends")
        self._changed = False
        self._wake = asyncio.Event()
        self._login = asyncio.Event()

    def take_changed(self) -> Mapping[int, LocalEnd] | None:
        """The ends if they changed since the last call of this method or ``take``; else ``None``."""
        return self.take() if self._changed else None

    def take(self) -> Mapping[int, LocalEnd]:
        """The ends."""
        self._changed = False
        return self.known

    def wake(self) -> None:
        """Read soon: a session may have a new connection."""
        self._wake.set()

    def wake_after_login(self) -> None:
        """Read as soon as possible: a session has a new connection."""
        self._login.set()
        self._wake.set()

    async def run(self) -> None:
        """Read after each wake until cancelled, and report what could not be read."""
        pause = ENDS_APART
        while True:
            await self._wake.wait()
            self._wake.clear()
            self._login.clear()
            before = self.known
            self._availability.report_problems(await self.read())
            changed = self.known != before
            self._changed |= changed
            pause = ENDS_APART if changed else min(2 * pause, LONGEST_APART)
            await asyncio.sleep(ENDS_APART)
            await wait_at_most(self._login, pause - ENDS_APART)

    async def read(self) -> Counter[str]:
        """Read now, and return what could not be read. A failure does not put the source down."""

        def read() -> tuple[Mapping[int, LocalEnd], Counter[str]]:
            attributes = Attributes()
            return self._reader.read(attributes), attributes.problems

        try:
            self.known, problems = await self._worker.run(read, ENDS_DEADLINE)
        except (StalledError, OSError) as error:
            return Counter({reason_of(error): 1})
        return problems
