"""Clients that mean harm, from a process of their own: ``python -m tests.component.sinks.hostile KIND PORT``.

It writes a line when it has begun, and ends when its standard input is closed.
"""

from __future__ import annotations

import select
import socket
import struct
import sys
from collections.abc import Callable
from contextlib import suppress

CLIENTS = 500
GARBAGE = (
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(range(256)) * 2,
    b"GET /" + b"a" * 20_000 + b" HTTP/1.1\r\n\r\n",
    b"GET /metrics HTTP/9.9\r\n\r\n",
    b"POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999\r\n\r\n",
    b"GET /metrics HTTP/1.1\r\nHost: x\r\n" + b"".join(b"H%d: x\r\n" % number for number in range(900)) + b"\r\n",
    b"GET /metrics HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nfffffff\r\n",
    b"GET http://other/metrics HTTP/1.1\r\nHost: x\r\n\r\n" * 40,
    b"GET /metrics HTTP/1.1\r\nHost: x\r\nAccept-Encoding: gzip;q=0, *;q=\x00\r\n\r\n",
    b"TRACE / HTTP/1.1\r\nHost: <script>\r\n\r\n",
)


def over() -> bool:
    """Whether the test has closed our standard input."""
    return bool(select.select([sys.stdin], [], [], 0)[0])


def connected(port: int, receive_buffer: int = 0) -> socket.socket:
    client = socket.socket()
    if receive_buffer:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    client.settimeout(2)
    client.connect(("127.0.0.1", port))
    client.setblocking(False)
    return client


def keep(make: Callable[[], socket.socket], act: Callable[[socket.socket], None]) -> None:
    """Keep ``CLIENTS`` connections, each made again when the server ends it, and act on each now and then."""
    clients: list[socket.socket] = []
    while not over():
        alive = []
        for client in clients:
            try:
                act(client)
                alive.append(client)
            except OSError:
                client.close()
        clients = alive
        with suppress(OSError):
            clients += [make() for _ in range(CLIENTS - len(clients))]
        select.select([sys.stdin], [], [], 0.05)


def expect_open(client: socket.socket) -> None:
    """Raise ``OSError`` if the server has closed the connection; read nothing else."""
    with suppress(BlockingIOError):
        if client.recv(1, socket.MSG_PEEK) == b"":
            raise ConnectionError


def idle(port: int) -> None:
    keep(lambda: connected(port), expect_open)


def one_byte_now_and_then(port: int) -> None:
    def make() -> socket.socket:
        client = connected(port)
        client.send(b"GET /metrics HTTP/1.1\r\nHost: x\r\n")
        return client

    def act(client: socket.socket) -> None:
        expect_open(client)
        client.send(b"X")

    keep(make, act)


def reading_nothing(port: int) -> None:
    def make() -> socket.socket:
        client = connected(port, 2048)
        client.send(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
        return client

    keep(make, expect_open)


def garbage(port: int) -> None:
    number = 0
    while not over():
        with suppress(OSError), connected(port) as client:
            client.settimeout(1)
            client.sendall(GARBAGE[number % len(GARBAGE)])
            client.shutdown(socket.SHUT_WR)
            client.recv(64)
        number += 1


def connect_and_reset(port: int) -> None:
    number = 0
    while not over():
        with suppress(OSError):
            client = connected(port)
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            if number % 2:
                client.send(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
            client.close()
        number += 1


KINDS = {each.__name__: each for each in (idle, one_byte_now_and_then, reading_nothing, garbage, connect_and_reset)}

if __name__ == "__main__":
    print("begins", flush=True)
    KINDS[sys.argv[1]](int(sys.argv[2]))
