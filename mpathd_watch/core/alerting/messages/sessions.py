"""Entries about iSCSI sessions."""

from __future__ import annotations

from mpathd_watch.core.catalog.alerts import AlertKind, Priority
from mpathd_watch.core.effects import Alert
from mpathd_watch.core.model.text import plural
from mpathd_watch.core.model.vocabulary import SessionStatus
from mpathd_watch.core.state import SessionState


def session_lost(session: SessionState, paths: int, maps: int, shared: str, *, spoken_for: bool) -> Alert:
    """The alert for a session that took several paths with it, or none.

    ``shared``: what it has in common with others that are lost or silent, in words; ``spoken_for``: one of those has
    been told of with the same words.
    """
    word = f"; the kernel: {session.lost_to}" if session.lost_to else ""
    state = "is gone, logged out" if session.status is SessionStatus.MISSING else f"is down ({session.status}{word})"
    carried = f"{plural(paths, 'path')} of {plural(maps, 'map')}" if paths else "no path of any map"
    kind = AlertKind.SESSION_LOST
    return Alert(
        kind,
        Priority.INFO if spoken_for else kind.value.priority,
        f"iSCSI session {session.label} {state}: {carried} went through it.{_together(shared)}",
        _session_fields(session, paths, maps) | ({"SHARED": shared} if shared else {}),
    )


def session_restored(session: SessionState, paths: int, maps: int) -> Alert:
    """The alert for the return of a session whose loss was told."""
    kind = AlertKind.SESSION_RESTORED
    carried = f"multipathd now checks its {plural(paths, 'path')}" if paths else "no path of any map goes through it"
    return Alert(
        kind,
        kind.value.priority,
        f"iSCSI session {session.label} is logged in again; {carried}.",
        _session_fields(session, paths, maps),
    )


def _together(shared: str) -> str:
    return f" It is not the only one: {shared} are lost or silent." if shared else ""


def _session_fields(session: SessionState, paths: int, maps: int) -> dict[str, str]:
    connection = session.label.partition("/")[0]
    return {
        "SESSION": session.label,
        "TARGET": session.facts.target,
        "PORTAL": connection.partition("@")[0].partition("#")[0],
        "PATHS": str(paths),
        "MAPS": str(maps),
    }
