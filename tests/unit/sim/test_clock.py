"""The order in which the clock of a simulation runs things."""

from __future__ import annotations

import pytest

from tests.sim.clock import MONOTONIC_AT_START, Clock, on_grid


def test_actions_run_in_the_order_of_their_moments_and_then_of_their_planning() -> None:
    clock, ran = Clock(), list[str]()
    clock.after(2.0, lambda: ran.append("late"))
    clock.after(1.0, lambda: ran.append("first"))
    clock.after(1.0, lambda: ran.append("second"))
    clock.run(clock.now + 3.0)
    assert ran == ["first", "second", "late"]


def test_an_action_of_the_past_runs_now_and_after_what_is_due_now() -> None:
    clock, ran = Clock(), list[tuple[str, float]]()

    def act() -> None:
        clock.at(clock.now - 5.0, lambda: ran.append(("past", clock.now)))
        clock.at(clock.now, lambda: ran.append(("now", clock.now)))

    clock.after(1.0, act)
    clock.run(clock.now + 1.0)
    assert ran == [("past", MONOTONIC_AT_START + 1.0), ("now", MONOTONIC_AT_START + 1.0)]


def test_what_was_cancelled_does_not_run() -> None:
    clock, ran = Clock(), list[str]()
    timer = clock.after(1.0, lambda: ran.append("cancelled"))
    clock.after(0.5, timer.cancel)
    clock.run(clock.now + 2.0)
    assert not ran


def test_nothing_after_the_end_runs_and_the_clock_stands_there() -> None:
    clock, ran = Clock(), list[str]()
    clock.after(1.0, lambda: ran.append("at the end"))
    clock.after(1.1, lambda: ran.append("after it"))
    clock.run(clock.now + 1.0)
    assert (ran, clock.now) == (["at the end"], MONOTONIC_AT_START + 1.0)
    clock.run(clock.now - 5.0)
    assert clock.now == MONOTONIC_AT_START + 1.0


def test_the_wall_clock_follows_and_can_be_set() -> None:
    clock = Clock()
    before = clock.instant
    clock.wall_ahead += 3600.0
    clock.run(clock.now + 10.0)
    assert clock.instant.monotonic - before.monotonic == 10.0
    assert clock.instant.wall - before.wall == 3610.0


@pytest.mark.parametrize(("moment", "found"), [(0.0, 5.0), (4.9, 5.0), (5.0, 5.0), (5.1, 10.0), (12.0, 15.0)])
def test_the_grid_begins_one_step_after_its_origin(moment: float, found: float) -> None:
    assert on_grid(moment, 0.0, 5.0) == found
