"""Dates of whatever a recording calls the time."""

from __future__ import annotations

from datetime import UTC, timedelta, timezone, tzinfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mpathd_watch.sinks.dates import date
from mpathd_watch.sinks.status.overview import clock_or_date

ZONES = (None, UTC, timezone(timedelta(hours=14)), timezone(timedelta(hours=-12)))


def test_a_reading_is_a_date() -> None:
    assert date(0.0, UTC).isoformat() == "1970-01-01T00:00:00+00:00"
    assert date(1795660528.4057572, UTC).isoformat(timespec="milliseconds") == "2026-11-26T02:35:28.405+00:00"


@pytest.mark.parametrize(("wall", "year"), [(-1e300, 1), (-1e13, 1), (1e13, 9999), (1e17, 9999), (1e300, 9999)])
def test_what_no_calendar_has_is_its_first_or_last_date(wall: float, year: int) -> None:
    assert date(wall, UTC).year == year


@given(st.floats(allow_nan=False, allow_infinity=False), st.sampled_from(ZONES), st.floats(0, 1e6))
def test_no_reading_fails_in_any_time_zone(wall: float, zone: tzinfo | None, ago: float) -> None:
    assert date(wall, zone).strftime("%H:%M:%S.%f")
    assert clock_or_date(date(wall, UTC).isoformat(), ago, zone)
