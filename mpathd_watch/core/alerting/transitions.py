"""Which transitions are alerts, and what has been announced."""

from __future__ import annotations

from collections.abc import Mapping
from math import inf

from mpathd_watch.core.alerting import messages
from mpathd_watch.core.alerting.messages import evidence
from mpathd_watch.core.alerting.waiting import waiting
from mpathd_watch.core.draft import Draft, PathKey
from mpathd_watch.core.model.outage import Span
from mpathd_watch.core.model.vocabulary import USABLE, Health, MapHealth, SourceName
from mpathd_watch.core.state import Due, MapState, PathState, Wait
from mpathd_watch.core.verdicts.health import BY_ARRAY
from mpathd_watch.immutable import replace

_NO_NEWS = frozenset({Health.UP, Health.UNKNOWN})
Before = Mapping[PathKey, PathState]
"""The paths that an event has touched, as they were before it."""


def announce_paths(draft: Draft, before: Before) -> None:
    """Report the paths that have changed."""
    siblings = _siblings(draft, before)
    for key, was in before.items():
        _announce_path(draft, key, was, siblings.get(key, 0))
    _announce_flapping(draft, before)
    _announce_overdue(draft, before)


def announce_map(draft: Draft, map_: MapState, previous: MapState) -> None:
    """Report a new health; a map that has just appeared may first gather its paths.

    At the start the layer's manager answers first: whether I/O fails or hangs is half of the news. While an array moves
    a LUN, its map may be without a path for seconds, and I/O waits: that is news only if it takes longer than it may.
    """
    changed = map_.health is not map_.announced
    recovered = map_.health is MapHealth.HEALTHY and map_.troubled is not None
    fails = _begins_to_fail(map_, previous)
    if map_.health is MapHealth.UNKNOWN or not (changed or recovered or fails):
        return
    if Due(Wait.SETTLE, map_.wwid) in draft.deadlines or not _manager_answered(draft, map_):
        return
    if _waits_for_array(map_) or _waits_for_paths(draft, map_):
        return
    if fails:
        draft.emit(messages.map_io_fails(map_, draft.now))
    if changed:
        # After the time to settle, the health is an old one that was never reported.
        known_before = MapHealth.UNKNOWN if previous.health is map_.health else previous.health
        draft.emit(messages.map_changed(map_, known_before, _troubled(draft, map_), waiting(draft, map_)))
    if changed or recovered:
        draft.maps[map_.wwid] = replace(
            map_,
            announced=map_.health,
            troubled=None if map_.health is MapHealth.HEALTHY else map_.troubled,
        )


def _begins_to_fail(map_: MapState, previous: MapState) -> bool:
    """Whether I/O fails which waited until now; of a map that never queued, the loss itself reports that."""
    began = previous.queueing.failing is None and map_.queueing.failing is not None
    return began and previous.health is map_.announced is MapHealth.LOST


def _troubled(draft: Draft, map_: MapState) -> Span | None:
    """For how long the map has not been healthy. Nothing bounds that if the host was booted meanwhile."""
    if map_.troubled is None:
        return None
    seconds, memory = draft.now.since(map_.troubled), draft.rest.memory
    booted = memory.alive is not None and map_.troubled <= memory.alive and not memory.same_boot
    return Span(seconds, inf if booted else seconds)


def _waits_for_paths(draft: Draft, map_: MapState) -> bool:
    """Whether only paths that may still come back after a start keep the map from being healthy."""
    if Due(Wait.GRACE) not in draft.deadlines:
        return False
    there = [path for path in map_.paths.values() if not path.awaited]
    return len(there) < map_.expected and all(path.health in _NO_NEWS for path in there)


def _waits_for_array(map_: MapState) -> bool:
    """Whether I/O over the paths that are out is only waiting, within the time that it may, for the array to be done.

    The kernel retries I/O while the array changes the state of a port group. Between two groups the map has no path; a
    map that queues waits until multipathd has reinstated one that the array has opened.
    """
    out = [path for path in map_.paths.values() if path.health not in USABLE]
    if any(path.verdict.overdue for path in out):
        return False
    if out and all(path.in_transition for path in out):
        return True
    return map_.health is MapHealth.LOST and map_.queues is True and any(_opened(path) for path in out)


def _opened(path: PathState) -> bool:
    """Whether the array has opened the path again, and multipathd must reinstate it within a time that is known."""
    by_array = path.outage is not None and path.outage.cause in BY_ARRAY
    return by_array and path.health is Health.RECOVERING and path.verdict.deadline is not None


def _manager_answered(draft: Draft, map_: MapState) -> bool:
    return draft.rest.multipathd_asked or draft.layer_of(map_.wwid).manager is not SourceName.MULTIPATHD


def _siblings(draft: Draft, before: Before) -> dict[PathKey, int]:
    """How many others of its nexus the entry about a path mentions: that of the first one, if it may wake people.

    These are the paths that have just become suspect, and those that have not come back after a start.
    """
    alike: dict[tuple[str, Health], list[PathKey]] = {}
    for wwid, label in sorted(before, key=lambda key: before[key].flaps.flapping):
        path = draft.paths(wwid)[label]
        absent = path.awaited and path.outage is not None
        if path.health is not path.verdict.announced and (path.health is Health.SUSPECT or absent):
            alike.setdefault((path.nexus, path.health), []).append((wwid, label))
    return {first: len(others) for (nexus, _), (first, *others) in alike.items() if nexus}


def _announce_path(draft: Draft, key: PathKey, before: PathState, siblings: int) -> None:
    wwid, label = key
    path = draft.paths(wwid)[label]
    outage = path.outage
    if outage is None:
        return
    if path.health not in (path.verdict.announced, Health.UNKNOWN):
        context = _context(draft, draft.whole_map(wwid))
        draft.emit(messages.path_changed(context, before, path, outage, siblings=siblings))
        verdict = replace(path.verdict, announced=path.health)
    elif outage.counted and outage.announced not in (None, outage.cause):
        draft.emit(messages.path_cause(_context(draft, draft.whole_map(wwid)), path, outage))
        verdict = path.verdict
    else:
        return
    draft.keep_path(wwid, replace(path, verdict=verdict, outage=replace(outage, announced=outage.cause)))


def evidence_of(draft: Draft, wwid: str, path: PathState) -> str:
    """What the network interface and the other paths of the map show beside this path, a clause."""
    return ", ".join(evidence.around(_context(draft, draft.whole_map(wwid)), path))


def _context(draft: Draft, map_: MapState) -> messages.Context:
    layer = draft.layer_of(map_.wwid)
    managed = layer.manager is None or draft.is_up(layer.manager)
    arrays = draft.rest.arrays
    return messages.Context(map_, draft.nexuses, draft.rest.links, draft.now, managed=managed, arrays=arrays)


def _announce_flapping(draft: Draft, before: Before) -> None:
    """Report each path that has begun or ceased to flap; of those through one nexus, one covers all."""
    reported: set[str] = set()
    for (wwid, label), was in before.items():
        path = draft.paths(wwid)[label]
        if path.flaps.flapping is was.flaps.flapping:
            continue
        map_ = draft.whole_map(wwid)
        covered = path.nexus != "" and path.nexus in reported
        reported.add(path.nexus)
        window = draft.rest.settings.flap_window_seconds
        draft.emit(
            messages.path_flapping(map_, path, draft.now, window, covered=covered)
            if path.flaps.flapping
            else messages.path_steady(map_, path, draft.now, what=was.flaps, covered=covered)
        )


def _announce_overdue(draft: Draft, before: Before) -> None:
    """Report each path that has become overdue; the first one through a nexus mentions the others."""
    late: dict[str, list[PathKey]] = {}
    for (wwid, label), was in before.items():
        path = draft.paths(wwid)[label]
        if path.verdict.overdue and not was.verdict.overdue and path.outage is not None:
            late.setdefault(path.nexus or f"{wwid} {label}", []).append((wwid, label))
    for keys in late.values():
        for number, (wwid, label) in enumerate(keys):
            map_ = draft.whole_map(wwid)
            siblings = 0 if number else len(keys) - 1
            draft.emit(messages.path_overdue(_context(draft, map_), map_.paths[label], siblings=siblings))
