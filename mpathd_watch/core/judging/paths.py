"""Judging one path: its health, its outage, its cause, its deadline, and whether it flaps. Nothing is told here."""

from __future__ import annotations

from dataclasses import replace
from math import isinf

from mpathd_watch.core.draft import Turn
from mpathd_watch.core.judging import suspicion
from mpathd_watch.core.model.instant import Instant
from mpathd_watch.core.model.vocabulary import (
    DOWN_SESSION,
    Cause,
    CheckerState,
    DmState,
    Health,
    Phase,
    SessionStatus,
    SourceName,
)
from mpathd_watch.core.state import Due, PathState, SessionState, Wait, frozen
from mpathd_watch.core.verdicts import carrier, flapping
from mpathd_watch.core.verdicts.budget import Timeouts, bound
from mpathd_watch.core.verdicts.error_counts import Count
from mpathd_watch.core.verdicts.health import Evidence, Facts, evidence, path_health
from mpathd_watch.core.verdicts.outage import CAUSE_GRACE, Outage, advance, judge, outage_id

_OUT = frozenset({Health.MISSING, Health.FAILED, Health.RECOVERING, Health.STALLED, Health.SUSPECT})
_HELD_BACK = frozenset({CheckerState.DELAYED, CheckerState.SHAKY})
_NO_REASON = frozenset({CheckerState.READY, CheckerState.GHOST, CheckerState.FAULTY, CheckerState.UNKNOWN})
"""Checker states beside which dm may have failed a path by hand: once it has, multipathd says faulty for that alone."""
_BY_COMMANDS = frozenset({"tur", "directio", "readsector0"})
"""Checkers that find fault only with a command that fails or hangs; others read it in an answer that came back well."""
_PROVISIONAL = frozenset({Cause.UNKNOWN, Cause.REMOVED})
LOOK_AGAIN = 0.5
"""Seconds between two close looks at a disk that had commands on their way when dm failed its path."""


def _facts(turn: Turn, path: PathState) -> Facts:
    session = turn.session_of(path)
    links = turn.links
    return Facts(
        member=path.member,
        dm=path.dm,
        checker=CheckerState.UNKNOWN if path.checker_overruled else path.checker,
        device=path.device,
        session=None if session is None else session.status,
        error=None if session is None else session.lost_to,
        doubt=None if session is None else session.doubt,
        unreachable=session is not None
        and session.carried
        and links is not None
        and carrier.lost(session.facts, links),
        told=_told_by_counters(path, session),
    )


def _told_by_counters(path: PathState, session: SessionState | None) -> Cause:
    """What the disk's own counters say of an outage that dm alone has brought about.

    The disk refused commands, and multipathd calls it faulty: the checker. Nothing was refused, nothing is on its way
    that could be: whoever failed the path had no reason in the disk, and told dm to.
    """
    outage, last = path.outage, path.errors.last
    if outage is None or outage.failed is None or outage.transport_lost or outage.errors is None or last is None:
        return Cause.UNKNOWN
    if path.dm is not DmState.FAILED or path.looked is None or path.looked < outage.failed.monotonic:
        return Cause.UNKNOWN
    if (
        not path.counted_closely
        or (session is not None and session.doubt is not None)
        or last.timeouts != outage.errors.timeouts
    ):
        return Cause.UNKNOWN
    if last.errors != outage.errors.errors:
        return Cause.CHECKER if path.checker is CheckerState.FAULTY else Cause.UNKNOWN
    told = path.in_flight == 0 and path.checker in _NO_REASON and path.checker_name in _BY_COMMANDS
    return Cause.ADMINISTRATOR if told else Cause.UNKNOWN


def judged(turn: Turn, wwid: str, path: PathState) -> PathState:
    """The path, judged by all that is known of it now; what must be looked at again gets its deadline."""
    facts = _facts(turn, path)
    outage = path.outage
    health = path_health(facts, transport_was_lost=outage is not None and outage.transport_lost)
    seen = evidence(facts)
    if outage is None and health in _OUT:
        outage = _begun(turn, wwid, path, inherited=not _seen_to_begin(path, seen, health))
    if outage is not None:
        outage = advance(_silent(turn, path, _shared(turn, path, outage)), health, seen, turn.now)
        if health is Health.UP and outage.real:
            outage = replace(outage, judgement=judge(outage, turn.settings.slack_seconds))
    if health is not path.health:
        path = replace(path, health=health, since=turn.now)
    if outage is not None:
        path = _flapping(turn, path, outage)
        path = _timed(turn, wwid, _counted(turn, wwid, path, outage))
    path = _steady(turn, wwid, path)
    ever_up = path.ever_up or health is Health.UP
    ever_reached = path.ever_reached or seen.transport_good
    if (ever_up, ever_reached) == (path.ever_up, path.ever_reached):
        return path
    return replace(path, ever_up=ever_up, ever_reached=ever_reached)


def _seen_to_begin(path: PathState, seen: Evidence, health: Health) -> bool:
    """Whether what is wrong now was seen to be right before, or was told by a uevent at the moment it went wrong.

    A path that is suspect has not failed yet, whatever was before.
    """
    told = path.dm is DmState.FAILED and path.dm_changed is not None
    return path.ever_up or told or (path.ever_reached and seen.transport_lost) or health is Health.SUSPECT


def _begun(turn: Turn, wwid: str, path: PathState, *, inherited: bool) -> Outage:
    session = turn.session_of(path)
    facts = session.facts if session else None
    report = turn.auditing.report.maps.get(wwid)
    return Outage(
        id=outage_id(wwid, path.label, turn.now),
        began=turn.now,
        timeouts=Timeouts(
            facts.recv_tmo, facts.ping_tmo, facts.recovery_tmo, report.recheck_interval if report else None
        )
        if facts
        else None,
        inherited=inherited,
        errors=_counted_before(path, turn.now),
    )


def _counted_before(path: PathState, now: Instant) -> Count | None:
    """What the path's disk had counted before an outage that begins now; ``None`` where nobody can tell.

    What it has counted only just now is this outage's, unless the path has been up for no longer than that: then it may
    be of the one before.
    """
    settled = path.errors.up_to(now.monotonic)
    if settled is not None and path.errors.last != settled and path.since.monotonic > settled.at:
        return None
    return settled


def _silent(turn: Turn, path: PathState, outage: Outage) -> Outage:
    """The outage with the target's last proof of life, once its session is seen to be down."""
    session = turn.session_of(path)
    if outage.last_alive is not None or outage.inherited or session is None or session.heard is None:
        return outage
    if session.status not in DOWN_SESSION:
        return outage
    return replace(outage, last_alive=turn.now.earlier(turn.now.monotonic - session.heard))


def _shared(turn: Turn, path: PathState, outage: Outage) -> Outage:
    """The outage, shared if the loss of its session is what was told, and the path was not lost long before that."""
    session = turn.session_of(path)
    if outage.shared or session is None or not session.announced_lost:
        return outage
    lost = outage.stalled or outage.failed or (outage.began if outage.suspected is None else None)
    return replace(outage, shared=lost is None or turn.now.since(lost) < CAUSE_GRACE)


def _counted(turn: Turn, wwid: str, path: PathState, outage: Outage) -> PathState:
    """The path with its outage, and with the failure in its counter once its cause is known or the grace is over."""
    failed = outage.stalled or outage.failed
    if outage.counted or outage.inherited or failed is None:
        return replace(path, outage=outage)
    key = Due(Wait.CAUSE, wwid, path.label)
    over = failed.monotonic + CAUSE_GRACE
    if _provisional(turn, path, outage) and path.health is not Health.UP and turn.now.monotonic < over:
        turn.deadlines[key] = over
        if path.in_flight and path.looked is not None and path.looked >= failed.monotonic:
            turn.deadlines[Due(Wait.LOOK, wwid, path.label)] = turn.now.monotonic + LOOK_AGAIN
        return replace(path, outage=outage)
    turn.deadlines.pop(key, None)
    turn.deadlines.pop(Due(Wait.LOOK, wwid, path.label), None)
    failures = {**path.failures, outage.cause: path.failures.get(outage.cause, 0) + 1}
    return replace(path, failures=frozen(failures), outage=replace(outage, counted=True))


def _provisional(turn: Turn, path: PathState, outage: Outage) -> bool:
    """Whether a better cause may yet come: of a connection's end the kernel's own word, if that is listened to."""
    if outage.cause is Cause.CONNECTION_ERROR:
        session = turn.session_of(path)
        return turn.is_up(SourceName.ISCSI) and (session is None or session.lost_to is None)
    return outage.cause in _PROVISIONAL


def _flapping(turn: Turn, path: PathState, outage: Outage) -> PathState:
    """The path with its failure remembered, if the outage has just become one."""
    begun = path.outage is not None and path.outage.real
    if begun or not outage.real or outage.inherited:
        return path
    settings = turn.settings
    flaps = flapping.failed(path.flaps, turn.now, settings.flap_failures, settings.flap_window_seconds)
    return replace(path, flaps=flaps)


def _steady(turn: Turn, wwid: str, path: PathState) -> PathState:
    """The path, not flapping any more if it has been up for long enough."""
    key = Due(Wait.STEADY, wwid, path.label)
    turn.deadlines.pop(key, None)
    if not path.flaps.flapping or path.health is not Health.UP:
        return path
    flaps = flapping.looked(path.flaps, turn.now, turn.settings.flap_window_seconds)
    look = flapping.next_look(flaps, turn.settings.flap_window_seconds)
    if look is not None:
        turn.deadlines[key] = max(look, turn.now.monotonic + LOOK_AGAIN)
    return path if flaps == path.flaps else replace(path, flaps=flaps)


def _timed(turn: Turn, wwid: str, path: PathState) -> PathState:
    """The path with the deadline of the phase it is in, and whether that has passed."""
    key = Due(Wait.OVERDUE, wwid, path.label)
    turn.deadlines.pop(key, None)
    deadline = _deadline(turn, path)
    if deadline is None:
        return path if path.deadline is None else replace(path, deadline=None, overdue=False)
    over = deadline.monotonic + turn.settings.slack_seconds
    overdue = turn.now.monotonic >= over
    if not overdue:
        turn.deadlines[key] = over
    if (path.deadline, path.overdue) == (deadline, overdue):
        return path
    return replace(path, deadline=deadline, overdue=overdue)


def _deadline(turn: Turn, path: PathState) -> Instant | None:
    """When the path's phase must be over.

    A stalled path's replacement timeout runs only while its session is FAILED, and from the moment it became so, which
    nobody has seen of an outage that was there before us. A path that multipathd holds back on purpose has no deadline.
    """
    outage, session = path.outage, turn.session_of(path)
    if path.health is Health.SUSPECT and session is not None:
        return suspicion.given_up(session, turn.now)
    if outage is None or outage.timeouts is None:
        return None
    if path.health is Health.STALLED:
        if session is None or session.status is not SessionStatus.FAILED:
            return None
        if outage.inherited and path.since == outage.began:
            return None
        begun, phase = path.since, Phase.REPLACEMENT
    elif path.health is Health.RECOVERING and outage.transport_up and path.checker not in _HELD_BACK:
        begun, phase = outage.transport_up, Phase.REINSTATEMENT
    else:
        return None
    seconds = bound(phase, outage.timeouts)
    return None if isinf(seconds) else begun.later(seconds)
