"""The state that a support bundle shows, for ``check`` and ``status``."""

from __future__ import annotations

from mpathd_watch.config import Config
from mpathd_watch.core.events import SettingsChanged
from mpathd_watch.core.model.instant import Instant
from mpathd_watch.daemon.engine import Engine
from mpathd_watch.daemon.once import NoOutlets
from mpathd_watch.sinks.view import View
from mpathd_watch.sources.bundle import Bundle


def look_at_bundle(config: Config, bundle: Bundle) -> View:
    """The state that a support bundle shows, at the moment when it was made.

    All durations end at that moment, so that an old value is not taken for one of now.
    """
    taken = Instant(0.0, bundle.taken_at or 0.0)
    engine = Engine(lambda: taken, NoOutlets())
    engine.feed(SettingsChanged.to(config.settings))
    for event in bundle.events:
        engine.feed(event)
    return engine.view()
