"""Dates for people: what a wall clock reading is in the calendar."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, tzinfo

_DAY = timedelta(days=1)  # room for every time zone
_FIRST = (datetime.min.replace(tzinfo=UTC) + _DAY).timestamp()
_LAST = (datetime.max.replace(tzinfo=UTC, microsecond=0) - _DAY).timestamp()


def date(wall: float, zone: tzinfo | None) -> datetime:
    """The date ``wall`` seconds after 1970, in ``zone`` or, if ``None``, in this host's time zone. Never raises.

    A recording may hold any number. One that is outside the calendar becomes the calendar's first or last date:
    ``fromtimestamp`` raises ``OverflowError``, ``ValueError`` or ``OSError`` for it.
    """
    return datetime.fromtimestamp(min(max(wall, _FIRST), _LAST), zone)
