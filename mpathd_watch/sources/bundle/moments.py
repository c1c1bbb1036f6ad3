"""When a bundle was made, by the output of ``date`` and the time at which that was written."""

from __future__ import annotations

import re
from calendar import timegm

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_DATE = re.compile(
    r"\b(?P<month>[A-Z][a-z]{2}) +(?P<day>\d{1,2}) +(?P<time>\d{2}:\d{2}:\d{2})(?: (?P<half>AM|PM))? "
    r"(?P<zone>\S+) (?P<year>\d{4})\b",
    re.ASCII,
)
_DAY_FIRST = re.compile(
    r"\b(?P<day>\d{1,2}) (?P<month>[A-Z][a-z]{2}) (?P<year>\d{4}) (?P<time>\d{2}:\d{2}:\d{2})(?: (?P<half>AM|PM))? "
    r"(?P<zone>\S+)",
    re.ASCII,
)
_UTC = frozenset({"UTC", "GMT", "Z"})
_NO_YEAR = "0000"
"""No calendar has it."""
WIDEST_ZONE = 14 * 3600.0
"""Seconds between UTC and the farthest local time."""


def moment(date: str | None, modified: float | None) -> float | None:
    """POSIX seconds. ``date`` is what the command printed, ``modified`` when its output was written.

    The name of a time zone does not show which one it is. So local time only confirms ``modified``, which unpacking may
    have changed; if it does not, local time is taken for UTC, and is wrong by hours at most.
    """
    found = (_DATE.search(date) or _DAY_FIRST.search(date)) if date else None
    if found is None or found["month"] not in _MONTHS or found["year"] == _NO_YEAR:
        return modified
    hour, minute, second = map(int, found["time"].split(":"))
    if found["half"]:
        hour = hour % 12 + (12 if found["half"] == "PM" else 0)
    day = (int(found["year"]), _MONTHS.index(found["month"]) + 1, int(found["day"]))
    printed = float(timegm((*day, hour, minute, second)))
    if found["zone"] in _UTC or modified is None or abs(modified - printed) > WIDEST_ZONE:
        return printed
    return modified
