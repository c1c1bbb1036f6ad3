"""What becomes of I/O while a map has no usable path: it waits, and then it may fail.

No uevent reports that multipathd counts down to the end of the queueing, or that it has turned it off. So the maps are
requested again while that may be.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from mpathd_watch.core.draft import Draft
from mpathd_watch.core.effects import Scope
from mpathd_watch.core.model.incident import Standstill
from mpathd_watch.core.model.instant import Instant
from mpathd_watch.core.model.vocabulary import DmState, MapHealth
from mpathd_watch.core.state import Due, MapState, Queueing, Wait
from mpathd_watch.immutable import replace

SOON: Final = 0.5
"""Seconds after which the maps are requested: multipathd learns from dm that the last path has failed, and its checker
loop turns once a second."""
RARELY: Final = 10.0
"""The most seconds between two requests. They become rarer the longer nothing has changed."""
_HAS_PATH: Final = frozenset({MapHealth.HEALTHY, MapHealth.DEGRADED, MapHealth.AT_RISK})


def follow(draft: Draft, previous: Mapping[str, MapState]) -> None:
    """Note when I/O hangs and when it fails, and request multipathd's count-down while there may be one.

    ``previous``: the maps before they were judged.
    """
    for wwid, before in previous.items():
        map_ = draft.maps[wwid]
        queueing = _noted(before, map_, draft.now)
        if before.health is MapHealth.LOST and map_.health in _HAS_PATH:
            _note_standstill(draft, before)
            if _is_rearmed(draft, map_):
                queueing = Queueing()
                draft.refresh(Scope.MAPS)
        if queueing != map_.queueing:
            draft.maps[wwid] = replace(map_, queueing=queueing)
        _request(draft, wwid)


def _noted(before: MapState, map_: MapState, now: Instant) -> Queueing:
    """What is known of the map's queueing, with the moments since which I/O hangs or fails."""
    known = map_.queueing
    if map_.health is not MapHealth.LOST or known.waits is None:
        return known if known.hanging is known.failing is None else replace(known, hanging=None, failing=None)
    if known.waits:
        return replace(known, hanging=known.hanging or now, failing=None)
    begins = before.health in _HAS_PATH or known.hanging is not None
    return replace(known, hanging=None, failing=now if begins else known.failing)


def _is_rearmed(draft: Draft, map_: MapState) -> bool:
    """Whether multipathd's word for the queueing, which it gave while the map had no path, is out of date.

    With the first path that returns it turns the queueing on again (leave_recovery_mode() in structs_vec.c), for as
    many checks as are set, also after it has turned it off at the end of the count-down.
    """
    report = draft.rest.auditing.report.maps.get(map_.wwid)
    exhausted = report is not None and isinstance(report.settings.no_path_retry.value, int)
    return map_.queueing.text.endswith("sec") or (map_.queueing.text == "off" and exhausted)


def _note_standstill(draft: Draft, before: MapState) -> None:
    """Note in the map's incidents how long it was without a path, and what became of its I/O meanwhile."""
    without, known = draft.now.since(before.since), before.queueing
    failed = 0.0 if known.failing is None else draft.now.since(known.failing)
    seen = known.hanging is not None or known.failing is not None
    standstill = Standstill(without, without - failed, failed) if seen else Standstill(without)
    for incident in sorted(draft.incidents.keys() & {path.incident for path in before.paths.values()}):
        noted = draft.incidents[incident]
        draft.incidents[incident] = replace(noted, standstill=_longer(noted.standstill, standstill))


def _longer(known: Standstill | None, other: Standstill) -> Standstill:
    return other if known is None or other.without > known.without else known


def _request(draft: Draft, wwid: str) -> None:
    """Set when the maps are requested: at the end of the count-down at the latest, and sooner until it has begun."""
    due, ref = Due(Wait.QUEUEING, wwid), _changes_after(draft.maps[wwid])
    if ref is None:
        draft.deadlines.drop(due)
    elif due not in draft.deadlines or ref > draft.deadlines[due]:
        spacing = min(max(draft.now.monotonic - ref, SOON), RARELY)
        draft.deadlines[due] = max(ref, draft.now.monotonic) + spacing


def _changes_after(map_: MapState) -> float | None:
    """The moment after which multipathd's word for the queueing is another one; ``None`` if nothing is to be expected.

    Only when dm has failed all paths does the count-down begin (update_queue_mode_del_path() in libmultipath).
    """
    if map_.health is not MapHealth.LOST:
        return None
    counts = map_.queues is True and map_.queueing.text.endswith(("chk", "sec"))
    members = [path for path in map_.paths.values() if path.member]
    if not counts or any(path.dm.state is DmState.ACTIVE for path in members):
        return None
    if map_.queueing.ends is not None:
        return map_.queueing.ends.monotonic
    return max((path.dm.changed or map_.since.monotonic for path in members), default=map_.since.monotonic)
