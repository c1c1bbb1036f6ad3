"""Which measurements there are, and one run of them."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from benchmarks.effort import Effort
from benchmarks.figures import Figure, Section
from benchmarks.host.host import host
from benchmarks.machine import this_machine
from benchmarks.measurements import commands, event, hostile_clients, idle, scrape, start, storm
from benchmarks.measurements.measurement import Measurement
from benchmarks.page.writer import Report
from benchmarks.peers import NODE_EXPORTER
from benchmarks.peers.exporter import NOT_INSTALLED, program
from benchmarks.progress import Progress

MEASUREMENTS = (
    scrape.MEASUREMENT,
    event.MEASUREMENT,
    storm.MEASUREMENT,
    idle.MEASUREMENT,
    start.MEASUREMENT,
    commands.MEASUREMENT,
    hostile_clients.MEASUREMENT,
)
"""In the order of the page."""


def steps(measurements: Sequence[Measurement], effort: Effort) -> list[tuple[int, list[Measurement]]]:
    """What is measured on each host, by its size."""
    sizes = sorted({size for each in measurements for size in each.sizes(effort)})
    return [(size, [each for each in measurements if size in each.sizes(effort)]) for size in sizes]


def run(effort: Effort, keys: Collection[str], progress: Progress) -> Report:
    """Measure what has one of these keys. What fails, or is interrupted, is missing in the report."""
    wanted = [each for each in MEASUREMENTS if each.key in keys]
    found: dict[str, list[Figure]] = {each.key: [] for each in wanted}
    missing = [(each.title, "not asked for") for each in MEASUREMENTS if each.key not in keys]
    if program() is None:
        missing.append((NODE_EXPORTER, NOT_INSTALLED))
    left = [(each, size) for size, here in steps(wanted, effort) for each in here]
    try:
        for size, here in steps(wanted, effort):
            progress.begin(f"a host with {size:,} paths")
            with host(size) as simulated:
                for each in here:
                    progress.begin(f"{each.title}, {size:,} paths")
                    try:
                        found[each.key] += each.measure(simulated, effort)
                    except Exception as error:  # noqa: BLE001  # the other figures are worth having
                        progress.note(f"{each.title}, {size:,} paths: {error!r}")
                        missing.append((each.title, f"failed with {size:,} paths ({type(error).__name__})"))
                    left.remove((each, size))
    except KeyboardInterrupt:
        progress.note("interrupted: the page has what was measured until now")
    missing += [(each.title, f"with {size:,} paths: interrupted") for each, size in left]
    progress.end()
    sections = [_section(each, found[each.key]) for each in wanted if found[each.key]]
    return Report(this_machine(), effort.described(), tuple(sections), tuple(missing), effort.main)


def _section(of: Measurement, figures: Sequence[Figure]) -> Section:
    plots = of.plots(figures)
    return Section(of.key, of.title, of.text, tuple(figures), of.at, plots, of.headlines, of.grows)
