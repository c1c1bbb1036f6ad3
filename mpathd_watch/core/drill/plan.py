"""What a drill would do: the paths that it loses, whether that is safe, and what is promised for them."""

from __future__ import annotations

from mpathd_watch.core.drill import commands, promise, safety
from mpathd_watch.core.drill.commands import Way
from mpathd_watch.core.drill.promise import Promise
from mpathd_watch.core.drill.safety import Objections
from mpathd_watch.core.drill.target import Fault, Target, faults
from mpathd_watch.core.state import State
from mpathd_watch.immutable import immutable


@immutable
class Choice:
    """One thing that the administrator may let fail, with what is promised then, and how he may do it."""

    fault: Fault
    promise: Promise
    ways: tuple[Way, ...] = ()


@immutable
class Plan:
    """A drill on ``target``: one of ``choices`` shall fail. It is safe if there are no ``reasons`` against it."""

    target: Target
    choices: tuple[Choice, ...]
    objections: Objections = Objections()

    @property
    def reasons(self) -> tuple[str, ...]:
        """Everything that stands against it."""
        return self.objections.every


def plan(state: State, target: Target, terminal: str = "") -> Plan:
    """The drill on ``target`` as things are now. Raises ``TargetError``. ``terminal``: see ``safety.objections``."""
    found = faults(state, target)
    choices = tuple(
        Choice(fault, promise.of_fault(state, fault), tuple(commands.ways(state, fault)))
        for fault in found
        if fault.paths
    )
    return Plan(target, choices, safety.objections(state, target, found, terminal))
