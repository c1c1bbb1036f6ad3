"""One client: its requests are read with h11, and answers are sent in slices, as fast as it takes them.

A connection keeps nothing of an answer but a view of the bytes that all share, and one slice in the transport. All of
it runs in the loop of the server.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final, NamedTuple, cast

import h11

from mpathd_watch.sinks.http.answer import NOTHING, Answer, Content, plain
from mpathd_watch.sinks.http.places import Stage

SLICE: Final = 32768
"""Bytes given to the transport at a time, which copies what the kernel does not take of them."""
LINGER: Final = 1.0
"""Seconds for which the client may read the last answer. Closed with unread input, the kernel would drop the answer."""
_READ: Final = 8192
_VERSIONS: Final = (b"1.0", b"1.1")


@dataclass(frozen=True, slots=True)
class Limits:
    """What clients may use.

    ``connections`` at once, ``share`` of them from one address; fewer if the process may not open so many files.
    ``request`` in bytes of line and headers, and the ``deadline`` in seconds for all of it. A connection without a
    request is kept for ``idle`` seconds. In each ``window`` seconds an answer must move by at least ``progress`` bytes.
    ``heartbeat`` in seconds, as in ``Site``. ``content``: bytes of all answers that clients do not read, unless the
    newest alone is larger.
    """

    connections: int = 1024
    share: int = 768
    request: int = 8192
    deadline: float = 10.0
    idle: float = 180.0
    window: float = 10.0
    progress: int = 40960
    heartbeat: float = 10.0
    content: int = 8 << 20


class Request(NamedTuple):
    """What a client has asked for."""

    target: str
    accept: str
    accept_encoding: str


Serve = Callable[["Connection", Request], None]
"""Sees to it that ``send`` is called, once, now or later."""


class Connection(asyncio.BufferedProtocol):
    """One client, from ``connection_made`` on; ``left`` is called when it has gone."""

    _transport: asyncio.Transport

    def __init__(self, address: str, limits: Limits, serve: Serve, left: Callable[[Connection], None]) -> None:
        self.address = address
        self.stage = Stage.ASKING
        self._loop = asyncio.get_running_loop()
        self.since = self._loop.time()
        self.held = NOTHING
        self._limits = limits
        self._serve = serve
        self._left_place = left
        self._http = h11.Connection(h11.SERVER, max_incomplete_event_size=limits.request)
        self._buffer = bytearray(_READ)
        self._made = False
        self._gone = False
        self._timer: asyncio.TimerHandle | None = None
        self._rest: Iterator[memoryview] = iter(())
        self._sent = 0
        self._paused = False
        self._last = False
        """Whether the connection ends with the answer that is being sent."""
        self._headers_only = False

    # --- its life -----------------------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Wait for the first request."""
        self._transport, self._made = cast("asyncio.Transport", transport), True
        # With an empty buffer as the mark, writing goes on when the kernel has taken all of a slice.
        self._transport.set_write_buffer_limits(high=0)
        if self._gone:
            self._transport.abort()
            return
        self._enter(Stage.ASKING, self._limits.deadline)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  # a client may go as it likes
        """Forget everything."""
        self._gone = True
        self._disarm()
        self._release()
        self._left_place(self)

    def hang_up(self) -> None:
        """Close the connection at once, whatever it does."""
        self._gone = True
        if self._made:
            self._transport.abort()

    def _enter(self, stage: Stage, seconds: float | None) -> None:
        """Go to a stage, which may last so many seconds."""
        self.stage, self.since = stage, self._loop.time()
        self._disarm()
        if seconds is not None:
            self._timer = self._loop.call_later(seconds, self.hang_up)

    def _disarm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _release(self) -> None:
        self.held, self._rest = NOTHING, iter(())

    # --- requests -----------------------------------------------------------------------------------------------------

    def get_buffer(self, sizehint: int) -> bytearray:  # noqa: ARG002  # the transport may ask for more than we want
        """Where the transport puts what it reads. It is small, so that a request can't be much larger than allowed."""
        return self._buffer

    def buffer_updated(self, nbytes: int) -> None:
        """Take up what has been read."""
        if self.stage is Stage.CLOSING or self._gone:
            return
        if self.stage is Stage.IDLE:
            self._enter(Stage.ASKING, self._limits.deadline)
        self._feed(bytes(self._buffer[:nbytes]))

    def eof_received(self) -> bool:
        """The client sends no more: it may still wait for an answer, or it has closed the connection."""
        if self.stage is Stage.CLOSING or self._gone:
            return False
        self._feed(b"")
        return not self._gone

    def _feed(self, data: bytes) -> None:
        try:
            self._http.receive_data(data)
        except h11.RemoteProtocolError:
            self.hang_up()
            return
        self._read_on()

    def _read_on(self) -> None:
        """Serve the next request, if it is complete."""
        if self._gone:
            return
        try:
            event = self._http.next_event()
        except h11.RemoteProtocolError as error:
            self._refuse(HTTPStatus(error.error_status_hint))
            return
        if isinstance(event, h11.Request):
            self._ask(event)
        elif isinstance(event, h11.ConnectionClosed):
            self._close()
        elif event is h11.PAUSED:
            self.hang_up()

    def _ask(self, request: h11.Request) -> None:
        self._enter(Stage.ANSWERING, None)
        self._transport.pause_reading()
        self._headers_only = request.method == b"HEAD"
        if request.http_version not in _VERSIONS:
            self._refuse(HTTPStatus.HTTP_VERSION_NOT_SUPPORTED)
            return
        if request.method not in (b"GET", b"HEAD"):
            self._refuse(HTTPStatus.METHOD_NOT_ALLOWED, ("Allow", "GET, HEAD"))
            return
        try:
            # A request with a body is answered, and the body is not read.
            self._last = not isinstance(self._http.next_event(), h11.EndOfMessage)
        except h11.RemoteProtocolError as error:
            self._refuse(HTTPStatus(error.error_status_hint))
            return
        headers: dict[bytes, str] = {}
        for name, value in request.headers:
            text = value.decode("latin-1")
            headers[name] = f"{headers[name]}, {text}" if name in headers else text
        target = request.target.decode("latin-1")
        self._serve(self, Request(target, headers.get(b"accept", ""), headers.get(b"accept-encoding", "")))

    def _refuse(self, status: HTTPStatus, *headers: tuple[str, str]) -> None:
        self._last = True
        self._enter(Stage.ANSWERING, None)
        if self._http.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            self.send(plain(status, f"{status.value} {status.phrase.lower()}", *headers))
        else:
            self.hang_up()

    # --- answers ------------------------------------------------------------------------------------------------------

    def send(self, answer: Answer) -> None:
        """Answer the request. Only when the client has taken it all is the next request read."""
        if self._gone or self._transport.is_closing():
            return
        head = self._http.send(
            h11.Response(
                status_code=answer.status,
                reason=answer.status.phrase.encode(),
                headers=[
                    ("Server", "mpathd-watch"),
                    ("Content-Type", answer.content_type),
                    ("Content-Length", str(answer.content.length)),
                    ("Cache-Control", "no-store"),
                    ("X-Content-Type-Options", "nosniff"),
                    *answer.headers,
                    *([("Connection", "close")] if self._last else []),
                ],
            )
        )
        if not self._headers_only:
            # Only counted: the bytes themselves go to the transport, and are never copied as a whole.
            self._http.send_with_data_passthrough(h11.Data(data=_Counted(answer.content.length)))  # type: ignore[arg-type]
            self.held, self._rest = answer.content, slices(answer.content)
        self._http.send(h11.EndOfMessage())
        self._sent = 0
        self._timer = self._loop.call_later(self._limits.window, self._check_progress, 0)
        self._write(head or b"")
        self._send_on()

    def pause_writing(self) -> None:
        """The kernel has not taken all of a slice."""
        self._paused = True

    def resume_writing(self) -> None:
        """The kernel has taken the slice."""
        self._paused = False
        self.since = self._loop.time()
        self._send_on()

    def _send_on(self) -> None:
        # A transport whose client has gone is closing, and ``connection_lost`` follows.
        while not self._paused and not self._transport.is_closing():
            part = next(self._rest, None)
            if part is None:
                break
            self._write(part)
        if self._paused or self._transport.is_closing() or self.stage is not Stage.ANSWERING:
            return
        self._release()
        if self._last or self._http.our_state is not h11.DONE or self._http.their_state is not h11.DONE:
            self._close()
            return
        self._http.start_next_cycle()
        self._enter(Stage.IDLE, self._limits.idle)
        self._transport.resume_reading()
        if self._http.trailing_data[0]:
            # The client did not wait for the answer to send its next request.
            self._enter(Stage.ASKING, self._limits.deadline)
            self._loop.call_soon(self._read_on)

    def _write(self, data: bytes | memoryview) -> None:
        self._sent += len(data)
        self._transport.write(data)

    def _check_progress(self, before: int) -> None:
        """Hang up on a client that takes an answer too slowly."""
        taken = self._sent - self._transport.get_write_buffer_size()
        if taken - before < self._limits.progress:
            self.hang_up()
        else:
            self._timer = self._loop.call_later(self._limits.window, self._check_progress, taken)

    def _close(self) -> None:
        """End our side, and wait a moment for the client to end its own."""
        self._enter(Stage.CLOSING, LINGER)
        if not self._transport.can_write_eof():
            self._transport.close()
            return
        with suppress(OSError):  # the client has gone
            self._transport.write_eof()
        self._transport.resume_reading()


def slices(content: Content) -> Iterator[memoryview]:
    """The content in slices of ``SLICE`` bytes or a little more; small pieces are put together."""
    small: list[bytes] = []
    waiting = 0
    for piece in content.pieces:
        small.append(piece)
        waiting += len(piece)
        if waiting >= SLICE:
            yield from _cut(b"".join(small))
            small, waiting = [], 0
    yield from _cut(b"".join(small))


def _cut(data: bytes) -> Iterator[memoryview]:
    whole = memoryview(data)
    for start in range(0, len(whole), 2 * SLICE):
        yield whole[start : start + 2 * SLICE]


class _Counted:
    """Stands for so many bytes where only their number counts."""

    def __init__(self, length: int) -> None:
        self._length = length

    def __len__(self) -> int:
        return self._length
