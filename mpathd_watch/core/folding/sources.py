"""Which sources answer, and what becomes unknown when one does not."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from mpathd_watch.core.alerting import messages
from mpathd_watch.core.draft import Turn
from mpathd_watch.core.effects import Scope
from mpathd_watch.core.events import SourceDown, SourceErrors
from mpathd_watch.core.judging import suspicion
from mpathd_watch.core.model.vocabulary import CheckerState, DeviceState, DmState, SessionStatus, SourceName
from mpathd_watch.core.state import frozen

NOT_RUNNING = "not_running"
"""The ``SourceDown.reason`` of a multipathd whose process is gone."""
NO_MODULE = "no_module"
"""The ``SourceDown.reason`` of a source that there is nothing to hear from, as its kernel module is not loaded. Nothing
is missed then, so nobody is told."""


def answered(turn: Turn, name: SourceName) -> None:
    """Note an answer; tell of it if the source had been down."""
    source = turn.source(name)
    turn.sources[name] = replace(source, up=True, reason="", detail="", last_success=turn.now)
    if source.up is False and source.reason != NO_MODULE:
        turn.emit(messages.source_up(name))


def down(turn: Turn, event: SourceDown) -> None:
    """Note that a source does not answer, and forget what only it can know."""
    source = turn.source(event.source)
    turn.sources[event.source] = replace(source, up=False, reason=event.reason, detail=event.detail)
    _count(turn, SourceErrors(event.source, event.reason, 1))
    if event.reason != NO_MODULE and (source.up is not False or source.reason != event.reason):
        turn.emit(messages.source_down(event))
    if event.source is SourceName.MULTIPATHD:
        _forget_listings(turn, restarted=event.reason == NOT_RUNNING)
        turn.hear_multipathd()
        turn.auditing = replace(turn.auditing, running=None)
    elif event.source is SourceName.SYSFS:
        _forget_devices(turn)
        suspicion.weigh(turn)
    elif event.source is SourceName.NETWORK:
        suspicion.forget_network(turn)
    if not turn.is_up(SourceName.MULTIPATHD) and (turn.dm_doubted is not None or not turn.is_up(SourceName.UEVENT)):
        forget_dm(turn, turn.maps)


def errors(turn: Turn, event: SourceErrors) -> None:
    """Count what a source could not read or understand; what the kernel could not say of a session, its state will."""
    _count(turn, event)
    if event.source is SourceName.ISCSI:
        turn.refresh(Scope.SESSIONS)


def _count(turn: Turn, event: SourceErrors) -> None:
    source = turn.source(event.source)
    counts = dict(source.errors)
    counts[event.reason] = counts.get(event.reason, 0) + event.count
    turn.sources[event.source] = replace(source, errors=frozen(counts))


def events_lost(turn: Turn) -> None:
    """Uevents are gone: dm's word is in doubt until the kernel's tables have been read again."""
    turn.counters = replace(turn.counters, overflows=turn.counters.overflows + 1)
    turn.emit(messages.events_lost(turn.counters.overflows))
    turn.dm_doubted = turn.now.monotonic
    turn.resync("events_lost")
    turn.refresh(Scope.SESSIONS)
    if not turn.is_up(SourceName.MULTIPATHD):
        forget_dm(turn, turn.maps)


def forget_dm(turn: Turn, wwids: Iterable[str]) -> None:
    """Nobody vouches for dm's word on these maps any more."""
    for wwid in tuple(wwids):
        for path in tuple(turn.paths(wwid).values()):
            if path.dm is not DmState.UNKNOWN:
                turn.set_path(wwid, replace(path, dm=DmState.UNKNOWN))


def _forget_listings(turn: Turn, *, restarted: bool) -> None:
    """Forget what multipathd said; one that is started anew checks all its paths, so nothing it says then is old."""
    for wwid, known in tuple(turn.maps.items()):
        if known.queues is not None or known.queueing:
            turn.maps[wwid] = replace(known, queues=None, queueing="")
        for path in known.paths.values():
            overruled = path.checker_overruled and not restarted
            if path.checker is not CheckerState.UNKNOWN or path.checker_overruled is not overruled:
                turn.set_path(wwid, replace(path, checker=CheckerState.UNKNOWN, checker_overruled=overruled))


def _forget_devices(turn: Turn) -> None:
    for label, session in tuple(turn.sessions.items()):
        turn.sessions[label] = replace(session, status=SessionStatus.UNKNOWN)
    for wwid, known in tuple(turn.maps.items()):
        for path in known.paths.values():
            turn.set_path(wwid, replace(path, device=DeviceState.UNKNOWN))
