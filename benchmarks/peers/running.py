"""The peers as processes."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass

from benchmarks.host.host import Host
from benchmarks.host.journald import Entry
from benchmarks.host.namespace import another_network
from benchmarks.host.scraping import scrape, wait_answering
from benchmarks.host.uevents import Uevents
from benchmarks.peers import MULTIPATHD, PLAIN, SYSFS
from benchmarks.peers.exporter import exporter, program

PATIENCE = 20.0


@dataclass(frozen=True, slots=True)
class Server:
    """A process that answers scrapes."""

    name: str
    port: int
    pid: int
    answering_after: float = 0.0


@contextlib.contextmanager
def started(module: str, *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    """A program of this package until the end of the block."""
    # prometheus_client's server writes a traceback for each client that resets its connection.
    command = [sys.executable, "-m", f"benchmarks.peers.{module}", *arguments]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


@contextlib.contextmanager
def server(name: str, module: str, port: int, argument: str) -> Iterator[Server]:
    """A collector that answers."""
    with started(module, str(port), argument) as process:
        yield Server(name, port, process.pid, wait_answering(port))


@contextlib.contextmanager
def sysfs_collector(host: Host) -> Iterator[Server]:
    """The one that reads sysfs."""
    with server(SYSFS, "sysfs_collector", 9101, str(host.sysfs)) as found:
        yield found


@contextlib.contextmanager
def multipathd_collector(host: Host) -> Iterator[Server]:
    """The one that asks multipathd."""
    with server(MULTIPATHD, "multipathd_collector", 9102, str(host.multipathd.socket)) as found:
        yield found


@contextlib.contextmanager
def ready_samples(host: Host, port: int) -> Iterator[Server]:
    """prometheus_client with the series that the server on ``port`` has now."""
    text = host.directory / "metrics"
    text.write_bytes(scrape(port).text)
    with server(PLAIN, "ready_samples", 9103, str(text)) as found:
        yield found


@contextlib.contextmanager
def node_exporter(host: Host) -> Iterator[tuple[Server, ...]]:
    """node_exporter; nothing if it is not installed."""
    found = program()
    if found is None:
        yield ()
        return
    name, command = exporter(found, 9104, host.sysfs)
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield (Server(name, 9104, process.pid, wait_answering(9104)),)
    finally:
        process.kill()
        process.wait()


@contextlib.contextmanager
def netlink_reader(host: Host) -> Iterator[tuple[int, Uevents]]:
    """The bare reader's process, and a sender whose uevents only it receives."""
    with contextlib.ExitStack() as stack:
        with another_network():
            uevents = Uevents()
            stack.callback(uevents.close)
            process = stack.enter_context(started("netlink_reader"))
        if host.journald.first(lambda entry: b"READER=ready\n" in entry.data, PATIENCE) is None:
            raise RuntimeError("the bare reader does not begin")
        host.journald.taken()
        yield process.pid, uevents


def of_reader(entry: Entry) -> bool:
    """Whether the bare reader has sent this for an event."""
    return b"READER=event\n" in entry.data
