"""Go's durations."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mpathd_watch.config.web.go import read_duration


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0", 0.0),
        ("1s", 1.0),
        ("500ms", 0.5),
        ("1m30s", 90.0),
        ("1.5h", 5400.0),
        (".5s", 0.5),
        ("+2us", 2e-6),
        ("3\u00b5s", 3e-6),
        ("0s", 0.0),
        ("10ns", 1e-8),
    ],
)
def test_durations(text: str, seconds: float) -> None:
    assert read_duration(text) == pytest.approx(seconds)


@pytest.mark.parametrize(
    "text", ["", "+", "1", "s", "1 s", "-1s", "1d", "1s ", "1s1", ".s", "1e3s", "inf", "9" * 99 + "s"]
)
def test_what_is_no_duration(text: str) -> None:
    assert read_duration(text) is None


@settings(deadline=None)
@given(st.integers(0, 99), st.integers(0, 59), st.integers(0, 59), st.integers(0, 999))
def test_parts_add_up(hours: int, minutes: int, seconds: int, milliseconds: int) -> None:
    text = f"{hours}h{minutes}m{seconds}s{milliseconds}ms"
    assert read_duration(text) == pytest.approx(hours * 3600 + minutes * 60 + seconds + milliseconds / 1000)
