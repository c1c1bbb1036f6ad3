"""How past moments and durations are written: in this host's time zone, and ranges as ranges."""

from __future__ import annotations

from datetime import UTC, tzinfo

from mpathd_watch.core.model.text import clean, duration
from mpathd_watch.sinks.dates import date
from mpathd_watch.sinks.words import in_words
from mpathd_watch.store.past import PastOutage, Stretch


def moment(wall: float, zone: tzinfo | None) -> str:
    """``2026-11-26 23:09:55``."""
    return date(wall, zone).strftime("%Y-%m-%d %H:%M:%S")


def utc(wall: float) -> str:
    """The moment as JSON has it: RFC 3339 in UTC with milliseconds."""
    return date(wall, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def stretch(seconds: Stretch) -> str:
    """``5.2 s``, or ``5.2 s to 1 min 3 s`` where only a range is known."""
    if seconds.exact:
        return duration(seconds.least)
    return f"{duration(seconds.least)} to {duration(seconds.most)}"


def verdict(outage: PastOutage) -> str:
    """``within budget``, ``over budget (replacement)``; ``open`` for an outage that goes on."""
    if not outage.verdict:
        return "open" if outage.lasted is None else "none"
    broken = f" ({clean(outage.broken)})" if outage.broken else ""
    return f"{in_words(clean(outage.verdict))}{broken}"


def fitted(text: str, width: int) -> str:
    """``text``, cut to ``width`` characters."""
    return text if len(text) <= width else f"{text[: max(width - 1, 0)]}…"
