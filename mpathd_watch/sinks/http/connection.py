"""One client: answers are sent in slices, as fast as it takes them.

A connection keeps nothing of an answer but the pieces that all share, and one slice in the transport. All of it runs in
the loop of the server.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Final, cast

from mpathd_watch.immutable import immutable
from mpathd_watch.sinks.http.answer import NOTHING, Answer, Content
from mpathd_watch.sinks.http.dialogue import Dialogue, Nothing, Refusal, Request
from mpathd_watch.sinks.http.places import Stage
from mpathd_watch.sinks.transports import untie

SLICE: Final = 32768
"""Bytes given to the transport at a time, which copies what the kernel does not take of them."""
LINGER: Final = 1.0
"""Seconds for which the client may read the last answer. Closed with unread input, the kernel would drop the answer."""
NEXT: Final = 0.01
"""Seconds after an answer until the next request of a client is read that has not waited for the answer."""


@immutable
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


Serve = Callable[["Connection", Request], None]
"""Sees to it that ``send`` is called, once, now or later."""


class Connection(asyncio.BufferedProtocol):
    """One client, from ``connection_made`` on; ``left`` is called when it has gone."""

    _transport: asyncio.Transport

    def __init__(self, address: str, limits: Limits, serve: Serve, left: Callable[[Connection], None]) -> None:
        self.address = address
        self.stage = Stage.ASKING
        self.since = _now()
        self.held = NOTHING
        self._limits = limits
        self._serve = serve
        self._left_place = left
        self._dialogue = Dialogue(limits.request)
        self._made = False
        self._gone = False
        self._timer: asyncio.TimerHandle | None = None
        self._rest: Iterator[memoryview] = iter(())
        self._sent = 0
        self._paused = False

    def add_headers(self, headers: tuple[tuple[str, str], ...]) -> None:
        """Have them in each answer."""
        self._dialogue.headers = headers

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
        untie(self._transport)
        self._left_place(self)

    def hang_up(self) -> None:
        """Close the connection at once, whatever it does."""
        self._gone = True
        if self._made:
            self._transport.abort()

    def _enter(self, stage: Stage, seconds: float | None) -> None:
        """Go to a stage, which may last so many seconds."""
        self.stage, self.since = stage, _now()
        self._disarm()
        if seconds is not None:
            self._timer = asyncio.get_running_loop().call_later(seconds, self.hang_up)

    def _disarm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _release(self) -> None:
        self.held, self._rest = NOTHING, iter(())

    # --- requests -----------------------------------------------------------------------------------------------------

    def get_buffer(self, sizehint: int) -> bytearray:  # noqa: ARG002  # the transport may ask for more than we want
        """Where the transport puts what it reads."""
        return self._dialogue.buffer

    def buffer_updated(self, nbytes: int) -> None:
        """Take up what has been read."""
        if self.stage is Stage.CLOSING or self._gone:
            return
        if self.stage is Stage.IDLE:
            self._enter(Stage.ASKING, self._limits.deadline)
        self._dialogue.feed(nbytes)
        self._read_on()

    def eof_received(self) -> bool:
        """The client sends no more: it may still wait for an answer, or it has closed the connection."""
        if self.stage is Stage.CLOSING or self._gone:
            return False
        self._dialogue.feed(0)
        self._read_on()
        return not self._gone

    def _read_on(self) -> None:
        """Serve the next request, if it is complete."""
        if self._gone:
            return
        match self._dialogue.next():
            case Nothing.YET:
                return
            case Nothing.MORE:
                self._close()
            case Refusal(answer):
                self._begin()
                self.send(answer)
            case Request() as request:
                self._begin()
                self._serve(self, request)

    def _begin(self) -> None:
        self._enter(Stage.ANSWERING, None)
        # What else the client sends waits with the kernel.
        self._transport.pause_reading()

    # --- answers ------------------------------------------------------------------------------------------------------

    def send(self, answer: Answer) -> None:
        """Answer the request. Only when the client has taken it all is the next request read."""
        if self._gone or self._transport.is_closing():
            return
        head = self._dialogue.head(answer)
        if not self._dialogue.headers_only:
            self.held, self._rest = answer.content, slices(answer.content)
        self._sent = 0
        self._timer = asyncio.get_running_loop().call_later(self._limits.window, self._check_progress, 0)
        self._write(head)
        self._send_on()

    def pause_writing(self) -> None:
        """The kernel has not taken all of a slice."""
        self._paused = True

    def resume_writing(self) -> None:
        """The kernel has taken the slice."""
        self._paused = False
        self.since = _now()
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
        if not self._dialogue.go_on():
            self._close()
            return
        self._enter(Stage.IDLE, self._limits.idle)
        self._transport.resume_reading()
        if self._dialogue.has_more:
            # The client did not wait for the answer to send its next request. It waits now, and others are served.
            self._enter(Stage.ASKING, self._limits.deadline)
            asyncio.get_running_loop().call_later(NEXT, self._read_on)

    def _write(self, data: bytes | memoryview) -> None:
        self._sent += len(data)
        self._transport.write(data)

    def _check_progress(self, before: int) -> None:
        """Hang up on a client that takes an answer too slowly."""
        taken = self._sent - self._transport.get_write_buffer_size()
        if taken - before < self._limits.progress:
            self.hang_up()
        else:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(self._limits.window, self._check_progress, taken)

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


def _now() -> float:
    return asyncio.get_running_loop().time()
