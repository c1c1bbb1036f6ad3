"""When the phase that a path is in must be over, and whether that has passed."""

from __future__ import annotations

from math import isinf

from mpathd_watch.core.draft import Draft
from mpathd_watch.core.judging import suspicion
from mpathd_watch.core.model.budget import TRANSITION_LATENESS, TRANSITION_TIMEOUT, timer_lateness
from mpathd_watch.core.model.instant import Instant
from mpathd_watch.core.model.vocabulary import CheckerState, Health, Liveness, Phase
from mpathd_watch.core.state import Due, PathState, Wait
from mpathd_watch.immutable import replace

_HELD_BACK = frozenset({CheckerState.DELAYED, CheckerState.SHAKY})


def timed(draft: Draft, wwid: str, path: PathState) -> PathState:
    """The path with the deadline of the phase it is in, and whether that has passed."""
    key = Due(Wait.OVERDUE, wwid, path.label)
    draft.deadlines.drop(key)
    deadline, overdue = _deadline(draft, path), False
    if deadline is not None:
        over = deadline.monotonic + draft.rest.settings.slack_seconds + _lateness(draft, path)
        overdue = draft.now.monotonic >= over
        if not overdue:
            draft.deadlines[key] = over
    if (path.verdict.deadline, path.verdict.overdue) == (deadline, overdue):
        return path
    return replace(path, verdict=replace(path.verdict, deadline=deadline, overdue=overdue))


def _lateness(draft: Draft, path: PathState) -> float:
    """The seconds by which the kernel's timer may end the path's phase late."""
    outage, nexus = path.outage, draft.nexus_of(path)
    if path.in_transition:
        return TRANSITION_LATENESS
    if path.health is Health.STALLED and outage is not None and outage.bounds is not None:
        return outage.bounds.lateness(Phase.REPLACEMENT)
    dropped = nexus.facts.timing.dropped_after if nexus is not None else None
    return timer_lateness(dropped) if path.health is Health.SUSPECT and dropped is not None else 0.0


def _deadline(draft: Draft, path: PathState) -> Instant | None:
    """When the path's phase must be over.

    A stalled path's I/O is held only while its nexus holds it, and from the moment it began to, which was not seen of
    an outage that had begun before the path was first seen. A path that multipathd holds back on purpose has no
    deadline.
    """
    outage, nexus = path.outage, draft.nexus_of(path)
    if path.health is Health.SUSPECT and nexus is not None:
        return suspicion.dropped_at(nexus, draft.now)
    if path.in_transition:
        return path.verdict.since.later(TRANSITION_TIMEOUT)
    if outage is None or outage.bounds is None:
        return None
    since = path.verdict.since
    if path.health is Health.STALLED:
        if nexus is None or nexus.liveness is not Liveness.HOLDING:
            return None
        if outage.inherited and since == outage.began:
            return None
        # The array may have stalled it before the nexus was lost.
        begun, seconds = max(since, nexus.down_since or since), outage.bounds.of(Phase.REPLACEMENT)
    elif path.health is Health.RECOVERING and outage.transport_up and path.checker.state not in _HELD_BACK:
        begun, seconds = outage.transport_up, outage.bounds.of(Phase.REINSTATEMENT)
    else:
        return None
    return None if isinf(seconds) else begun.later(seconds)
