"""Judging what an event has touched: nexuses first, then paths, then maps; verdicts come first, alerts after.

A path's message reports how many paths are usable once everything is judged.
"""

from __future__ import annotations

from itertools import chain, repeat

from mpathd_watch.core.alerting.transitions import announce_map, announce_paths
from mpathd_watch.core.draft import Draft, PathKey
from mpathd_watch.core.effects import MapChanged, Scope
from mpathd_watch.core.events import SettingsChanged, Tick
from mpathd_watch.core.judging import incident_entries, incidents, queueing, restarts, suspicion
from mpathd_watch.core.judging.expected import removal_reported
from mpathd_watch.core.judging.moves import judge_moves
from mpathd_watch.core.judging.nexuses import judge_nexuses
from mpathd_watch.core.judging.outages import end_outage, pass_on
from mpathd_watch.core.judging.paths.judged import judged
from mpathd_watch.core.judging.port_groups import judge_port_groups
from mpathd_watch.core.model.memory import KeptMap
from mpathd_watch.core.model.vocabulary import USABLE, Health, MapHealth
from mpathd_watch.core.state import MapState, PathState, Wait
from mpathd_watch.core.verdicts import flapping
from mpathd_watch.core.verdicts.health import map_health
from mpathd_watch.immutable import replace

_OF_OTHERS = frozenset(
    {
        *(Wait.AUDIT, Wait.SCAN, Wait.SLOW_PATHS),
        *(Wait.ACCESS, Wait.LUNS, Wait.ATTENTIONS, Wait.MOVES, Wait.RESIZES),
        *(Wait.LEARN, Wait.GRACE, Wait.REMOVED, Wait.INCIDENT),
    }
)


def judge(draft: Draft) -> None:
    """Judge everything that the event has touched."""
    restarts.resume(draft)
    judge_nexuses(draft)
    _leave_alone_what_is_being_removed(draft)
    before: dict[PathKey, PathState] = {}
    for wwid, label in sorted(draft.touched):
        before[wwid, label] = path = draft.paths(wwid)[label]
        after = judged(draft, wwid, path)
        if after is not path:
            draft.keep_path(wwid, after)
        draft.regrouped.add(wwid)
    incidents.join(draft, before)
    previous = {wwid: draft.maps[wwid] for wwid in draft.regrouped}
    for wwid in draft.regrouped:
        draft.maps[wwid] = _judged_map(draft, draft.whole_map(wwid))
    queueing.follow(draft, previous)
    judge_port_groups(draft)
    judge_moves(draft)
    announce_paths(draft, before)
    for (wwid, label), was in before.items():
        path = draft.paths(wwid)[label]
        after = end_outage(draft, wwid, path)
        if after is not path:
            draft.keep_path(wwid, after)
        pass_on(draft, wwid, was, after)
    for wwid in sorted(draft.regrouped):
        announce_map(draft, draft.whole_map(wwid), previous[wwid])
        _pass_on_map(draft, wwid)
    incident_entries.announce(draft, before)


def settings_changed(draft: Draft, event: SettingsChanged) -> None:
    """Judge by other settings from now on."""
    draft.rest = replace(draft.rest, settings=event)
    if not event.flap_failures:
        _forget_flaps(draft)
    draft.regrouped.update(draft.maps)
    suspicion.reassess(draft)


def take_up_deadlines(draft: Draft, _: Tick) -> None:
    """Take up every deadline that has come and is the paths', the maps' or the nexuses'."""
    for key in draft.deadlines.come(draft.now.monotonic):
        if key.wait not in _OF_OTHERS:
            del draft.deadlines[key]
            if key.wait in (Wait.NEXUSES, Wait.SILENCE):
                draft.refresh(Scope.NEXUSES)
            elif key.wait is Wait.LOOK:
                draft.refresh_devices([draft.paths(key.wwid)[key.path].place.dev])
            elif key.wait is Wait.QUEUEING:
                draft.refresh(Scope.MAPS)
                draft.regrouped.add(key.wwid)
            elif key.wait is Wait.WATCH:
                usable = (path for path in draft.whole_map(key.wwid).paths.values() if path.health in USABLE)
                draft.refresh_devices(path.place.dev for path in usable)
            elif key.path:
                draft.touched.add((key.wwid, key.path))
            else:
                draft.regrouped.add(key.wwid)
                draft.touched.update((key.wwid, path.label) for path in draft.paths(key.wwid).values() if path.awaited)


def _leave_alone_what_is_being_removed(draft: Draft) -> None:
    """Judge nothing of a map whose removal has yet to be confirmed."""
    wwids = {wwid for wwid, _ in draft.touched} | draft.regrouped
    removed = {wwid for wwid in wwids if removal_reported(draft, wwid)}
    if removed:
        draft.touched = {key for key in draft.touched if key[0] not in removed}
        draft.regrouped -= removed


def _pass_on_map(draft: Draft, wwid: str) -> None:
    """Have it kept what is new of a map's health, and of what was announced of it."""
    map_, before = draft.maps[wwid], draft.before.maps.get(wwid)
    known = None if before is None else (before.health, before.announced, before.troubled)
    if known != (map_.health, map_.announced, map_.troubled):
        was = MapHealth.UNKNOWN if before is None else before.health
        now = KeptMap(map_.health, map_.since, map_.announced, map_.troubled)
        draft.emit(MapChanged(wwid, map_.label, was, now, draft.now))


def _forget_flaps(draft: Draft) -> None:
    """Where flapping is turned off, no path flaps any more, and there is nothing to report of that."""
    for wwid in tuple(draft.maps):
        for path in tuple(draft.paths(wwid).values()):
            draft.keep_path(wwid, replace(path, flaps=flapping.Flaps()))


def _judged_map(draft: Draft, map_: MapState) -> MapState:
    health = map_health(
        chain(
            (path.health for path in map_.paths.values()),
            repeat(Health.UNKNOWN, len(map_.unplaced)),
            repeat(Health.MISSING, map_.unnamed - len(map_.unplaced)),
        ),
        single_path_ok=not draft.rest.settings.single_path_ok.isdisjoint((map_.wwid, map_.name)),
    )
    if health is map_.health:
        return map_
    troubled = map_.troubled
    if troubled is None and health not in (MapHealth.HEALTHY, MapHealth.UNKNOWN):
        troubled = draft.now
    return replace(map_, health=health, since=draft.now, troubled=troubled)
