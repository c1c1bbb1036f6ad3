"""What watching costs while nothing happens, and the memory."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Sequence

from benchmarks.effort import Effort
from benchmarks.figures import Figure, Plot, by_size
from benchmarks.host.host import Host
from benchmarks.host.process import memory, processor_time, threads, wait_quiet
from benchmarks.host.scraping import scrape
from benchmarks.measurements.measurement import Measurement
from benchmarks.peers.running import Server, multipathd_collector, sysfs_collector

SHARE, MEMORY = "processor time, no scrape", "memory"
FEWEST = 3
"""Scrapes without which a share of them is left out: what one costs more or less than another would be all of it."""


def measure(host: Host, effort: Effort) -> list[Figure]:
    """Watch each for a while."""
    with contextlib.ExitStack() as stack:
        daemon = stack.enter_context(host.watched())
        time.sleep(effort.settle)
        wait_quiet(daemon.pid)
        alone = _shares([Server("", daemon.port, daemon.pid)], effort, scraped=False)
        servers = [
            Server("", daemon.port, daemon.pid),
            stack.enter_context(sysfs_collector(host)),
            stack.enter_context(multipathd_collector(host)),
        ]
        for each in servers:
            # The first ones take longer: everything is written, or opened, for the first time.
            scrape(each.port, compressed=True)
            scrape(each.port, compressed=True)
        enough = _scrapes(effort) >= FEWEST
        shares = _shares(servers, effort, scraped=True) if enough else {}
        for each in servers:
            scrape(each.port, compressed=True)
        now = {each.name: memory(each.pid)[0] for each in servers}
        peak = {each.name: memory(each.pid)[1] for each in servers}
        count = {each.name: float(threads(each.pid)) for each in servers}
    return [
        Figure(SHARE, "% of a core", host.paths, alone[""]),
        *([Figure("processor time, scraped", "% of a core", host.paths, shares.pop(""), shares)] if enough else []),
        Figure(MEMORY, "MiB", host.paths, now.pop(""), now),
        Figure("memory at its peak", "MiB", host.paths, peak.pop(""), peak),
        Figure("threads", "", host.paths, count.pop(""), count),
    ]


def plots(figures: Sequence[Figure]) -> tuple[Plot, ...]:
    """Processor time and memory by the size of the host."""
    share = by_size(figures, SHARE, "idle", "Processor time without a scrape")
    return (*share, *by_size(figures, MEMORY, "memory", "Resident memory after scrapes"))


def _scrapes(effort: Effort) -> int:
    """How many scrapes of each fit into the time."""
    return max(1, round(effort.seconds / effort.scrape_every))


def _shares(servers: Sequence[Server], effort: Effort, *, scraped: bool) -> dict[str, float]:
    """The processor time of each as a percentage of one core."""
    before, began = {each.name: processor_time(each.pid) for each in servers}, time.monotonic()
    for number in range(1, _scrapes(effort) + 1):
        if scraped:
            for each in servers:
                scrape(each.port, compressed=True)
        time.sleep(max(0.0, began + number * effort.scrape_every - time.monotonic()))
    took = time.monotonic() - began
    return {each.name: (processor_time(each.pid) - before[each.name]) / took * 100 for each in servers}


MEASUREMENT = Measurement(
    "idle",
    "Idle",
    "Processor time and memory while targets answer pings and no path changes. With a scrape (gzip) every 15 s, and "
    "without: a collector does nothing between two scrapes, and sees nothing. What is measured with scrapes is left "
    "out of a run that is too short for three of them. Memory is what is resident after these scrapes, shared "
    "libraries included.",
    lambda effort: effort.sizes,
    measure,
    plots,
    (SHARE, MEMORY),
    grows=True,
)
