"""When paths are compared with their siblings (``verdicts.slow_path``), and what is reported of it.

Latencies are compared when the disks of a map have been read, and the round trips at regular intervals. The disks of a
map of which a path stands out are read more often for a while, because what is wrong then shows sooner.
"""

from __future__ import annotations

from collections.abc import Mapping

from mpathd_watch.core.alerting import messages
from mpathd_watch.core.draft import Draft
from mpathd_watch.core.model.vocabulary import USABLE, Health
from mpathd_watch.core.state import Due, MapState, PathState, Wait
from mpathd_watch.core.verdicts import io_latency, slow_path
from mpathd_watch.core.verdicts.comparison import median
from mpathd_watch.core.verdicts.slow_path import Slowness, Trend
from mpathd_watch.immutable import replace

WATCH_EVERY = 1.0
"""Seconds between readings of a map that is watched."""

WATCH_FOR = 30.0
"""Seconds from the first window in which a path stands out. What is ten times as slow is certain after 10 s if it has
ten I/Os a second. A process that waits for each I/O, for 0.4 s, needs 20 s for the windows that it takes."""

WATCHED = 8
"""Maps that are watched at a time, so that a fault of the whole SAN costs no more than that of a few LUNs."""

OLD = 120.0
"""Seconds since the last comparison: twice the time between two full scans, which read the disks even if rounds of
reading them take longer."""

_COMPARE = Due(Wait.SLOW_PATHS)


def compare_when_due(draft: Draft) -> None:
    """Compare the paths of the maps whose disks have been read, and the round trips of all if it is time for that."""
    for wwid in sorted(draft.measured):
        _compare_latencies(draft, wwid)
    moment = draft.deadlines.get(_COMPARE)
    if moment is not None and moment > draft.now.monotonic:
        return
    if moment is not None:
        round_trips = {label: nexus.facts.tcp.rtt for label, nexus in draft.nexuses.items() if nexus.facts.tcp}
        alike = slow_path.alike(round_trips.values())
        for wwid in tuple(draft.maps):
            _compare_round_trips(draft, wwid, round_trips, alike=alike)
    draft.deadlines.drop(_COMPARE)
    if draft.maps:
        draft.deadlines[_COMPARE] = draft.now.monotonic + slow_path.INTERVAL


def _compare_latencies(draft: Draft, wwid: str) -> None:
    map_ = draft.whole_map(wwid)
    before = {label: path.slowness.by_latency for label, path in map_.paths.items()}
    now = draft.now.monotonic
    found, latencies = io_latency.judge(before, _readings(draft, map_), now)
    for label, path in map_.paths.items():
        _take(draft, wwid, path, replace(path.slowness, by_latency=found.get(label, io_latency.Latency())))
    if latencies is not None:
        latency = median(sorted(latencies.values())) if latencies else None
        draft.maps[wwid] = replace(draft.whole_map(wwid), latency=latency)
    evidence = [after.evidence for after in found.values() if after.evidence and not after.slow]
    if any(now - item.since < WATCH_FOR for item in evidence):
        _watch(draft, wwid)


def _watch(draft: Draft, wwid: str) -> None:
    watch = Due(Wait.WATCH, wwid)
    if watch in draft.deadlines or sum(due.wait is Wait.WATCH for due in draft.deadlines) < WATCHED:
        draft.deadlines[watch] = draft.now.monotonic + WATCH_EVERY


def _readings(draft: Draft, map_: MapState) -> dict[str, io_latency.Reading]:
    readings = {}
    for label, path in map_.paths.items():
        # Of a path whose health is not known there is no data, and its verdict stands.
        unknown = path.health is Health.UNKNOWN
        if unknown or path.health in USABLE:
            nexus = draft.nexus_of(path)
            readings[label] = io_latency.Reading(
                None if unknown else path.disk.io,
                # dm uses one path group at a time, and an array serves the paths of one access state alike.
                (path.checker.group, path.disk.access.state),
                nexus.retransmits.total if nexus else 0,
            )
    return readings


def _compare_round_trips(draft: Draft, wwid: str, round_trips: Mapping[str, float | None], *, alike: bool) -> None:
    map_ = _without_old_latency(draft, wwid)
    found = _trends(map_, round_trips, alike=alike)
    for label, path in map_.paths.items():
        known = path.slowness
        usable = path.health is Health.UNKNOWN or path.health in USABLE
        latency = known.by_latency.forgotten(draft.now.monotonic) if usable else io_latency.Latency()
        trend = found.get(label, slow_path.NOTHING)
        if latency is not known.by_latency or trend is not known.by_round_trip:
            _take(draft, wwid, path, Slowness(latency, trend))


def _trends(map_: MapState, round_trips: Mapping[str, float | None], *, alike: bool) -> Mapping[str, Trend]:
    """The verdict on each path by its round trip, by label. A path that is not among them has none."""
    before = {label: path.slowness.by_round_trip for label, path in map_.paths.items()}
    if alike and not any(trend.slow or trend.streak for trend in before.values()):
        return {}
    readings = []
    for label, path in map_.paths.items():
        unknown = path.health is Health.UNKNOWN
        rtt = None if unknown else round_trips.get(path.nexus)
        readings.append(slow_path.Reading(label, unknown or path.health in USABLE, rtt, path.nexus))
    return slow_path.compare_round_trips(before, readings)


def _without_old_latency(draft: Draft, wwid: str) -> MapState:
    """The map; its latency is not known any more if there has been no I/O for long."""
    map_ = draft.whole_map(wwid)
    if map_.latency is None:
        return map_
    windows = (path.slowness.by_latency.window for path in map_.paths.values())
    if all(draft.now.monotonic - window.began >= OLD for window in windows if window):
        map_ = draft.maps[wwid] = replace(map_, latency=None)
    return map_


def _take(draft: Draft, wwid: str, path: PathState, after: Slowness) -> None:
    """Write the path's slowness, and report what changes with it."""
    if after == path.slowness:
        return
    changed = replace(path, slowness=after)
    draft.keep_path(wwid, changed)
    if after.slow is path.slowness.slow or path.health not in USABLE:
        return
    map_ = draft.whole_map(wwid)
    draft.emit(
        messages.path_slow(map_, changed, after)
        if after.slow
        else messages.path_steady(map_, changed, draft.now, what=after)
    )
