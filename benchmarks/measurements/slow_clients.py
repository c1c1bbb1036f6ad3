"""Scrapes beside hundreds of clients that hold on to their connections."""

from __future__ import annotations

import contextlib
import http.client
import math
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence

from benchmarks.effort import Effort
from benchmarks.figures import Figure, Plot, quantile
from benchmarks.host.host import Host
from benchmarks.host.process import sockets, threads, wait_quiet
from benchmarks.host.scraping import scrape
from benchmarks.measurements.measurement import Measurement
from benchmarks.peers.running import Server, ready_samples
from tests.component.sinks.hostile import CLIENTS, one_byte_now_and_then, reading_nothing

KINDS = {one_byte_now_and_then.__name__: "sending slowly", reading_nothing.__name__: "reading nothing"}
PATIENCE = 5.0
PAUSE = 0.1
CONNECTING = 30.0
"""Seconds for which all of them may take to come: a server with a short queue accepts few at a time."""
STILL = 2.0
"""Seconds after which no more come, if none has."""


def measure(host: Host, effort: Effort) -> list[Figure]:
    """Scrape the daemon and prometheus_client beside each kind of client, which have one of them at a time."""
    with host.watched() as daemon:
        wait_quiet(daemon.pid)
        with ready_samples(host, daemon.port) as plain:
            servers = [Server("", daemon.port, daemon.pid), plain]
            return [
                figure
                for kind, words in KINDS.items()
                for figure in _beside(words, [(server, _scrapes(kind, server, effort)) for server in servers])
            ]


Scrapes = tuple[list[float], int, int, int]
"""Milliseconds of each that was answered, the number of the others, the most threads seen, and the connections held."""


def _scrapes(kind: str, server: Server, effort: Effort) -> Scrapes:
    answered, failed, most = list[float](), 0, 0
    before = sockets(server.pid)
    with _clients(kind, server.port):
        _wait_connected(server.pid, min(CONNECTING, 10 * effort.clients_seconds))
        held = sockets(server.pid) - before
        end = time.monotonic() + effort.clients_seconds
        while time.monotonic() < end:
            try:
                answered.append(scrape(server.port, patience=PATIENCE).seconds * 1e3)
            except (OSError, http.client.HTTPException):
                failed += 1
            most = max(most, threads(server.pid))
            time.sleep(PAUSE)
    return answered, failed, most, held


def _wait_connected(pid: int, patience: float) -> None:
    """Wait until all clients are there, or no more come."""
    most, grown = 0, time.monotonic()
    deadline = grown + patience
    while time.monotonic() < min(deadline, grown + STILL) and most < CLIENTS:
        now = sockets(pid)
        if now > most:
            most, grown = now, time.monotonic()
        time.sleep(PAUSE)


def _beside(words: str, found: Sequence[tuple[Server, Scrapes]]) -> Iterator[Figure]:
    rows: dict[str, tuple[str, dict[str, float]]] = {
        f"{words}: scrapes answered": ("%", {}),
        f"{words}: median": ("ms", {}),
        f"{words}: slowest": ("ms", {}),
        f"{words}: threads": ("", {}),
        f"{words}: connections held": ("", {}),
    }
    for server, (answered, failed, most, held) in found:
        values = (
            100.0 * len(answered) / (len(answered) + failed),
            quantile(answered, 0.5) if answered else math.nan,
            max(answered, default=math.nan),
            float(most),
            float(held),
        )
        for (_, row), value in zip(rows.values(), values, strict=True):
            row[server.name] = value
    for name, (unit, row) in rows.items():
        yield Figure(name, unit, CLIENTS, row.pop(""), row)


@contextlib.contextmanager
def _clients(kind: str, port: int) -> Iterator[None]:
    """Clients of this kind, in a process of their own."""
    command = [sys.executable, "-m", "tests.component.sinks.hostile", kind, str(port)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
    try:
        yield
    finally:
        process.kill()
        process.wait()


def plots(_figures: Sequence[Figure]) -> tuple[Plot, ...]:
    """None: there is one size only."""
    return ()


MEASUREMENT = Measurement(
    "clients",
    "Slow clients",
    "A scraper beside 500 clients that send a byte now and then and never a whole request, or that read nothing of the "
    "answer. Each that the server drops comes again. A scrape has failed if there is no answer within 5 s. The scrapes "
    "begin when all clients have a connection, or no more get one: so many are held then, a scrape's own not included.",
    lambda effort: (effort.of_clients,),
    measure,
    plots,
    (f"{KINDS[one_byte_now_and_then.__name__]}: median",),
    at="clients",
)
