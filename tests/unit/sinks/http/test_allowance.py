"""What each address may do, and how often."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import given, settings
from hypothesis import strategies as st

from mpathd_watch.sinks.http import allowance
from mpathd_watch.sinks.http.allowance import Allowance

if TYPE_CHECKING:
    import pytest


def test_a_burst_then_one_each_interval() -> None:
    made = Allowance(10.0, 3)
    assert [made.take("a", 0.0) for _ in range(4)] == [True, True, True, False]
    assert made.take("b", 0.0)
    assert [made.take("a", 9.9), made.take("a", 10.0), made.take("a", 10.0)] == [False, True, False]
    assert [made.take("a", 100.0) for _ in range(4)] == [True, True, True, False]


def test_a_token_that_was_given_back_can_be_taken() -> None:
    made = Allowance(10.0, 1)
    assert made.take("a", 0.0)
    made.give_back("a")
    assert made.take("a", 0.0)
    made.give_back("b")
    assert made.take("b", 0.0)


def test_only_so_many_addresses_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(allowance, "MOST", 2)
    made = Allowance(10.0, 1)
    assert [made.take(each, 0.0) for each in "abc"] == [True, True, True]
    assert [made.take(each, 0.0) for each in "cba"] == [False, False, True]


@settings(deadline=None)
@given(st.lists(st.floats(0, 5), max_size=60), st.integers(1, 5), st.floats(0.1, 3))
def test_no_window_has_more_than_it_may(pauses: list[float], burst: int, interval: float) -> None:
    made, now, taken = Allowance(interval, burst), 0.0, list[float]()
    for pause in pauses:
        now += pause
        if made.take("a", now):
            taken.append(now)
    for first, begin in enumerate(taken):
        for last, end in enumerate(taken[first:], first):
            assert last - first + 1 <= burst + (end - begin) / interval + 1e-6
