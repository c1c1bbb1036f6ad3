"""The state machine: one event in, the next state and its effects out.

Uevents wake, snapshots decide: an event may come late, out of order or never, so whatever came before, the state after
a whole look at sysfs and a listing of multipathd's maps is what those two say.
"""

from __future__ import annotations

from typing import assert_never

from mpathd_watch.core import connections, dm, sources, topology
from mpathd_watch.core.assess import assess, due
from mpathd_watch.core.audit import review
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
from mpathd_watch.core.instant import Instant
from mpathd_watch.core.state import Settings, State
from mpathd_watch.core.turn import Turn
from mpathd_watch.core.vocabulary import SourceName

_AUDITED = (
    SystemRead,
    SessionsRead,
    MapsListed,
    SourceUp,
    SourceDown,
    ConfigurationRead,
    MultipathdConfigured,
    SettingsChanged,
)
"""After these events the audit may come to something else."""


def step(state: State, event: Event, now: Instant) -> tuple[State, tuple[Effect, ...]]:
    """Fold ``event``, which came at ``now``, into ``state``. Pure: the same arguments give the same answer."""
    turn = Turn(state, now)
    _fold(turn, event)
    assess(turn)
    if isinstance(event, _AUDITED):
        review.want(turn)
    review.due(turn)
    return turn.finished(), tuple(turn.effects)


def next_deadline(state: State) -> float | None:
    """The CLOCK_MONOTONIC second at which the core wants a ``Tick``, if any."""
    return min(state.deadlines.values(), default=None)


def _fold(turn: Turn, event: Event) -> None:
    match event:
        case DmPathEvent():
            sources.answered(turn, SourceName.UEVENT)
            dm.path_event(turn, event)
        case BlockEvent():
            sources.answered(turn, SourceName.UEVENT)
            dm.block_event(turn, event)
        case SessionsRead():
            sources.answered(turn, SourceName.SYSFS)
            topology.read_sessions(turn, event.sessions)
        case DevicesRead():
            sources.answered(turn, SourceName.SYSFS)
            topology.read_devices(turn, event)
        case ConnectionFailed():
            sources.answered(turn, SourceName.ISCSI)
            connections.connection_failed(turn, event)
        case PathsListed():
            sources.answered(turn, SourceName.MULTIPATHD)
            dm.paths_listed(turn, event)
        case MapsListed():
            sources.answered(turn, SourceName.MULTIPATHD)
            dm.maps_listed(turn, event)
        case SystemRead():
            sources.answered(turn, SourceName.SYSFS)
            topology.read_system(turn, event)
        case SourceAnswered():
            sources.answered(turn, event.source)
        case SourceUp():
            sources.answered(turn, event.source)
            turn.refresh(Scope.SYSTEM, Scope.MAPS, Scope.PATHS)
        case SourceDown():
            sources.down(turn, event)
        case SourceErrors():
            sources.errors(turn, event)
        case EventsLost():
            sources.events_lost(turn)
        case ConfigurationRead():
            review.configuration_read(turn, event.configuration)
        case MultipathdConfigured():
            sources.answered(turn, SourceName.MULTIPATHD)
            review.multipathd_configured(turn, event.document)
        case SettingsChanged():
            turn.settings = Settings(event.settle_seconds, event.single_path_ok, event.slack_seconds)
            turn.regrouped.update(turn.maps)
        case Tick():
            due(turn)
        case _:
            assert_never(event)
