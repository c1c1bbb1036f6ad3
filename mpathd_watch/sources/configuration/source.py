"""Tells what configures multipathd and iscsid, at the start and when it has changed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

from mpathd_watch.core.configuration import Configuration, Reason, Unreadable
from mpathd_watch.core.events import ConfigurationRead, Event, SourceErrors
from mpathd_watch.core.formats.multipath_conf import Version
from mpathd_watch.core.model.vocabulary import SourceName
from mpathd_watch.sources.configuration.root_only import from_child
from mpathd_watch.sources.configuration.survey import Survey
from mpathd_watch.sources.reading.pace import wait_at_most
from mpathd_watch.sources.reading.worker import StalledError, Worker

LOOK_EVERY = 5.0
"""Seconds between looks whether a file has changed: one ``stat`` a file."""
DEADLINE = 45.0
"""Seconds that a look may take; it may have a process of our own started, which has a deadline itself."""


class ConfigurationSource:
    """Emits ``ConfigurationRead``, and ``SourceErrors`` where the files are on something that hangs.

    The files are below ``root``; what only root can read is in the file ``handed_over``, or if there is none is read
    as far as that is allowed. ``run`` it as a task; ``wake`` may be called at any time from the same loop.
    """

    def __init__(
        self,
        emit: Callable[[Event], None],
        clock: Callable[[], float],
        root: Path = Path("/"),
        handed_over: Path | None = None,
        *,
        look_every: float = LOOK_EVERY,
        deadline: float = DEADLINE,
    ) -> None:
        self._emit = emit
        self._root = root
        self._look_every = look_every
        self._deadline = deadline
        self._survey = Survey(root, handed_over, from_child, clock)
        self._worker = Worker("configuration")
        self._told: Configuration | None = None
        self._stalled = False
        self._again = False
        self._bell = asyncio.Event()

    @property
    def version(self) -> Version | None:
        """The multipath-tools that is installed, the newest where nobody knows; ``None`` before the first look."""
        return None if self._told is None else self._told.grammar

    def wake(self) -> None:
        """Read everything again now, changed or not."""
        self._again = True
        self._bell.set()

    async def run(self) -> None:
        """Read until cancelled."""
        while True:
            await self._look()
            await wait_at_most(self._bell, self._look_every)
            self._bell.clear()

    async def _look(self) -> None:
        again, self._again = self._again, False
        try:
            found = await self._worker.run(self._survey.again if again else self._survey.look, self._deadline)
        except StalledError:
            # What hangs may have been the very look that was asked for.
            self._again = again
            self._tell_stalled()
            return
        self._stalled = False
        self._tell(found)

    def _tell_stalled(self) -> None:
        if self._stalled:
            return
        self._stalled = True
        self._emit(SourceErrors(SourceName.CONFIG, "timeout", 1))
        if self._told is None:
            etc = str(self._root / "etc")
            text = f"reading what is there has not ended within {self._deadline:g} s; see dmesg"
            self._tell(Configuration(unreadable=(Unreadable(etc, Reason.FAILED, text),)))

    def _tell(self, found: Configuration) -> None:
        if found != self._told:
            self._told = found
            self._emit(ConfigurationRead(found))
