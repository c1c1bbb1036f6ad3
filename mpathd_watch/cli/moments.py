"""Moments on the command line: ``2026-11-26 23:09``, ``yesterday``, ``7d``, ``@1795388991``."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from math import inf, isfinite

WANTED = "a date as 2026-11-26 or '2026-11-26 23:09', today, yesterday, a time ago as 90min, 12h or 7d, or @SECONDS"
"""What the value of an option that is a moment must be."""
_AGO = re.compile(r"-?(\d+(?:\.\d+)?) ?(s|sec|min|h|d|days?|w|weeks?)(?: ago)?")
_SECONDS = {"s": 1, "sec": 1, "min": 60, "h": 3600, "d": 86400, "day": 86400, "w": 604800, "week": 604800}


def moment(text: str, now: float) -> float:
    """``text`` as seconds since 1970; dates without a time zone are in this host's. Raises ``ValueError``."""
    try:
        seconds = _moment(text.strip(), now)
    except (ValueError, OverflowError, OSError):
        seconds = inf
    if not isfinite(seconds):
        raise ValueError(f"not a moment: {text!r}")
    return seconds


def _moment(text: str, now: float) -> float:
    if match := _AGO.fullmatch(text):
        unit = match[2] if match[2] in _SECONDS else match[2].removesuffix("s")
        return now - float(match[1]) * _SECONDS[unit]
    if text == "now":
        return now
    if text.startswith("@"):
        return float(text[1:])
    if text in ("today", "yesterday"):
        # Through the calendar: a day of 23 or 25 hours also begins at midnight.
        day = datetime.fromtimestamp(now) - timedelta(days=text == "yesterday")  # noqa: DTZ006  # this host's zone
        return day.replace(hour=0, minute=0, second=0, microsecond=0).timestamp()
    return datetime.fromisoformat(text).timestamp()
