"""What a client and the server exchange in HTTP/1.1, as h11 has it: requests from bytes, and bytes from answers."""

from __future__ import annotations

from enum import Enum, auto
from functools import cache
from http import HTTPStatus
from typing import Any, Final, NamedTuple, TypeAlias

import h11

from mpathd_watch.immutable import immutable
from mpathd_watch.sinks.http.answer import Answer, plain

_VERSIONS: Final = (b"1.0", b"1.1")
_READ: Final = 8192


class Request(NamedTuple):
    """What a client has asked for."""

    target: str
    accept: str
    accept_encoding: str
    authorization: str = ""


@immutable
class Refusal:
    """The answer to a request that is not served. It is the last one of the connection."""

    answer: Answer


class Nothing(Enum):
    """There is no request."""

    YET = auto()
    """More bytes are needed."""
    MORE = auto()
    """There will be none: the client has ended its side, or what it sends makes no sense any more."""


Asked: TypeAlias = Request | Refusal | Nothing


class Dialogue:
    """The requests of one client, one after the other, of at most ``most`` bytes of line and headers each.

    ``buffer`` is where to put what is read next: it is small, so that a request can't be much larger than allowed.
    ``headers`` are added to each answer, in place of those of the same name.
    """

    def __init__(self, most: int) -> None:
        self.buffer = bytearray(_READ)
        self.headers: tuple[tuple[str, str], ...] = ()
        self._http = h11.Connection(h11.SERVER, max_incomplete_event_size=most)
        self._last = False
        self._is_refused = False
        self._headers_only = False

    def feed(self, length: int) -> None:
        """Take so many bytes from the buffer; 0: the client sends no more."""
        self._http.receive_data(bytes(self.buffer[:length]))

    def next(self) -> Asked:
        """The next request, if it is complete. A request with a body is served, and the body is not read."""
        try:
            event = self._http.next_event()
            if not isinstance(event, h11.Request):
                return Nothing.YET if event is h11.NEED_DATA else Nothing.MORE
            self._headers_only = event.method == b"HEAD"
            if event.http_version not in _VERSIONS:
                return self._refused(HTTPStatus.HTTP_VERSION_NOT_SUPPORTED)
            if event.method not in (b"GET", b"HEAD"):
                return self._refused(HTTPStatus.METHOD_NOT_ALLOWED, ("Allow", "GET, HEAD"))
            self._last = not isinstance(self._http.next_event(), h11.EndOfMessage)
        except h11.RemoteProtocolError as error:
            if self._http.our_state not in (h11.IDLE, h11.SEND_RESPONSE):
                return Nothing.MORE
            return self._refused(HTTPStatus(error.error_status_hint))
        except ValueError:  # h11 before 0.15: a Content-Length with more digits than Python makes a number of
            return self._refused(HTTPStatus.BAD_REQUEST)
        headers: dict[bytes, str] = {}
        for name, value in event.headers:
            text = value.decode("latin-1")
            headers[name] = f"{headers[name]}, {text}" if name in headers else text
        target = event.target.decode("latin-1")
        return Request(
            target,
            headers.get(b"accept", ""),
            headers.get(b"accept-encoding", ""),
            headers.get(b"authorization", ""),
        )

    def head(self, answer: Answer) -> bytes:
        """What comes before the content of an answer."""
        if self._is_refused:
            return _refusal_head(answer, self.headers)
        headers = _headers(answer, self.headers, last=self._last)
        reason = answer.status.phrase.encode()
        head = self._http.send(h11.Response(status_code=answer.status, reason=reason, headers=headers))
        if not self._headers_only:
            counted: Any = _Counted(answer.content.length)  # h11 asks for its length only
            self._http.send_with_data_passthrough(h11.Data(data=counted))
        self._http.send(h11.EndOfMessage())
        return head or b""

    @property
    def headers_only(self) -> bool:
        """Whether the client wants no content."""
        return self._headers_only

    def go_on(self) -> bool:
        """After an answer, be ready for another request; ``False`` if there is none on this connection."""
        if self._last or self._http.our_state is not h11.DONE or self._http.their_state is not h11.DONE:
            return False
        self._http.start_next_cycle()
        return True

    @property
    def has_more(self) -> bool:
        """Whether the client has sent something after its last request."""
        return bool(self._http.trailing_data[0])

    def _refused(self, status: HTTPStatus, *headers: tuple[str, str]) -> Refusal:
        self._last = self._is_refused = True
        return Refusal(_refusal(status, headers))


@cache
def _refusal(status: HTTPStatus, headers: tuple[tuple[str, str], ...]) -> Answer:
    return plain(status, f"{status.value} {status.phrase.lower()}", *headers)


@cache
def _refusal_head(answer: Answer, more: tuple[tuple[str, str], ...]) -> bytes:
    """The head of one of the few refusals there are. Who floods the server with garbage shall cost it little."""
    lines = (f"{name}: {value}\r\n" for name, value in _headers(answer, more, last=True))
    return f"HTTP/1.1 {answer.status.value} {answer.status.phrase}\r\n{''.join(lines)}\r\n".encode()


def _headers(answer: Answer, more: tuple[tuple[str, str], ...], *, last: bool) -> list[tuple[str, str]]:
    replaced = {name for name, _ in more}
    ours = (
        ("Server", "mpathd-watch"),
        ("Content-Type", answer.content_type),
        ("Content-Length", str(answer.content.length)),
        ("Cache-Control", "no-store"),
        ("X-Content-Type-Options", "nosniff"),
        *answer.headers,
    )
    return [
        *(each for each in ours if each[0] not in replaced),
        *more,
        *([("Connection", "close")] if last else []),
    ]


class _Counted:
    """Stands for so many bytes where only their number counts."""

    def __init__(self, length: int) -> None:
        self._length = length

    def __len__(self) -> int:
        return self._length
