"""Folding the kernel's word on connections that failed."""

from __future__ import annotations

from dataclasses import replace

from mpathd_watch.core.draft import Turn
from mpathd_watch.core.effects import Scope
from mpathd_watch.core.events import ConnectionFailed
from mpathd_watch.core.model.vocabulary import IscsiError, SessionStatus
from mpathd_watch.core.state import ERROR_FRESH, Due, SessionError, SessionState, Wait, frozen
from mpathd_watch.core.verdicts.outage import CAUSE_GRACE

LOOK_AGAIN = 0.1
"""Seconds after an error at which the sessions are looked at once more: the kernel tells it, and then takes the session
down from a work queue, so that the first look may come too early (iscsi_cleanup_conn_work_fn())."""


def connection_failed(turn: Turn, event: ConnectionFailed) -> None:
    """Count an error, keep it if it may be why the session goes, and have its state and its disks read at once."""
    turn.refresh(Scope.SESSIONS)
    present = (found for found in turn.sessions.values() if found.status is not SessionStatus.MISSING)
    session = next((found for found in present if found.facts.sid == event.sid), None)
    if session is None:
        return
    label = session.label
    if session.lost is None:
        turn.deadlines[Due(Wait.SESSIONS)] = turn.now.monotonic + LOOK_AGAIN
    word = IscsiError.numbered(event.error)
    turn.sessions[label] = replace(
        session,
        error=_first(session, SessionError(word, turn.now)),
        errors=frozen({**session.errors, word: session.errors.get(word, 0) + 1}),
    )
    disks = []
    for wwid, known in turn.maps.items():
        for path in known.paths.values():
            if path.session == label:
                turn.touched.add((wwid, path.label))
                disks += [path.dev] if path.member else []
    if disks:
        turn.refresh_devices(disks)


def _first(session: SessionState, new: SessionError) -> SessionError | None:
    """The error to keep: the first of a burst, and of a lost session the one that took it."""
    if session.lost is None:
        recent = session.error is not None and new.at.since(session.error.at) <= ERROR_FRESH
        return session.error if recent else new
    late = new.at.since(session.lost) > CAUSE_GRACE
    return session.error if late or session.lost_to else new
