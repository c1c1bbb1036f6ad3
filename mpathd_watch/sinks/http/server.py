"""The HTTP server: metrics, health and a page for people, on threads that no client can hold for long.

Each connection serves one request and has one deadline for all of it. When there are as many connections as allowed,
the one that has waited longest without sending its request makes room; if all are being served, the newcomer is told
so. No error of a client or of a renderer reaches stderr: it is counted, and told once.
"""

from __future__ import annotations

import errno
import io
import socket
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from socketserver import BaseServer, ThreadingMixIn
from typing import TYPE_CHECKING, Final

from mpathd_watch.config.listen_address import ListenAddress
from mpathd_watch.sinks.http.listen import ListenError, open_socket
from mpathd_watch.sinks.http.page import render
from mpathd_watch.sinks.metrics import Exposition
from mpathd_watch.sinks.status import document
from mpathd_watch.sinks.view import Views

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

__all__ = ["HttpServer", "Limits", "ListenError"]

_TEXT: Final = "text/plain; charset=utf-8"
_HTML: Final = "text/html; charset=utf-8"
_POLL: Final = 0.25
_OUT_OF_FILES: Final = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})


@dataclass(frozen=True, slots=True)
class Limits:
    """What clients may take. ``deadline`` and ``heartbeat`` in seconds, ``request`` in bytes of line and headers."""

    connections: int = 48
    deadline: float = 15.0
    request: int = 16384
    heartbeat: float = 10.0


class HttpServer:
    """Serves the views on ``where`` from ``start`` to ``stop``; the socket is bound at once (``ListenError``).

    ``heartbeat`` gives the age in seconds of the loop's last sign of life. ``complain`` is told, from a thread of the
    server, one line for each new kind of internal error.
    """

    def __init__(
        self,
        where: ListenAddress,
        views: Views,
        heartbeat: Callable[[], float],
        complain: Callable[[str], None],
        limits: Limits = Limits(),
    ) -> None:
        site = _Site(views, Exposition(views), heartbeat, limits.heartbeat)
        self._server = _Server(open_socket(where), site, complain, limits)
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": _POLL}, name="http", daemon=True
        )

    @property
    def address(self) -> ListenAddress:
        """Where it listens, with the port the kernel chose if that was left to it."""
        host, port, *_ = self._server.socket.getsockname()
        return ListenAddress(host, port)

    @property
    def errors(self) -> Mapping[str, int]:
        """Internal errors so far, by the exception's name, and clients turned away (``busy``)."""
        return dict(self._server.errors)

    def start(self) -> None:
        """Serve from now on."""
        self._thread.start()

    def stop(self) -> None:
        """Close the socket and every connection; takes no longer than a fraction of a second."""
        if self._thread.is_alive():
            self._server.shutdown()
        self._server.server_close()


@dataclass(frozen=True, slots=True)
class _Answer:
    """A response in the making."""

    status: HTTPStatus
    content_type: str
    content: bytes
    headers: tuple[tuple[str, str], ...] = ()


def _plain(status: HTTPStatus, text: str, *headers: tuple[str, str]) -> _Answer:
    return _Answer(status, _TEXT, f"{text}\n".encode(), headers)


class _Site:
    """The routes. Rendering happens one request at a time, so scrapes together take at most one share of the GIL."""

    def __init__(self, views: Views, exposition: Exposition, heartbeat: Callable[[], float], patience: float) -> None:
        self._views = views
        self._exposition = exposition
        self._heartbeat = heartbeat
        self._patience = patience
        self._rendering = threading.Lock()

    def answer(self, path: str, accept: str, accept_encoding: str) -> _Answer:
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
                return _plain(HTTPStatus.NOT_FOUND, "404 not found; there are /, /metrics, /healthz and /readyz")

    def _metrics(self, accept: str, accept_encoding: str) -> _Answer:
        with self._rendering:
            body = self._exposition.render(accept, accept_encoding)
        encoding = (("Content-Encoding", "gzip"),) if body.gzipped else ()
        return _Answer(HTTPStatus.OK, body.content_type, body.content, (*encoding, ("Vary", "Accept, Accept-Encoding")))

    def _healthz(self) -> _Answer:
        age = self._heartbeat()
        if age <= self._patience:
            return _plain(HTTPStatus.OK, "ok")
        return _plain(
            HTTPStatus.SERVICE_UNAVAILABLE,
            f"the daemon's loop has given no sign of life for {age:.0f} s (allowed: {self._patience:.0f} s)",
        )

    def _readyz(self) -> _Answer:
        if self._views().state.started:
            return _plain(HTTPStatus.OK, "ok")
        return _plain(HTTPStatus.SERVICE_UNAVAILABLE, "the first look at sysfs has not been taken yet")

    def _page(self) -> _Answer:
        with self._rendering:
            content = render(document(self._views())).encode()
        return _Answer(
            HTTPStatus.OK,
            _HTML,
            content,
            (("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'"),),
        )


class _Connection:
    """One client: when it came, and whether its request has arrived."""

    __slots__ = ("due", "served", "socket")

    def __init__(self, sock: socket.socket, due: float) -> None:
        self.socket = sock
        self.due = due
        self.served = False

    def hang_up(self) -> None:
        """Wake the worker out of whatever read or write it waits in; it then closes the socket."""
        with suppress(OSError):  # the client may have been faster
            self.socket.shutdown(socket.SHUT_RDWR)


class _Server(ThreadingMixIn, BaseServer):
    """A threading server on a socket that is already bound, with a cap and deadlines for connections."""

    daemon_threads = True
    block_on_close = False

    def __init__(self, listening: socket.socket, site: _Site, complain: Callable[[str], None], limits: Limits) -> None:
        super().__init__(listening.getsockname(), _Handler)
        # Not to be caught in accept() by a client that went away after select() had seen it.
        listening.setblocking(False)
        self.socket = listening
        self.site = site
        self.limits = limits
        self.errors: Counter[str] = Counter()
        self._complain = complain
        self._connections: dict[socket.socket, _Connection] = {}
        self._lock = threading.Lock()
        self._counting = threading.Lock()

    # What BaseServer asks of its subclasses, see TCPServer in the standard library.

    def fileno(self) -> int:
        return self.socket.fileno()

    def get_request(self) -> tuple[socket.socket, object]:
        try:
            return self.socket.accept()
        except OSError as error:
            if error.errno in _OUT_OF_FILES:
                # The pending connection stays readable: without a pause this would spin.
                self._count(type(error).__name__)
                time.sleep(_POLL)
            raise

    def process_request(  # type: ignore[override]  # always a stream socket here
        self, request: socket.socket, client_address: object
    ) -> None:
        connection = _Connection(request, time.monotonic() + self.limits.deadline)
        with self._lock:
            idle = [known for known in self._connections.values() if not known.served]
            crowded = len(self._connections) >= self.limits.connections
            if crowded and not idle:
                self._count("busy")
                self._turn_away(request)
                return
            if crowded:
                self._connections.pop(idle[0].socket).hang_up()
            self._connections[request] = connection
        super().process_request(request, client_address)

    def _turn_away(self, request: socket.socket) -> None:
        request.setblocking(False)
        with suppress(OSError):  # else the client learns it from the closed connection
            request.send(b"HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
        request.close()

    def service_actions(self) -> None:
        now = time.monotonic()
        with self._lock:
            for connection in self._connections.values():
                if connection.due <= now:
                    connection.hang_up()

    def mark_served(self, request: socket.socket) -> None:
        """The request has arrived: this connection no longer makes room for others."""
        with self._lock:
            connection = self._connections.get(request)
            if connection is not None:
                connection.served = True

    def shutdown_request(self, request: socket.socket) -> None:  # type: ignore[override]  # always a stream socket here
        with self._lock:
            self._connections.pop(request, None)
        with suppress(OSError):  # the client may have gone, or was hung up on
            request.shutdown(socket.SHUT_WR)
        request.close()

    def handle_error(self, request: object, client_address: object) -> None:  # noqa: ARG002  # BaseServer's signature
        """Called by the standard library while the exception is being handled; its own version prints a traceback."""
        error = sys.exc_info()[1]
        if isinstance(error, OSError):
            self._count("connection")
            return
        name = type(error).__name__
        if self._count(name) == 1:
            self._complain(f"internal error while serving HTTP: {name}: {error}")

    def server_close(self) -> None:
        self.socket.close()
        with self._lock:
            for connection in self._connections.values():
                connection.hang_up()

    def _count(self, what: str) -> int:
        with self._counting:
            self.errors[what] += 1
            return self.errors[what]


class _Handler(BaseHTTPRequestHandler):
    """One request; the standard library parses it."""

    server: _Server
    protocol_version = "HTTP/1.1"
    # Of a request line without a version: HTTP/0.9 would be answered without a status.
    default_request_version = "HTTP/1.0"
    rbufsize = 0

    def setup(self) -> None:
        super().setup()
        self._limited = _Limited(self.rfile, self.server.limits.request)
        self.rfile = io.BufferedReader(self._limited)

    def parse_request(self) -> bool:
        parsed = super().parse_request()
        if parsed and self._limited.spent:
            self.send_error(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
            return False
        return parsed

    def do_GET(self) -> None:
        self.server.mark_served(self.request)
        headers = self.headers
        self._send(
            self.server.site.answer(
                self.path.partition("?")[0], headers.get("Accept", ""), headers.get("Accept-Encoding", "")
            )
        )

    def do_HEAD(self) -> None:
        self.do_GET()

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:  # noqa: ARG002  # the base class's signature
        """Called by the base class for whatever it refuses."""
        # It says 501 to every method without a do_ function.
        status = HTTPStatus.METHOD_NOT_ALLOWED if code == HTTPStatus.NOT_IMPLEMENTED else HTTPStatus(code)
        allow = (("Allow", "GET, HEAD"),) if status is HTTPStatus.METHOD_NOT_ALLOWED else ()
        self._send(_plain(status, f"{status.value} {status.phrase.lower()}", *allow))

    def _send(self, answer: _Answer) -> None:
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.content_type)
        self.send_header("Content-Length", str(len(answer.content)))
        self.send_header("Cache-Control", "no-store")
        self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header("Connection", "close")
        for name, value in answer.headers:
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer.content)

    def version_string(self) -> str:
        return "mpathd-watch"

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the base class's signature
        """Nothing: a scrape is no news."""


class _Limited(io.RawIOBase):
    """The first ``limit`` bytes of a stream; ``spent`` once they have all been read."""

    def __init__(self, stream: io.BufferedIOBase, limit: int) -> None:
        self._stream = stream
        self._left = limit

    @property
    def spent(self) -> bool:
        return self._left <= 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        view = memoryview(buffer)[: self._left]
        if not view:
            return 0
        data = self._stream.read(len(view))
        view[: len(data)] = data
        self._left -= len(data)
        return len(data)

    def close(self) -> None:
        self._stream.close()
        super().close()
