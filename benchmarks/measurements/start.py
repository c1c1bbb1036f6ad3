"""From start to READY."""

from __future__ import annotations

import time
from collections.abc import Sequence
from statistics import median

from benchmarks.effort import Effort
from benchmarks.figures import Figure, Plot, by_size
from benchmarks.host.host import Host
from benchmarks.host.process import processor_time
from benchmarks.host.scraping import scrape
from benchmarks.measurements.measurement import Measurement
from benchmarks.peers import MULTIPATHD, SYSFS
from benchmarks.peers.running import multipathd_collector, sysfs_collector

TOOK, USED, KNOWN = "time", "processor time", "time until every path is known to be usable"
USABLE = "/metrics?name[]=mpathd_watch_map_paths_usable"
PATIENCE = 60.0


def measure(host: Host, effort: Effort) -> list[Figure]:
    """Start each several times, in rotation."""
    took: dict[str, list[float]] = {"": [], SYSFS: [], MULTIPATHD: []}
    used: dict[str, list[float]] = {"": [], SYSFS: [], MULTIPATHD: []}
    known = list[float]()
    for _ in range(effort.starts):
        with host.watched() as daemon:
            took[""].append(daemon.ready_after)
            used[""].append(daemon.processor_at_ready)
            _wait_usable(daemon.port, host.paths)
            known.append(time.monotonic() - daemon.began)
        for collector in (sysfs_collector, multipathd_collector):
            with collector(host) as peer:
                used[peer.name].append(processor_time(peer.pid))
                took[peer.name].append(peer.answering_after)
    figures = [
        Figure(name, "s", host.paths, median(values.pop("")), {peer: median(each) for peer, each in values.items()})
        for name, values in ((TOOK, took), (USED, used))
    ]
    return [*figures, Figure(KNOWN, "s", host.paths, median(known))]


def _wait_usable(port: int, paths: int) -> None:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        lines = scrape(port, USABLE).text.decode().splitlines()
        if sum(float(line.rpartition(" ")[2]) for line in lines if not line.startswith("#")) >= paths:
            return
        time.sleep(0.05)
    raise TimeoutError(f"not all paths are usable after {PATIENCE:g} s")


def plots(figures: Sequence[Figure]) -> tuple[Plot, ...]:
    """The time by the size of the host."""
    return by_size(figures, TOOK, "start", "From start to READY")


MEASUREMENT = Measurement(
    "start",
    "Start",
    "From the start of the process until it reports READY=1, when it has read all of sysfs and "
    "multipathd has answered once; of the collectors, until the first scrape is answered.",
    lambda effort: effort.sizes,
    measure,
    plots,
    (TOOK,),
    grows=True,
)
