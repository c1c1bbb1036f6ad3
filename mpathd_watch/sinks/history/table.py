"""Past outages as a table, the newest last, with the times at which no daemon ran."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import tzinfo
from itertools import pairwise
from typing import Final

from mpathd_watch.core.model.text import clean, duration
from mpathd_watch.immutable import immutable
from mpathd_watch.sinks.history.text import fitted, lasted, moment, verdict
from mpathd_watch.sinks.words import cause
from mpathd_watch.store.past import DaemonRun, PastOutage

_HEAD: Final = ("id", "began", "map", "path", "lasted", "failover", "verdict", "cause")
_MOST: Final = 40
"""Characters that a column is widened to; what is longer moves the columns after it."""
_NAME: Final = 12
"""Characters that names of maps and paths are not cut below, however narrow the terminal is."""
_NAMES: Final = (_HEAD.index("map"), _HEAD.index("path"))


@immutable
class Gap:
    """No daemon ran from ``begin`` to ``end``. ``crashed``: the one before did not end in order."""

    begin: float
    end: float
    crashed: bool


def gaps(runs: Iterable[DaemonRun]) -> Iterator[Gap]:
    """The times between the runs, the oldest first."""
    for before, after in pairwise(sorted(runs, key=lambda run: run.began)):
        if before.ended is not None and after.began > before.ended:
            yield Gap(before.ended, after.began, not before.clean)


def table(
    outages: Sequence[PastOutage], missed: Iterable[Gap], now: float, *, width: int | None, zone: tzinfo | None = None
) -> Iterator[str]:
    """The lines, cut at ``width`` characters (``None``: never). Outages that are open have lasted until ``now``."""
    rows = [_cells(outage, now, zone) for outage in outages]
    widths = [min(_MOST, max(map(len, column))) for column in zip(_HEAD, *rows, strict=True)]
    if width is not None:
        _shrink(widths, width)
    left = sorted(missed, key=lambda gap: gap.begin)
    yield _line([name.upper() for name in _HEAD], widths, width)
    for outage, cells in zip(outages, rows, strict=True):
        while left and left[0].begin < outage.began:
            yield _shown(left.pop(0), width, zone)
        yield _line(cells, widths, width)
    yield from (_shown(gap, width, zone) for gap in left)


def _cells(outage: PastOutage, now: float, zone: tzinfo | None) -> tuple[str, ...]:
    failover = outage.phases.get("failover")
    return (
        clean(outage.id),
        moment(outage.began, zone),
        clean(outage.map),
        clean(outage.path),
        lasted(outage, now),
        "-" if failover is None else failover.text,
        verdict(outage),
        cause(clean(outage.cause)) + (" (drill)" if outage.drill else ""),
    )


def _shrink(widths: list[int], width: int) -> None:
    """Take from the names of maps and paths what the table is too wide, but for the cause, which may be cut itself."""
    excess = sum(widths) + 2 * (len(widths) - 1) - width
    for column in sorted(_NAMES, key=lambda each: -widths[each]):
        if excess > 0:
            less = min(excess, max(0, widths[column] - _NAME))
            widths[column] -= less
            excess -= less


def _line(cells: Sequence[str], widths: Sequence[int], width: int | None) -> str:
    if width is not None:
        cells = [fitted(cell, widths[column]) if column in _NAMES else cell for column, cell in enumerate(cells)]
    line = "  ".join(f"{cell:<{room}}" for cell, room in zip(cells, widths, strict=True)).rstrip()
    return line if width is None else fitted(line, width)


def _shown(gap: Gap, width: int | None, zone: tzinfo | None) -> str:
    how = "the daemon ended without notice" if gap.crashed else "no daemon ran"
    lasted = duration(gap.end - gap.begin)
    line = f"-- {how}: {moment(gap.begin, zone)} to {moment(gap.end, zone)} ({lasted}) --"
    return line if width is None else fitted(line, width)
