"""Which transitions are alerts, which one covers others, and what has been announced."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from mpathd_watch.core.alerting import messages
from mpathd_watch.core.draft import Draft, PathKey
from mpathd_watch.core.model.vocabulary import USABLE, Health, MapHealth, SourceName
from mpathd_watch.core.state import Due, MapState, PathState, Wait

Before = Mapping[PathKey, PathState]
"""The paths that an event has touched, as they were before it."""


def announce_paths(draft: Draft, before: Before) -> None:
    """Report the paths that have changed."""
    followers = _followers(draft, before)
    for key, was in before.items():
        _announce_path(draft, key, was, followers)
    _announce_flapping(draft, before)
    _announce_overdue(draft, before)


def announce_map(draft: Draft, map_: MapState, previous: MapHealth) -> None:
    """Report a new health; a map that has just appeared may first gather its paths.

    At the start the layer's manager answers first: whether I/O fails or hangs is half of the news.
    """
    settling = Due(Wait.SETTLE, map_.wwid) in draft.deadlines
    if map_.health is MapHealth.UNKNOWN or settling or not _manager_answered(draft, map_):
        return
    if map_.health is not map_.announced:
        # After the time to settle, the health is an old one that was never reported.
        known_before = MapHealth.UNKNOWN if previous is map_.health else previous
        draft.emit(messages.map_changed(map_, known_before, draft.now))
    if map_.health is not map_.announced or (map_.health is MapHealth.HEALTHY and map_.troubled is not None):
        draft.maps[map_.wwid] = replace(
            map_,
            announced=map_.health,
            troubled=None if map_.health is MapHealth.HEALTHY else map_.troubled,
        )


def _manager_answered(draft: Draft, map_: MapState) -> bool:
    return draft.rest.multipathd_asked or draft.layer_of(map_.wwid).manager is not SourceName.MULTIPATHD


def _followers(draft: Draft, before: Before) -> dict[PathKey, int]:
    """Of the paths that have just become suspect, or are so no more, one for each nexus: how many it covers."""
    first: dict[str, PathKey] = {}
    followers: dict[PathKey, int] = {}
    for wwid, label in sorted(before, key=lambda key: before[key].flaps.flapping):
        path = draft.whole_map(wwid).paths[label]
        if path.health is not path.verdict.announced and _only_suspect(path):
            key = first.setdefault(path.nexus, (wwid, label))
            followers[key] = followers.get(key, -1) + 1
    return followers


def _only_suspect(path: PathState) -> bool:
    """Whether the news of a path is that it is suspect, or that it is so no more and never failed."""
    outage = path.outage
    return path.health in USABLE and outage is not None and not outage.real


def _announce_path(draft: Draft, key: PathKey, before: PathState, followers: Mapping[PathKey, int]) -> None:
    wwid, label = key
    map_ = draft.maps[wwid]
    path = map_.paths[label]
    outage = path.outage
    if outage is None:
        return
    if path.health not in (path.verdict.announced, Health.UNKNOWN):
        draft.emit(
            messages.path_changed(
                _context(draft, map_),
                before,
                path,
                outage,
                covered=_only_suspect(path) and key not in followers,
                siblings=followers.get(key, 0),
            )
        )
        path = replace(path, verdict=replace(path.verdict, announced=path.health))
    elif outage.counted and outage.announced not in (None, outage.cause):
        draft.emit(messages.path_cause(_context(draft, map_), path, outage))
    else:
        return
    draft.paths(wwid)[label] = replace(path, outage=replace(outage, announced=outage.cause))


def _context(draft: Draft, map_: MapState) -> messages.Context:
    layer = draft.layer_of(map_.wwid)
    managed = layer.manager is None or draft.is_up(layer.manager)
    return messages.Context(map_, draft.nexuses, draft.rest.links, draft.now, managed=managed)


def _announce_flapping(draft: Draft, before: Before) -> None:
    """Report each path that has begun or ceased to flap; of those through one nexus, one covers all."""
    reported: set[str] = set()
    for (wwid, label), was in before.items():
        map_ = draft.whole_map(wwid)
        path = map_.paths[label]
        if path.flaps.flapping is was.flaps.flapping:
            continue
        covered = path.nexus != "" and path.nexus in reported
        reported.add(path.nexus)
        window = draft.rest.settings.flap_window_seconds
        draft.emit(
            messages.path_flapping(map_, path, draft.now, window, covered=covered)
            if path.flaps.flapping
            else messages.path_steady(map_, path, draft.now, what=was.flaps, covered=covered)
        )


def _announce_overdue(draft: Draft, before: Before) -> None:
    """Report once each path that has become overdue; of those that a lost nexus took along, one covers all."""
    late: dict[str, list[PathKey]] = {}
    for (wwid, label), was in before.items():
        path = draft.whole_map(wwid).paths[label]
        if path.verdict.overdue and not was.verdict.overdue and path.outage is not None:
            nexus = path.nexus if path.outage.shared or path.health is Health.SUSPECT else ""
            late.setdefault(nexus or f"{wwid} {label}", []).append((wwid, label))
    for keys in late.values():
        for number, (wwid, label) in enumerate(keys):
            map_ = draft.maps[wwid]
            draft.emit(
                messages.path_overdue(
                    _context(draft, map_), map_.paths[label], siblings=len(keys) - 1, covered=number > 0
                )
            )
