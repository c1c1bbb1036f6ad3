"""Reads everything once without a daemon, for ``check``, and for ``status`` if no daemon is running."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator
from pathlib import Path

from mpathd_watch.config import Config
from mpathd_watch.core.configuration import Configuration
from mpathd_watch.core.events import ConfigurationRead, Event, Remembered, SettingsChanged, SourceUp
from mpathd_watch.core.formats.multipath_conf import NEWEST
from mpathd_watch.core.model.memory import Memory
from mpathd_watch.core.model.vocabulary import SourceName
from mpathd_watch.core.state import State
from mpathd_watch.core.step import shown_together
from mpathd_watch.daemon import clock
from mpathd_watch.daemon.engine import Outlets
from mpathd_watch.sinks.view import View
from mpathd_watch.sources.configuration import dm_status
from mpathd_watch.sources.iscsi.session_source import SessionSource
from mpathd_watch.sources.multipathd.client import MultipathdClient
from mpathd_watch.sources.multipathd.source import MultipathdSource
from mpathd_watch.sources.network.source import NetworkSource
from mpathd_watch.sources.reading.poller import Poller
from mpathd_watch.sources.sysfs.source import SysfsSource


class NoOutlets(Outlets):
    """Outlets that report nothing and have nothing read again."""

    def broken(self, event: Event, report: str) -> None:  # noqa: ARG002  # the event is in the report
        """Fail: a wrong result is worse than none."""
        raise RuntimeError(report)


def look_once(config: Config, configuration: Configuration | None = None, memory: Memory = Memory()) -> View:  # noqa: B008  # it is immutable
    """The present state of this host, by sysfs, multipathd, the network and its ``configuration``.

    ``memory``: what a daemon has kept, by which something may be missing.
    """
    reading = _Reading(config, configuration, memory)
    # The coroutines return nothing: at its end asyncio.run() of Python 3.11 makes a text of what one returns (an error
    # message that signal.getsignal() drops), and the events of 10,000 paths are a text of many megabytes.
    asyncio.run(reading.everything())
    state = reading.shown()
    if any(map_.unplaced for map_ in state.maps.values()):
        # Disks or sessions came or went meanwhile, or sysfs does not show what a disk hangs off.
        asyncio.run(reading.sysfs())
        state = reading.shown()
    return View(state, clock.now())


class _Reading:
    """The events of one reading: of the kernel's, and of those that are about what it has shown.

    Without ``SourceUp``: what a source has read shows as well that it answers.
    """

    def __init__(self, config: Config, configuration: Configuration | None, memory: Memory) -> None:
        self._config = config
        self._configuration = configuration
        self._kernel: list[Event] = [SettingsChanged.to(config.settings), Remembered(memory)]
        self._managers: list[Event] = []

    def shown(self) -> State:
        """What has been read until now."""
        configured = [] if self._configuration is None else [ConfigurationRead(self._configuration)]
        return shown_together([*self._kernel, *self._managers, *configured], clock.now())

    async def everything(self) -> None:
        """Read everything."""
        await NetworkSource(self._of_kernel, clock.monotonic).read_once()
        await self.sysfs()
        client = MultipathdClient(self._config.multipathd_socket)
        version = NEWEST if self._configuration is None else self._configuration.grammar
        multipathd = MultipathdSource(self._of_managers, client, clock.monotonic, version=lambda: version)
        answered = await multipathd.read_once()
        if not answered and (status := dm_status.read_here(Path(self._config.sysfs))):
            self._of_managers(status)

    async def sysfs(self) -> None:
        """Read sysfs."""
        poller = Poller(self._of_kernel, clock.monotonic, SourceName.SYSFS, Path(self._config.sysfs))
        await SysfsSource(poller, SessionSource(poller), once=True).read_once()

    def _of_kernel(self, *events: Event) -> None:
        self._kernel += _without_source_up(events)

    def _of_managers(self, *events: Event) -> None:
        self._managers += _without_source_up(events)


def _without_source_up(events: Iterable[Event]) -> Iterator[Event]:
    return (event for event in events if not isinstance(event, SourceUp))
