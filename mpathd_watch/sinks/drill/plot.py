"""The timeline of a drill as SVG: a row for each path, and what the phases took beside what they may take."""

from __future__ import annotations

from collections.abc import Iterator
from math import isinf

from mpathd_watch.core.drill.result import DrillRecord, PathResult
from mpathd_watch.core.model.instant import Instant
from mpathd_watch.core.model.outage import Outage
from mpathd_watch.core.model.vocabulary import Health, Phase
from mpathd_watch.sinks.drill import texts
from mpathd_watch.sinks.history import figure
from mpathd_watch.sinks.history.figure import Bar, Mark, Row
from mpathd_watch.sinks.history.plot import look
from mpathd_watch.sinks.history.svg import svg

ROWS = 12
"""Paths that are drawn; those that stand against the drill come first."""
BEFORE = 2.0
"""Seconds that are drawn before the first sign of the fault."""


def plot(record: DrillRecord) -> str:
    """The whole file; empty if no path was lost, so that there is nothing to draw."""
    lost = sorted((path for path in record.paths if path.outages), key=lambda path: path.proven)[:ROWS]
    if not lost:
        return ""
    zero = min((_beginning(path.outages[0]) for path in lost), key=lambda at: at.monotonic)
    alike = len({path.path for path in lost}) < len(lost)
    rows = [Row(path.map if alike else path.path, tuple(_bars(path, zero, record.ended))) for path in lost]
    title = f"Drill on {record.target}: {texts.OUTCOMES[record.outcome]}"
    return svg(title, rows, list(_marks(lost[0], zero)), list(_phases(lost[0], zero)), "the last sign of life")


def _beginning(outage: Outage) -> Instant:
    """The last sign of life, or the first sign that there is none."""
    return outage.last_alive or outage.suspected or outage.began


def _changes(path: PathResult) -> Iterator[tuple[Instant, Health]]:
    """When the path came to which health, in order."""
    for outage in path.outages:
        instants = (
            (outage.suspected, Health.SUSPECT),
            (outage.stalled, Health.STALLED),
            (outage.failed, Health.FAILED),
            (outage.transport_up, Health.RECOVERING),
            (outage.reinstated, Health.UP),
        )
        yield from sorted(
            ((at, health) for at, health in instants if at is not None), key=lambda each: each[0].monotonic
        )


def _bars(path: PathResult, zero: Instant, end: Instant) -> Iterator[Bar]:
    changes = list(_changes(path))
    begin, health = -BEFORE, Health.UP
    for at, after in changes:
        seconds = at.monotonic - zero.monotonic
        if seconds > begin:
            yield Bar(begin, seconds, health.value, look(health.value))
        begin, health = max(begin, seconds), after
    if (last := end.monotonic - zero.monotonic) > begin:
        yield Bar(begin, last, health.value, look(health.value))


def _marks(path: PathResult, zero: Instant) -> Iterator[Mark]:
    """When the I/O of the path must have moved, and when it must have been in use again."""
    outage = path.outages[0]
    promised = {phase.phase: phase.promised for phase in path.phases}
    for phase, since, text in (
        (Phase.FAILOVER, outage.last_alive, "I/O must have moved"),
        (Phase.REINSTATEMENT, outage.transport_up, "must be in use again"),
    ):
        seconds = promised.get(phase)
        if since is not None and seconds is not None and not isinf(seconds):
            yield Mark(since.monotonic - zero.monotonic + seconds, text, deadline=True)


def _phases(path: PathResult, zero: Instant) -> Iterator[figure.Phase]:
    outage = path.outages[0]
    begins = {
        Phase.DETECTION: outage.last_alive,
        Phase.REPLACEMENT: outage.stalled,
        Phase.FAILOVER: outage.last_alive,
        Phase.REINSTATEMENT: outage.transport_up,
    }
    for phase in path.phases:
        begin = begins[phase.phase]
        if begin is not None and phase.measured is not None:
            yield figure.Phase(
                phase.phase.value,
                begin.monotonic - zero.monotonic,
                phase.measured,
                allowed=None if isinf(phase.promised) else phase.promised,
                over=phase.kept is False,
            )
