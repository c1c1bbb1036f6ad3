"""Clients that mean harm to TLS, as a process: ``python -m tests.component.sinks.hostile_tls KIND PORT``.

As ``hostile``, whose kinds do harm here, too: ``idle`` never begins a handshake.
"""

from __future__ import annotations

import itertools
import socket
import ssl
import sys
from contextlib import suppress

from tests.component.sinks import hostile
from tests.component.sinks.hostile import connected, expect_open, keep, read


def hello() -> bytes:
    """What a client sends first."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    outgoing = ssl.MemoryBIO()
    with suppress(ssl.SSLWantReadError):
        context.wrap_bio(ssl.MemoryBIO(), outgoing, server_hostname="localhost").do_handshake()
    return outgoing.read()


def half_a_hello(port: int) -> None:
    """The handshake stalls in its first message."""
    keep(lambda: connected(port, hello()[:100]), expect_open)


def hello_and_nothing(port: int) -> None:
    """The handshake stalls after its first message, and nobody reads the certificate."""
    keep(lambda: connected(port, hello(), 2048), expect_open)


def hello_a_byte_at_a_time(port: int) -> None:
    """The handshake goes on, without end."""
    whole = hello()
    sent: dict[socket.socket, int] = {}

    def make() -> socket.socket:
        client = connected(port)
        sent[client] = 0
        return client

    def act(client: socket.socket) -> None:
        try:
            expect_open(client)
            client.send(whole[sent[client] : sent[client] + 1])
            sent[client] += 1
        except OSError:
            del sent[client]
            raise

    keep(make, act)


def handshakes(port: int) -> None:
    """One handshake after the other, each up to where the server has signed: the dearest that a client can ask for."""
    keep(lambda: connected(port, hello()), read_once)


def read_once(client: socket.socket) -> None:
    """End the connection when the server has answered."""
    with suppress(BlockingIOError):
        client.recv(1 << 16)
        raise ConnectionError


def shaken_and_idle(port: int) -> None:
    """The handshake is done, and no request follows."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE

    def make() -> socket.socket:
        client = connected(port)
        client.settimeout(hostile.ATTEMPT)
        wrapped = context.wrap_socket(client)
        wrapped.setblocking(False)
        return wrapped

    def act(client: socket.socket) -> None:
        with suppress(ssl.SSLWantReadError):
            if not client.recv(1):
                raise ConnectionError

    keep(make, act)


def garbage(port: int) -> None:
    """Records that make no sense, also after a good beginning."""
    whole = hello()
    senseless = itertools.cycle(
        (
            *hostile.GARBAGE,
            whole + bytes(range(256)) * 4,
            whole[:60] + bytes(400),
            b"\x16\x03\x01\x40\x00" + bytes(16384),
            b"\x17\x03\x03\x40\x00" + bytes(16384),
            b"\x15\x03\x01\x00\x02\x01\x00" * 500,
        )
    )
    keep(lambda: connected(port, next(senseless)), read)


KINDS = {
    each.__name__: each
    for each in (
        *(hostile.idle, half_a_hello, hello_and_nothing, hello_a_byte_at_a_time, handshakes, shaken_and_idle, garbage),
        hostile.connect_and_reset,
    )
}

if __name__ == "__main__":
    KINDS[sys.argv[1]](int(sys.argv[2]))
