"""What the HTTP server serves: the paths, and the content of each. It knows no socket, no client and no limit."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from mpathd_watch.sinks.http.page import render
from mpathd_watch.sinks.metrics import Exposition
from mpathd_watch.sinks.status import document
from mpathd_watch.sinks.view import Views

_TEXT: Final = "text/plain; charset=utf-8"
_HTML: Final = "text/html; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Answer:
    """A response, complete but for the headers that every response has."""

    status: HTTPStatus
    content_type: str
    content: bytes
    headers: tuple[tuple[str, str], ...] = ()


def plain(status: HTTPStatus, text: str, *headers: tuple[str, str]) -> Answer:
    """A response of one line of text."""
    return Answer(status, _TEXT, f"{text}\n".encode(), headers)


class Site:
    """The routes.

    ``heartbeat`` returns the seconds since the last sign of life of the daemon's loop. The loop counts as alive for
    ``patience`` seconds after it. Only one request is rendered at a time, so all scrapes together take at most one
    share of the GIL.
    """

    def __init__(self, views: Views, heartbeat: Callable[[], float], patience: float) -> None:
        self._views = views
        self._exposition = Exposition(views)
        self._heartbeat = heartbeat
        self._patience = patience
        self._rendering = threading.Lock()

    def answer(self, path: str, accept: str, accept_encoding: str) -> Answer:
        """The response to a GET of ``path``, with the client's headers Accept and Accept-Encoding."""
        match path:
            case "/metrics":
                return self._metrics(accept, accept_encoding)
            case "/healthz":
                return self._healthz()
            case "/readyz":
                return self._readyz()
            case "/":
                return self._page()
            case _:
                return plain(HTTPStatus.NOT_FOUND, "404 not found; the paths are /, /metrics, /healthz and /readyz")

    def _metrics(self, accept: str, accept_encoding: str) -> Answer:
        with self._rendering:
            body = self._exposition.render(accept, accept_encoding)
        encoding = (("Content-Encoding", "gzip"),) if body.gzipped else ()
        return Answer(HTTPStatus.OK, body.content_type, body.content, (*encoding, ("Vary", "Accept, Accept-Encoding")))

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

    def _page(self) -> Answer:
        with self._rendering:
            content = render(document(self._views())).encode()
        return Answer(
            HTTPStatus.OK,
            _HTML,
            content,
            (("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'"),),
        )
