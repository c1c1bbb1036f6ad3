"""The HTTP server: a loop in a thread of its own, which no client can hold.

There is no thread for a client. The loop only moves bytes; answers that take a while are made in one other thread. When
there are as many connections as allowed, ``places`` decides which one yields. No error of a client or of a renderer
reaches stderr: it is counted, and reported once.
"""

from __future__ import annotations

import asyncio
import errno
import resource
import socket
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, Final

from mpathd_watch.config.listen_address import ListenAddress
from mpathd_watch.sinks.http.answer import Answer
from mpathd_watch.sinks.http.connection import Connection, Limits
from mpathd_watch.sinks.http.dialogue import Request
from mpathd_watch.sinks.http.listen import ListenError, open_socket
from mpathd_watch.sinks.http.places import Places
from mpathd_watch.sinks.http.renderings import Renderings
from mpathd_watch.sinks.http.site import NOTHING_MORE, About, Rendering, Site
from mpathd_watch.sinks.view import Views

__all__ = ["HttpServer", "Limits", "ListenError"]

BATCH: Final = 16
"""Clients taken in before others have their turn, and the rest of the process has the interpreter lock."""
MOST_ACCEPTED: Final = 64
"""Connections accepted in a batch; those of clients that have gone cost almost nothing."""
BETWEEN: Final = 0.004
"""Seconds between two batches."""
OUT_OF_FILES_PAUSE: Final = 0.25
"""Seconds without accepting when there are no more file descriptors: the waiting client stays readable."""
GIVEN_BACK: Final = 16
"""Connections given up then, at most: the sources need files, too, which they open for a moment each."""
OTHER_FILES: Final = 640
"""File descriptors that the rest of the process may need: the sources keep two open for each session, up to a limit."""
FEWEST: Final = 32
"""Connections that are allowed in any case."""
STOPPED_WITHIN: Final = 1.0

_OUT_OF_FILES: Final = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})
_LIMITS: Final = Limits()
_BUSY: Final = b"HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"


class HttpServer:
    """Serves the views on ``where`` from ``start`` to ``stop``; the socket is bound at once (``ListenError``).

    ``heartbeat`` and ``about`` as in ``Site``. A thread of the server calls ``complain`` with one line for each new
    kind of internal error, and once if no client can be accepted because files or memory are short.
    """

    def __init__(
        self,
        where: ListenAddress,
        views: Views,
        heartbeat: Callable[[], float],
        complain: Callable[[str], None],
        limits: Limits = _LIMITS,
        *,
        about: About = NOTHING_MORE,
    ) -> None:
        self._site = Site(views, heartbeat, limits.heartbeat, about)
        self._complain = complain
        self._limits = limits
        self._errors: Counter[str] = Counter()
        self._counting = threading.Lock()
        self._listening = open_socket(where)
        # A client may go away before it is accepted, which must not wait then.
        self._listening.setblocking(False)
        self._thread = threading.Thread(target=self._run, name="http", daemon=True)
        self._served: _Served | None = None
        self._begun = threading.Event()

    @property
    def address(self) -> ListenAddress:
        """Where it listens; if port 0 was asked for, with the port that the kernel chose."""
        host, port, *_ = self._listening.getsockname()
        return ListenAddress(host, port)

    @property
    def errors(self) -> Mapping[str, int]:
        """Internal errors so far by the exception's name, and clients that got status 503 (``busy``)."""
        with self._counting:
            return dict(self._errors)

    def start(self) -> None:
        """Serve from now on."""
        self._thread.start()
        self._begun.wait()

    def stop(self) -> None:
        """Close the socket and every connection; takes no longer than a fraction of a second."""
        if self._served is not None:
            self._served.stop()
            self._thread.join(STOPPED_WITHIN)
        self._listening.close()

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except Exception as error:  # noqa: BLE001  # whatever it is, the daemon goes on without HTTP
            self._report(error)
        finally:
            self._begun.set()

    async def _serve(self) -> None:
        self._served = _Served(
            self._listening, self._site, self._limits, self._count, self._report, complain=self._complain
        )
        self._begun.set()
        await self._served.run()

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
        listening: socket.socket,
        site: Site,
        limits: Limits,
        count: Callable[[str], int],
        report: Callable[[BaseException], None],
        *,
        complain: Callable[[str], None],
    ) -> None:
        self._complain = complain
        self._warned = False
        self._loop = asyncio.get_running_loop()
        self._loop.set_exception_handler(self._on_error)
        self._listening = listening
        self._site = site
        self._limits = limits
        self._count = count
        self._report = report
        files = resource.getrlimit(resource.RLIMIT_NOFILE)[0] - OTHER_FILES
        most = min(limits.connections, max(FEWEST, files))
        self._places = Places(most, most * limits.share // limits.connections)
        self._renderings = Renderings(site.make, report)
        self._stopped = asyncio.Event()
        self._joining: set[asyncio.Task[Any]] = set()
        self._delivered: Answer | None = None

    def stop(self) -> None:
        """End ``run``. Any thread may call it."""
        with suppress(RuntimeError):  # the loop has ended before
            self._loop.call_soon_threadsafe(self._stopped.set)

    async def run(self) -> None:
        """Serve until stopped."""
        rendering = asyncio.create_task(self._renderings.run())
        self._loop.add_reader(self._listening, self._accept)
        try:
            await self._stopped.wait()
        finally:
            self._loop.remove_reader(self._listening)
            self._places.clear()
            rendering.cancel()

    # --- clients that come --------------------------------------------------------------------------------------------

    def _accept(self) -> None:
        taken = 0
        for _ in range(MOST_ACCEPTED):
            try:
                client, address = self._listening.accept()
            except BlockingIOError:
                return
            except OSError as error:
                if error.errno in _OUT_OF_FILES:
                    self._count(type(error).__name__)
                    self._warn_once(f"no HTTP client can be accepted now: {error.strerror}; raise LimitNOFILE=")
                    self._places.give_back(GIVEN_BACK, self._loop.time())
                    self._rest(OUT_OF_FILES_PAUSE)
                    return
                self._count("connection")
                continue
            taken += self._take_in(client, address[0])
            if taken == BATCH:
                break
        self._rest(BETWEEN)

    def _warn_once(self, text: str) -> None:
        if not self._warned:
            self._warned = True
            self._complain(text)

    def _rest(self, seconds: float) -> None:
        self._loop.remove_reader(self._listening)
        self._loop.call_later(seconds, self._go_on)

    def _go_on(self) -> None:
        if not self._stopped.is_set():
            self._loop.add_reader(self._listening, self._accept)

    def _take_in(self, client: socket.socket, address: str) -> bool:
        """Serve a client; ``False`` if there is none any more."""
        client.setblocking(False)
        if _has_gone(client):
            client.close()
            return False
        connection = Connection(address, self._limits, self._serve, self._places.leave)
        if not self._places.take(connection, self._loop.time()):
            self._count("busy")
            with suppress(OSError):  # the closed connection is answer enough
                client.send(_BUSY)
            client.close()
            return True
        joining = self._loop.create_task(self._join(connection, client))
        self._joining.add(joining)
        joining.add_done_callback(self._joining.discard)
        return True

    async def _join(self, connection: Connection, client: socket.socket) -> None:
        try:
            await self._loop.connect_accepted_socket(lambda: connection, client)
        except OSError:
            self._count("connection")
            self._places.leave(connection)
            client.close()

    # --- requests -----------------------------------------------------------------------------------------------------

    def _serve(self, connection: Connection, request: Request) -> None:
        answer = self._site.answer(*request)
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


def _has_gone(client: socket.socket) -> bool:
    """Whether the client has closed or reset the connection, with nothing sent: then there is nobody to serve."""
    try:
        return not client.recv(1, socket.MSG_PEEK)
    except BlockingIOError:
        return False
    except OSError:
        return True
