"""What later evidence corrects in an outage that goes on: the last sign of life, the cause, the loss of the way."""

from __future__ import annotations

from mpathd_watch.core.draft import Draft
from mpathd_watch.core.judging.paths.evidence import is_unreachable
from mpathd_watch.core.model.outage import Outage
from mpathd_watch.core.model.vocabulary import Cause, SourceName, Standing
from mpathd_watch.core.state import PathState
from mpathd_watch.core.verdicts.health import RawStates
from mpathd_watch.immutable import replace


def with_last_alive(draft: Draft, path: PathState, outage: Outage) -> Outage:
    """The outage with the target's last proof of life, once its nexus is seen to be down."""
    nexus = draft.nexus_of(path)
    if outage.last_alive is not None or outage.inherited or nexus is None or nexus.heard is None:
        return outage
    if not nexus.liveness.down:
        return outage
    return replace(outage, last_alive=draft.now.earlier(draft.now.monotonic - nexus.heard))


def as_reinstated(path: PathState, raw: RawStates) -> Outage | None:
    """The path's outage; without the loss of the way to it once dm has reinstated the path while sysfs is silent.

    multipathd found the way back then. If dm fails the path again, sysfs must show another loss before it can show a
    return.
    """
    outage, changed = path.outage, path.dm.changed
    if outage is None or not (outage.transport_lost and raw.unread and raw.standing is Standing.USABLE):
        return outage
    if changed is None or changed <= outage.began.monotonic:
        return outage
    return replace(outage, transport_lost=False, transport_up=None)


def as_reopened(raw: RawStates, outage: Outage | None) -> Outage | None:
    """The path's outage; without standby as its cause if the array had taken the path out of that before it failed.

    A unit attention reported the change before (otherwise the failure is counted at once), and the next reading shows
    what it was.
    """
    if outage is None or outage.cause is not Cause.ARRAY_STANDBY or outage.counted or raw.closed is not None:
        return outage
    if raw.standing is not Standing.FAILED:
        return outage  # a path in standby that dm has reinstated is usable: multipathd calls it ghost
    return replace(outage, cause=Cause.UNKNOWN, transport_lost=False, transport_up=None)


def without_carrier(draft: Draft, path: PathState, outage: Outage) -> Outage:
    """The outage without the carrier as its cause, if that has returned and the target may have answered since.

    The path was up again then, but while sysfs does not answer, nothing shows it, and dm may fail the path before the
    answer is read. What takes the path after that may be another matter.
    """
    nexus = draft.nexus_of(path)
    if outage.cause is not Cause.CARRIER_LOST or outage.counted or outage.transport_lost:
        return outage
    if nexus is None or is_unreachable(draft, nexus):
        return outage
    answered = nexus.heard is not None and nexus.heard > outage.began.monotonic
    unread = not outage.real and not draft.is_up(SourceName.SYSFS)
    return replace(outage, cause=Cause.UNKNOWN) if answered or unread else outage
