"""One look at everything without a daemon: what ``status`` shows where none runs."""

from __future__ import annotations

import time
from pathlib import Path

from mpathd_watch.config import Config
from mpathd_watch.core.effects import Alert, Refresh
from mpathd_watch.core.events import Event, SettingsChanged
from mpathd_watch.core.instant import Instant
from mpathd_watch.daemon import clock
from mpathd_watch.daemon.engine import Engine
from mpathd_watch.sinks.view import View
from mpathd_watch.sources.multipathd.client import MultipathdClient
from mpathd_watch.sources.multipathd.source import MultipathdSource
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


async def look(config: Config) -> View:
    """The state of this host right now, as far as sysfs and multipathd tell."""
    engine = Engine(clock.now, _Nobody())
    engine.feed(SettingsChanged(config.settle_seconds, frozenset(config.single_path_ok)))
    await SysfsSource(engine.feed, time.monotonic, Path(config.sysfs)).look()
    client = MultipathdClient(config.multipathd_socket)
    await MultipathdSource(engine.feed, client, time.monotonic).look()
    return engine.view()
