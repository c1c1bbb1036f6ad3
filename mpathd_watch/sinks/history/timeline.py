"""One past outage for people: its stages as a timeline, its phases beside their budget, and the journal's entries."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import tzinfo
from math import isinf

from mpathd_watch.core.model.outage import Span
from mpathd_watch.core.model.text import clean
from mpathd_watch.immutable import immutable
from mpathd_watch.sinks.history.stages import Measured, Stage, measured, stages
from mpathd_watch.sinks.history.text import drill_text, lasted, moment, verdict
from mpathd_watch.sinks.words import cause
from mpathd_watch.store.past import PastDrill, PastOutage


@immutable
class Entry:
    """One entry of the journal: when it was written (seconds since 1970), its priority in a word, event and message."""

    at: float
    priority: str
    event: str
    message: str


def timeline(
    outage: PastOutage, now: float, *, drill: PastDrill | None = None, zone: tzinfo | None = None
) -> Iterator[str]:
    """The lines. An outage that is open has lasted until ``now``. ``drill`` is the one that it belongs to, if kept."""
    yield from _head(outage, drill, now, zone)
    yield ""
    found = stages(outage)
    yield from _stages(outage, found, zone)
    phases = list(measured(outage))
    if phases:
        yield ""
        yield from _phases(phases)


def journal_lines(entries: Iterable[Entry], *, zone: tzinfo | None = None) -> Iterator[str]:
    """The entries as lines, the oldest first."""
    found = list(entries)
    priority, event = (max((len(each) for each in column), default=0) for column in _columns(found))
    for entry in found:
        yield (
            f"{moment(entry.at, zone)}  {clean(entry.priority):<{priority}}  {clean(entry.event):<{event}}  "
            f"{clean(entry.message)}"
        )


def _columns(entries: Sequence[Entry]) -> tuple[list[str], list[str]]:
    return [clean(entry.priority) for entry in entries], [clean(entry.event) for entry in entries]


def _head(outage: PastOutage, drill: PastDrill | None, now: float, zone: tzinfo | None) -> Iterator[str]:
    yield f"outage {clean(outage.id)}: {clean(outage.map)}, path {clean(outage.path)}, WWID {clean(outage.wwid)}"
    yield f"cause: {cause(clean(outage.cause))}"
    yield f"{_began(outage, zone)}, {_lasted(outage, now)}"
    yield f"verdict: {verdict(outage)}"
    if outage.timeouts is not None:
        yield f"timeouts in force: {_timeouts(outage)}"
    if outage.evidence:
        yield f"evidence: {clean(outage.evidence)}"
    if outage.incident:
        yield f"incident: {clean(outage.incident)}"
    if outage.drill:
        about = f", on {drill_text(drill)}, {moment(drill.began, zone)}" if drill else ""
        yield f"drill: {clean(outage.drill)}{about}"


def _began(outage: PastOutage, zone: tzinfo | None) -> str:
    seen = moment(outage.began, zone)
    if outage.earliest is not None:
        return f"began between {moment(outage.earliest, zone)} and {seen}"
    return f"had begun before it was first seen, {seen}" if outage.inherited else f"began {seen}"


def _lasted(outage: PastOutage, now: float) -> str:
    if outage.lasted is None and not outage.open:
        return "and the path was not seen up again"
    return f"{'open for' if outage.open else 'lasted'} {lasted(outage, now)}"


def _timeouts(outage: PastOutage) -> str:
    live = outage.timeouts or {}
    return ", ".join(f"{clean(name)} {'off' if value is None else f'{value:g}'}" for name, value in live.items())


def _stages(outage: PastOutage, found: Sequence[Stage], zone: tzinfo | None) -> Iterator[str]:
    seconds = [_seconds(stage.at) for stage in found]
    room = max(map(len, seconds), default=0)
    for stage, text in zip(found, seconds, strict=True):
        yield f"{moment(outage.began + stage.at.least, zone)}  {text:>{room}}  {stage.name}"


def _seconds(at: Span) -> str:
    """``+15.2 s``; of a moment that nobody watched the range."""
    if at.exact:
        return f"{at.least:+.1f} s"
    return f"{at.least:+.1f} s or later" if isinf(at.most) else f"{at.least:+.1f} to {at.most:+.1f} s"


def _phases(phases: Sequence[Measured]) -> Iterator[str]:
    rows = [("PHASE", "TOOK", "ALLOWED", "")]
    for phase in phases:
        took = "not measured" if phase.took is None else phase.took.text
        allowed = "no limit" if phase.allowed is None else f"{phase.allowed:g} s"
        rows.append((phase.name, took, allowed, "OVER" if phase.over else ""))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        yield "  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip()
