"""Moments on the command line."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from math import isfinite

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mpathd_watch.cli.moments import moment

NOW = datetime(2026, 3, 29, 12, 0, 0).timestamp()  # noqa: DTZ001  # in this host's zone, as the user has it


@pytest.fixture(autouse=True)
def berlin(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def test_a_date_is_in_this_hosts_zone_unless_it_names_one() -> None:
    assert moment("2026-11-26 23:09:55", NOW) == 1_795_730_995.0
    assert moment("2026-11-26T22:09:55Z", NOW) == 1_795_730_995.0
    assert moment("2026-11-26", NOW) == 1_795_647_600.0
    assert moment("@1795388995.5", NOW) == 1_795_388_995.5


def test_a_time_ago_counts_back_from_now() -> None:
    for text, seconds in (
        ("90s", 90),
        ("90 min", 5400),
        ("-12h", 43200),
        ("7d", 604800),
        ("1 day ago", 86400),
        ("2 weeks", 1209600),
    ):
        assert moment(text, NOW) == NOW - seconds
    assert moment("now", NOW) == NOW


def test_a_day_begins_at_midnight_also_where_it_has_23_hours() -> None:
    now = datetime(2026, 3, 29, 12, 0, 0).timestamp()  # noqa: DTZ001  # summer time began that night
    assert now - moment("today", now) == 11 * 3600
    assert now - moment("yesterday", now) == 35 * 3600


@pytest.mark.parametrize("text", ["", "soon", "@nan", "@1e999", "@", "2026-13-01", "7 moons", "-"])
def test_what_is_no_moment_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a moment"):
        moment(text, NOW)


@given(st.text(max_size=20))
def test_any_text_is_a_moment_or_refused(text: str) -> None:
    with suppress(ValueError):
        assert isfinite(moment(text, NOW))
