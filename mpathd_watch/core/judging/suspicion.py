"""Doubting sessions that the kernel still calls LOGGED_IN: silence, and a network interface that carries nothing.

An idle session hears an answer to a ping every noop_out_interval (recv_tmo). Once it has been silent for that long and
a grace, a ping is out that nobody has answered; the kernel goes on waiting until noop_out_timeout (ping_tmo) has passed
(iscsi_check_transport_timeouts() in drivers/scsi/libiscsi.c). Without pings silence says nothing.

Only a reading that was asked for after the grace had passed can tell: what was read before is not fresh enough.
"""

from __future__ import annotations

from dataclasses import replace
from math import inf

from mpathd_watch.core.draft import Turn
from mpathd_watch.core.effects import Scope
from mpathd_watch.core.events import NetworkRead
from mpathd_watch.core.model.instant import Instant
from mpathd_watch.core.model.vocabulary import Doubt, SessionStatus
from mpathd_watch.core.state import Due, SessionState, Wait, frozen
from mpathd_watch.core.verdicts import carrier
from mpathd_watch.core.verdicts.budget import TIMER_LATENESS

LISTEN_AGAIN = 0.5
"""Seconds between two readings while a session is silent."""

_SILENCE = Due(Wait.SILENCE)


def weigh(turn: Turn) -> None:
    """Take up or drop the doubt about every session, and arrange to look again when the next may fall silent."""
    look = inf
    for label, known in tuple(turn.sessions.items()):
        session = _carried(turn, known)
        limit = _limit(turn, session)
        doubt = _doubt(turn, session, limit)
        if limit is not None:
            silent = session.read is not None and session.read >= limit
            look = min(look, turn.now.monotonic + LISTEN_AGAIN if silent else limit)
        if doubt is not session.doubt:
            session = replace(session, doubt=doubt, doubted=None if doubt is None else turn.now)
            _touch(turn, label)
            if doubt is Doubt.CARRIER:
                turn.refresh(Scope.SESSIONS)  # when it was heard last decides when the kernel gives it up
        turn.sessions[label] = session
    turn.deadlines.pop(_SILENCE, None)
    if look <= turn.now.monotonic:
        turn.refresh(Scope.SESSIONS)
    elif look < inf:
        turn.deadlines[_SILENCE] = look


def read_network(turn: Turn, event: NetworkRead) -> None:
    """Take over the network interfaces; an address that has moved may mean another interface for its sessions."""
    before = _carriers(turn)
    turn.links = frozen({link.name: link for link in event.links})
    if before is not None and before != _carriers(turn):
        turn.refresh(Scope.SYSTEM)
    weigh(turn)


def forget_network(turn: Turn) -> None:
    """Nobody tells of the network interfaces any more."""
    turn.links = None
    for label, session in tuple(turn.sessions.items()):
        turn.sessions[label] = replace(session, carried=False)
    weigh(turn)


def given_up(session: SessionState, now: Instant) -> Instant | None:
    """When the kernel gives a silent session up, at the latest; ``None`` where no ping is out or nobody knows."""
    facts = session.facts
    if session.heard is None or not facts.recv_tmo or not facts.ping_tmo:
        return None
    return now.later(session.heard + facts.recv_tmo + facts.ping_tmo + TIMER_LATENESS - now.monotonic)


def _carriers(turn: Turn) -> set[tuple[str, str]] | None:
    """Which interface has which of the sessions' addresses."""
    if turn.links is None:
        return None
    wanted = {session.facts.local_address for session in turn.sessions.values()}
    return {(link.name, address) for link in turn.links.values() for address in link.addresses if address in wanted}


def _limit(turn: Turn, session: SessionState) -> float | None:
    """The CLOCK_MONOTONIC second from which on the session's silence is doubtful; ``None`` if it never is."""
    facts = session.facts
    if session.status is not SessionStatus.LOGGED_IN or session.read is None or session.heard is None:
        return None
    if not facts.recv_tmo or not facts.ping_tmo:
        return None
    return session.heard + facts.recv_tmo + turn.settings.silence_grace_seconds


def _doubt(turn: Turn, session: SessionState, limit: float | None) -> Doubt | None:
    if session.status is not SessionStatus.LOGGED_IN:
        return None
    if session.carried and turn.links is not None and carrier.lost(session.facts, turn.links):
        return Doubt.CARRIER
    if turn.links is None and session.doubt is Doubt.CARRIER and not _heard_since(session):
        return Doubt.CARRIER
    if limit is not None and session.read is not None and session.read >= limit:
        return Doubt.SILENCE
    return None


def _heard_since(session: SessionState) -> bool:
    """Whether the session has shown life since it is doubted."""
    return session.heard is not None and session.doubted is not None and session.heard > session.doubted.monotonic


def _carried(turn: Turn, session: SessionState) -> SessionState:
    """Only what has been seen to carry a session can be lost to it: the session may live in a network of its own."""
    if session.carried or turn.links is None or carrier.lost(session.facts, turn.links):
        return session
    return replace(session, carried=True)


def _touch(turn: Turn, label: str) -> None:
    for wwid, known in turn.maps.items():
        turn.touched.update((wwid, path.label) for path in known.paths.values() if path.session == label)
