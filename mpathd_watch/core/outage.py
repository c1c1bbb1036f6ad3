"""One outage of one path: its instants, its cause, and how each new verdict on the path carries it on."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import Any

from mpathd_watch.core.health import Evidence
from mpathd_watch.core.instant import Instant
from mpathd_watch.core.vocabulary import Cause, Health


@dataclass(frozen=True, slots=True)
class Timeouts:
    """The live timeouts of a session when an outage began, in seconds (see ``SessionFacts``)."""

    recv_tmo: int | None
    ping_tmo: int | None
    recovery_tmo: int | None


@dataclass(frozen=True, slots=True)
class Outage:
    """What is known of one outage; every instant but ``began`` may be absent.

    ``transport_lost`` tells whether the way to the disk itself was gone (session down, device not running, path
    missing): only then is a working transport a return, and the path ``recovering``. ``inherited``: it had begun before
    the path was first seen. ``shared``: a lost session was the alert for it and its siblings. ``counted``: it is in
    ``path_failures_total``.
    """

    id: str
    began: Instant
    cause: Cause = Cause.UNKNOWN
    timeouts: Timeouts | None = None
    last_alive: Instant | None = None
    suspected: Instant | None = None
    stalled: Instant | None = None
    failed: Instant | None = None
    transport_lost: bool = False
    transport_up: Instant | None = None
    reinstated: Instant | None = None
    inherited: bool = False
    shared: bool = False
    counted: bool = False


_ROOT_CAUSES = frozenset(
    {
        Cause.NOP_TIMEOUT,
        Cause.CONNECTION_CLOSED,
        Cause.CONNECTION_ERROR,
        Cause.CARRIER_LOST,
        Cause.LOGOUT,
        Cause.DEVICE_OFFLINE,
        Cause.REMOVED,
    }
)


def outage_id(wwid: str, path: str, began: Instant) -> str:
    """16 hexadecimal digits that name one outage, the same whenever the same recording is replayed."""
    return hashlib.sha256(f"{wwid}\0{path}\0{began.wall:.6f}".encode()).hexdigest()[:16]


def advance(outage: Outage, health: Health, evidence: Evidence, now: Instant) -> Outage:
    """``outage`` after the path was found in ``health`` at ``now``."""
    changes: dict[str, Any] = {}
    if health is Health.STALLED and outage.stalled is None:
        changes["stalled"] = now
    if health in (Health.FAILED, Health.MISSING) and outage.failed is None:
        changes["failed"] = now
    if evidence.transport_lost:
        changes["transport_lost"] = True
        changes["transport_up"] = None
    elif evidence.transport_good and outage.transport_lost and outage.transport_up is None:
        changes["transport_up"] = now
    if _outranks(evidence.cause, outage):
        changes["cause"] = evidence.cause
    if health is Health.UP:
        changes["reinstated"] = now
    return replace(outage, **changes) if changes else outage


def _outranks(new: Cause, outage: Outage) -> bool:
    """What broke the way to the disk explains the checker's and dm's verdicts, which follow from it.

    A logout removes the disks first and the session a moment later (iscsi_remove_session()).
    """
    old = outage.cause
    if old is Cause.REMOVED and not outage.counted:
        return new is Cause.LOGOUT
    if old in _ROOT_CAUSES or new is Cause.UNKNOWN:
        return False
    return old is Cause.UNKNOWN or new in _ROOT_CAUSES
