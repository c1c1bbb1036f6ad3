"""Judging one path: its health, its outage, its cause, its deadline, and whether it flaps. Nothing is reported here."""

from __future__ import annotations

from math import isinf

from mpathd_watch.core.catalog.causes import CAUSES
from mpathd_watch.core.draft import Draft
from mpathd_watch.core.judging import expected, restarts, suspicion
from mpathd_watch.core.layers.row import LayerRow
from mpathd_watch.core.model.budget import TRANSITION_LATENESS, TRANSITION_TIMEOUT, timer_lateness
from mpathd_watch.core.model.instant import Instant
from mpathd_watch.core.model.mappings import frozen
from mpathd_watch.core.model.outage import Count, Outage
from mpathd_watch.core.model.vocabulary import (
    NOT_RUNNING,
    AccessState,
    Cause,
    CheckerState,
    DmState,
    Health,
    Liveness,
    Phase,
    SourceName,
    Standing,
)
from mpathd_watch.core.state import Due, NexusState, PathState, Wait
from mpathd_watch.core.state.arrays import target_of
from mpathd_watch.core.transports import table
from mpathd_watch.core.verdicts import carrier, flapping
from mpathd_watch.core.verdicts.budget import bounds
from mpathd_watch.core.verdicts.error_counts import COLLECTED, SETTLED
from mpathd_watch.core.verdicts.health import CLOSED, Evidence, RawStates, evidence, path_health
from mpathd_watch.core.verdicts.outage import CAUSE_GRACE, advance, judge, outage_id
from mpathd_watch.immutable import replace

_OUT = frozenset({Health.MISSING, Health.FAILED, Health.RECOVERING, Health.STALLED, Health.SUSPECT})
_HELD_BACK = frozenset({CheckerState.DELAYED, CheckerState.SHAKY})
_NO_REASON = frozenset({CheckerState.READY, CheckerState.GHOST, CheckerState.FAULTY, CheckerState.UNKNOWN})
"""Checker states beside which dm may have failed a path by hand: once it has, multipathd calls it faulty for that."""
_BY_COMMANDS = frozenset({"tur", "directio", "readsector0"})
"""Checkers that find fault only with a command that fails or hangs; others read it in an answer that came back well."""
_PROVISIONAL = frozenset({Cause.UNKNOWN, Cause.REMOVED})
STANDBY_EXPLAINS = 60.0
"""Seconds before an outage within which a path must have gone into standby for that to be the reason. multipathd checks
a path every 20 s at most unless it is configured otherwise (max_polling_interval)."""
ACCESS_GRACE = 4.0
"""Seconds that a failure may wait for its cause, in place of ``CAUSE_GRACE``, after the array has reported a change of
access states. The kernel knew the new ones up to 3.1 s later in the lab (docs/measured.md)."""
UNSEEN_LOSS = 60.0
"""Seconds before a failure within which a connection error shows that its session was lost, even if it was not read so.
Reading sysfs may hang for as long."""
LOOK_AGAIN = 0.5
"""Seconds between two close looks at a disk that had commands in flight when dm failed its path."""


def judged(draft: Draft, wwid: str, path: PathState) -> PathState:
    """The path, judged by all that is known of it now; what must be looked at again gets its deadline."""
    if restarts.waits(draft, wwid, path):
        return path
    raw = _raw_states(draft, wwid, path)
    outage = _as_reopened(raw, _as_reinstated(path, raw))
    was_lost = outage is not None and outage.transport_lost
    failed = outage is not None and outage.real
    health = path_health(raw, transport_was_lost=was_lost, out=outage is not None, failed=failed)
    seen = evidence(raw)
    if outage is None and health in _OUT and not expected.may_still_come(draft, wwid, path):
        outage = _begun(draft, wwid, path, inherited=not _seen_to_begin(path, seen, health))
    if outage is not None and health is not Health.UNKNOWN:
        outage = restarts.until_known(path, outage, draft.now)
    if outage is not None:
        outage = _with_last_alive(draft, path, _without_carrier(draft, path, outage))
        outage = advance(_with_checks(draft, wwid, outage), health, seen, draft.now)
        if health is Health.UP and outage.real:
            outage = replace(outage, judgement=judge(outage, draft.rest.settings.slack_seconds))
    if health is not path.health:
        path = replace(path, verdict=replace(path.verdict, health=health, since=draft.now))
    if outage is not None:
        path = _flapping(draft, path, outage)
        path = _timed(draft, wwid, _counted(draft, wwid, path, outage))
    path = _steady(draft, wwid, path)
    # Where dm is silent, it may have failed the path long before.
    ever_up = path.ever_up or (health is Health.UP and raw.standing is Standing.USABLE)
    ever_reached = path.ever_reached or seen.transport_good
    if (ever_up, ever_reached) == (path.ever_up, path.ever_reached):
        return path
    return replace(path, ever_up=ever_up, ever_reached=ever_reached)


# --- what is known ----------------------------------------------------------------------------------------------------


def _raw_states(draft: Draft, wwid: str, path: PathState) -> RawStates:
    nexus, layer = draft.nexus_of(path), draft.layer_of(wwid)
    standing = layer.standing(path.dm, path.disk)
    return RawStates(
        member=path.member,
        standing=standing,
        checker=path.checker.verdict,
        device=path.disk.state,
        nexus=None if nexus is None else nexus.liveness,
        nexus_cause=Cause.UNKNOWN if nexus is None else _nexus_cause(draft, nexus),
        suspicion=None if nexus is None else nexus.suspicion,
        counters=_by_counters(path, nexus, standing, managed=_is_managed(draft, layer, path.outage)),
        unmanaged=_unmanaged(draft, layer, path),
        unread=not draft.is_up(SourceName.SYSFS),
        closed=_closed(path, draft.now),
        confirmed=_confirmed(path, standing, draft.now),
        awaited=path.awaited,
    )


def _confirmed(path: PathState, standing: Standing, now: Instant) -> bool:
    """Whether what the array says of the path was read since the path failed, if it has."""
    failed = None if path.outage is None else path.outage.failed
    if failed is None and standing is Standing.FAILED:
        failed = now
    return failed is None or path.access_read_since(failed.monotonic)


def _closed(path: PathState, now: Instant) -> AccessState | None:
    """What the array says of the path, if that explains why it takes no I/O.

    A path to a passive controller is in standby all the time, and usable: multipathd calls it ghost. If it fails then,
    or its connection does, standby is not why. And a path that dm has reinstated since is one that multipathd has found
    usable.
    """
    state, since, outage = path.disk.access.state, path.disk.access_since, path.outage
    if state is None or state not in CLOSED or _reinstated_since(path, since):
        return None
    began = now if outage is None else outage.began
    old = since is not None and began.monotonic - since > STANDBY_EXPLAINS
    other = outage is not None and CAUSES[outage.cause].connection
    return None if state is AccessState.STANDBY and (old or other) else state


def _reinstated_since(path: PathState, moment: float | None) -> bool:
    changed = path.dm.changed
    return path.dm.state is DmState.ACTIVE and changed is not None and moment is not None and changed > moment


def _unmanaged(draft: Draft, layer: LayerRow, path: PathState) -> bool:
    """Whether the path's standing has never been known, since who knows it does not answer, and has not changed since.

    It may have changed where uevents are missed, or before the path was known. In an outage that began before the path
    was first seen, or went on while no daemon ran, it may have changed unseen; in another one a uevent would have
    reported it.
    """
    missed = path.dm.missed or draft.rest.dm_stale is not None or draft.source(SourceName.UEVENT).up is False
    inherited = path.outage is not None and (path.outage.inherited or bool(path.outage.unwatched))
    silent = layer.manager is not None and draft.source(layer.manager).up is False
    return silent and path.dm.changed is None and not (missed or inherited)


def _nexus_cause(draft: Draft, nexus: NexusState) -> Cause:
    """What took the nexus, if something did."""
    return table.of(nexus.transport).causes.of(nexus.liveness, nexus.lost_to, unreachable=_is_unreachable(draft, nexus))


def _is_unreachable(draft: Draft, nexus: NexusState) -> bool:
    """Whether no network interface carries the nexus now, as far as that is known."""
    links = draft.rest.links
    return nexus.carried and links is not None and carrier.lost(nexus.facts.local, links)


def _is_managed(draft: Draft, layer: LayerRow, outage: Outage | None) -> bool:
    """Whether a check that fails a path in this outage has only just been made, if one does.

    A multipathd that was stopped, or hung, collects the answers of old checks when it goes on, long after the disks
    have counted them. One that does not run fails nothing.
    """
    source = None if layer.manager is None else draft.source(layer.manager)
    if source is None or outage is None or outage.failed is None or source.reason == NOT_RUNNING:
        return True
    return source.up_since is not None and outage.failed.since(source.up_since) >= SETTLED


def _by_counters(path: PathState, nexus: NexusState | None, standing: Standing, *, managed: bool) -> Cause:
    """What the disk's own counters show of an outage that what joins the paths alone has brought about.

    The disk refused commands, and multipathd calls it faulty: the checker. Nothing was refused, nothing is in flight
    that could be: whoever failed the path had no reason in the disk, and asked dm to.
    """
    outage, errors = path.outage, path.disk_errors
    last = errors.counts.last
    if outage is None or outage.failed is None or outage.transport_lost or outage.errors is None or last is None:
        return Cause.UNKNOWN
    if standing is not Standing.FAILED or errors.looked is None or errors.looked < outage.failed.monotonic:
        return Cause.UNKNOWN
    suspect = nexus is not None and nexus.suspicion is not None
    if not errors.closely or suspect or last.timeouts != outage.errors.timeouts:
        return Cause.UNKNOWN
    if last.errors != outage.errors.errors:
        return Cause.CHECKER if path.checker.state is CheckerState.FAULTY else Cause.UNKNOWN
    checker = path.checker
    silent = checker.state is CheckerState.UNKNOWN
    fresh = silent or checker.read is None or checker.read >= outage.failed.monotonic
    on_purpose = errors.in_flight == 0 and checker.state in _NO_REASON and checker.name in _BY_COMMANDS
    # Without its uevent it is not known when dm failed the path. A check that was under way before the path was up may
    # fail it afterwards, for a reason that is over.
    timed = managed and path.dm.changed is not None and path.dm.changed >= outage.failed.monotonic
    timed = timed and outage.failed.monotonic - outage.errors.at >= COLLECTED
    if nexus is not None and nexus.error is not None and outage.failed.since(nexus.error.at) < UNSEEN_LOSS:
        # The kernel has dropped the connection, and the session was back before it was read: multipathd fails a path
        # whose disk is transport-offline without a command (path_offline() in libmultipath/discovery.c).
        return Cause.UNKNOWN
    return Cause.ADMINISTRATOR if on_purpose and fresh and timed and not outage.soon else Cause.UNKNOWN


# --- its outage -------------------------------------------------------------------------------------------------------


def _seen_to_begin(path: PathState, seen: Evidence, health: Health) -> bool:
    """Whether what is wrong now was seen to be right before, or a uevent reported it the moment it went wrong.

    A path that is suspect has not failed yet, whatever was before.
    """
    reported = path.dm.state is DmState.FAILED and path.dm.changed is not None
    return path.ever_up or reported or (path.ever_reached and seen.transport_lost) or health is Health.SUSPECT


def _begun(draft: Draft, wwid: str, path: PathState, *, inherited: bool) -> Outage:
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
        errors=_counted_before(path, draft.now),
        soon=path.ever_up and (draft.now.since(path.verdict.since) < CAUSE_GRACE or _was_overruled(draft, wwid, path)),
    )


def _with_checks(draft: Draft, wwid: str, outage: Outage) -> Outage:
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


def _counted_before(path: PathState, now: Instant) -> Count | None:
    """What the path's disk had counted before an outage that begins now; ``None`` where that can't be known.

    What it has counted only just now is this outage's, unless the path has been up for no longer than that: then it may
    be of the one before.
    """
    counts = path.disk_errors.counts
    settled = counts.up_to(now.monotonic)
    if settled is not None and counts.last != settled and path.verdict.since.monotonic > settled.at:
        return None
    return settled


def _with_last_alive(draft: Draft, path: PathState, outage: Outage) -> Outage:
    """The outage with the target's last proof of life, once its nexus is seen to be down."""
    nexus = draft.nexus_of(path)
    if outage.last_alive is not None or outage.inherited or nexus is None or nexus.heard is None:
        return outage
    if not nexus.liveness.down:
        return outage
    return replace(outage, last_alive=draft.now.earlier(draft.now.monotonic - nexus.heard))


def _as_reinstated(path: PathState, raw: RawStates) -> Outage | None:
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


def _as_reopened(raw: RawStates, outage: Outage | None) -> Outage | None:
    """The path's outage; without standby as its cause if the array had taken the path out of that before it failed.

    A unit attention reported the change before (otherwise the failure is counted at once), and the next reading shows
    what it was.
    """
    if outage is None or outage.cause is not Cause.ARRAY_STANDBY or outage.counted or raw.closed is not None:
        return outage
    if raw.standing is not Standing.FAILED:
        return outage  # a path in standby that dm has reinstated is usable: multipathd calls it ghost
    return replace(outage, cause=Cause.UNKNOWN, transport_lost=False, transport_up=None)


def _without_carrier(draft: Draft, path: PathState, outage: Outage) -> Outage:
    """The outage without the carrier as its cause, if that has returned and the target may have answered since.

    The path was up again then, but while sysfs does not answer, nothing shows it, and dm may fail the path before the
    answer is read. What takes the path after that may be another matter.
    """
    nexus = draft.nexus_of(path)
    if outage.cause is not Cause.CARRIER_LOST or outage.counted or outage.transport_lost:
        return outage
    if nexus is None or _is_unreachable(draft, nexus):
        return outage
    answered = nexus.heard is not None and nexus.heard > outage.began.monotonic
    unread = not outage.real and not draft.is_up(SourceName.SYSFS)
    return replace(outage, cause=Cause.UNKNOWN) if answered or unread else outage


def _counted(draft: Draft, wwid: str, path: PathState, outage: Outage) -> PathState:
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


# --- flapping ---------------------------------------------------------------------------------------------------------


def _flapping(draft: Draft, path: PathState, outage: Outage) -> PathState:
    """The path with its failure remembered, if the outage has just become one."""
    begun = path.outage is not None and path.outage.real
    if begun or not outage.real or outage.inherited:
        return path
    settings = draft.rest.settings
    flaps = flapping.failed(path.flaps, draft.now, settings.flap_failures, settings.flap_window_seconds)
    return replace(path, flaps=flaps)


def _steady(draft: Draft, wwid: str, path: PathState) -> PathState:
    """The path, not flapping any more if it has been up for long enough."""
    key = Due(Wait.STEADY, wwid, path.label)
    draft.deadlines.drop(key)
    if not path.flaps.flapping or path.health is not Health.UP:
        return path
    window = draft.rest.settings.flap_window_seconds
    flaps = flapping.looked(path.flaps, draft.now, window)
    look = flapping.next_look(flaps, window)
    if look is not None:
        draft.deadlines[key] = max(look, draft.now.monotonic + LOOK_AGAIN)
    return path if flaps == path.flaps else replace(path, flaps=flaps)


# --- its deadline -----------------------------------------------------------------------------------------------------


def _timed(draft: Draft, wwid: str, path: PathState) -> PathState:
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
