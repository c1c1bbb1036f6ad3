"""TLS between a connection and its socket, however the bytes are cut and whenever the connection pauses."""

from __future__ import annotations

import asyncio
import gc
import ssl
import weakref
from collections.abc import Iterator
from typing import cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mpathd_watch.config.web.model import Pem, Tls
from mpathd_watch.sinks.http.tls.context import ServerTls, server_tls
from mpathd_watch.sinks.http.tls.layer import TlsLayer, TlsTransport
from tests.component.sinks.certificates import SERVER_NAMES, Authority

CERT, KEY = Pem("cert_file", path="cert"), Pem("key_file", path="key")


@pytest.fixture(scope="module")
def tls() -> Iterator[dict[str, ServerTls]]:
    """TLS with one context, and with one for each of two curves."""
    authority = Authority("ours")
    pair = authority.issue("server", SERVER_NAMES)
    texts = {CERT: pair.cert.read_bytes(), KEY: pair.key.read_bytes()}
    yield {"one": server_tls(Tls(CERT, KEY), texts), "two": server_tls(Tls(CERT, KEY, curves=(24, 23)), texts)}
    authority.remove()


class Socket(asyncio.Transport):
    """The transport of a socket, whose client is OpenSSL."""

    def __init__(self) -> None:
        super().__init__()
        self.sent = bytearray()
        self.reading, self.closed, self.ended = True, False, False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        assert not self.closed
        self.sent += data

    def pause_reading(self) -> None:
        self.reading = False

    def resume_reading(self) -> None:
        self.reading = True

    def is_closing(self) -> bool:
        return self.closed

    def close(self) -> None:
        self.closed = True

    def write_eof(self) -> None:
        self.ended = True


class Echo(asyncio.BufferedProtocol):
    """Sends back what it gets; after each piece it pauses for a moment."""

    def __init__(self, size: int) -> None:
        self.buffer = bytearray(size)
        self.got = bytearray()
        self.over = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("TlsTransport", transport)

    def get_buffer(self, sizehint: int) -> bytearray:  # noqa: ARG002
        return self.buffer

    def buffer_updated(self, nbytes: int) -> None:
        assert self.transport.is_reading()
        self.got += self.buffer[:nbytes]
        self.transport.pause_reading()
        self.transport.write(bytes(self.buffer[:nbytes]))
        asyncio.get_running_loop().call_soon(self.transport.resume_reading)

    def eof_received(self) -> bool:
        self.over = True
        return False


class Peer:
    """A client on the other end of ``Socket``, which passes on its bytes in pieces of these lengths."""

    def __init__(self, layer: TlsLayer, socket: Socket, buffer: bytearray, lengths: list[int]) -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self._incoming, self._outgoing)
        self._layer, self._socket, self._buffer, self._lengths = layer, socket, buffer, lengths
        self._number = 0

    async def shake(self) -> None:
        while True:
            try:
                self.tls.do_handshake()
            except ssl.SSLWantReadError:
                await self.pass_on()
            else:
                break
        await self.pass_on()

    async def pass_on(self) -> None:
        """Give the layer what the client has sent, and the client what the layer has sent."""
        while data := self._outgoing.read(self._length()):
            while not self._socket.reading:  # noqa: ASYNC110  # as the loop of a socket does
                await asyncio.sleep(0)
            if self._socket.closed:
                return
            self._buffer[: len(data)] = data
            self._layer.buffer_updated(len(data))
            await asyncio.sleep(0)
        await asyncio.sleep(0)
        self._incoming.write(self._socket.sent)
        self._socket.sent.clear()

    def _length(self) -> int:
        self._number += 1
        return self._lengths[self._number % len(self._lengths)]

    def read(self) -> bytes:
        got = b""
        try:
            while piece := self.tls.read(65536):
                got += piece
        except ssl.SSLWantReadError:
            pass
        return got


@settings(deadline=None, max_examples=40)
@given(
    st.lists(st.integers(1, 3000), min_size=1, max_size=8),
    st.lists(st.binary(min_size=1, max_size=40_000), max_size=4),
    st.integers(1, 9000),
    st.sampled_from(["one", "two"]),
)
def test_whatever_the_cuts_nothing_is_lost(
    tls: dict[str, ServerTls], lengths: list[int], texts: list[bytes], size: int, contexts: str
) -> None:
    if sum(map(len, texts)) // min(lengths) > 2000:
        lengths = [max(each, 200) for each in lengths]

    async def story() -> None:
        buffer, echo, socket = bytearray(16384), Echo(size), Socket()
        failures: list[str] = []
        layer = TlsLayer(tls[contexts], echo, buffer, failures.append)
        layer.connection_made(socket)
        client = Peer(layer, socket, buffer, lengths)
        await client.shake()
        got = b""
        for text in texts:
            client.tls.write(text)
            await client.pass_on()
            got += client.read()
        for _ in range(100_000):
            if len(got) == sum(map(len, texts)):
                break
            await client.pass_on()
            got += client.read()
        assert bytes(echo.got) == got == b"".join(texts)
        with pytest.raises(ssl.SSLWantReadError):
            client.tls.unwrap()
        await client.pass_on()
        await asyncio.sleep(0)
        assert echo.over
        assert failures == []

    asyncio.run(story())


def test_a_connection_that_is_over_is_freed_at_once(tls: dict[str, ServerTls]) -> None:
    async def story() -> None:
        buffer, echo, socket = bytearray(16384), Echo(100), Socket()
        layer = TlsLayer(tls["one"], echo, buffer, lambda _: None)
        layer.connection_made(socket)
        await Peer(layer, socket, buffer, [4000]).shake()
        layer.connection_lost(None)
        freed = weakref.ref(echo)
        gc.disable()
        try:
            del echo, layer
            await asyncio.sleep(0)
            assert freed() is None
        finally:
            gc.enable()

    asyncio.run(story())


@settings(deadline=None, max_examples=60)
@given(st.binary(min_size=1, max_size=600), st.sampled_from(["one", "two"]))
def test_garbage_ends_the_connection_or_waits_for_more(
    tls: dict[str, ServerTls], garbage: bytes, contexts: str
) -> None:
    async def story() -> None:
        buffer, echo, socket = bytearray(16384), Echo(100), Socket()
        failures: list[str] = []
        layer = TlsLayer(tls[contexts], echo, buffer, failures.append)
        layer.connection_made(socket)
        buffer[: len(garbage)] = garbage
        layer.buffer_updated(len(garbage))
        assert socket.closed == bool(failures)
        assert not layer.eof_received()
        assert echo.got == b""
        layer.connection_lost(None)

    asyncio.run(story())
