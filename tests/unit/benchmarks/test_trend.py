"""The slope by which a soak judges memory: what moves it, what does not, and how certain it is."""

from __future__ import annotations

import itertools
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.soak.trend import BINS, FEWEST, HOUR, slope, trend

VALUES = st.lists(st.floats(0.0, 1e6), min_size=FEWEST, max_size=40)
SECONDS = 5.0


def series(values: list[float]) -> list[tuple[float, float]]:
    return [(number * SECONDS, value) for number, value in enumerate(values)]


def noise(count: int, seed: int, *, amplitude: float = 300.0, memory: float = 0.8) -> list[float]:
    """Noise whose neighbours resemble each other, as those of a process's memory do."""
    dice, values, last = random.Random(seed), [], 0.0  # noqa: S311  # no secret
    for _ in range(count):
        last = memory * last + dice.gauss(0.0, amplitude * (1 - memory**2) ** 0.5)
        values.append(50_000.0 + last)
    return values


@given(VALUES, st.floats(-1e5, 1e5), st.floats(-1e4, 1e4))
def test_a_line_that_is_added_is_added_to_the_slope(values: list[float], level: float, rise: float) -> None:
    points = series(values)
    tilted = [(at, value + level + rise * at / HOUR) for at, value in points]
    # What floats of this size lose within 5 s counts a thousandfold in an hour.
    assert slope(tilted) == pytest.approx(slope(points) + rise, abs=1e-3)


@given(VALUES)
def test_a_series_that_is_turned_round_has_the_opposite_slope(values: list[float]) -> None:
    assert slope(series(values[::-1])) == pytest.approx(-slope(series(values)))


@settings(max_examples=20, deadline=None)
@given(st.floats(0.0, 1e6), st.integers(FEWEST, 300))
def test_what_does_not_change_does_not_grow(value: float, count: int) -> None:
    found = trend(series([value] * count))
    assert (found.slope, found.low, found.high) == (0.0, 0.0, 0.0)


@settings(max_examples=20, deadline=None)
@given(VALUES)
def test_the_interval_is_in_order_and_is_the_same_each_time(values: list[float]) -> None:
    found = trend(series(values))
    assert found.low <= found.high
    assert found == trend(series(values))


@pytest.mark.parametrize("leak", [1024.0, 20_000.0])
def test_outliers_do_not_move_it(leak: float) -> None:
    values = [leak * number * SECONDS / HOUR for number in range(100)]
    for number in range(0, 100, 6):
        values[number] += 1e6
    assert slope(series(values)) == pytest.approx(leak, rel=0.25)


def test_a_single_step_counts_less_than_a_leak_of_its_height() -> None:
    count = 720
    stepped = trend(series([value + 1000.0 * (number > 100) for number, value in enumerate(noise(count, 1))]))
    leaking = trend(series([value + 1000.0 * number / count for number, value in enumerate(noise(count, 1))]))
    assert stepped.slope < leaking.slope


def test_noise_alone_seldom_seems_to_grow() -> None:
    found = [trend(series(noise(720, seed))) for seed in range(20)]
    assert sum(each.low > 0.0 for each in found) <= 3
    assert max(each.low for each in found) < 250.0


def test_a_leak_in_the_noise_is_seen_and_the_interval_has_it() -> None:
    leak = 2000.0
    found = [
        trend(series([value + leak * number * SECONDS / HOUR for number, value in enumerate(noise(720, seed))]))
        for seed in range(20)
    ]
    assert min(each.low for each in found) > 1024.0
    assert sum(each.low <= leak <= each.high for each in found) >= 15


def test_more_samples_than_bins_count_by_the_medians_of_the_bins() -> None:
    values = list(itertools.chain.from_iterable([float(number)] * 4 + [1e9] for number in range(BINS)))
    assert trend(series(values)).slope == pytest.approx(HOUR / (5 * SECONDS), rel=0.05)


def test_too_few_samples_have_no_slope() -> None:
    with pytest.raises(ValueError, match="too few"):
        trend(series([1.0] * (FEWEST - 1)))
    assert slope([]) == slope([(0.0, 1.0)]) == slope([(1.0, 1.0), (1.0, 2.0)]) == 0.0
