"""What timeline and plot share: the stages of an outage in order, and its phases beside what they may take."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from mpathd_watch.core.model.outage import Span
from mpathd_watch.core.model.text import clean
from mpathd_watch.core.model.vocabulary import Phase
from mpathd_watch.immutable import immutable
from mpathd_watch.sinks.words import in_words
from mpathd_watch.store.past import PastOutage

_STAGES: Final = {
    "last_alive": "last sign of life",
    "suspected": "suspect",
    "stalled": "stalled",
    "failed": "failed",
    "transport_up": "transport back",
    "reinstated": "up again",
}
_BEGINS: Final = {
    Phase.DETECTION: ("last_alive",),
    Phase.REPLACEMENT: ("stalled",),
    Phase.FAILOVER: ("last_alive",),
    Phase.TRANSITION: ("stalled",),
    Phase.REINSTATEMENT: ("transport_up",),
}
"""The stage that each phase begins with."""


@immutable
class Stage:
    """One stage that the outage has reached, and when, in seconds since it began."""

    name: str
    at: Span


@immutable
class Measured:
    """One phase: when it began, what it took, and what it may take. ``over``: it broke the budget.

    ``took`` is ``None`` if the phase was not measured, as it has not ended yet or nobody saw one of its ends.
    """

    name: str
    begin: Span | None
    took: Span | None
    allowed: float | None
    over: bool


def stages(outage: PastOutage) -> list[Stage]:
    """The stages in the order of time; that of a newer daemon has its own word."""
    found = [Stage(_STAGES.get(name, in_words(clean(name))), at) for name, at in outage.instants.items()]
    return sorted(found, key=lambda stage: (stage.at.least, stage.at.most))


def measured(outage: PastOutage) -> Iterator[Measured]:
    """The phases that were measured, and those that an open outage may yet have, in order."""
    known = [phase.value for phase in Phase]
    found = set(outage.phases)
    if outage.open:
        expected = {name for name, bound in outage.bounds.items() if bound is not None}
        found |= expected - {Phase.TRANSITION}
    for name in (*(word for word in known if word in found), *sorted(set(outage.phases) - set(known))):
        begins = _BEGINS[Phase(name)] if name in known else ()
        begin = next((outage.instants[stage] for stage in begins if stage in outage.instants), None)
        took, allowed = outage.phases.get(name), outage.bounds.get(name)
        yield Measured(clean(name), begin, took, allowed, name == outage.broken)
