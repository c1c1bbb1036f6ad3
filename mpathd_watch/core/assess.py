"""Judging what a turn has touched: health of paths and maps, outages, and the alerts that follow.

Verdicts come first, alerts after: a path's message tells how many paths are usable once the whole turn is judged.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from math import isinf

from mpathd_watch.core import correlation, doubts, flapping, identity, messages, network
from mpathd_watch.core.budget import Timeouts, bound
from mpathd_watch.core.effects import Scope
from mpathd_watch.core.health import Evidence, Facts, evidence, map_health, path_health
from mpathd_watch.core.histogram import Histogram
from mpathd_watch.core.instant import Instant
from mpathd_watch.core.outage import CAUSE_GRACE, Judgement, Outage, advance, judge, outage_id
from mpathd_watch.core.state import Due, MapState, PathState, SessionState, Wait, frozen
from mpathd_watch.core.turn import PathKey, Turn
from mpathd_watch.core.vocabulary import (
    DOWN_SESSION,
    LOST_SESSION,
    USABLE,
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
_NO_REASON = frozenset({CheckerState.READY, CheckerState.GHOST, CheckerState.FAULTY, CheckerState.UNKNOWN})
"""Checker states beside which dm may have failed a path by hand: once it has, multipathd says faulty for that alone."""
_BY_COMMANDS = frozenset({"tur", "directio", "readsector0"})
"""Checkers that find fault only with a command that fails or hangs; others read it in an answer that came back well."""
_PROVISIONAL = frozenset({Cause.UNKNOWN, Cause.REMOVED})
_OF_OTHERS = frozenset({Wait.AUDIT, Wait.QUALITY})
LOOK_AGAIN = 0.5
"""Seconds between two close looks at a disk that had commands on their way when dm failed its path."""


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
    spokesmen = _spokesmen(turn, before)
    for key, was in before.items():
        _tell_path(turn, key, was, spokesmen)
    _tell_flapping(turn, before)
    _tell_overdue(turn, before)
    for wwid in sorted(turn.regrouped):
        _tell_map(turn, turn.whole_map(wwid), previous[wwid])


def forget_flaps(turn: Turn) -> None:
    """Where flapping is turned off, no path flaps any more, and nothing is to be told of that."""
    if turn.settings.flap_failures:
        return
    for wwid in tuple(turn.maps):
        paths = turn.paths(wwid)
        paths.update({label: replace(path, flaps=flapping.Flaps()) for label, path in paths.items()})


def due(turn: Turn) -> None:
    """Take up every deadline that has come and is the paths', the maps' or the sessions'."""
    for key, moment in tuple(turn.deadlines.items()):
        if moment <= turn.now.monotonic and key.wait not in _OF_OTHERS:
            del turn.deadlines[key]
            if key.wait in (Wait.SESSIONS, Wait.SILENCE):
                turn.refresh(Scope.SESSIONS)
            elif key.wait is Wait.LOOK:
                turn.refresh_devices([turn.paths(key.wwid)[key.path].dev])
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
    ties: list[correlation.Tie] | None = None
    for label, session in changed.items():
        paths = len(carried[label])
        maps = len({wwid for wwid, _ in carried[label]})
        if session.status is SessionStatus.LOGGED_IN:
            if session.announced_lost:
                turn.emit(messages.session_restored(session, paths, maps))
            _unite_no_more(turn, session.told_with)
            turn.sessions[label] = replace(session, ever_up=True, announced_lost=False, told_with="")
        elif session.status in LOST_SESSION and not session.announced_lost and _speaks_for_itself(session, paths):
            ties = ties if ties is not None else _ties(turn)
            shared = correlation.shared(label, ties)
            words = shared.words if shared else ""
            spoken_for = any(
                other.announced_lost and other.told_with == words and other.label != label
                for other in turn.sessions.values()
            )
            turn.emit(messages.session_lost(session, paths, maps, words, spoken_for=bool(words) and spoken_for))
            turn.sessions[label] = replace(session, announced_lost=True, told_with=words)


def _unite_no_more(turn: Turn, words: str) -> None:
    """What was told in these words is true no longer: a session that is lost again is news."""
    for label, session in tuple(turn.sessions.items()):
        if words and session.told_with == words:
            turn.sessions[label] = replace(session, told_with="")


def _speaks_for_itself(session: SessionState, paths: int) -> bool:
    """With one path, the path's own entry is the alert; a session without any is news only if it had been up."""
    return paths > 1 or (paths == 0 and session.ever_up and session.status is not SessionStatus.MISSING)


def _ties(turn: Turn) -> list[correlation.Tie]:
    """What the sessions of this host share, and which of them are lost or about to be."""
    return [
        correlation.Tie(
            label=label,
            netdev=session.facts.netdev,
            network=session.facts.local_network,
            portal=identity.portal(session.facts.address, session.facts.port),
            target=session.facts.target,
            down=session.status in LOST_SESSION or session.doubt is not None,
        )
        for label, session in turn.sessions.items()
    ]


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
        and network.lost(session.facts, links),
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


def _judged(turn: Turn, wwid: str, path: PathState) -> PathState:
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
        errors=path.errors.up_to(turn.now.monotonic),
    )


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
        return doubts.given_up(session, turn.now)
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


def _spokesmen(turn: Turn, before: Mapping[PathKey, PathState]) -> dict[PathKey, int]:
    """Of the paths that have become suspect in this turn, or are so no more, one per session: how many follow it."""
    spokesmen: dict[str, PathKey] = {}
    followers: dict[PathKey, int] = {}
    for wwid, label in sorted(before, key=lambda key: before[key].flaps.flapping):
        path = turn.whole_map(wwid).paths[label]
        if path.health is not path.announced and _merely_suspect(path):
            first = spokesmen.setdefault(path.session, (wwid, label))
            followers[first] = followers.get(first, -1) + 1
    return followers


def _merely_suspect(path: PathState) -> bool:
    """Whether the news of a path is a doubt, or that a doubt has come to nothing."""
    outage = path.outage
    return path.health in USABLE and outage is not None and not outage.real


def _tell_path(turn: Turn, key: PathKey, before: PathState, spokesmen: Mapping[PathKey, int]) -> None:
    wwid, label = key
    known = turn.maps[wwid]
    path = known.paths[label]
    outage = path.outage
    if outage is not None and path.health not in (path.announced, Health.UNKNOWN):
        turn.emit(
            messages.path_changed(
                _scene(turn, known),
                before,
                path,
                outage,
                spoken_for=_merely_suspect(path) and key not in spokesmen,
                siblings=spokesmen.get(key, 0),
            )
        )
        outage = replace(outage, told=outage.cause)
        path = replace(path, announced=path.health, outage=outage)
    elif outage is not None and outage.counted and outage.told not in (None, outage.cause):
        turn.emit(messages.path_cause(_scene(turn, known), path, outage))
        outage = replace(outage, told=outage.cause)
        path = replace(path, outage=outage)
    if outage is not None and path.health is Health.UP:
        # What its disk counted meanwhile is nothing that the next outage begins with.
        turn.refresh_devices([path.dev])
        if outage.real:
            _count_phases(turn, outage.judgement or Judgement())
            path = replace(path, last_outage=outage, reinstatements=path.reinstatements + 1)
        path = replace(path, outage=None)
    if path is not known.paths[label]:
        turn.paths(wwid)[label] = path


def _scene(turn: Turn, known: MapState) -> messages.Scene:
    return messages.Scene(known, turn.sessions, turn.links, turn.now, multipathd_up=turn.is_up(SourceName.MULTIPATHD))


def _tell_flapping(turn: Turn, before: Mapping[PathKey, PathState]) -> None:
    """Tell of each path that has begun or ceased to flap; of those that go through one session, one speaks for all."""
    spoken: set[str] = set()
    for (wwid, label), was in before.items():
        known = turn.whole_map(wwid)
        path = known.paths[label]
        if path.flaps.flapping is was.flaps.flapping:
            continue
        spoken_for = path.session != "" and path.session in spoken
        spoken.add(path.session)
        turn.emit(
            messages.path_flapping(known, path, turn.now, turn.settings.flap_window_seconds, spoken_for=spoken_for)
            if path.flaps.flapping
            else messages.path_steady(known, path, turn.now, what=was.flaps, spoken_for=spoken_for)
        )


def _tell_overdue(turn: Turn, before: Mapping[PathKey, PathState]) -> None:
    """Tell once of each path that has become overdue; of those that a lost session took along, one speaks for all."""
    late: dict[str, list[PathKey]] = {}
    for (wwid, label), was in before.items():
        path = turn.whole_map(wwid).paths[label]
        if path.overdue and not was.overdue and path.outage is not None:
            spokesman = path.session if path.outage.shared or path.health is Health.SUSPECT else ""
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
