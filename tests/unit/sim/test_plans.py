"""The plans of runs: a seed decides them, and they are shortened as long as the same rule does not hold."""

from __future__ import annotations

from random import Random

import pytest

from tests.sim import faults, run, shrink
from tests.sim.faults import KINDS, Fault
from tests.sim.oracle.violation import Violation
from tests.sim.run import BEGIN, END, Plan, Result
from tests.sim.world.shape import Shape


def drawn(seed: str) -> tuple[Fault, ...]:
    return faults.drawn(Random(seed), BEGIN, END)  # noqa: S311  # a simulation, not a secret


PLANS = [drawn(str(seed)) for seed in range(200)]


def test_a_seed_decides_the_plan() -> None:
    assert [drawn(str(seed)) for seed in range(200)] == PLANS
    assert len(set(PLANS)) > 150
    assert Plan.drawn("a") == Plan.drawn("a")
    assert Plan.drawn("a") != Plan.drawn("b")


def test_faults_are_in_order_and_end_with_the_time_for_them() -> None:
    for plan in PLANS:
        assert list(plan) == sorted(plan, key=lambda fault: fault.at)
        assert all(BEGIN <= fault.at <= END and fault.at + fault.seconds <= END + 0.01 for fault in plan)
        assert all(fault.kind in KINDS for fault in plan)
        assert len({fault.kind for fault in plan}) <= 8


def test_all_kinds_are_drawn_and_some_plans_are_empty() -> None:
    assert {fault.kind for plan in PLANS for fault in plan} == set(KINDS)
    assert () in PLANS


def test_a_campaign_has_as_many_seeds_as_runs_make_its_hours() -> None:
    assert run.seeds("x", 0.0) == ["x-0"]
    assert len(run.seeds("x", 10.0)) == 24
    assert run.seeds("x", 5.0) == [f"x-{number}" for number in range(12)]


def test_a_run_takes_the_same_steps_for_the_same_plan() -> None:
    plan = Plan("steps", Shape(busy=True), (Fault("cut", 100.0, 30.0), Fault("reset", 300.0, 1.0, 1)))
    first, second = (run.play(plan, told=True) for _ in range(2))
    assert first.steps == second.steps > 100
    assert first.chronicle is not None
    assert second.chronicle is not None
    assert first.chronicle.lines == second.chronicle.lines


# --- shortening -------------------------------------------------------------------------------------------------------

WHOLE = Plan("whole", Shape(), tuple(Fault("cut", float(at), 1.0, at) for at in range(16)))


def judged(monkeypatch: pytest.MonkeyPatch, needed: set[int], rule: str = "a") -> list[Plan]:
    """Let a plan break a rule if it has these faults, and another rule if it has the last one alone."""
    played = list[Plan]()

    def play(plan: Plan) -> Result:
        played.append(plan)
        which = {fault.which for fault in plan.faults}
        result = Result(plan)
        if needed <= which:
            result.violations.append(Violation(rule, 1.0, "it does not hold"))
        elif which:
            result.violations.append(Violation("another", 1.0, "it does not hold"))
        return result

    monkeypatch.setattr(shrink, "play", play)
    return played


@pytest.mark.parametrize("needed", [{0}, {15}, {3, 12}, {7, 8}, {1, 5, 9, 13}, set(range(16))])
def test_a_plan_is_shortened_to_what_breaks_the_same_rule(monkeypatch: pytest.MonkeyPatch, needed: set[int]) -> None:
    judged(monkeypatch, needed)
    short = shrink.shortened(WHOLE)
    assert {fault.which for fault in short.faults} == needed
    assert (short.seed, short.shape) == (WHOLE.seed, WHOLE.shape)


def test_a_plan_that_breaks_a_rule_without_faults_has_none_in_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    judged(monkeypatch, set())
    assert shrink.shortened(WHOLE).faults == ()


def test_a_plan_that_breaks_no_rule_stays_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shrink, "play", Result)
    assert shrink.shortened(WHOLE) is WHOLE


def test_shortening_ends_after_so_many_tries(monkeypatch: pytest.MonkeyPatch) -> None:
    long = Plan("long", Shape(), tuple(Fault("cut", float(at), 1.0, at) for at in range(400)))
    played = judged(monkeypatch, set(range(0, 400, 2)))
    shrink.shortened(long)
    assert len(played) <= shrink.MOST_TRIES + 1
