"""The live sources, wired to one engine."""

from __future__ import annotations

import asyncio
from pathlib import Path

from mpathd_watch.config import Config
from mpathd_watch.core.effects import Refresh, Scope
from mpathd_watch.core.events import Emit
from mpathd_watch.core.model.vocabulary import SourceName
from mpathd_watch.daemon import clock
from mpathd_watch.immutable import immutable
from mpathd_watch.sources.configuration import ConfigurationSource
from mpathd_watch.sources.iscsi.kernel_errors import KernelErrorSource
from mpathd_watch.sources.iscsi.session_source import SessionSource
from mpathd_watch.sources.multipathd.client import MultipathdClient
from mpathd_watch.sources.multipathd.source import MultipathdSource
from mpathd_watch.sources.network.source import NetworkSource
from mpathd_watch.sources.reading.poller import Poller
from mpathd_watch.sources.sysfs.source import SysfsSource
from mpathd_watch.sources.uevent.source import UeventSource


@immutable
class LiveSources:
    """All sources of a host: they watch until cancelled, and read again on request."""

    uevent: UeventSource
    kernel_errors: KernelErrorSource
    network: NetworkSource
    sessions: SessionSource
    sysfs: SysfsSource
    multipathd: MultipathdSource
    configuration: ConfigurationSource

    async def run(self) -> None:
        """Watch until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            # Uevents first: what changes during the first scan is then in the socket's buffer.
            tasks.create_task(self.uevent.run(), name="uevent")
            tasks.create_task(self.kernel_errors.run(), name="iscsi")
            tasks.create_task(self.network.run(), name="network")
            tasks.create_task(self.sessions.run(), name="sessions")
            tasks.create_task(self.sysfs.run(), name="sysfs")
            tasks.create_task(self.multipathd.run(), name="multipathd")
            tasks.create_task(self.configuration.run(), name="configuration")

    def refresh(self, wanted: Refresh) -> None:
        """Request that the source of ``wanted.scope`` reads it again."""
        match wanted.scope:
            case Scope.SYSTEM:
                self.sysfs.wake_system()
            case Scope.NEXUSES:
                self.sessions.wake()
            case Scope.DEVICES:
                self.sysfs.wake_devices(wanted.devices)
            case Scope.PATHS:
                self.multipathd.wake_paths()
            case Scope.MAPS:
                self.multipathd.wake_maps()


def live_sources(config: Config, emit: Emit, root: Path, handed_over: Path | None) -> LiveSources:
    """The sources of this host. ``emit`` receives their events.

    ``root`` and ``handed_over`` are as in ``ConfigurationSource``.
    """
    sysfs = Path(config.sysfs)
    poller = Poller(emit, clock.monotonic, SourceName.SYSFS, sysfs)
    sessions = SessionSource(poller)
    client = MultipathdClient(config.multipathd_socket)
    configuration = ConfigurationSource(emit, clock.monotonic, root, handed_over)
    return LiveSources(
        uevent=UeventSource(emit),
        kernel_errors=KernelErrorSource(emit, sysfs),
        network=NetworkSource(emit, clock.monotonic),
        sessions=sessions,
        sysfs=SysfsSource(poller, sessions),
        multipathd=MultipathdSource(emit, client, clock.monotonic, version=lambda: configuration.version),
        configuration=configuration,
    )
