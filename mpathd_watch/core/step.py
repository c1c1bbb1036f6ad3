"""The state machine: one event in, the next state and its effects out.

The contract: ``step`` folds one event (``events``) into the state (``state``) and returns the next state with what
follows (``effects``). It is pure: ``now`` is an argument, and the same arguments give the same result. After each step,
``next_deadline`` says when the core wants a ``Tick`` at the latest.

Uevents wake, snapshots decide: an event may come late, out of order or never, so whatever came before, the state after
a full scan of sysfs and a listing of multipathd's maps is what those two show.

The order within a step: the event is folded into a draft of the next state (``folding``); what it touched is judged and
announced (``judging``, ``alerting``); what targets have reported is taken up; paths are compared with their siblings
and the audit is made when they are due.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from mpathd_watch.core.audit import schedule
from mpathd_watch.core.draft import Draft
from mpathd_watch.core.effects import Effect
from mpathd_watch.core.events import (
    BlockEvent,
    ConfigurationRead,
    ConnectionFailed,
    DevicesRead,
    DmPathEvent,
    DmPathEvents,
    DmStatusRead,
    Event,
    EventsLost,
    Forget,
    MapsListed,
    MultipathdConfigured,
    NetworkRead,
    PathsListed,
    Remembered,
    SessionsRead,
    SettingsChanged,
    SourceAnswered,
    SourceDown,
    SourceErrors,
    SourceUp,
    SystemRead,
    Tick,
    UnitAttentions,
)
from mpathd_watch.core.folding import attentions as unit_attentions
from mpathd_watch.core.folding import dm, expected, nexuses, sources, sysfs, transport_errors
from mpathd_watch.core.judging import attentions, moves, order, slow_paths, suspicion
from mpathd_watch.core.model.instant import Instant
from mpathd_watch.core.model.vocabulary import SourceName
from mpathd_watch.core.state import Deadlines, State
from mpathd_watch.immutable import immutable


@immutable
class Entry:
    """What becomes of one type of event.

    ``fold`` writes it into the draft. ``source``: the source that answered with it. ``audited``: the audit may come to
    another result after it.
    """

    fold: Callable[[Draft, Any], None]
    source: SourceName | None = None
    audited: bool = False


def _ticked(draft: Draft, event: Tick) -> None:
    expected.take_up_deadlines(draft, event)
    sysfs.go_on_when_due(draft)


_ENTRIES: Mapping[type, Entry] = {
    DmPathEvent: Entry(dm.path_event, SourceName.UEVENT),
    DmPathEvents: Entry(dm.path_events, SourceName.UEVENT),
    BlockEvent: Entry(dm.block_event, SourceName.UEVENT),
    UnitAttentions: Entry(unit_attentions.unit_attentions, SourceName.UEVENT),
    EventsLost: Entry(sources.events_lost),
    SystemRead: Entry(sysfs.system_read, SourceName.SYSFS, audited=True),
    DevicesRead: Entry(sysfs.devices_read, SourceName.SYSFS),
    SessionsRead: Entry(nexuses.nexuses_read, SourceName.SYSFS, audited=True),
    ConnectionFailed: Entry(transport_errors.connection_failed, SourceName.ISCSI),
    NetworkRead: Entry(suspicion.network_read, SourceName.NETWORK, audited=True),
    PathsListed: Entry(dm.paths_listed, SourceName.MULTIPATHD),
    MapsListed: Entry(dm.maps_listed, SourceName.MULTIPATHD, audited=True),
    DmStatusRead: Entry(dm.status_read, audited=True),
    MultipathdConfigured: Entry(schedule.multipathd_configured, SourceName.MULTIPATHD, audited=True),
    ConfigurationRead: Entry(schedule.configuration_read, SourceName.CONFIGURATION, audited=True),
    SettingsChanged: Entry(expected.settings_changed, audited=True),
    SourceAnswered: Entry(sources.source_answered),
    SourceUp: Entry(sources.source_up, audited=True),
    SourceDown: Entry(sources.source_down, audited=True),
    SourceErrors: Entry(sources.source_errors),
    Remembered: Entry(expected.remembered),
    Forget: Entry(expected.forget, audited=True),
    Tick: Entry(_ticked),
}
_ANY_NEXUSES = Entry(nexuses.nexuses_read, SourceName.SYSFS, audited=True)
"""An event that is not in the table shows the nexuses of a transport."""


def step(state: State, event: Event, now: Instant) -> tuple[State, tuple[Effect, ...]]:
    """Fold ``event``, which came at ``now``, into ``state``; the next state and the effects."""
    entry = _ENTRIES.get(type(event), _ANY_NEXUSES)
    draft = Draft(state, now)
    if entry.source is not None:
        sources.answered(draft, entry.source)
    entry.fold(draft, event)
    order.judge(draft)
    if entry.audited:
        schedule.request(draft, event)
    attentions.take_up(draft)
    moves.report_when_due(draft)
    slow_paths.compare_when_due(draft)
    schedule.audit_when_due(draft)
    return draft.finished(), tuple(draft.effects)


def gathered(events: Iterable[Event]) -> Iterator[Event]:
    """Events that came together, in their order, of which as many as can be are judged in one step.

    These are the path events of different maps that follow each other. In a storm a step of its own for each of them
    takes twice as long. Two of the same map take two steps: each transition is judged, counted and reported.
    """
    storm: dict[str, DmPathEvent] = {}
    for event in events:
        if not isinstance(event, DmPathEvent):
            yield from _together(storm)
            storm = {}
            yield event
            continue
        if event.wwid in storm:
            yield from _together(storm)
            storm = {}
        storm[event.wwid] = event
    yield from _together(storm)


def _together(storm: Mapping[str, DmPathEvent]) -> Iterator[Event]:
    if len(storm) > 1:
        yield DmPathEvents(tuple(storm[wwid] for wwid in sorted(storm)))
    else:
        yield from storm.values()


def shown_together(events: Iterable[Event], now: Instant) -> State:
    """What events of one moment show of a host of which nothing was known: folded one after the other, judged once.

    Who has read a host once wants its state and no effects, and what takes time to show does not matter to them. On a
    large host the steps would judge every path three times.
    """
    draft = Draft(State(), now)
    for event in events:
        entry = _ENTRIES.get(type(event), _ANY_NEXUSES)
        if entry.source is not None:
            sources.answered(draft, entry.source)
        entry.fold(draft, event)
        draft.put_together()
    order.judge(draft)
    return draft.finished()


def next_deadline(state: State) -> float | None:
    """The CLOCK_MONOTONIC second at which the core wants a ``Tick``, if any."""
    return Deadlines.of(state.deadlines).next
