"""Judging what a turn has touched: health of paths and maps, outages, and the alerts that follow.

Verdicts come first, alerts after: a path's message tells how many paths are usable once the whole turn is judged.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from math import isinf

from mpathd_watch.core import messages
from mpathd_watch.core.budget import Timeouts, bound
from mpathd_watch.core.effects import Scope
from mpathd_watch.core.health import Evidence, Facts, evidence, map_health, path_health
from mpathd_watch.core.histogram import Histogram
from mpathd_watch.core.instant import Instant
from mpathd_watch.core.outage import CAUSE_GRACE, Judgement, Outage, advance, judge, outage_id
from mpathd_watch.core.state import Due, MapState, PathState, SessionState, Wait, frozen
from mpathd_watch.core.turn import PathKey, Turn
from mpathd_watch.core.vocabulary import (
    Cause,
    CheckerState,
    DmState,
    Health,
    MapHealth,
    Phase,
    SessionStatus,
    SourceName,
)

_OUT = frozenset({Health.MISSING, Health.FAILED, Health.RECOVERING, Health.STALLED, Health.SUSPECT})
_HELD_BACK = frozenset({CheckerState.DELAYED, CheckerState.SHAKY})
_PROVISIONAL = frozenset({Cause.UNKNOWN, Cause.REMOVED})
_LOST = frozenset({SessionStatus.FAILED, SessionStatus.FREE, SessionStatus.MISSING})


def assess(turn: Turn) -> None:
    """Judge everything the turn has touched."""
    _judge_sessions(turn)
    before: dict[PathKey, PathState] = {}
    for wwid, label in sorted(turn.touched):
        paths = turn.paths(wwid)
        before[wwid, label] = paths[label]
        paths[label] = _judged(turn, wwid, paths[label])
        turn.regrouped.add(wwid)
    previous = {wwid: turn.maps[wwid].health for wwid in turn.regrouped}
    for wwid in turn.regrouped:
        turn.maps[wwid] = _regrouped(turn, turn.whole_map(wwid))
    for key, was in before.items():
        _tell_path(turn, key, was)
    _tell_overdue(turn, before)
    for wwid in sorted(turn.regrouped):
        _tell_map(turn, turn.whole_map(wwid), previous[wwid])


def due(turn: Turn) -> None:
    """Take up every deadline that has come, but for the audit's."""
    for key, moment in tuple(turn.deadlines.items()):
        if moment <= turn.now.monotonic and key.wait is not Wait.AUDIT:
            del turn.deadlines[key]
            if key.wait is Wait.SESSIONS:
                turn.refresh(Scope.SESSIONS)
            elif key.path:
                turn.touched.add((key.wwid, key.path))
            else:
                turn.regrouped.add(key.wwid)


# --- sessions ---------------------------------------------------------------------------------------------------------


def _judge_sessions(turn: Turn) -> None:
    changed = {label: session for label, session in turn.sessions.items() if turn.state.sessions.get(label) != session}
    if not changed:
        return
    carried = _carried(turn, changed)
    for label, session in changed.items():
        paths = len(carried[label])
        maps = len({wwid for wwid, _ in carried[label]})
        if session.status is SessionStatus.LOGGED_IN:
            if session.announced_lost:
                turn.emit(messages.session_restored(session, paths, maps))
            turn.sessions[label] = replace(session, ever_up=True, announced_lost=False)
        elif session.status in _LOST and not session.announced_lost and _speaks_for_itself(session, paths):
            turn.emit(messages.session_lost(session, paths, maps))
            turn.sessions[label] = replace(session, announced_lost=True)


def _speaks_for_itself(session: SessionState, paths: int) -> bool:
    """With one path, the path's own entry is the alert; a session without any is news only if it had been up."""
    return paths > 1 or (paths == 0 and session.ever_up and session.status is not SessionStatus.MISSING)


def _carried(turn: Turn, sessions: Mapping[str, SessionState]) -> dict[str, list[PathKey]]:
    carried: dict[str, list[PathKey]] = {label: [] for label in sessions}
    for wwid in turn.maps:
        for path in turn.whole_map(wwid).paths.values():
            if path.session in carried:
                carried[path.session].append((wwid, path.label))
    return carried


# --- paths ------------------------------------------------------------------------------------------------------------


def _facts(turn: Turn, path: PathState) -> Facts:
    session = turn.session_of(path)
    return Facts(
        member=path.member,
        dm=path.dm,
        checker=CheckerState.UNKNOWN if path.checker_overruled else path.checker,
        device=path.device,
        session=None if session is None else session.status,
        error=None if session is None else session.lost_to,
    )


def _judged(turn: Turn, wwid: str, path: PathState) -> PathState:
    facts = _facts(turn, path)
    outage = path.outage
    health = path_health(facts, transport_was_lost=outage is not None and outage.transport_lost)
    seen = evidence(facts)
    if outage is None and health in _OUT:
        outage = _begun(turn, wwid, path, inherited=not _seen_to_begin(path, seen))
    if outage is not None:
        outage = advance(_silent(turn, path, _shared(turn, path, outage)), health, seen, turn.now)
        if health is Health.UP:
            outage = replace(outage, judgement=judge(outage, turn.settings.slack_seconds))
    if health is not path.health:
        path = replace(path, health=health, since=turn.now)
    if outage is not None:
        path = _timed(turn, wwid, _counted(turn, wwid, path, outage))
    ever_up = path.ever_up or health is Health.UP
    ever_reached = path.ever_reached or seen.transport_good
    if (ever_up, ever_reached) == (path.ever_up, path.ever_reached):
        return path
    return replace(path, ever_up=ever_up, ever_reached=ever_reached)


def _seen_to_begin(path: PathState, seen: Evidence) -> bool:
    """Whether what is wrong now was seen to be right before, or was told by a uevent at the moment it went wrong."""
    told = path.dm is DmState.FAILED and path.dm_changed is not None
    return path.ever_up or told or (path.ever_reached and seen.transport_lost)


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
    )


def _silent(turn: Turn, path: PathState, outage: Outage) -> Outage:
    """The outage with the target's last proof of life, once its session is seen to be down."""
    session = turn.session_of(path)
    if outage.last_alive is not None or outage.inherited or session is None or session.facts.alive is None:
        return outage
    if session.status not in (SessionStatus.FAILED, SessionStatus.FREE):
        return outage
    return replace(outage, last_alive=turn.now.earlier(turn.now.monotonic - session.facts.alive))


def _shared(turn: Turn, path: PathState, outage: Outage) -> Outage:
    """The outage, shared if the loss of its session is what was told and it began no earlier than that."""
    session = turn.session_of(path)
    if outage.shared or session is None or not session.announced_lost:
        return outage
    return replace(outage, shared=turn.now.since(outage.began) < CAUSE_GRACE)


def _counted(turn: Turn, wwid: str, path: PathState, outage: Outage) -> PathState:
    """The path with its outage, and with the failure in its counter once its cause is known or the grace is over."""
    failed = outage.stalled or outage.failed
    if outage.counted or outage.inherited or failed is None:
        return replace(path, outage=outage)
    key = Due(Wait.CAUSE, wwid, path.label)
    over = failed.monotonic + CAUSE_GRACE
    if _provisional(turn, path, outage) and path.health is not Health.UP and turn.now.monotonic < over:
        turn.deadlines[key] = over
        return replace(path, outage=outage)
    turn.deadlines.pop(key, None)
    failures = {**path.failures, outage.cause: path.failures.get(outage.cause, 0) + 1}
    return replace(path, failures=frozen(failures), outage=replace(outage, counted=True))


def _provisional(turn: Turn, path: PathState, outage: Outage) -> bool:
    """Whether a better cause may yet come: of a connection's end the kernel's own word, if that is listened to."""
    if outage.cause is Cause.CONNECTION_ERROR:
        session = turn.session_of(path)
        return turn.is_up(SourceName.ISCSI) and (session is None or session.lost_to is None)
    return outage.cause in _PROVISIONAL


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
    outage = path.outage
    if outage is None or outage.timeouts is None:
        return None
    if path.health is Health.STALLED:
        session = turn.session_of(path)
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


def _tell_path(turn: Turn, key: PathKey, before: PathState) -> None:
    wwid, label = key
    known = turn.maps[wwid]
    path = known.paths[label]
    outage = path.outage
    if outage is not None and path.health not in (path.announced, Health.UNKNOWN):
        turn.emit(
            messages.path_changed(
                known,
                before,
                path,
                outage,
                turn.now,
                session=turn.session_of(path),
                multipathd_up=turn.is_up(SourceName.MULTIPATHD),
            )
        )
        path = replace(path, announced=path.health)
    if outage is not None and path.health is Health.UP:
        _count_phases(turn, outage.judgement or Judgement())
        path = replace(path, outage=None, last_outage=outage, reinstatements=path.reinstatements + 1)
    if path is not known.paths[label]:
        turn.paths(wwid)[label] = path


def _tell_overdue(turn: Turn, before: Mapping[PathKey, PathState]) -> None:
    """Tell once of each path that has become overdue; of those that a lost session took along, one speaks for all."""
    late: dict[str, list[PathKey]] = {}
    for (wwid, label), was in before.items():
        path = turn.whole_map(wwid).paths[label]
        if path.overdue and not was.overdue and path.outage is not None:
            spokesman = path.session if path.outage.shared else ""
            late.setdefault(spokesman or f"{wwid} {label}", []).append((wwid, label))
    for keys in late.values():
        for number, (wwid, label) in enumerate(keys):
            known = turn.maps[wwid]
            turn.emit(
                messages.path_overdue(
                    known,
                    known.paths[label],
                    turn.now,
                    siblings=len(keys) - 1,
                    spoken_for=number > 0,
                    multipathd_up=turn.is_up(SourceName.MULTIPATHD),
                )
            )


def _count_phases(turn: Turn, judgement: Judgement) -> None:
    """Put an outage that is over into the totals."""
    verdicts = {**turn.counters.verdicts, judgement.verdict: turn.counters.verdicts.get(judgement.verdict, 0) + 1}
    phases = dict(turn.counters.phases)
    for phase, seconds in judgement.phases.items():
        phases[phase] = phases.get(phase, Histogram()).observed(seconds)
    turn.counters = replace(turn.counters, verdicts=frozen(verdicts), phases=frozen(phases))


# --- maps -------------------------------------------------------------------------------------------------------------


def _regrouped(turn: Turn, known: MapState) -> MapState:
    settings = turn.settings
    health = map_health(
        (path.health for path in known.paths.values()),
        single_path_ok=not settings.single_path_ok.isdisjoint((known.wwid, known.name)),
    )
    if health is known.health:
        return known
    troubled = known.troubled
    if troubled is None and health not in (MapHealth.HEALTHY, MapHealth.UNKNOWN):
        troubled = turn.now
    return replace(known, health=health, since=turn.now, troubled=troubled)


def _tell_map(turn: Turn, known: MapState, previous: MapHealth) -> None:
    """Tell a new verdict; a map that has just appeared may first gather its paths.

    At the start multipathd is heard first: whether I/O fails or hangs is half of the news.
    """
    if known.health is MapHealth.UNKNOWN or Due(Wait.SETTLE, known.wwid) in turn.deadlines or not turn.multipathd_heard:
        return
    if known.health is not known.announced:
        # After the time to settle, the verdict is an old one that nobody has been told.
        told = MapHealth.UNKNOWN if previous is known.health else previous
        turn.emit(messages.map_changed(known, told, turn.now))
    if known.health is not known.announced or (known.health is MapHealth.HEALTHY and known.troubled is not None):
        turn.maps[known.wwid] = replace(
            known,
            announced=known.health,
            troubled=None if known.health is MapHealth.HEALTHY else known.troubled,
        )
