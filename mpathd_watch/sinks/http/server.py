"""The HTTP server: a loop in a thread of its own, which no client can hold.

There is no thread for a client. The loop only moves bytes; answers that take a while are made in one other thread. When
there are as many connections as allowed, ``places`` decides which one yields. No error of a client or of a renderer
reaches stderr: it is counted, and reported once.
"""

from __future__ import annotations

import asyncio
import resource
import socket
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from typing import Any, Final, Protocol

from mpathd_watch.config.listen_address import ListenAddress, Place, UnixPath
from mpathd_watch.sinks.http.accepting import Acceptor
from mpathd_watch.sinks.http.answer import Answer
from mpathd_watch.sinks.http.connection import Connection, Limits
from mpathd_watch.sinks.http.dialogue import Request
from mpathd_watch.sinks.http.listen import Endpoints, Listener, ListenError, open_all
from mpathd_watch.sinks.http.places import Places
from mpathd_watch.sinks.http.renderings import Renderings
from mpathd_watch.sinks.http.site import NOTHING_MORE, About, Rendering, Site
from mpathd_watch.sinks.view import Views

__all__ = ["HttpServer", "Limits", "ListenError"]

GIVEN_BACK: Final = 16
"""Connections given up then, at most: the sources need files, too, which they open for a moment each."""
OTHER_FILES: Final = 640
"""File descriptors that the rest of the process may need: the sources keep two open for each session, up to a limit."""
FEWEST: Final = 32
"""Connections that are allowed in any case."""
STOPPED_WITHIN: Final = 1.0

_LIMITS: Final = Limits()
_BUSY: Final = b"HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"


class Security(Protocol):
    """What the server needs of ``WebSecurity``, whose libraries are loaded only where they are used."""

    def counted_by(self, count: Callable[[str], object]) -> None:
        """As there."""

    @property
    def has_tls(self) -> bool:
        """As there."""

    async def protocol(self, connection: Connection, *, local: bool) -> asyncio.BufferedProtocol:
        """As there."""

    def ask(self, connection: Connection, request: Request, decided: Callable[[Answer | None], None]) -> None:
        """As there."""

    async def run(self) -> None:
        """As there."""


class HttpServer:
    """Serves the views on ``where`` from ``start`` to ``stop``; the sockets are bound at once (``ListenError``).

    ``heartbeat`` and ``about`` as in ``Site``. ``web`` has TLS and passwords for all sockets but unix sockets. A thread
    of the server calls ``complain`` with one line for each new kind of internal error, and once if no client can be
    accepted because files or memory are short.
    """

    def __init__(
        self,
        where: Endpoints,
        views: Views,
        heartbeat: Callable[[], float],
        complain: Callable[[str], None],
        limits: Limits = _LIMITS,
        *,
        about: About = NOTHING_MORE,
        web: Security | None = None,
    ) -> None:
        self._site = Site(views, heartbeat, limits.heartbeat, about)
        self._complain = complain
        self._limits = limits
        self._errors: Counter[str] = Counter()
        self._counting = threading.Lock()
        self._web = web
        if web is not None:
            web.counted_by(self._count)
        self._listeners = open_all(where)
        self._own = UnixPath(str(where.own))
        self._thread = threading.Thread(target=self._run, name="http", daemon=True)
        self._served: _Served | None = None
        self._begun = threading.Event()

    @property
    def address(self) -> ListenAddress:
        """The first address that it listens on; if port 0 was asked for, with the port that the kernel chose."""
        return next(place for place in self.places if isinstance(place, ListenAddress))

    @property
    def places(self) -> tuple[Place, ...]:
        """All that it listens on but a socket of its own."""
        return tuple(each.place for each in self._listeners if each.place != self._own)

    @property
    def errors(self) -> Mapping[str, int]:
        """What went wrong, and how often.

        Internal errors by the exception's name; clients that got status 503 (``busy``); handshakes that failed
        (``tls``, ``tls_name``, ``tls_plain``); requests that were refused (``password``, ``guesses``, ``rate_limit``).
        """
        with self._counting:
            return dict(self._errors)

    def start(self) -> None:
        """Serve from now on."""
        self._thread.start()
        self._begun.wait()

    def stop(self) -> None:
        """Close the sockets and every connection; takes no longer than a fraction of a second."""
        if self._served is not None:
            self._served.stop()
            self._thread.join(STOPPED_WITHIN)
        for each in self._listeners:
            each.close()

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except Exception as error:  # noqa: BLE001  # whatever it is, the daemon goes on without HTTP
            self._report(error)
        finally:
            self._begun.set()

    async def _serve(self) -> None:
        served = _Served(self._site, self._limits, self._count, self._report, complain=self._complain, web=self._web)
        self._served = served
        for each in self._listeners:
            served.listen(each)
        self._begun.set()
        await served.run()

    def _report(self, error: BaseException) -> None:
        name = type(error).__name__
        if self._count(name) == 1:
            self._complain(f"internal error while serving HTTP: {name}: {error}")

    def _count(self, what: str) -> int:
        with self._counting:
            self._errors[what] += 1
            return self._errors[what]


class _Served:
    """What runs in the server's loop."""

    def __init__(
        self,
        site: Site,
        limits: Limits,
        count: Callable[[str], int],
        report: Callable[[BaseException], None],
        *,
        complain: Callable[[str], None],
        web: Security | None,
    ) -> None:
        self._warn = _Once(complain)
        self._loop = asyncio.get_running_loop()
        self._loop.set_exception_handler(self._on_error)
        self._site = site
        self._limits = limits
        self._count = count
        self._report = report
        files = resource.getrlimit(resource.RLIMIT_NOFILE)[0] - OTHER_FILES
        most = min(limits.connections, max(FEWEST, files))
        self._places = Places(most, most * limits.share // limits.connections)
        self._renderings = Renderings(site.make, report)
        self._stopped = asyncio.Event()
        self._tasks: set[asyncio.Task[Any]] = set()
        self._delivered: Answer | None = None
        self._acceptors: list[Acceptor] = []
        self._web = web

    def listen(self, listener: Listener) -> None:
        """Accept the clients of a socket."""
        acceptor = Acceptor(
            listener.socket,
            partial(self._take_in, listener.local),
            partial(self._count, "connection"),
            self._out_of_files,
        )
        acceptor.start()
        self._acceptors.append(acceptor)

    def stop(self) -> None:
        """End ``run``. Any thread may call it."""
        with suppress(RuntimeError):  # the loop has ended before
            self._loop.call_soon_threadsafe(self._stopped.set)

    async def run(self) -> None:
        """Serve until stopped."""
        running = [asyncio.create_task(self._renderings.run())]
        if self._web is not None:
            running.append(asyncio.create_task(self._web.run()))
        try:
            await self._stopped.wait()
        finally:
            for acceptor in self._acceptors:
                acceptor.stop()
            self._places.clear()
            for each in running:
                each.cancel()

    # --- clients that come --------------------------------------------------------------------------------------------

    def _out_of_files(self, error: OSError) -> None:
        self._count(type(error).__name__)
        self._warn(f"no HTTP client can be accepted now: {error.strerror}; raise LimitNOFILE=")
        self._places.give_back(GIVEN_BACK, self._loop.time())

    def _take_in(self, local: bool, client: socket.socket, address: str) -> bool:  # see ``listen``
        """Serve a client; ``False`` if there is none any more."""
        client.setblocking(False)
        if _has_gone(client):
            client.close()
            return False
        serve = self._serve if local or self._web is None else self._ask
        connection = Connection(address, self._limits, serve, self._places.leave)
        if not self._places.take(connection, self._loop.time()):
            self._count("busy")
            if local or self._web is None or not self._web.has_tls:
                with suppress(OSError):  # the closed connection is answer enough
                    client.send(_BUSY)
            client.close()
            return True
        joining = self._loop.create_task(self._join(connection, client, local=local))
        self._tasks.add(joining)
        joining.add_done_callback(self._tasks.discard)
        return True

    async def _join(self, connection: Connection, client: socket.socket, *, local: bool) -> None:
        protocol: asyncio.BufferedProtocol = connection
        try:
            if self._web is not None:
                protocol = await self._web.protocol(connection, local=local)
            await self._loop.connect_accepted_socket(lambda: protocol, client)
        except OSError:
            self._count("connection")
            self._places.leave(connection)
            client.close()

    # --- requests -----------------------------------------------------------------------------------------------------

    def _ask(self, connection: Connection, request: Request) -> None:
        """Serve a request if the web configuration allows it."""
        if self._web is not None:
            self._web.ask(connection, request, partial(self._decided, connection, request))

    def _decided(self, connection: Connection, request: Request, refusal: Answer | None) -> None:
        if refusal is None:
            self._serve(connection, request)
        else:
            connection.send(refusal)

    def _serve(self, connection: Connection, request: Request) -> None:
        answer = self._site.answer(request.target, request.accept, request.accept_encoding)
        if isinstance(answer, Rendering):
            self._renderings.ask(answer, lambda made: self._deliver(connection, made))
        else:
            connection.send(answer)

    def _deliver(self, connection: Connection, answer: Answer) -> None:
        connection.send(answer)
        # Hundreds may get the same answer: all of them are looked at once, after the last one has it.
        if self._delivered is None:
            self._loop.call_soon(self._bound)
        self._delivered = answer

    def _bound(self) -> None:
        newest, self._delivered = self._delivered, None
        if newest is not None:
            self._places.bound_content(max(self._limits.content, 2 * newest.content.length), self._loop.time())

    def _on_error(self, _: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        error = context.get("exception")
        if isinstance(error, OSError):
            self._count("connection")
        else:
            self._report(error if error is not None else RuntimeError(context.get("message")))


class _Once:
    """Passes on one text."""

    def __init__(self, complain: Callable[[str], None]) -> None:
        self._complain = complain
        self._warned = False

    def __call__(self, text: str) -> None:
        if not self._warned:
            self._warned = True
            self._complain(text)


def _has_gone(client: socket.socket) -> bool:
    """Whether the client has closed or reset the connection, with nothing sent: then there is nobody to serve."""
    try:
        return not client.recv(1, socket.MSG_PEEK)
    except BlockingIOError:
        return False
    except OSError:
        return True
