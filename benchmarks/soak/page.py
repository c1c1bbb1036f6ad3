"""The section of a run on docs/soak.md, and its plot. Pure, but for ``write``."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.figures import Line, quantile
from benchmarks.machine import Machine
from benchmarks.page.numbers import number
from benchmarks.page.timelines import Panel, drawn
from benchmarks.soak.clients import SCRAPERS
from benchmarks.soak.outcome import Outcome, Sample
from benchmarks.soak.plan import LUNS, UEVENTS
from benchmarks.soak.trend import HOUR
from benchmarks.soak.verdict import Bounds, allowed, memory

WIDTH = 128
SPANS = {"DISK": "disk full", "JOURNALD": "no journald"}
MIB = 1 << 20


def plot(outcome: Outcome) -> str:
    """All that was sampled over time, as SVG."""
    samples = outcome.samples
    panels = [
        Panel("memory", "MiB", (_line(samples, "resident", _rss), _line(samples, "PSS", _pss))),
        Panel("descriptors", "", (_line(samples, "descriptors", lambda each: each.descriptors),)),
        Panel(
            "threads and children",
            "",
            (
                _line(samples, "threads", lambda each: each.threads),
                _line(samples, "children", lambda each: each.children),
            ),
        ),
        Panel("database", "MiB", (_line(samples, "database", lambda each: each.database / MIB),)),
        Panel("recording", "MiB", (_line(samples, "recording", lambda each: each.recording / MIB),)),
        Panel("a scrape", "ms", _latencies(samples, lambda each: each.scrapes)),
        Panel("from a uevent to the journal", "ms", _latencies(samples, lambda each: each.events)),
    ]
    spans = {SPANS[name]: found for name, found in outcome.blackouts.items()}
    return drawn(panels, max(outcome.course.load, samples[-1].at if samples else 0.0), spans)


@dataclass(frozen=True, slots=True)
class Made:
    """How a run was made: on which machine, by which command; ``image`` is the file of its plot."""

    machine: Machine
    command: str
    image: str


def section(outcome: Outcome, bounds: Bounds, lines: Sequence[str], made: Made) -> str:
    """What was done and found, in Markdown; ``lines`` are the broken bounds."""
    return "\n".join(_section(outcome, bounds, lines, made))


def write(page: Path, key: str, text: str) -> None:
    """Put the section of a run in its place on the page. Raises ``ValueError`` if the page has no such place."""
    begin, end = f"<!-- begin: {key} -->", f"<!-- end: {key} -->"
    before, found, rest = page.read_text(encoding="utf-8").partition(begin)
    _, closed, after = rest.partition(end)
    if not found or not closed:
        raise ValueError(f"{page} has no {begin} or no {end}")
    page.write_text(f"{before}{begin}\n\n{text}\n\n{end}{after}", encoding="utf-8")


def _section(outcome: Outcome, bounds: Bounds, lines: Sequence[str], made: Made) -> Iterator[str]:
    ledger, done, samples, machine = outcome.ledger, outcome.done, outcome.samples, made.machine
    yield _wrapped(
        f"Measured on {machine.date} on {machine.processor} with {machine.cores} cores, {machine.kernel}, Python "
        f"{machine.python}, by `{made.command}`: {outcome.course.load / HOUR:.2g} hours of load on a host with "
        f"{outcome.pace.luns} LUNs, as many events as in {ledger.sent / UEVENTS:.2g} bad weeks of a host with {LUNS}."
    )
    yield ""
    yield from ("| done | |", "|---|---:|")
    yield f"| uevents | {ledger.sent:,} |"
    yield f"| reloads | {done.reloads:,} |"
    yield f"| journald replaced | {done.journald:,} times |"
    yield f"| disk full; of that, all could be written nevertheless | {done.disk:,} times; {done.written:,} |"
    for kind, each in outcome.answers.items():
        yield f"| answers to {kind} | {len(each.seconds):,} |"
    yield ""
    found, seconds = memory(outcome)
    yield from ("| found | | bound |", "|---|---:|---:|")
    interval = f"{number(found.slope)} ({number(found.low)} to {number(found.high)})"
    yield f"| growth of memory, KiB an hour (95 % interval) | {interval} | {number(allowed(bounds, seconds))} |"
    for name, read in (("resident memory, MiB", _rss), ("PSS, MiB", _pss)):
        values = [read(each) for each in samples]
        yield f"| {name}: at the beginning, in the end | {values[0]:.1f}, {values[-1]:.1f} | |"
    for name, many in (("descriptors", "descriptors"), ("threads", "threads"), ("children", "children")):
        before, after = len(getattr(outcome.before, many)), len(getattr(outcome.after, many))
        most = max(getattr(each, many) for each in samples)
        yield f"| {name} of a quiet daemon, before and after; at most | {before}, {after}; {most} | no more |"
    yield f"| database at most, MiB | {max(each.database for each in samples) / MIB:.1f} | {bounds.database:g} |"
    yield f"| recording at most, MiB | {max(each.recording for each in samples) / MIB:.2f} | {bounds.recording:g} |"
    yield f"| entries about paths that are missing | {len(ledger.missing)} of {ledger.due:,} | 0 |"
    yield f"| entries that came late, since there was no journald | {ledger.late:,} | |"
    yield f"| overflows of the socket of uevents | {outcome.numbers.overflows} | |"
    failed = sum(len(each.problems) for each in outcome.answers.values())
    yield f"| answers that have failed | {failed} | 0 |"
    took = [each * 1e3 for kind in SCRAPERS for each in outcome.answers[kind].seconds]
    yield f"| a scrape: median, 99 of 100, ms | {_both(took)} | -, {number(bounds.scrape_99)} |"
    limits = f"{number(bounds.event_median)}, {number(bounds.event_99)}"
    yield f"| from a uevent to the journal: median, 99 of 100, ms | {_both(outcome.latencies)} | {limits} |"
    yield ""
    yield "No bound was broken." if not lines else "Broken bounds:"
    yield from ("", *(f"* {line}" for line in lines)) if lines else ()
    yield from ("", f"![What was sampled over time]({made.image})")


def _both(values: Sequence[float]) -> str:
    return ", ".join(number(quantile(values, share)) for share in (0.5, 0.99)) if values else "-"


def _rss(sample: Sample) -> float:
    return sample.rss / 1024


def _pss(sample: Sample) -> float:
    return sample.pss / 1024


def _line(samples: Sequence[Sample], name: str, read: Callable[[Sample], float]) -> Line:
    return Line(name, tuple((each.at, float(read(each))) for each in samples))


def _latencies(samples: Sequence[Sample], read: Callable[[Sample], tuple[float, ...]]) -> tuple[Line, ...]:
    return tuple(
        Line(name, tuple((each.at, read(each)[place]) for each in samples if read(each)))
        for place, name in ((1, "longest"), (0, "median"))
    )


def _wrapped(text: str) -> str:
    return textwrap.fill(text, WIDTH, break_long_words=False, break_on_hyphens=False)
