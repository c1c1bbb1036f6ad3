"""TLS between a connection and its socket, with OpenSSL working on memory only.

asyncio's own TLS has a buffer of 256 KiB for each connection. This layer has none of its own: what comes waits in the
kernel until the connection reads it, and what goes waits in the one slice that the connection has written.

The handshake belongs to the time that a client has for its first request, and its connection counts as one whose
request is not complete: so the rules for clients that send nothing hold for those that do not shake hands.
"""

from __future__ import annotations

import asyncio
import ipaddress
import ssl
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final, cast

from mpathd_watch.sinks.http.tls import hello
from mpathd_watch.sinks.http.tls.context import ServerTls
from mpathd_watch.sinks.transports import untie

READ: Final = 16384
"""Bytes read at a time: a record of TLS has as many."""
_HINT: Final = b"this port takes https only\n"
_PLAIN_HTTP: Final = (
    b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Type: text/plain; charset=utf-8\r\n"
    b"Content-Length: %d\r\n\r\n%s" % (len(_HINT), _HINT)
)
"""The answer to a client that has begun a request without TLS."""
_NOBODY: Final = asyncio.BufferedProtocol()


class TlsLayer(asyncio.BufferedProtocol):
    """Stands between the transport of a socket and the protocol ``above``, which sees a transport without TLS.

    ``buffer`` is where the transport puts what it reads; all layers of a loop may share it. ``failed`` is called with a
    word for each handshake that fails. ``reading``: whether the protocol above wants to be passed what comes.
    """

    def __init__(
        self, tls: ServerTls, above: asyncio.BufferedProtocol, buffer: bytearray, failed: Callable[[str], object]
    ) -> None:
        self._tls = tls
        self._above = above
        self._buffer = buffer
        self._failed = failed
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        # OpenSSL takes 60 KiB for a handshake: only who has sent the whole first message gets them.
        self._hello: bytearray | None = bytearray()
        self._ssl: ssl.SSLObject | None = None
        self._shaken = False
        self._paused = False
        self._theirs_is_over = self._ours_is_over = False
        self.reading = True
        self._transport: asyncio.Transport

    # --- what the socket's transport calls ----------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Pass the connection on: its time runs from now on."""
        self._transport = cast("asyncio.Transport", transport)
        self._above.connection_made(TlsTransport(self, self._transport))

    def connection_lost(self, exc: Exception | None) -> None:
        """Pass it on, and free everything at once: OpenSSL's cached session, and what would refer to itself."""
        self._theirs_is_over = True
        self._shaken, self._ssl = False, None
        above, self._above = self._above, _NOBODY
        untie(self._transport)
        above.connection_lost(exc)

    def get_buffer(self, sizehint: int) -> bytearray:  # noqa: ARG002  # the transport may ask for more than we want
        """Where the transport puts what it reads."""
        return self._buffer

    def buffer_updated(self, nbytes: int) -> None:
        """Decrypt what has been read."""
        if self._theirs_is_over:
            return
        data = memoryview(self._buffer)[:nbytes]
        if self._hello is not None:
            self._hello += data
            known = hello.curves(bytes(self._hello))
            if known is None:
                return
            self._ssl = self._wrapped(known)
            self._incoming.write(self._hello)
            self._hello = None
        else:
            self._incoming.write(data)
        self._advance()

    def eof_received(self) -> bool:
        """The client sends no more; it may still wait for an answer."""
        if self._ours_is_over or not self._shaken:
            return False
        if self._theirs_is_over:
            return True
        self._theirs_is_over = True
        return bool(self._above.eof_received())

    def pause_writing(self) -> None:
        """The kernel has not taken all of a slice."""
        self._paused = True
        if self._shaken:
            self._above.pause_writing()

    def resume_writing(self) -> None:
        """The kernel has taken the slice."""
        self._paused = False
        if self._shaken:
            self._above.resume_writing()

    # --- what the protocol above calls --------------------------------------------------------------------------------

    def write(self, data: bytes | memoryview) -> None:
        """Encrypt and send."""
        if self._ssl is not None and not self._transport.is_closing():
            with suppress(ssl.SSLError):  # a client may have ended TLS in the middle of an answer
                self._ssl.write(data)
            self._flush()

    def end(self) -> None:
        """Report to the client that nothing more follows, and take nothing more from it."""
        self._theirs_is_over = self._ours_is_over = True
        # OpenSSL keeps the session of a client of TLS 1.2 that has got this, up to 20,480 of them, and Python can't
        # switch that off. The client needs it not: each answer has its length (ssl_clear_bad_session(), ssl_sess.c).
        if self._ssl is not None and self._shaken and self._ssl.version() == "TLSv1.3":
            with suppress(ssl.SSLError):  # its own end of TLS has not come, or never will
                self._ssl.unwrap()
            self._flush()

    def read_on(self) -> None:
        """Decrypt what has come before the protocol above wanted no more."""
        if not self._theirs_is_over:
            self._advance()

    # --- OpenSSL ------------------------------------------------------------------------------------------------------

    def _wrapped(self, curves: frozenset[int]) -> ssl.SSLObject:
        return self._tls.context(curves).wrap_bio(self._incoming, self._outgoing, server_side=True)

    def _advance(self) -> None:
        if self._ssl is None:
            return
        try:
            if not self._shaken:
                self._ssl.do_handshake()
                if not is_allowed(self._ssl, self._tls.allowed_names):
                    self._give_up("tls_name")
                    return
                self._shaken = True
                if self._paused:
                    self._above.pause_writing()
            while self.reading and not self._theirs_is_over and not self._transport.is_closing():
                space = self._above.get_buffer(-1)
                length = cast("int", self._ssl.read(len(memoryview(space)), space))
                self._flush()
                if not length:
                    self._end_of_input()
                    return
                self._above.buffer_updated(length)
        except ssl.SSLWantReadError:
            self._flush()
        except ssl.SSLZeroReturnError:
            self._end_of_input()
        except ssl.SSLError as error:
            self._flush()  # the alert that says why
            self._give_up("tls_plain" if error.reason == "HTTP_REQUEST" else "tls")

    def _end_of_input(self) -> None:
        """The client has ended its side of TLS."""
        self._flush()
        if not self.eof_received():
            self._transport.close()

    def _give_up(self, why: str) -> None:
        self._theirs_is_over = True
        if not self._shaken:
            self._failed(why)
        if why == "tls_plain":
            self._transport.write(_PLAIN_HTTP)
        self._transport.close()

    def _flush(self) -> None:
        if self._outgoing.pending and not self._transport.is_closing():
            self._transport.write(self._outgoing.read())


class TlsTransport(asyncio.Transport):
    """What the protocol above sees: its bytes are not encrypted."""

    def __init__(self, layer: TlsLayer, below: asyncio.Transport) -> None:
        super().__init__()
        self._layer = layer
        self._below = below

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Send."""
        self._layer.write(memoryview(data))

    def can_write_eof(self) -> bool:
        """TLS can end one side, and leave the other one open."""
        return True

    def write_eof(self) -> None:
        """End our side."""
        self._layer.end()
        self._below.write_eof()

    def is_reading(self) -> bool:
        """Whether what comes is passed on."""
        return self._layer.reading

    def pause_reading(self) -> None:
        """Leave what comes with the kernel."""
        self._layer.reading = False
        self._below.pause_reading()

    def resume_reading(self) -> None:
        """Read on, beginning with what has been decrypted by OpenSSL and not been read."""
        self._layer.reading = True
        self._below.resume_reading()
        asyncio.get_running_loop().call_soon(self._layer.read_on)

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """As those of the socket's transport."""
        self._below.set_write_buffer_limits(high, low)

    def get_write_buffer_size(self) -> int:
        """Bytes that the kernel has yet to take."""
        return self._below.get_write_buffer_size()

    def is_closing(self) -> bool:
        """Whether the connection is being closed."""
        return self._below.is_closing()

    def close(self) -> None:
        """Close it when all has been sent."""
        self._layer.end()
        self._below.close()

    def abort(self) -> None:
        """Close it now."""
        self._below.abort()


def is_allowed(connection: ssl.SSLObject, names: frozenset[str] | None) -> bool:
    """Whether the client's certificate has one of the subject alternative names; ``None``: it need have none."""
    if names is None:
        return True
    certificate: dict[str, Any] = connection.getpeercert() or {}
    return any(_name(kind, value) in names for kind, value in certificate.get("subjectAltName", ()))


def _name(kind: str, value: object) -> str:
    """A subject alternative name as Go writes it; empty for one of a kind that it does not compare."""
    if kind == "IP Address":
        with suppress(ValueError):
            return str(ipaddress.ip_address(str(value).strip()))
        return ""
    return str(value) if kind in ("DNS", "email", "URI") else ""
