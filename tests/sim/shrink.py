"""Shortens the plan of a run in which something is wrong, as long as the same rule does not hold."""

from __future__ import annotations

from dataclasses import replace

from tests.sim.faults import Fault
from tests.sim.run import Plan, play

MOST_TRIES = 150


def shortened(plan: Plan) -> Plan:
    """The plan with as few faults as are found to break the same rule: halves are left out, then smaller parts."""
    rule = _rule(plan)
    if rule is None:
        return plan
    faults, size, tries = plan.faults, max(1, len(plan.faults) // 2), 0
    while faults and tries < MOST_TRIES:
        for begin in range(0, len(faults), size):
            less: tuple[Fault, ...] = faults[:begin] + faults[begin + size :]
            tries += 1
            if _rule(replace(plan, faults=less)) == rule:
                faults = less
                break
            if tries >= MOST_TRIES:
                break
        else:
            if size == 1:
                break
            size = max(1, size // 2)
    return replace(plan, faults=faults)


def _rule(plan: Plan) -> str | None:
    violations = play(plan).violations
    return violations[0].rule if violations else None
