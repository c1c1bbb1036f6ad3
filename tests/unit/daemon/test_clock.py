"""The two clocks of an event, in whole microseconds, and the distance between them."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from mpathd_watch.daemon.clock import STEP, Clock, monotonic, now


@pytest.fixture
def set_to(monkeypatch: pytest.MonkeyPatch) -> Callable[[int, int], None]:
    def set_both(monotonic_ns: int, wall_ns: int) -> None:
        monkeypatch.setattr(time, "monotonic_ns", lambda: monotonic_ns)
        monkeypatch.setattr(time, "time_ns", lambda: wall_ns)

    return set_both


def test_both_are_whole_microseconds_that_never_go_back() -> None:
    before, instant, after = time.monotonic(), now(), monotonic()
    assert before - 1e-6 <= instant.monotonic <= after <= time.monotonic()
    assert abs(instant.wall - time.time()) < 1.0
    for value in (instant.monotonic, instant.wall, after):
        assert repr(round(value, 6)) == repr(value)


def test_the_wall_clock_keeps_its_distance_until_it_is_set(set_to: Callable[[int, int], None]) -> None:
    clock = Clock()
    set_to(5_000_000_900, 1_000_000_000_000)
    first = clock.now()
    assert (first.monotonic, first.wall) == (5.0, 1000.0)
    # Something came between the two readings.
    set_to(6_000_000_000, 1_001_000_000_000 + 999 * STEP)
    assert clock.now().wall == 1001.0
    set_to(7_000_000_000, 1_002_000_000_000 + 1_001_000 + STEP)
    assert clock.now().wall == 1002.001002
    set_to(8_000_000_000, 3_000_000_000)
    assert clock.now().wall == 3.0
