"""A connection that is over leaves nothing to the garbage collector, which runs rarely in the daemon."""

from __future__ import annotations

import asyncio
import gc
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from mpathd_watch.config.listen_address import ListenAddress
from mpathd_watch.sinks.http.listen import Endpoints
from mpathd_watch.sinks.http.server import HttpServer, Limits
from mpathd_watch.sinks.status.client import read_status
from mpathd_watch.sinks.status.socket import StatusSocket
from mpathd_watch.sinks.view import View
from tests.component.sinks.securing import Pki, Secured, ask, pki, secured, trusting
from tests.factories import NOW, article_state

__all__ = ["pki", "secured"]
CLIENTS = 20
LAST = 1
"""The connection that was answered last may be kept until the next one is; with TLS it has two transports."""
PATIENCE = 10.0
VIEW = View(article_state(), NOW)


@pytest.fixture
def uncollected() -> Iterator[None]:
    """No garbage is collected during the test."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def transports() -> int:
    """How many transports of sockets there are, whatever keeps them."""
    return sum(isinstance(each, asyncio.Transport) for each in gc.get_objects())


def expect(most: int) -> None:
    """Wait until there are no more transports than that."""
    deadline = time.monotonic() + PATIENCE
    while transports() > most and time.monotonic() < deadline:
        time.sleep(0.05)
    assert transports() <= most


@pytest.mark.usefixtures("uncollected")
def test_the_connections_of_http_clients_are_freed() -> None:
    server = HttpServer(Endpoints((ListenAddress("127.0.0.1", 0),)), lambda: VIEW, lambda: 0.1, print, Limits())
    server.start()
    try:
        before = transports()
        for number in range(CLIENTS):
            with socket.create_connection(("127.0.0.1", server.address.port)) as client:
                if number % 2:
                    client.sendall(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
                    client.recv(1)
        expect(before + LAST)
    finally:
        server.stop()


@pytest.mark.usefixtures("uncollected")
def test_the_connections_of_clients_with_tls_are_freed(secured: Secured, pki: Pki) -> None:
    server = secured.start(pki.tls())
    before = transports()
    for _ in range(CLIENTS):
        assert ask(server, trusting(pki.ours)).status == 200
    expect(before + 2 * LAST)


@pytest.mark.usefixtures("uncollected")
def test_the_connections_of_status_clients_are_freed(tmp_path: Path) -> None:
    async def story() -> None:
        server = StatusSocket(tmp_path / "status.sock", lambda: VIEW)
        await server.start()
        before = transports()
        for _ in range(CLIENTS):
            await asyncio.to_thread(read_status, tmp_path / "status.sock")
        for _ in range(10):
            await asyncio.sleep(0.01)
        assert transports() <= before
        await server.stop()

    asyncio.run(story())
