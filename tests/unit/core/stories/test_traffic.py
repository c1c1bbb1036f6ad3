"""Healthy traffic of many kinds makes no path slow, and one that is slow is found in time.

``python -m tests.traffic`` plays many hours of it (docs/testing.md).
"""

from __future__ import annotations

import pytest

from tests.traffic.healthy import KINDS, alarms
from tests.traffic.slow import Case, detection

HOURS = 0.25
SEEDS = range(2)


@pytest.mark.parametrize("kind", KINDS)
def test_healthy_traffic_makes_no_path_slow(kind: str) -> None:
    assert [alarm.message for seed in SEEDS for alarm in alarms(kind, seed, HOURS)] == []


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(
    ("case", "within"),
    [
        (Case(0.0005, 400.0, delay=0.1), 10.0),
        (Case(0.003, 4000.0, delay=0.15, paths=4), 10.0),
        (Case(0.010, 400.0, times=10.0), 10.0),
        (Case(0.010, 4000.0, times=10.0, depth=32), 10.0),
        (Case(0.030, 400.0, delay=0.15), 30.0),
        (Case(0.010, 4000.0, times=3.2), 30.0),
        (Case(0.0005, 10.0, delay=0.1), 30.0),
    ],
)
def test_a_slow_path_is_found_in_time_and_once(case: Case, within: float, seed: int) -> None:
    slow, steady = detection(case, seed)
    assert slow is not None
    assert slow <= within
    assert steady is not None
    assert steady <= 75.0
