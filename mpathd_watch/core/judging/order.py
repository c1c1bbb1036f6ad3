"""Assessing what a turn has touched: sessions first, then paths, then maps; verdicts come first, alerts after.

A path's message tells how many paths are usable once the whole turn is judged.
"""

from __future__ import annotations

from dataclasses import replace

from mpathd_watch.core.alerting.transitions import tell_map, tell_paths
from mpathd_watch.core.draft import PathKey, Turn
from mpathd_watch.core.effects import Scope
from mpathd_watch.core.judging.paths import judged
from mpathd_watch.core.judging.sessions import judge_sessions
from mpathd_watch.core.model.vocabulary import MapHealth
from mpathd_watch.core.state import MapState, PathState, Wait
from mpathd_watch.core.verdicts import flapping
from mpathd_watch.core.verdicts.health import map_health

_OF_OTHERS = frozenset({Wait.AUDIT, Wait.QUALITY})


def assess(turn: Turn) -> None:
    """Judge everything the turn has touched."""
    judge_sessions(turn)
    before: dict[PathKey, PathState] = {}
    for wwid, label in sorted(turn.touched):
        paths = turn.paths(wwid)
        before[wwid, label] = paths[label]
        paths[label] = judged(turn, wwid, paths[label])
        turn.regrouped.add(wwid)
    previous = {wwid: turn.maps[wwid].health for wwid in turn.regrouped}
    for wwid in turn.regrouped:
        turn.maps[wwid] = _regrouped(turn, turn.whole_map(wwid))
    tell_paths(turn, before)
    for wwid in sorted(turn.regrouped):
        tell_map(turn, turn.whole_map(wwid), previous[wwid])


def forget_flaps(turn: Turn) -> None:
    """Where flapping is turned off, no path flaps any more, and nothing is to be told of that."""
    if turn.settings.flap_failures:
        return
    for wwid in tuple(turn.maps):
        paths = turn.paths(wwid)
        paths.update({label: replace(path, flaps=flapping.Flaps()) for label, path in paths.items()})


def due(turn: Turn) -> None:
    """Take up every deadline that has come and is the paths', the maps' or the sessions'."""
    for key, moment in tuple(turn.deadlines.items()):
        if moment <= turn.now.monotonic and key.wait not in _OF_OTHERS:
            del turn.deadlines[key]
            if key.wait in (Wait.SESSIONS, Wait.SILENCE):
                turn.refresh(Scope.SESSIONS)
            elif key.wait is Wait.LOOK:
                turn.refresh_devices([turn.paths(key.wwid)[key.path].dev])
            elif key.path:
                turn.touched.add((key.wwid, key.path))
            else:
                turn.regrouped.add(key.wwid)


def _regrouped(turn: Turn, known: MapState) -> MapState:
    settings = turn.settings
    health = map_health(
        (path.health for path in known.paths.values()),
        single_path_ok=not settings.single_path_ok.isdisjoint((known.wwid, known.name)),
    )
    if health is known.health:
        return known
    troubled = known.troubled
    if troubled is None and health not in (MapHealth.HEALTHY, MapHealth.UNKNOWN):
        troubled = turn.now
    return replace(known, health=health, since=turn.now, troubled=troubled)
