"""Scrapes and events beside hundreds of clients that mean harm."""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence

from benchmarks.effort import Effort
from benchmarks.figures import Figure, Plot, quantile
from benchmarks.host.crowd import Seen, watch, watch_beside
from benchmarks.host.host import Host
from benchmarks.host.passage import passages
from benchmarks.host.process import memory, wait_quiet
from benchmarks.host.scraping import scrape
from benchmarks.host.uevents import Uevents
from benchmarks.measurements.measurement import Measurement
from benchmarks.peers.running import Server, node_exporter, ready_samples
from tests.component.sinks.hostile import CLIENTS, KINDS

WORDS = {
    "": "no clients",
    "idle": "idle",
    "one_byte_a_second": "a byte a second",
    "reading_nothing": "reading nothing",
    "garbage": "garbage",
    "connect_and_reset": "connect and reset",
}
"""The kinds, in the words of the page; the first are the figures to compare with."""
PAUSE = 0.03
GONE = 1.0
"""Seconds for a server to be rid of clients that have gone."""
_SCRAPE = "a scrape, 99 of 100"
_EVENT = "event to journal"

Rows = Mapping[str, tuple[str, float]]


def measure(host: Host, effort: Effort) -> list[Figure]:
    """Scrape the daemon and its peers beside each kind of client, one after the other."""
    with contextlib.ExitStack() as stack:
        daemon = stack.enter_context(host.watched())
        time.sleep(effort.settle)
        wait_quiet(daemon.pid)
        uevents = stack.enter_context(contextlib.closing(Uevents()))
        servers = [Server("", daemon.port, daemon.pid), stack.enter_context(ready_samples(host, daemon.port))]
        servers += stack.enter_context(node_exporter(host))
        events = passages(host, uevents)
        found = {
            each.name: beside_all(each, effort.clients_seconds, None if each.name else lambda: next(events))
            for each in servers
        }
    rows = {name: dict(_rows(seen)) for name, seen in found.items()}
    return [
        Figure(row, unit, host.paths, ours, {name: rows[name][row][1] for name in rows if name and row in rows[name]})
        for row, (unit, ours) in rows[""].items()
    ]


def beside_all(server: Server, seconds: float, event: Callable[[], float] | None) -> dict[str, Seen]:
    """What is seen of a server in so many seconds without clients, and beside each kind of them."""
    scrape(server.port)  # the first scrape is not like those that follow
    found = {"": watch(server.port, server.pid, seconds=seconds, pause=PAUSE, event=event)}
    for kind in KINDS:
        before = memory(server.pid)[0]
        found[kind] = watch_beside(kind, server.port, server.pid, seconds=seconds, pause=PAUSE, event=event)
        found[kind].memory -= before
        time.sleep(GONE)
    return found


def _rows(found: Mapping[str, Seen]) -> Iterator[tuple[str, tuple[str, float]]]:
    for kind, seen in found.items():
        words, times = WORDS[kind], seen.answered
        if kind:
            yield f"{words}: scrapes answered", ("%", 100.0 * len(times) / (len(times) + seen.failed))
        yield f"{words}: a scrape, median", ("ms", quantile(times, 0.5) if times else math.nan)
        yield f"{words}: {_SCRAPE}", ("ms", quantile(times, 0.99) if times else math.nan)
        if seen.events:
            yield f"{words}: {_EVENT}, median", ("ms", quantile(seen.events, 0.5))
            yield f"{words}: {_EVENT}, 99 of 100", ("ms", quantile(seen.events, 0.99))
        yield f"{words}: threads", ("", float(seen.threads))
        if kind:
            yield f"{words}: more memory", ("MiB", max(0.0, seen.memory))
            yield f"{words}: connections held", ("", float(seen.held))


def plots(_figures: Sequence[Figure]) -> tuple[Plot, ...]:
    """None: a crowd has one size only."""
    return ()


MEASUREMENT = Measurement(
    "clients",
    f"{CLIENTS} clients that mean harm",
    f"A scraper beside {CLIENTS} clients, of each kind for itself: they send nothing; or the begin of a request and "
    "then one byte a second; or they ask and don't read the answer; or they send what is no request; or all of them "
    "connect and, half of them with a request sent, reset the connection. Each that the server drops comes again at "
    "once. A scrape has failed if there is no answer within 5 s. The scrapes begin when all clients have a connection, "
    "or no more get one: so many are held then. An event happens after each scrape. What the peers' scrapes contain is "
    "not the same.",
    lambda effort: effort.of_clients,
    measure,
    plots,
    tuple(f"{WORDS[kind]}: {_SCRAPE}" for kind in KINDS),
)
