"""What the service needs of the host that it runs on. A simulation has another one."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from mpathd_watch.config import Config
from mpathd_watch.config.listen_address import Place
from mpathd_watch.core.events import Emit
from mpathd_watch.core.model.instant import Instant
from mpathd_watch.daemon import clock
from mpathd_watch.daemon.live_sources import LiveSources, live_sources
from mpathd_watch.immutable import immutable
from mpathd_watch.sinks.http.listen import Endpoints
from mpathd_watch.sinks.http.server import HttpServer
from mpathd_watch.sinks.http.site import About
from mpathd_watch.sinks.notify import Notifier
from mpathd_watch.sinks.view import Views
from mpathd_watch.sources.reading.worker import Worker


class Http(Protocol):
    """What the service needs of ``HttpServer``."""

    @property
    def places(self) -> tuple[Place, ...]:
        """Where it listens."""

    def start(self) -> None:
        """Serve requests from now on."""

    def stop(self) -> None:
        """Serve none any more."""


def service_manager() -> Notifier:
    """Notifies the service manager of this process."""
    return Notifier(os.environ, os.getpid())


@immutable
class Serving:
    """What is served over HTTP, and where. ``config`` is the daemon's; ``own`` a unix socket for this host's users.

    ``complain`` as in ``HttpServer``, ``report_web`` as in ``WebSecurity``.
    """

    config: Config
    own: Path | None
    views: Views
    heartbeat: Callable[[], float]
    about: About
    complain: Callable[[str], None]
    report_web: Callable[[str, str], None]


def served(serving: Serving) -> Http:
    """Serves over HTTP; see ``HttpServer``. Raises ``WebConfigError`` for a bad web configuration, with its name."""
    config = serving.config
    web = None
    if config.web_config:
        # Imported only now: it brings libraries that most hosts do not need, and may not have.
        from mpathd_watch.sinks.http.web import WebSecurity  # noqa: PLC0415

        web = WebSecurity(Path(config.web_config).absolute(), serving.report_web)
    where = Endpoints(config.listen, serving.own, config.systemd_socket)
    return HttpServer(where, serving.views, serving.heartbeat, serving.complain, about=serving.about, web=web)


def nothing() -> None:
    """The process is not the daemon's own."""


@immutable
class Surroundings:
    """The host: ``now`` returns both clocks, of which CLOCK_MONOTONIC is also the loop's.

    ``notifier`` returns what notifies the service manager, and ``worker`` a new worker of a name. ``http`` is as
    ``served``, and ``sources`` what ``live_sources`` takes. ``settled`` is called when the start is complete.
    """

    now: Callable[[], Instant] = clock.now
    notifier: Callable[[], Notifier] = service_manager
    worker: Callable[[str], Worker] = Worker
    http: Callable[[Serving], Http] = served
    sources: Callable[[Config, Emit, Path, Path | None], LiveSources] = live_sources
    settled: Callable[[], None] = nothing


HOST = Surroundings()
"""This host."""
