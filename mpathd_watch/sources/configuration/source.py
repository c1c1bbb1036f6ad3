"""Reports the configuration of multipathd and iscsid, at the start and after each change."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

from mpathd_watch.core.configuration import Configuration, Reason, Unreadable
from mpathd_watch.core.events import ConfigurationRead, DmStatusRead, Event, SourceErrors
from mpathd_watch.core.formats.multipath_conf import Version
from mpathd_watch.core.model.vocabulary import SourceName
from mpathd_watch.sources.configuration.root_only import from_child
from mpathd_watch.sources.configuration.survey import Survey
from mpathd_watch.sources.reading.pace import wait_at_most
from mpathd_watch.sources.reading.worker import StalledError, Worker

CHECK_EVERY = 5.0
"""Seconds between checks whether a file has changed, with one ``stat`` a file."""
DEADLINE = 45.0
"""Seconds that a check may take. It may start a child process, which has a deadline of its own."""


class ConfigurationSource:
    """Emits ``ConfigurationRead``, ``DmStatusRead``, and ``SourceErrors`` if the file system hangs.

    The files are below ``root``. What only root can read is in the file ``handed_over``; without that file it is read
    as far as that is allowed. ``run`` it as a task; ``wake`` may be called at any time from the same loop. ``survey``
    reads the files; ``worker`` returns a new worker of a name.
    """

    def __init__(
        self,
        emit: Callable[[Event], None],
        clock: Callable[[], float],
        root: Path = Path("/"),
        handed_over: Path | None = None,
        *,
        check_every: float = CHECK_EVERY,
        deadline: float = DEADLINE,
        survey: Survey | None = None,
        worker: Callable[[str], Worker] = Worker,
    ) -> None:
        self._emit = emit
        self._root = root
        self._check_every = check_every
        self._deadline = deadline
        self._survey = survey or Survey(root, handed_over, from_child, clock)
        self._worker = worker("configuration")
        self._reported: Configuration | None = None
        self._dm: DmStatusRead | None = None
        self._stalled = False
        self._everything = False
        self._wake = asyncio.Event()

    @property
    def version(self) -> Version | None:
        """The installed version of multipath-tools, the newest if it is unknown; ``None`` before the first report."""
        return None if self._reported is None else self._reported.grammar

    def wake(self) -> None:
        """Read everything again now, even if nothing has changed."""
        self._everything = True
        self._wake.set()

    async def run(self) -> None:
        """Read until cancelled."""
        while True:
            await self._read()
            await wait_at_most(self._wake, self._check_every)
            self._wake.clear()

    async def _read(self) -> None:
        everything, self._everything = self._everything, False
        try:
            found = await self._worker.run(
                self._survey.read if everything else self._survey.read_changes, self._deadline
            )
        except StalledError:
            # The call that hangs may be the requested one: keep the request.
            self._everything = everything
            self._report_stalled()
            return
        self._stalled = False
        self._report(found)
        if self._survey.dm not in (None, self._dm):
            self._dm = self._survey.dm
            self._emit(self._dm)

    def _report_stalled(self) -> None:
        if self._stalled:
            return
        self._stalled = True
        self._emit(SourceErrors(SourceName.CONFIGURATION, "timeout", 1))
        if self._reported is None:
            etc = str(self._root / "etc")
            text = f"reading the files in it did not end within {self._deadline:g} s; see dmesg"
            self._report(Configuration(unreadable=(Unreadable(etc, Reason.FAILED, text),)))

    def _report(self, found: Configuration) -> None:
        if found != self._reported:
            self._reported = found
            self._emit(ConfigurationRead(found))
