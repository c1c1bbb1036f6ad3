"""One outage of a path: its instants, its cause, its phases, and whether it kept to what the timeouts promise."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from math import isinf
from types import MappingProxyType
from typing import Any

from mpathd_watch.core.catalog.causes import CAUSES
from mpathd_watch.core.model.instant import Instant
from mpathd_watch.core.model.outage import Judgement, Outage, Span
from mpathd_watch.core.model.vocabulary import Cause, Health, Phase, Verdict
from mpathd_watch.core.verdicts.health import Evidence
from mpathd_watch.immutable import replace

_ENDS_OF_TRANSITIONS = frozenset({Cause.ARRAY_STANDBY, Cause.ARRAY_UNAVAILABLE, Cause.ARRAY_OFFLINE})
_WORSE_THAN_STANDBY = frozenset({Cause.ARRAY_UNAVAILABLE, Cause.ARRAY_OFFLINE})
_TAKEN_AWAY = frozenset({Cause.LOGOUT, Cause.REMOVED})
_HAS_FAILED = frozenset({Health.FAILED, Health.MISSING, Health.RECOVERING})
"""A path that recovers has failed, even if its transport was back before that was read."""

CAUSE_GRACE = 2.0
"""Seconds a failure may wait for its cause before it is counted under one that another may yet replace: dm's uevent
comes first, the listing that shows why a moment later, and a counter can't be moved to another label afterwards. An
outage that is younger when its session turns out to be lost belongs to that loss."""


def outage_id(wwid: str, path: str, began: Instant) -> str:
    """16 hexadecimal digits that name one outage, the same whenever the same recording is replayed."""
    return hashlib.sha256(f"{wwid}\0{path}\0{began.wall:.6f}".encode()).hexdigest()[:16]


def advance(outage: Outage, health: Health, evidence: Evidence, now: Instant) -> Outage:
    """``outage`` after the path was found in ``health`` at ``now``."""
    changes: dict[str, Any] = {}
    if health is Health.SUSPECT and outage.suspected is None:
        changes["suspected"] = now
    if health is Health.STALLED and outage.stalled is None:
        changes["stalled"] = now
    if health in _HAS_FAILED and outage.failed is None:
        changes["failed"] = now
    if evidence.transport_lost:
        changes["transport_lost"] = True
        changes["transport_up"] = None
    elif health is Health.SUSPECT:
        changes["transport_lost"] = False  # it is in use: if it fails now, that is another loss
        if outage.transport_lost and outage.transport_up is None:
            changes["transport_up"] = now
    elif evidence.transport_good and outage.transport_lost and outage.transport_up is None:
        changes["transport_up"] = now
    if _outranks(evidence.cause, outage):
        changes["cause"] = evidence.cause
    if health is Health.UP:
        changes["reinstated"] = now
    return replace(outage, **changes) if changes else outage


def phases(outage: Outage) -> Mapping[Phase, float]:
    """The seconds of each phase of which both ends were watched."""
    return MappingProxyType({phase: span.least for phase, span in spans(outage).items() if span.exact})


def spans(outage: Outage) -> Mapping[Phase, Span]:
    """The seconds of each phase of which both ends are known.

    Detection counts from the last proof of life, which may be up to noop_out_interval older than the break itself: so
    does the kernel's own clock. A path that was there before us, or that went for another reason than its connection,
    has no detection and no replacement.
    """
    found: dict[Phase, Span] = {}
    stalled, failed, alive = outage.stalled, outage.failed, outage.last_alive
    if CAUSES[outage.cause].connection and not outage.inherited:
        noticed = stalled or failed
        if alive is not None and noticed is not None and noticed >= alive:
            found[Phase.DETECTION] = _within(outage, alive, noticed)
        if stalled is not None and failed is not None and failed >= stalled:
            found[Phase.REPLACEMENT] = _within(outage, stalled, failed)
        if alive is not None and failed is not None and failed >= alive:
            found[Phase.FAILOVER] = _within(outage, alive, failed)
    if outage.cause is Cause.ARRAY_TRANSITIONING and stalled is not None and not outage.inherited:
        end = failed or outage.transport_up or outage.reinstated
        if end is not None:
            found[Phase.TRANSITION] = _within(outage, stalled, end)
    if outage.transport_up is not None and outage.reinstated is not None and outage.failed is not None:
        found[Phase.REINSTATEMENT] = _within(outage, outage.transport_up, outage.reinstated)
    return MappingProxyType(found)


def judge(outage: Outage, slack: float) -> Judgement:
    """The result of an outage that is over; ``no_budget`` where nothing was promised.

    A phase is over its bound if it took more than ``slack`` seconds longer, besides what the kernel's timers may be
    late; polls see both its ends a little late. I/O that was held longer than the replacement timeout breaks the
    promise even if the path came back and never failed. Where no daemon watched, a phase is over its bound only if it
    is at least that long; if it may have been, the outage is ``unobserved``.
    """
    known, measured = spans(outage), phases(outage)
    promised = outage.bounds
    if promised is None:
        return Judgement(measured)
    held = dict(known)
    if Phase.DETECTION in known and outage.stalled is not None and outage.failed is None:
        end = outage.transport_up or outage.reinstated
        if end is not None:
            held[Phase.REPLACEMENT] = _within(outage, outage.stalled, end)
    allowed = {phase: promised.of(phase) + slack + promised.lateness(phase) for phase in held}
    excess = {phase: span.least - promised.of(phase) for phase, span in held.items() if span.least > allowed[phase]}
    if excess:
        # The whole is over because one of its parts is; it is named where neither is by itself.
        worst = max(excess, key=lambda phase: (phase is not Phase.FAILOVER, excess[phase]))
        return Judgement(measured, Verdict.OVER_BUDGET, worst)
    began_unseen = outage.inherited and any(gap.latest == outage.began for gap in outage.unwatched)
    if began_unseen or any(span.most > allowed[phase] for phase, span in held.items()):
        return Judgement(measured, Verdict.UNOBSERVED)
    kept = (Phase.DETECTION in held and not isinf(promised.failover)) or Phase.TRANSITION in held
    lost = outage.stalled or outage.failed
    unseen = lost is not None and outage.earliest(lost) != lost
    if not kept and unseen and CAUSES[outage.cause].connection and not isinf(promised.failover):
        # Something was promised, and what shows whether it was kept came while no daemon watched.
        return Judgement(measured, Verdict.UNOBSERVED)
    return Judgement(measured, Verdict.WITHIN_BUDGET if kept else Verdict.NO_BUDGET)


def _within(outage: Outage, earlier: Instant, later: Instant) -> Span:
    """The seconds of a phase, which are never negative."""
    span = outage.between(earlier, later)
    return Span(max(0.0, span.least), max(0.0, span.most))


def _outranks(new: Cause, outage: Outage) -> bool:
    """What broke the way to the disk explains the checker's and dm's verdicts, which follow from it.

    A logout removes the disks first and the session a moment later (iscsi_remove_session()). The kernel's reason for
    a lost connection may be read after the session's state. What is learned after the failure has been counted is about
    something else.
    """
    old = outage.cause
    if outage.counted or new is Cause.UNKNOWN:
        return False
    if old is Cause.CARRIER_LOST and not outage.transport_lost:
        # The kernel keeps a session and its disks while there is no carrier: somebody has taken them away.
        return new in _TAKEN_AWAY
    if old is Cause.CONNECTION_ERROR and not outage.inherited:
        return CAUSES[new].exact
    if old is Cause.CHECKER and new is Cause.ADMINISTRATOR:
        # multipathd lists a path that was failed by hand as faulty at once, before dm's uevent may have come.
        return True
    if old is Cause.ARRAY_TRANSITIONING:
        return new in _ENDS_OF_TRANSITIONS
    if old is Cause.ARRAY_STANDBY:
        return new in _WORSE_THAN_STANDBY
    if old is Cause.REMOVED:
        return new is Cause.LOGOUT
    return not CAUSES[old].root and (old is Cause.UNKNOWN or CAUSES[new].root)
