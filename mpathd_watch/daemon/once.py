"""One look at everything without a daemon: what ``check`` judges, and ``status`` shows where none runs."""

from __future__ import annotations

import time
from dataclasses import asdict
from pathlib import Path

from mpathd_watch.config import Config
from mpathd_watch.core.configuration import Configuration
from mpathd_watch.core.effects import Alert, Refresh
from mpathd_watch.core.events import ConfigurationRead, Event, SettingsChanged
from mpathd_watch.core.formats.multipath_conf import NEWEST
from mpathd_watch.core.model.instant import Instant
from mpathd_watch.daemon import clock
from mpathd_watch.daemon.engine import Engine
from mpathd_watch.sinks.view import View
from mpathd_watch.sources.multipathd.client import MultipathdClient
from mpathd_watch.sources.multipathd.source import MultipathdSource
from mpathd_watch.sources.network.source import NetworkSource
from mpathd_watch.sources.sysfs.source import SysfsSource


class _Nobody:
    """Outlets of a look: nobody is told, nothing is read again."""

    def alert(self, alert: Alert) -> None:
        """Drop it."""

    def refresh(self, refresh: Refresh) -> None:
        """Drop it."""

    def recorded(self, event: Event, now: Instant) -> None:
        """Drop it."""

    def broken(self, event: Event, report: str) -> None:  # noqa: ARG002  # the event is in the report
        """Fail: a look that is wrong is worse than none."""
        raise RuntimeError(report)


async def look_once(config: Config, configuration: Configuration | None = None) -> View:
    """The state of this host right now, as far as sysfs, multipathd and its ``configuration`` tell."""
    engine = Engine(clock.now, _Nobody())
    engine.feed(SettingsChanged(**asdict(config.settings)))
    if configuration is not None:
        engine.feed(ConfigurationRead(configuration))
    await SysfsSource(engine.feed, time.monotonic, Path(config.sysfs)).look()
    await NetworkSource(engine.feed, time.monotonic).look()
    client = MultipathdClient(config.multipathd_socket)
    version = NEWEST if configuration is None else configuration.grammar
    await MultipathdSource(engine.feed, client, time.monotonic, version=lambda: version).look()
    return engine.view()
