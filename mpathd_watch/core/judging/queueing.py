"""What becomes of I/O while a map has no usable path: it waits, and then it may fail.

No uevent reports that multipathd counts down to the end of the queueing, or that it has turned it off. So the maps are
requested again while that may be.
"""

from __future__ import annotations

from typing import Final

from mpathd_watch.core.draft import Draft
from mpathd_watch.core.model.incident import Standstill
from mpathd_watch.core.model.instant import Instant
from mpathd_watch.core.model.vocabulary import DmState, MapHealth
from mpathd_watch.core.state import Due, MapState, Wait
from mpathd_watch.immutable import replace

SOON: Final = 0.5
"""Seconds after which the maps are requested: multipathd learns from dm that the last path has failed, and its checker
loop turns once a second."""
RARELY: Final = 10.0
"""The most seconds between two requests. They become rarer the longer nothing has changed."""


def follow(draft: Draft) -> None:
    """Note when I/O begins to fail, and request multipathd's count-down while there may be one."""
    for wwid in draft.regrouped & draft.maps.keys():
        before, map_ = draft.before.maps.get(wwid), draft.maps[wwid]
        was_lost = before is not None and before.health is MapHealth.LOST
        if before is not None and was_lost and map_.health is not MapHealth.LOST:
            _note_standstill(draft, before)
        failing = _failing(before, map_, draft.now)
        if failing != map_.queueing.failing:
            draft.maps[wwid] = replace(map_, queueing=replace(map_.queueing, failing=failing))
        _request(draft, wwid, fresh=before is None or before.queueing is not map_.queueing)


def _failing(before: MapState | None, map_: MapState, now: Instant) -> Instant | None:
    """Since when I/O fails; ``None`` if it does not, or if nobody saw it begin."""
    if map_.health is not MapHealth.LOST or map_.queues is not False:
        return None
    began = before is not None and (before.health is not MapHealth.LOST or before.queues is True)
    return now if began and map_.queueing.failing is None else map_.queueing.failing


def _note_standstill(draft: Draft, before: MapState) -> None:
    """Note in the map's incidents how long it was without a path, and what became of its I/O meanwhile."""
    without, failing = draft.now.since(before.since), before.queueing.failing
    seen = failing is not None or before.queues is True
    failed = 0.0 if failing is None else draft.now.since(failing)
    standstill = Standstill(without, without - failed, failed) if seen else Standstill(without)
    for incident in sorted(draft.incidents.keys() & {path.incident for path in before.paths.values()}):
        known = draft.incidents[incident]
        draft.incidents[incident] = replace(known, standstill=_longer(known.standstill, standstill))


def _longer(known: Standstill | None, other: Standstill) -> Standstill:
    return other if known is None or other.without > known.without else known


def _request(draft: Draft, wwid: str, *, fresh: bool) -> None:
    """Set when the maps are requested; ``fresh``: they have just been listed with something new."""
    due, ref = Due(Wait.QUEUEING, wwid), _changes_after(draft.maps[wwid])
    if ref is None:
        draft.deadlines.drop(due)
    elif fresh or due not in draft.deadlines:
        spacing = min(max(draft.now.monotonic - ref, SOON), RARELY)
        draft.deadlines[due] = max(ref, draft.now.monotonic) + spacing


def _changes_after(map_: MapState) -> float | None:
    """The moment after which multipathd's word for the queueing is another one; ``None`` if nothing is to be expected.

    Only when dm has failed all paths does the count-down begin (update_queue_mode_del_path() in libmultipath).
    """
    counts = map_.queues is True and map_.queueing.text.endswith(("chk", "sec"))
    members = [path for path in map_.paths.values() if path.member]
    if map_.health is not MapHealth.LOST or not counts or any(path.dm.state is DmState.ACTIVE for path in members):
        return None
    if map_.queueing.ends is not None:
        return map_.queueing.ends.monotonic
    return max((path.dm.changed or map_.since.monotonic for path in members), default=map_.since.monotonic)
