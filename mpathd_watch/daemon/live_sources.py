"""The live sources, wired to one engine."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from pathlib import Path

from mpathd_watch.config import Config
from mpathd_watch.core.effects import Refresh, Scope
from mpathd_watch.core.events import Event
from mpathd_watch.core.model.vocabulary import SourceName
from mpathd_watch.sources.configuration import ConfigurationSource
from mpathd_watch.sources.iscsi.kernel_errors import KernelErrorSource
from mpathd_watch.sources.iscsi.session_source import SessionSource
from mpathd_watch.sources.multipathd.client import MultipathdClient
from mpathd_watch.sources.multipathd.source import MultipathdSource
from mpathd_watch.sources.network.source import NetworkSource
from mpathd_watch.sources.reading.poller import Poller
from mpathd_watch.sources.sysfs.source import SysfsSource
from mpathd_watch.sources.uevent.source import UeventSource


class Watching:
    """uevents, iSCSI errors, the network, sysfs, multipathd and the configuration of this host.

    Each emits into ``emit``.

    ``root`` and ``handed_over`` as in ``ConfigurationSource``.
    """

    def __init__(self, config: Config, emit: Callable[[Event], None], root: Path, handed_over: Path | None) -> None:
        sysfs = Path(config.sysfs)
        self.uevent = UeventSource(emit)
        self.kernel_errors = KernelErrorSource(emit, sysfs)
        self.network = NetworkSource(emit, time.monotonic)
        poller = Poller(emit, time.monotonic, SourceName.SYSFS, sysfs)
        self.sessions = SessionSource(poller)
        self.sysfs = SysfsSource(poller, self.sessions)
        client = MultipathdClient(config.multipathd_socket)
        self.configuration = ConfigurationSource(emit, time.monotonic, root, handed_over)
        self.multipathd = MultipathdSource(emit, client, time.monotonic, version=lambda: self.configuration.version)

    async def run(self) -> None:
        """Watch until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            # Uevents first: whatever changes while the first look is taken is in the socket's buffer by then.
            tasks.create_task(self.uevent.run(), name="uevent")
            tasks.create_task(self.kernel_errors.run(), name="iscsi")
            tasks.create_task(self.network.run(), name="network")
            tasks.create_task(self.sessions.run(), name="sessions")
            tasks.create_task(self.sysfs.run(), name="sysfs")
            tasks.create_task(self.multipathd.run(), name="multipathd")
            tasks.create_task(self.configuration.run(), name="configuration")

    def refresh(self, wanted: Refresh) -> None:
        """Have the source that knows ``wanted.scope`` read it again."""
        match wanted.scope:
            case Scope.SYSTEM:
                self.sysfs.wake_system()
            case Scope.SESSIONS:
                self.sessions.wake()
            case Scope.DEVICES:
                self.sysfs.wake_devices(wanted.devices)
            case Scope.PATHS:
                self.multipathd.wake_paths()
            case Scope.MAPS:
                self.multipathd.wake_maps()
