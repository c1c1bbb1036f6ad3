"""What was measured of a fleet, as lines on a terminal and as a section of docs/fleet.md that reckons on from it."""

from __future__ import annotations

import math
import statistics
import textwrap
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from benchmarks.machine import Machine
from mpathd_watch.core.model.text import plural

BEGIN: Final = "<!-- measured: written by python -m benchmarks.fleet --page docs/fleet.md -->"
END: Final = "<!-- end of what was measured -->"
SIZES: Final = (1_000, 10_000)
"""Hosts to which the figures are extended in proportion."""
DISK_BYTES: Final = 1.5
"""Bytes of a sample in Prometheus's blocks, by its documentation 1 to 2; a run is too short to make a block."""
DAYS: Final = 15
"""Prometheus's own default for how long samples are kept."""
SHARED: Final = 6
"""Recorded series of a host with four portals that go on to the rules of the fleet."""
REPLICAS: Final = 3
"""Copies of each series that Mimir keeps in memory, by default."""
SAMPLES_OF_A_CORE: Final = 25_000
"""Samples a second for which Mimir's distributors take a core and 1 GB, by its documentation, "Planning capacity"."""
SERIES_OF_A_CORE: Final = 300_000
"""Series in memory for which its ingesters take a core and 2.5 GB, by the same page."""
_MIB: Final = 1 << 20
_GIB: Final = 1 << 30
_WIDTH: Final = 120


@dataclass(frozen=True, slots=True)
class Figures:
    """One stretch of a run.

    ``scraped`` and ``scrape_bytes`` (compressed) are of one scrape, ``host_seconds`` the processor time that the host
    takes for it. ``samples`` a second, ``log_bytes`` each. ``share`` of one core, ``memory`` in MiB at most.
    ``rules``: the seconds of each evaluation, by group.
    """

    title: str
    hosts: int
    interval: int
    seconds: float
    series: float
    scraped: float
    recorded: float
    samples: float
    log_bytes: float
    scrape_bytes: float
    host_seconds: float
    share: float
    memory: float
    alerts: int
    rules: Mapping[str, Sequence[float]] = field(default_factory=dict)

    @property
    def evaluations(self) -> list[float]:
        """The seconds of all groups together, for each time."""
        return [sum(each) for each in zip(*self.rules.values(), strict=True)]

    def lines(self) -> Iterator[str]:
        """For a terminal."""
        yield f"{self.title}, {self.seconds:.0f} s:"
        yield f"  series: {self.series:,.0f} in memory, {self.recorded:,.0f} of them recorded"
        yield f"  samples: {self.samples:,.0f} a second; {self.log_bytes:.1f} bytes of log for each"
        size = f"{self.scraped:,.0f} samples, {self.scrape_bytes / 1024:.1f} KiB (compressed)"
        yield f"  a scrape: {size}, {self.host_seconds * 1000:.1f} ms of the host"
        yield f"  Prometheus: {self.share:.1%} of one core, at most {self.memory:,.0f} MiB"
        yield f"  alerts that fire: {self.alerts}"
        for name, values in self.rules.items():
            yield f"  rules {name}: {_times(values)}"
        yield f"  rules, all: {_times(self.evaluations)}"


_ROWS: Final[tuple[tuple[str, Callable[[Figures], str]], ...]] = (
    ("alerts that fire", lambda each: f"{each.alerts:,}"),
    ("series in memory", lambda each: f"{each.series:,.0f}"),
    ("of these recorded by the rules", lambda each: f"{each.recorded:,.0f}"),
    ("samples a second", lambda each: f"{each.samples:,.0f}"),
    ("bytes of the write-ahead log for a sample", lambda each: f"{each.log_bytes:.1f}"),
    ("a scrape: samples, KiB (compressed)", lambda each: f"{each.scraped:,.0f}, {each.scrape_bytes / 1024:.1f}"),
    ("a scrape: processor time of the host, ms", lambda each: f"{each.host_seconds * 1000:.1f}"),
    ("Prometheus: share of one core", lambda each: f"{each.share:.1%}"),
    ("Prometheus: memory at most, MiB", lambda each: f"{each.memory:,.0f}"),
    ("one evaluation of all rules (best to worst)", lambda each: _times(each.evaluations)),
)


def section(
    quiet: Figures, faulty: Figures, *, sent: Sequence[float], command: Sequence[str], machine: Machine, load: float
) -> str:
    """The measured table, and what follows for more hosts.

    ``sent``: seconds from the fault to each notification. ``load``: the machine's load average at the end.
    """
    came = f", the first {sent[0]:.0f} s after the fault" if sent else ""
    measured = (
        f"Measured on {machine.date} on {machine.processor} with {machine.cores} cores by "
        f"`{' '.join(('python -m benchmarks.fleet', *command))}`, with a load average of {load:.1f} at the end:"
    )
    lines = [
        measured,
        "",
        "| | without a fault | with the fault |",
        "|---|---|---|",
    ]
    for title, cell in _ROWS:
        lines.append(f"| {title} | {cell(quiet)} | {cell(faulty)} |")
    lines += [
        "",
        f"{plural(len(sent), 'notification')} went to the webhook for {faulty.alerts:,} alerts{came}.",
        "",
        "In proportion, and with 1.5 bytes for a sample on the disk:",
        "",
        f"| hosts | series | samples a second, each {quiet.interval} s | scrapes, MiB/s | {DAYS} days on the disk, GiB "
        "| memory, GiB | cores | rules, s |",
        "|---|---|---|---|---|---|---|---|",
        *(f"| {_reckoned(quiet, hosts)} |" for hosts in (quiet.hosts, *SIZES)),
        "",
        f"So one more host takes {_host(quiet)}.",
        "",
        f"{SIZES[-1]:,} hosts, divided so that all rules of a server take less than the {quiet.interval} s from one "
        "evaluation to the next:",
        "",
        "| | servers | hosts of each | series | memory, GiB | cores | rules, s | written on, MiB/s |",
        "|---|---|---|---|---|---|---|---|",
        *(f"| {each} |" for each in _divided(quiet, SIZES[-1])),
        "",
        "What the distributors and ingesters of Mimir take for what is written to it, by the rules of thumb of its "
        "documentation:",
        "",
        "| remote write of | series | samples a second | cores | memory, GB |",
        "|---|---|---|---|---|",
        f"| all series | {_central(quiet.series / quiet.hosts * SIZES[-1], quiet.interval)} |",
        f"| the recorded series | {_central(quiet.recorded / quiet.hosts * SIZES[-1], quiet.interval)} |",
    ]
    return "\n".join(line for long in lines for line in _wrapped(long))


def _wrapped(line: str) -> list[str]:
    """A line of prose in lines of the page's width; a row of a table stays one."""
    if line.startswith("|"):
        return [line]
    return textwrap.wrap(line, _WIDTH, break_long_words=False, break_on_hyphens=False) or [line]


def _host(quiet: Figures) -> str:
    series = quiet.series / quiet.hosts
    samples = series / quiet.interval
    rules = statistics.median(quiet.evaluations) / quiet.hosts * 1000
    stored = samples * DISK_BYTES * 86_400 / 1e6
    return (
        f"{series:,.0f} series, {samples:,.0f} samples a second, {stored:.1f} MB on the disk a day, "
        f"{quiet.memory / quiet.hosts:.1f} MiB of memory, and {rules:.1f} ms of each evaluation of the rules"
    )


def _divided(quiet: Figures, hosts: int) -> Iterator[str]:
    """The servers that so many hosts take: one, several below another one, and agents that only send on."""
    rules = statistics.median(quiet.evaluations) / quiet.hosts
    servers = max(1, math.ceil(rules * hosts / quiet.interval))
    sent = quiet.log_bytes / quiet.interval / _MIB
    yield f"one server | 1 | {_server(quiet, hosts)} | 0"
    each = math.ceil(hosts / servers)
    shared = SHARED * hosts
    yield f"several, with one above | {servers:,} | {_server(quiet, each)} | 0"
    memory = quiet.memory * shared / quiet.series / 1024
    yield f"the one above | 1 | {hosts:,} | {shared:,} | {memory:.1f} | | | 0"
    all_series = quiet.series / quiet.hosts * each
    yield f"several that write what they record | {servers:,} | {_server(quiet, each)} | " + (
        f"{quiet.recorded / quiet.hosts * each * sent:.3f}"
    )
    yield f"agents that write all | {servers:,} | {each:,} | 0 | | | 0 | {all_series * sent:.3f}"


def _server(quiet: Figures, hosts: int) -> str:
    factor = hosts / quiet.hosts
    cells = (
        f"{hosts:,}",
        f"{quiet.series * factor:,.0f}",
        f"{quiet.memory * factor / 1024:.1f}",
        f"{quiet.share * factor:.2f}",
        f"{statistics.median(quiet.evaluations) * factor:.1f}",
    )
    return " | ".join(cells)


def _central(series: float, interval: int) -> str:
    """What distributors and ingesters of Mimir take for so many series: both are what grows with them."""
    samples = series / interval
    distributors, ingesters = samples / SAMPLES_OF_A_CORE, series * REPLICAS / SERIES_OF_A_CORE
    return f"{series:,.0f} | {samples:,.0f} | {distributors + ingesters:.1f} | {distributors + 2.5 * ingesters:.0f}"


def _reckoned(quiet: Figures, hosts: int) -> str:
    """What so many hosts take. The samples are those that the hosts have, not those that a busy machine got."""
    factor = hosts / quiet.hosts
    series = quiet.series * factor
    samples = series / quiet.interval
    cells = (
        f"{hosts:,}",
        f"{series:,.0f}",
        f"{samples:,.0f}",
        f"{quiet.scrape_bytes * hosts / quiet.interval / _MIB:.1f}",
        f"{samples * DISK_BYTES * 86_400 * DAYS / _GIB:,.0f}",
        f"{quiet.memory * factor / 1024:.1f}",
        f"{quiet.share * factor:.2f}",
        f"{statistics.median(quiet.evaluations) * factor:.2f}",
    )
    return " | ".join(cells)


def write(page: Path, text: str) -> None:
    """Put the section in its place on the page. Raises ``ValueError`` if the page has no such place."""
    before, begin, rest = page.read_text(encoding="utf-8").partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{page} has no {BEGIN} or no {END}")
    page.write_text(f"{before}{BEGIN}\n{text}\n\n{END}{after}", encoding="utf-8")


def _times(seconds: Sequence[float]) -> str:
    best, middle, worst = min(seconds), statistics.median(seconds), max(seconds)
    return f"{middle * 1000:.1f} ms ({best * 1000:.1f} to {worst * 1000:.1f})"
