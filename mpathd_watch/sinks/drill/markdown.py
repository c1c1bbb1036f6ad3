"""The report of a drill as Markdown, for a change record."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import tzinfo

from mpathd_watch import __version__
from mpathd_watch.core.catalog import causes
from mpathd_watch.core.drill.result import DrillRecord, Outcome, PathResult, PhaseResult
from mpathd_watch.core.model.text import clean, duration
from mpathd_watch.core.model.vocabulary import Phase
from mpathd_watch.sinks.dates import date
from mpathd_watch.sinks.drill import texts

MOST_PATHS = 200
"""Paths that the table lists; those that stand against the drill come first."""
_PHASES = {
    Phase.DETECTION: "noticed: last sign of life until the kernel takes the connection down",
    Phase.REPLACEMENT: "held: until the kernel gives up the held I/O",
    Phase.FAILOVER: "I/O moved: both together",
    Phase.REINSTATEMENT: "in use again: return of the connection until multipathd reinstates the path",
}


def report(record: DrillRecord, picture: str = "", zone: tzinfo | None = None) -> str:
    """The page. ``picture`` is the file name of the timeline, which it shows. Times are in ``zone``."""
    return "\n".join(_report(record, picture, zone)) + "\n"


def _report(record: DrillRecord, picture: str, zone: tzinfo | None) -> Iterator[str]:
    began = date(record.began.wall, zone)
    yield f"# Drill on {_literal(str(record.target))}: {texts.OUTCOMES[record.outcome]}"
    yield ""
    yield f"It began on {began:%Y-%m-%d} at {began:%H:%M:%S %Z}".rstrip() + "."
    lasted = duration(record.ended.since(record.began))
    yield f"It lasted {lasted}. Made by mpathd-watch {__version__}, id `{record.id}`."
    yield ""
    if record.reasons:
        stopped = record.outcome is Outcome.INTERRUPTED
        yield "It was stopped, and proves nothing:" if stopped else "It has not passed:"
        yield ""
        yield from (f"- {_literal(reason)}" for reason in record.reasons)
    else:
        yield "Every path came back, and each phase kept what the timeouts in force promise."
    yield ""
    yield from _promised(record)
    if picture:
        yield f"![Timeline of the outages, with the limit of each phase as a mark]({picture})"
        yield ""
    yield from _paths(record)


def _promised(record: DrillRecord) -> Iterator[str]:
    yield "## Promised and measured"
    yield ""
    yield f"Announced before the fault: {record.promise}."
    yield ""
    if record.worst:
        yield "| phase | at most | measured | |"
        yield "|---|---|---|---|"
        for phase in record.worst:
            values = (texts.seconds(phase.promised), texts.seconds(phase.measured), texts.judged(phase))
            yield f"| {_PHASES[phase.phase]} | {' | '.join(values)} |"
        yield ""
        yield "Measured is the path that came closest to its limit. Up to the seconds of `slack_seconds`, and what the"
        yield "kernel's timers are late, a phase may take longer."
        yield ""
    yield f"Slowest I/O, by the disks' own statistics: {_literal(texts.slowest(record.slowest))}."
    yield ""


def _paths(record: DrillRecord) -> Iterator[str]:
    yield "## Paths"
    yield ""
    if not record.paths:
        yield "No path has failed."
        return
    yield "| path | map | disk | cause | noticed | held | I/O moved | in use again | |"
    yield "|---|---|---|---|---|---|---|---|---|"
    ordered = sorted(record.paths, key=lambda path: path.proven)
    for path in ordered[:MOST_PATHS]:
        yield f"| {' | '.join(_row(path))} |"
    if len(ordered) > MOST_PATHS:
        yield ""
        yield f"and {len(ordered) - MOST_PATHS} more."


def _row(path: PathResult) -> Iterator[str]:
    yield from (_literal(path.path), _literal(path.map), _literal(path.dev) or "-")
    yield causes.text(path.outages[0].cause) if path.outages else "did not fail"
    by_phase = {phase.phase: phase for phase in path.phases}
    for phase in _PHASES:
        yield _measured(by_phase.get(phase))
    part = "" if path.expected else ", not part of the drill"
    yield (
        "proven" if path.proven else "back" if path.back else f"NOT BACK: {path.health}" if path.outages else "-"
    ) + part


def _measured(phase: PhaseResult | None) -> str:
    if phase is None or phase.measured is None:
        return "-"
    return texts.seconds(phase.measured) + (" (LATE)" if phase.kept is False else "")


def _literal(text: str) -> str:
    """The text, in which nothing is Markdown: names come from the SAN."""
    return "".join(f"\\{c}" if c in r"\`*_{}[]<>()#|!" else c for c in clean(text))
