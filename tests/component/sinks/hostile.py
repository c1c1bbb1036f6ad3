"""Clients that mean harm, from a process of their own: ``python -m tests.component.sinks.hostile KIND PORT [CLIENTS]``.

It writes a line when all have connected once, or no more could, and ends when its standard input is closed.
"""

from __future__ import annotations

import itertools
import select
import socket
import struct
import sys
import time
from collections.abc import Callable
from contextlib import suppress

CLIENTS = 500
ATTEMPT = 1.0
"""Seconds after which a client gives up to connect."""
ROUND = 0.05
"""Seconds between two looks at each client."""
REQUEST = b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n"
RESET = struct.pack("ii", 1, 0)
"""SO_LINGER without a wait: the connection is reset when it is closed."""
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


def begun() -> None:
    """Report it."""
    with suppress(BrokenPipeError):
        print("begins", flush=True)


def connected(port: int, first: bytes = b"", receive_buffer: int = 0) -> socket.socket:
    """A client that has sent this much. Raises ``OSError``."""
    client = socket.socket()
    try:
        if receive_buffer:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        client.settimeout(ATTEMPT)
        client.connect(("127.0.0.1", port))
        client.setblocking(False)
        with suppress(BlockingIOError):
            client.send(first)
    except OSError:
        client.close()
        raise
    return client


def keep(make: Callable[[], socket.socket], act: Callable[[socket.socket], None], clients: int = CLIENTS) -> None:
    """Keep so many connections, each made again when the server ends it, and act on each in every round."""
    open_ones: list[socket.socket] = []
    for number in itertools.count():
        alive = []
        for client in open_ones:
            try:
                act(client)
                alive.append(client)
            except OSError:
                client.close()
        open_ones = alive
        with suppress(OSError):
            while len(open_ones) < clients:
                open_ones.append(make())
        if number == 0:
            begun()
        if select.select([sys.stdin], [], [], ROUND)[0]:
            return


def expect_open(client: socket.socket) -> None:
    """Raise ``OSError`` if the server has closed the connection; read nothing else."""
    with suppress(BlockingIOError):
        if client.recv(1, socket.MSG_PEEK) == b"":
            raise ConnectionError


def expect_held(client: socket.socket) -> None:
    """The same where something waits to be read, which hides the end of the connection."""
    look = select.poll()
    look.register(client, select.POLLRDHUP)
    if look.poll(0):
        raise ConnectionError


def read(client: socket.socket) -> None:
    """Read what has come. Raise ``OSError`` if the server has closed the connection."""
    with suppress(BlockingIOError):
        if client.recv(1 << 16) == b"":
            raise ConnectionError


def idle(port: int, clients: int = CLIENTS) -> None:
    keep(lambda: connected(port), expect_open, clients)


def one_byte_a_second(port: int, clients: int = CLIENTS) -> None:
    due: dict[socket.socket, float] = {}

    def make() -> socket.socket:
        client = connected(port, b"GET /metrics HTTP/1.1\r\nHost: x\r\n")
        due[client] = time.monotonic() + 1
        return client

    def act(client: socket.socket) -> None:
        try:
            expect_open(client)
            if time.monotonic() >= due[client]:
                client.send(b"X")
                due[client] += 1
        except OSError:
            del due[client]
            raise

    keep(make, act, clients)


def reading_nothing(port: int, clients: int = CLIENTS) -> None:
    keep(lambda: connected(port, REQUEST, 2048), expect_held, clients)


def garbage(port: int, clients: int = CLIENTS) -> None:
    senseless = itertools.cycle(GARBAGE)
    keep(lambda: connected(port, next(senseless)), read, clients)


def connect_and_reset(port: int, clients: int = CLIENTS) -> None:
    """All come, every other one asks, and all are gone at once; then they come again."""
    for number in itertools.count():
        open_ones = list[socket.socket]()
        with suppress(OSError):
            for request in itertools.islice(itertools.cycle((b"", REQUEST)), clients):
                open_ones.append(connected(port, request))
        for client in open_ones:
            with suppress(OSError):
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            client.close()
        if number == 0:
            begun()
        if over():
            return


KINDS = {each.__name__: each for each in (idle, one_byte_a_second, reading_nothing, garbage, connect_and_reset)}

if __name__ == "__main__":
    KINDS[sys.argv[1]](int(sys.argv[2]), int(sys.argv[3]) if len(sys.argv) > 3 else CLIENTS)
