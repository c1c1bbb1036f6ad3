"""Judging moves: LUNs that an array moves from one controller to another are one piece of news, with their number.

A LUN has moved if another port group is active/optimized for it in place of the one before. A controller that fails
over moves all of its LUNs within seconds, and the host learns it of one after the other.
"""

from __future__ import annotations

from mpathd_watch.core.alerting import messages
from mpathd_watch.core.draft import Draft
from mpathd_watch.core.model.mappings import frozen
from mpathd_watch.core.model.vocabulary import AccessState, MapHealth
from mpathd_watch.core.state import Due, MapState, Move, Wait
from mpathd_watch.core.state.arrays import array_of
from mpathd_watch.immutable import replace

QUIET = 10.0
"""Seconds without another LUN that moves after which the move is reported. Of a LUN without I/O the host learns it with
multipathd's next check of a path, up to max_polling_interval later."""
LONGEST = 300.0
"""Seconds for which a LUN may be between two groups; after that nothing is reported of its move."""

_REPORT = Due(Wait.MOVES)


def judge_moves(draft: Draft) -> None:
    """Note the LUNs that have begun to move, and how long I/O to those waits."""
    changed = {wwid for wwid, label in draft.touched if _changed(draft, wwid, label)}
    after = dict(draft.arrays.moves)
    for wwid in changed:
        optimized, move = optimized_groups(draft.before.maps[wwid]), after.get(wwid)
        if optimized == optimized_groups(draft.whole_map(wwid)) or not optimized:
            continue
        # A LUN that has lost one of two optimized groups has not moved yet: it moves from the other one.
        if move is None or optimized <= move.before:
            after[wwid] = Move(optimized, draft.now)
    for wwid in after.keys() & draft.regrouped & draft.before.maps.keys():
        was = draft.before.maps[wwid]
        if was.health is MapHealth.LOST and draft.maps[wwid].health is not MapHealth.LOST:
            after[wwid] = replace(after[wwid], waited=after[wwid].waited + draft.now.since(was.since))
    if changed & after.keys():
        draft.deadlines[_REPORT] = draft.now.monotonic + QUIET
    if after != draft.arrays.moves:
        draft.arrays = replace(draft.arrays, moves=frozen(after))


def _changed(draft: Draft, wwid: str, label: str) -> bool:
    """Whether the array says something else of a path than before the event."""
    map_ = draft.before.maps.get(wwid)
    path = None if map_ is None else map_.paths.get(label)
    return path is not None and path.disk.access.state is not draft.paths(wwid)[label].disk.access.state


def report_when_due(draft: Draft) -> None:
    """Report the moves that have ended, once no further LUN follows."""
    if not draft.take(_REPORT):
        return
    ended: dict[tuple[tuple[str, ...], frozenset[int], frozenset[int]], list[str]] = {}
    going_on = {}
    for wwid, move in draft.arrays.moves.items():
        map_ = draft.whole_map(wwid) if wwid in draft.maps else None
        if map_ is None or draft.now.since(move.began) > LONGEST:
            continue
        now = optimized_groups(map_)
        if (
            not now
            or map_.health is MapHealth.LOST
            or any(path.disk.access.transitioning for path in map_.paths.values())
        ):
            going_on[wwid] = move
        elif now - move.before and move.before - now:
            ended.setdefault((array_of(map_), move.before, now), []).append(wwid)
    for (array, before, after), wwids in sorted(ended.items(), key=lambda item: item[0][0]):
        waited = max(draft.arrays.moves[wwid].waited for wwid in wwids)
        maps = sorted(draft.maps[wwid].label for wwid in wwids)
        draft.emit(messages.array_moved(array, maps, sorted(before), sorted(after), waited))
    if going_on:
        draft.deadlines[_REPORT] = draft.now.monotonic + QUIET
    draft.arrays = replace(draft.arrays, moves=frozen(going_on))


def optimized_groups(map_: MapState) -> frozenset[int]:
    """The numbers of the port groups that are active/optimized for a map."""
    return frozenset(
        path.disk.access.group
        for path in map_.paths.values()
        if path.disk.access.group is not None and path.disk.access.state is AccessState.OPTIMIZED
    )
