"""A failure is counted once, by its cause: when that is known, or when no better one can come."""

from __future__ import annotations

from mpathd_watch.core.draft import Draft
from mpathd_watch.core.model.mappings import frozen
from mpathd_watch.core.model.outage import Outage
from mpathd_watch.core.model.vocabulary import Cause, DmState, Health
from mpathd_watch.core.state import Due, PathState, Wait
from mpathd_watch.core.state.arrays import target_of
from mpathd_watch.core.transports import table
from mpathd_watch.core.verdicts.outage import CAUSE_GRACE
from mpathd_watch.immutable import replace

_PROVISIONAL = frozenset({Cause.UNKNOWN, Cause.REMOVED})
ACCESS_GRACE = 4.0
"""Seconds that a failure may wait for its cause, in place of ``CAUSE_GRACE``, after the array has reported a change of
access states. The kernel knew the new ones up to 3.1 s later in the lab (docs/measured.md)."""
LOOK_AGAIN = 0.5
"""Seconds between two close looks at a disk that had commands in flight when dm failed its path."""


def counted(draft: Draft, wwid: str, path: PathState, outage: Outage) -> PathState:
    """The path with its outage, and with the failure in its counter once its cause is known or the grace is over."""
    failed = outage.stalled or outage.failed
    if outage.counted or outage.inherited or failed is None:
        return replace(path, outage=outage)
    key = Due(Wait.CAUSE, wwid, path.label)
    # The kernel has yet to ask the array for the states of its port groups, which may explain it.
    asked = target_of(path.place) in draft.arrays.again
    over = failed.monotonic + (ACCESS_GRACE if asked else CAUSE_GRACE)
    if _provisional(draft, path, outage) and path.health is not Health.UP and draft.now.monotonic < over:
        if key not in draft.deadlines and outage.cause is Cause.CHECKER:
            draft.refresh_devices([path.place.dev])
        draft.deadlines[key] = over
        errors = path.disk_errors
        if errors.in_flight and errors.looked is not None and errors.looked >= failed.monotonic:
            draft.deadlines[Due(Wait.LOOK, wwid, path.label)] = draft.now.monotonic + LOOK_AGAIN
        return replace(path, outage=outage)
    draft.deadlines.drop(key)
    draft.deadlines.drop(Due(Wait.LOOK, wwid, path.label))
    failures = {**path.failures, outage.cause: path.failures.get(outage.cause, 0) + 1}
    return replace(path, failures=frozen(failures), outage=replace(outage, counted=True))


def _provisional(draft: Draft, path: PathState, outage: Outage) -> bool:
    """Whether a better cause may yet come: the kernel's own reason for a connection's end, if that is listened to.

    What a checker finds may follow from a disk that has gone offline since it was read, from dm of which a uevent has
    yet to come, or from a state of the array that the kernel has yet to ask for. A path in standby may have become
    unavailable in the same way. A carrier that is lost makes nothing fail while its nexus still stands: dm may have
    failed the path because it is being taken away.
    """
    causes = table.of(path.place.transport).causes
    failed, looked = outage.stalled or outage.failed, path.disk_errors.looked
    if outage.cause is Cause.CHECKER and failed is not None:
        unread = looked is None or looked < failed.monotonic or path.dm.state is not DmState.FAILED
        return unread or path.disk.access.state is not None
    if outage.cause is Cause.ARRAY_STANDBY:
        since = path.disk.access_since
        before = failed is not None and since is not None and since < failed.monotonic
        return before and target_of(path.place) in draft.arrays.again
    if outage.cause is Cause.CARRIER_LOST:
        return not outage.transport_lost
    if outage.cause is causes.lost:
        nexus, source = draft.nexus_of(path), causes.reported_by
        return source is not None and draft.is_up(source) and (nexus is None or nexus.lost_to is None)
    return outage.cause in _PROVISIONAL
