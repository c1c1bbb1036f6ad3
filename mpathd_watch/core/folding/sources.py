"""Which sources answer, and what becomes unknown when one does not."""

from __future__ import annotations

from mpathd_watch.core.alerting import messages
from mpathd_watch.core.draft import Draft
from mpathd_watch.core.effects import Scope
from mpathd_watch.core.events import EventsLost, SourceAnswered, SourceDown, SourceErrors, SourceUp
from mpathd_watch.core.folding import dm, nexuses, sysfs
from mpathd_watch.core.judging import attentions, suspicion
from mpathd_watch.core.model.mappings import frozen
from mpathd_watch.core.model.views import CheckerView
from mpathd_watch.core.model.vocabulary import NO_MODULE, NOT_RUNNING, SourceName
from mpathd_watch.core.state import Queueing
from mpathd_watch.core.transports import table
from mpathd_watch.immutable import replace

_OF_SNAPSHOTS = frozenset({SourceName.UEVENT, SourceName.SYSFS, SourceName.MULTIPATHD})
"""Sources whose return means that what is known of maps and paths may be old. A path is judged by those that answer."""


def answered(draft: Draft, name: SourceName) -> None:
    """Note an answer; report it if the source had been down."""
    source = draft.source(name)
    if source.up is not True and name in _OF_SNAPSHOTS:
        draft.touch_all()
    if source.up is not True and name is SourceName.UEVENT:
        draft.rest = replace(draft.rest, uevents_since=draft.now.monotonic)
    since = source.up_since or draft.now
    draft.sources[name] = replace(source, up=True, up_since=since, reason="", detail="", last_success=draft.now)
    if source.up is False and source.reason != NO_MODULE:
        draft.emit(messages.source_up(name))


def source_answered(draft: Draft, event: SourceAnswered) -> None:
    """A source answered and had nothing new."""
    answered(draft, event.source)


def source_up(draft: Draft, event: SourceUp) -> None:
    """A source answers for the first time or again: what it knew before may be old.

    Of sysfs only a reading is an answer, which follows: the states of disks and sessions are not known before that.
    """
    if event.source is not SourceName.SYSFS:
        answered(draft, event.source)
    if event.source in _OF_SNAPSHOTS:
        draft.refresh(Scope.SYSTEM, Scope.MAPS, Scope.PATHS)
    if event.source is SourceName.UEVENT:
        attentions.read_all_again(draft)


def source_down(draft: Draft, event: SourceDown) -> None:
    """Note that a source does not answer, and forget what only it can know."""
    source = draft.source(event.source)
    if source.up is not False and event.source in _OF_SNAPSHOTS:
        draft.touch_all()
    draft.sources[event.source] = replace(source, up=False, up_since=None, reason=event.reason, detail=event.detail)
    _count(draft, event.source, event.reason, 1)
    if event.reason != NO_MODULE and (source.up is not False or source.reason != event.reason):
        draft.emit(messages.source_down(event))
    match event.source:
        case SourceName.MULTIPATHD:
            _forget_listings(draft, restarted=event.reason == NOT_RUNNING)
            draft.multipathd_answered()
            draft.rest = replace(draft.rest, auditing=replace(draft.rest.auditing, running=None))
        case SourceName.SYSFS:
            nexuses.forget_status(draft)
            sysfs.forget_disks(draft)
            suspicion.reassess(draft)
        case SourceName.UEVENT:
            draft.rest = replace(draft.rest, uevents_since=None)
        case SourceName.NETWORK:
            suspicion.forget_network(draft)
        case _:
            pass
    events_missed = draft.rest.dm_stale is not None or not draft.is_up(SourceName.UEVENT)
    if events_missed and not draft.is_up(SourceName.MULTIPATHD):
        dm.forget(draft, draft.maps)


def source_errors(draft: Draft, event: SourceErrors) -> None:
    """Count what a source could not read or understand; a nexus's state shows what the kernel could not report."""
    _count(draft, event.source, event.reason, event.count)
    if any(row.causes.reported_by is event.source for row in table.ROWS.values()):
        draft.refresh(Scope.NEXUSES)


def events_lost(draft: Draft, _: EventsLost) -> None:
    """Uevents are gone: dm's states count as stale until the kernel's tables have been read again."""
    draft.counters = replace(draft.counters, overflows=draft.counters.overflows + 1)
    draft.rest = replace(draft.rest, dm_stale=draft.now.monotonic)
    draft.touch_all()
    draft.emit(messages.events_lost(draft.counters.overflows))
    draft.resync("events_lost")
    draft.refresh(Scope.NEXUSES)
    attentions.read_all_again(draft)
    if not draft.is_up(SourceName.MULTIPATHD):
        dm.forget(draft, draft.maps)


def _count(draft: Draft, name: SourceName, reason: str, count: int) -> None:
    source = draft.source(name)
    errors = {**source.errors, reason: source.errors.get(reason, 0) + count}
    draft.sources[name] = replace(source, errors=frozen(errors))


def _forget_listings(draft: Draft, *, restarted: bool) -> None:
    """Forget what multipathd reported; one that is started again checks all its paths: nothing it reports is old."""
    for wwid, map_ in tuple(draft.maps.items()):
        if draft.layer_of(wwid).manager is not SourceName.MULTIPATHD:
            continue
        if map_.queueing != Queueing():
            draft.maps[wwid] = replace(map_, queueing=Queueing())
        for path in map_.paths.values():
            before = path.checker
            after = CheckerView(name=before.name, read=before.read, overruled=before.overruled and not restarted)
            if after != before:
                draft.set_path(wwid, replace(path, checker=after))
