"""How past moments and durations are written: in this host's time zone, and ranges as ranges."""

from __future__ import annotations

from datetime import UTC, tzinfo
from math import inf

from mpathd_watch.core.model.outage import Span
from mpathd_watch.core.model.text import clean
from mpathd_watch.sinks.dates import date
from mpathd_watch.sinks.words import in_words
from mpathd_watch.store.past import PastDrill, PastOutage


def moment(wall: float, zone: tzinfo | None) -> str:
    """``2026-11-26 23:09:55``."""
    return date(wall, zone).strftime("%Y-%m-%d %H:%M:%S")


def utc(wall: float) -> str:
    """The moment as JSON has it: RFC 3339 in UTC with milliseconds."""
    return date(wall, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def lasted(outage: PastOutage, now: float) -> str:
    """How long it took until the path was up again, or has taken until ``now``; ``-`` if the path was removed."""
    took = outage.lasted
    if took is None:
        if not outage.open:
            return "-"
        took = Span(now - outage.began, now - outage.began)
    if outage.earliest is not None:
        took = Span(took.least, took.most + max(0.0, outage.began - outage.earliest))
    elif outage.inherited:
        took = Span(took.least, inf)
    return took.text


def verdict(outage: PastOutage) -> str:
    """``within budget``, ``over budget (replacement)``; ``open`` for an outage that goes on."""
    if outage.open:
        return "open"
    broken = f" ({clean(outage.broken)})" if outage.broken else ""
    return f"{in_words(clean(outage.verdict))}{broken}"


def drill_text(drill: PastDrill) -> str:
    """``interface p2 (passed)``."""
    return f"{clean(drill.kind)} {clean(drill.target)} ({in_words(clean(drill.outcome))})"


def fitted(text: str, width: int) -> str:
    """``text``, cut to ``width`` characters."""
    return text if len(text) <= width else f"{text[: max(width - 1, 0)]}…"
