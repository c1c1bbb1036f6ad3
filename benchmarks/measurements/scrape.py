"""What a scrape costs."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Sequence
from statistics import median

from benchmarks.effort import Effort
from benchmarks.figures import Figure, Plot, by_size
from benchmarks.host.host import Host
from benchmarks.host.process import processor_time, wait_quiet
from benchmarks.host.scraping import Scraped, scrape
from benchmarks.host.tree import working
from benchmarks.measurements.measurement import Measurement
from benchmarks.peers.running import Server, multipathd_collector, node_exporter, ready_samples, sysfs_collector

USED = "processor time"
Taken = tuple[float, Scraped]
"""Processor time, and what came."""


def measure(host: Host, effort: Effort) -> list[Figure]:
    """Scrape all in rotation, so that a slow moment of the machine affects each."""
    with contextlib.ExitStack() as stack:
        daemon = stack.enter_context(host.watched())
        time.sleep(effort.settle)
        wait_quiet(daemon.pid)
        servers = [
            Server("", daemon.port, daemon.pid),
            stack.enter_context(sysfs_collector(host)),
            stack.enter_context(multipathd_collector(host)),
            stack.enter_context(ready_samples(host, daemon.port)),
            *stack.enter_context(node_exporter(host)),
        ]
        plain: dict[str, list[Taken]] = {each.name: [] for each in servers}
        zipped: dict[str, list[Taken]] = {each.name: [] for each in servers}
        for number in range(effort.scrapes + 1):
            for each in servers:
                for found, compressed in ((plain, False), (zipped, True)):
                    taken = _taken(each, compressed=compressed)
                    if number:  # the first one is not like those that follow
                        found[each.name].append(taken)
        worked, renewed = _busy(host, servers[0], effort)
    idle = [
        _figure(host, USED, "ms", {name: [used * 1e3 for used, _ in taken] for name, taken in plain.items()}),
        _figure(
            host, f"{USED}, gzip", "ms", {name: [used * 1e3 for used, _ in taken] for name, taken in zipped.items()}
        ),
        _figure(host, "time", "ms", {name: [got.seconds * 1e3 for _, got in taken] for name, taken in plain.items()}),
        _figure(host, "series", "", {name: [float(taken[0][1].series)] for name, taken in plain.items()}),
        _figure(host, "size", "KiB", {name: [len(taken[0][1].body) / 1024] for name, taken in plain.items()}),
        _figure(host, "size, gzip", "KiB", {name: [len(taken[0][1].body) / 1024] for name, taken in zipped.items()}),
    ]
    if not worked:
        return idle
    note = (
        "every disk does I/O. Its counters are read every 5 s, less often on a large host, so not all are new since "
        "the scrape before; scrapes that show none that is new don't count"
    )
    return [
        *idle,
        Figure(f"{USED}, gzip, disks busy", "ms", host.paths, median(worked) * 1e3, note=note),
        Figure("I/O counters that are new, disks busy", "%", host.paths, median(renewed), note=note),
    ]


def _busy(host: Host, server: Server, effort: Effort) -> tuple[list[float], list[float]]:
    """What scrapes take that show new I/O counters, and the share of those (%)."""
    worked, renewed = list[float](), list[float]()
    until = time.monotonic() + effort.busy_seconds
    with working(host.tree):
        seen = _counters(scrape(server.port))
        while len(worked) < effort.busy_scrapes and time.monotonic() < until:
            time.sleep(effort.counters_every)
            used, got = _taken(server, compressed=True)
            now = _counters(got)
            if new := len(now - seen):
                worked.append(used)
                renewed.append(new / len(now) * 100)
            seen = now
    return worked, renewed


def plots(figures: Sequence[Figure]) -> tuple[Plot, ...]:
    """The processor time by the size of the host."""
    return by_size(figures, USED, "scrape", "Processor time of a scrape")


def _taken(server: Server, *, compressed: bool) -> Taken:
    before = processor_time(server.pid)
    got = scrape(server.port, compressed=compressed)
    # What the answer leaves to be done belongs to it.
    time.sleep(0.02)
    return processor_time(server.pid) - before, got


def _counters(got: Scraped) -> frozenset[bytes]:
    """The lines of the disks' I/O counters."""
    return frozenset(line for line in got.text.splitlines() if line.startswith(b"mpathd_watch_path_ios_total{"))


def _figure(host: Host, name: str, unit: str, values: dict[str, list[float]]) -> Figure:
    medians = {server: median(each) for server, each in values.items()}
    return Figure(name, unit, host.paths, medians.pop(""), medians)


MEASUREMENT = Measurement(
    "scrape",
    "A scrape",
    "Over HTTP on loopback, on an idle host unless a row names busy disks. The processor time is that of the process "
    "that answers; of the multipathd collector without what multipathd itself does: on a real host it reads each map's "
    "table by ioctl first.",
    lambda effort: effort.sizes,
    measure,
    plots,
    (USED,),
    grows=True,
)
