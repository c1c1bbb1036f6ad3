"""The outage of a path, as it begins, and what is promised for it."""

from __future__ import annotations

from math import isinf

from mpathd_watch.core.draft import Draft
from mpathd_watch.core.judging import restarts
from mpathd_watch.core.judging.paths.disk_counters import counted_before
from mpathd_watch.core.model.outage import Outage
from mpathd_watch.core.model.vocabulary import DmState, Health
from mpathd_watch.core.state import PathState
from mpathd_watch.core.verdicts.budget import bounds
from mpathd_watch.core.verdicts.health import Evidence
from mpathd_watch.core.verdicts.outage import CAUSE_GRACE, outage_id
from mpathd_watch.immutable import replace


def seen_to_begin(path: PathState, seen: Evidence, health: Health) -> bool:
    """Whether what is wrong now was seen to be right before, or a uevent reported it the moment it went wrong.

    A path that is suspect has not failed yet, whatever was before.
    """
    reported = path.dm.state is DmState.FAILED and path.dm.changed is not None
    return path.ever_up or reported or (path.ever_reached and seen.transport_lost) or health is Health.SUSPECT


def begun(draft: Draft, wwid: str, path: PathState, *, inherited: bool) -> Outage:
    """An outage that begins now, or that a path which is expected since the start was in already."""
    nexus = draft.nexus_of(path)
    began = path.verdict.since if path.awaited else draft.now
    return Outage(
        id=outage_id(wwid, path.label, began),
        began=began,
        failed=began if path.awaited else None,
        timeouts=None if nexus is None else nexus.facts.timeouts,
        bounds=None if nexus is None else bounds(nexus.facts, draft.layer_of(wwid), _recheck_interval(draft, wwid)),
        inherited=inherited,
        unwatched=restarts.unwatched_since(draft, wwid, path, began) if inherited else (),
        errors=counted_before(path, draft.now),
        soon=path.ever_up and (draft.now.since(path.verdict.since) < CAUSE_GRACE or _was_overruled(draft, wwid, path)),
    )


def with_checks(draft: Draft, wwid: str, outage: Outage) -> Outage:
    """The outage with the bound of its reinstatement, if multipathd's checks were not known yet as it began."""
    bound = outage.bounds
    if bound is None or not isinf(bound.reinstatement):
        return outage
    within = draft.layer_of(wwid).reinstated_within(_recheck_interval(draft, wwid))
    return outage if isinf(within) else replace(outage, bounds=replace(bound, reinstatement=within))


def _recheck_interval(draft: Draft, wwid: str) -> int | None:
    report = draft.rest.auditing.report.maps.get(wwid)
    return report.recheck_interval if report else None


def _was_overruled(draft: Draft, wwid: str, path: PathState) -> bool:
    """Whether multipathd has called the path faulty since dm used it: reinstated by hand, it may fail at a check."""
    map_ = draft.before.maps.get(wwid)
    before = None if map_ is None else map_.paths.get(path.label)
    if before is None or not before.checker.overruled or before.checker.read is None:
        return False
    return before.dm.changed is not None and before.checker.read >= before.dm.changed
