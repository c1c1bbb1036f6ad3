"""When paths are compared with their siblings (``verdicts.slow_path``), and what is reported of it."""

from __future__ import annotations

from dataclasses import replace

from mpathd_watch.core.alerting import messages
from mpathd_watch.core.draft import Draft
from mpathd_watch.core.model.vocabulary import USABLE, Health
from mpathd_watch.core.state import Due, MapState, Wait
from mpathd_watch.core.verdicts import slow_path

_COMPARE = Due(Wait.SLOW_PATHS)


def compare_when_due(draft: Draft) -> None:
    """Compare the paths of all maps if the time for it has come, and set the time of the next comparison."""
    moment = draft.deadlines.get(_COMPARE)
    if moment is not None and moment > draft.now.monotonic:
        return
    if moment is not None:
        for wwid in tuple(draft.maps):
            _compare(draft, wwid)
    draft.deadlines.drop(_COMPARE)
    if draft.maps:
        draft.deadlines[_COMPARE] = draft.now.monotonic + slow_path.INTERVAL


def _compare(draft: Draft, wwid: str) -> None:
    map_ = draft.whole_map(wwid)
    before = {label: path.slowness for label, path in map_.paths.items()}
    for label, after in slow_path.evaluate(before, _readings(draft, map_)).items():
        path = map_.paths[label]
        if after == path.slowness:
            continue
        changed = replace(path, slowness=after)
        draft.keep_path(wwid, changed)
        if after.slow is not path.slowness.slow and path.health in USABLE:
            draft.emit(
                messages.path_slow(map_, changed, after)
                if after.slow
                else messages.path_steady(map_, changed, draft.now, what=after)
            )


def _readings(draft: Draft, map_: MapState) -> list[slow_path.Reading]:
    readings = []
    for label, path in map_.paths.items():
        nexus = draft.nexus_of(path)
        tcp = nexus.facts.tcp if nexus else None
        # Of a path whose health is not known there is no data, and its verdict stands.
        unknown = path.health is Health.UNKNOWN
        readings.append(
            slow_path.Reading(
                label=label,
                usable=unknown or path.health in USABLE,
                io=None if unknown else path.disk.io,
                rtt=tcp.rtt if tcp and not unknown else None,
                nexus=path.nexus,
            )
        )
    return readings
