"""Judging sessions: the one alert for a session that is lost, and what it shares with others that are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from mpathd_watch.core.alerting import messages
from mpathd_watch.core.draft import PathKey, Turn
from mpathd_watch.core.model import identity
from mpathd_watch.core.model.vocabulary import LOST_SESSION, SessionStatus
from mpathd_watch.core.state import SessionState
from mpathd_watch.core.verdicts import carrier, shared_cause


def judge_sessions(turn: Turn) -> None:
    """Tell of the sessions that are lost or back."""
    changed = {label: session for label, session in turn.sessions.items() if turn.state.sessions.get(label) != session}
    if not changed:
        return
    carried = _carried(turn, changed)
    ties: list[shared_cause.Tie] | None = None
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
            shared = shared_cause.shared(label, ties)
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


def _ties(turn: Turn) -> list[shared_cause.Tie]:
    """What the sessions of this host share, and which of them are lost or about to be."""
    links = turn.links or {}
    return [
        shared_cause.Tie(
            label=label,
            netdev=carrier.trunk(session.facts, links),
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
