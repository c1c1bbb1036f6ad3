"""What the HTTP server serves: the paths, and the content of each. It knows no socket, no client and no limit."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from typing import Final
from urllib.parse import parse_qsl

from mpathd_watch.immutable import immutable
from mpathd_watch.sinks.http.answer import Answer, Content, plain
from mpathd_watch.sinks.http.page import Shown, Wanted, render, wanted
from mpathd_watch.sinks.http.past import Past, no_past
from mpathd_watch.sinks.metrics import Exposition, Format
from mpathd_watch.sinks.status.from_view import document
from mpathd_watch.sinks.view import Views

_HTML: Final = "text/html; charset=utf-8"


@immutable
class Rendering:
    """An answer that takes a while to make. Whoever asks for the same may have the same: the metrics, or a page."""

    metrics: Format | None = None
    page: Wanted | None = None


@immutable
class About:
    """What the page shows besides the state: the host's name, and the last 24 hours."""

    name: str = ""
    past: Past = no_past


NOTHING_MORE: Final = About()


class Site:
    """The routes.

    ``heartbeat`` returns the seconds since the last sign of life of the daemon's loop. The loop counts as alive for
    ``patience`` seconds after it.
    """

    def __init__(
        self, views: Views, heartbeat: Callable[[], float], patience: float, about: About = NOTHING_MORE
    ) -> None:
        self._views = views
        self._about = about
        self._exposition = Exposition(views)
        self._heartbeat = heartbeat
        self._patience = patience

    def answer(self, target: str, accept: str, accept_encoding: str) -> Answer | Rendering:
        """The response to a GET of ``target``, with the client's headers Accept and Accept-Encoding; or what to make.

        It takes no time worth mentioning.
        """
        path, _, query = target.partition("?")
        match path:
            case "/metrics":
                names = [value for name, value in parse_qsl(query) if name == "name[]"]
                return Rendering(self._exposition.format(accept, accept_encoding, names))
            case "/healthz":
                return self._healthz()
            case "/readyz":
                return self._readyz()
            case "/":
                return Rendering(page=wanted(query))
            case _:
                return plain(HTTPStatus.NOT_FOUND, "404 not found; the paths are /, /metrics, /healthz and /readyz")

    def make(self, rendering: Rendering) -> Answer:
        """Make an answer. Any thread may do it, one at a time."""
        if rendering.metrics is not None:
            return self._metrics(rendering.metrics)
        return self._page(rendering.page or Wanted())

    def _metrics(self, wanted: Format) -> Answer:
        content = Content(self._exposition.render(wanted))
        encoding = (("Content-Encoding", "gzip"),) if wanted.gzipped else ()
        return Answer(HTTPStatus.OK, wanted.content_type, content, (*encoding, ("Vary", "Accept, Accept-Encoding")))

    def _healthz(self) -> Answer:
        age = self._heartbeat()
        if age <= self._patience:
            return plain(HTTPStatus.OK, "ok")
        return plain(
            HTTPStatus.SERVICE_UNAVAILABLE,
            f"the daemon's loop has given no sign of life for {age:.0f} s (limit: {self._patience:.0f} s)",
        )

    def _readyz(self) -> Answer:
        if self._views().state.started:
            return plain(HTTPStatus.OK, "ok")
        return plain(HTTPStatus.SERVICE_UNAVAILABLE, "sysfs has not been read yet")

    def _page(self, asked: Wanted) -> Answer:
        view = self._views()
        found = view.state.auditing.report.findings if view.state.auditing.at is not None else ()
        page = render(Shown(document(view), self._about.name, found, self._about.past(), asked))
        return Answer(
            HTTPStatus.OK,
            _HTML,
            Content((page.encode(),)),
            (("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'"),),
        )
