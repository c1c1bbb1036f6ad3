"""The state machine: one event in, the next state and its effects out.

Uevents wake, snapshots decide: an event may come late, out of order or never, so whatever came before, the state after
a whole look at sysfs and a listing of multipathd's maps is what those two say.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import assert_never

from mpathd_watch.core.audit import schedule
from mpathd_watch.core.draft import Turn
from mpathd_watch.core.effects import Effect, Scope
from mpathd_watch.core.events import (
    BlockEvent,
    ConfigurationRead,
    ConnectionFailed,
    DevicesRead,
    DmPathEvent,
    Event,
    EventsLost,
    MapsListed,
    MultipathdConfigured,
    NetworkRead,
    PathsListed,
    SessionsRead,
    SettingsChanged,
    SourceAnswered,
    SourceDown,
    SourceErrors,
    SourceUp,
    SystemRead,
    Tick,
)
from mpathd_watch.core.folding import dm, sources, sysfs, transport_errors
from mpathd_watch.core.judging import slow_paths, suspicion
from mpathd_watch.core.judging.order import assess, due, forget_flaps
from mpathd_watch.core.model.instant import Instant
from mpathd_watch.core.model.vocabulary import SourceName
from mpathd_watch.core.state import State
from mpathd_watch.core.verdicts import carrier

_AUDITED = (
    SystemRead,
    SessionsRead,
    MapsListed,
    NetworkRead,
    SourceUp,
    SourceDown,
    ConfigurationRead,
    MultipathdConfigured,
    SettingsChanged,
)
"""After these events the audit may come to something else."""


_OF_SNAPSHOTS = frozenset({SourceName.UEVENT, SourceName.SYSFS, SourceName.MULTIPATHD})
"""Sources whose return means that what is known of maps and paths may be old."""
_ANSWERS: Mapping[type[Event], SourceName] = {
    DmPathEvent: SourceName.UEVENT,
    BlockEvent: SourceName.UEVENT,
    SystemRead: SourceName.SYSFS,
    SessionsRead: SourceName.SYSFS,
    DevicesRead: SourceName.SYSFS,
    ConnectionFailed: SourceName.ISCSI,
    NetworkRead: SourceName.NETWORK,
    PathsListed: SourceName.MULTIPATHD,
    MapsListed: SourceName.MULTIPATHD,
    MultipathdConfigured: SourceName.MULTIPATHD,
}
"""What a source tells shows that it is there."""


def step(state: State, event: Event, now: Instant) -> tuple[State, tuple[Effect, ...]]:
    """Fold ``event``, which came at ``now``, into ``state``. Pure: the same arguments give the same answer."""
    turn = Turn(state, now)
    _fold(turn, event)
    assess(turn)
    if isinstance(event, _AUDITED) and not _nothing_new(turn, event):
        schedule.want(turn)
    slow_paths.due(turn)
    schedule.due(turn)
    return turn.finished(), tuple(turn.effects)


def next_deadline(state: State) -> float | None:
    """The CLOCK_MONOTONIC second at which the core wants a ``Tick``, if any."""
    return min(state.deadlines.values(), default=None)


def _nothing_new(turn: Turn, event: Event) -> bool:
    """Whether it all is what it was: most polls tell of nothing but life, and most interfaces carry no session."""
    if isinstance(event, NetworkRead):
        before, after = turn.state.links, turn.links
        return before is not None and after is not None and _trunks(turn, before) == _trunks(turn, after)
    return isinstance(event, SessionsRead) and dict(turn.state.sessions) == turn.sessions


def _trunks(turn: Turn, links: carrier.Links) -> list[tuple[str, bool]]:
    """What the audit asks of the interfaces."""
    sessions = [session.facts for session in turn.sessions.values()]
    return [(carrier.trunk(facts, links), carrier.is_redundant(facts, links)) for facts in sessions]


def _fold(turn: Turn, event: Event) -> None:
    if (source := _ANSWERS.get(type(event))) is not None:
        sources.answered(turn, source)
    match event:
        case DmPathEvent():
            dm.path_event(turn, event)
        case BlockEvent():
            dm.block_event(turn, event)
        case SessionsRead():
            sysfs.read_sessions(turn, event)
            suspicion.weigh(turn)
        case DevicesRead():
            sysfs.read_devices(turn, event)
        case ConnectionFailed():
            transport_errors.connection_failed(turn, event)
        case NetworkRead():
            suspicion.read_network(turn, event)
        case PathsListed():
            dm.paths_listed(turn, event)
        case MapsListed():
            dm.maps_listed(turn, event)
        case SystemRead():
            sysfs.read_system(turn, event)
            suspicion.weigh(turn)
        case SourceAnswered():
            sources.answered(turn, event.source)
        case SourceUp():
            sources.answered(turn, event.source)
            if event.source in _OF_SNAPSHOTS:
                turn.refresh(Scope.SYSTEM, Scope.MAPS, Scope.PATHS)
        case SourceDown():
            sources.down(turn, event)
        case SourceErrors():
            sources.errors(turn, event)
        case EventsLost():
            sources.events_lost(turn)
        case ConfigurationRead():
            schedule.configuration_read(turn, event.configuration)
        case MultipathdConfigured():
            schedule.multipathd_configured(turn, event.document)
        case SettingsChanged():
            turn.settings = event
            forget_flaps(turn)
            turn.regrouped.update(turn.maps)
            suspicion.weigh(turn)
        case Tick():
            due(turn)
        case _:
            assert_never(event)
