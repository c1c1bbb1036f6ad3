"""Reads everything once without a daemon, for ``check``, and for ``status`` if no daemon is running."""

from __future__ import annotations

import asyncio
from pathlib import Path

from mpathd_watch.config import Config
from mpathd_watch.core.configuration import Configuration
from mpathd_watch.core.events import ConfigurationRead, Emit, Event, SettingsChanged, SourceUp
from mpathd_watch.core.formats.multipath_conf import NEWEST
from mpathd_watch.core.model.vocabulary import SourceName
from mpathd_watch.daemon import clock
from mpathd_watch.daemon.engine import Engine, Outlets
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


def look_once(config: Config, configuration: Configuration | None = None) -> View:
    """The present state of this host, by sysfs, multipathd, the network and its ``configuration``."""
    engine = Engine(clock.now, NoOutlets())
    engine.feed(SettingsChanged.to(config.settings))
    # The coroutine returns nothing: at its end asyncio.run() of Python 3.11 makes a text of what it returns (an error
    # message that signal.getsignal() drops), and a state of 10,000 paths is a text of many megabytes.
    asyncio.run(_read(_fed_with_readings(engine), engine, config, configuration))
    if configuration is not None:
        # Last, so that no event makes the audit on the way.
        engine.feed(ConfigurationRead(configuration))
    return engine.view()


def _fed_with_readings(engine: Engine) -> Emit:
    """Feeds the engine with all events but ``SourceUp``.

    What a source has read follows, and shows as well that it answers. So the paths are judged once, not twice.
    """

    def feed(*events: Event) -> None:
        engine.feed(*(event for event in events if not isinstance(event, SourceUp)))

    return feed


async def _read(feed: Emit, engine: Engine, config: Config, configuration: Configuration | None) -> None:
    # The network first: its interfaces count for every path, and so far there is none that would be judged again.
    await NetworkSource(feed, clock.monotonic).read_once()
    poller = Poller(feed, clock.monotonic, SourceName.SYSFS, Path(config.sysfs))
    sysfs = SysfsSource(poller, SessionSource(poller))
    await sysfs.read_once()
    if any(map_.unplaced for map_ in engine.state.maps.values()):
        # Disks or sessions came or went meanwhile, or sysfs does not show what a disk hangs off.
        await sysfs.read_once()
    client = MultipathdClient(config.multipathd_socket)
    version = NEWEST if configuration is None else configuration.grammar
    await MultipathdSource(feed, client, clock.monotonic, version=lambda: version).read_once()
    if not engine.state.source(SourceName.MULTIPATHD).up and (status := dm_status.read_here(Path(config.sysfs))):
        engine.feed(status)
