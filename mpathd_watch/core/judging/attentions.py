"""What becomes of unit attentions after they came: when something is read again, and when they are reported."""

from __future__ import annotations

from collections.abc import Container

from mpathd_watch.core.alerting import messages
from mpathd_watch.core.draft import Draft
from mpathd_watch.core.effects import Scope
from mpathd_watch.core.model.mappings import frozen
from mpathd_watch.core.model.vocabulary import AccessState, DmState
from mpathd_watch.core.state import Again, Attention, Due, MapState, Resize, Wait
from mpathd_watch.core.state.arrays import AGAIN_FOR, FOLLOWED_WITHIN, GATHERED, LAST_LOOK, sizes_of, target_of
from mpathd_watch.core.verdicts.health import CLOSED
from mpathd_watch.immutable import replace

AGAIN_EVERY = 0.5
"""Seconds between two readings of the access states of a target that has just reported a change."""
SLOWLY_EVERY = 2.0
"""Seconds between two readings of a target that goes on reporting changes, and while an array changes the state of a
port group: the kernel, too, asks it every 2 s then (ALUA_RTPG_RETRY_DELAY)."""
STORM_OVER = 60.0
"""Seconds without an attention after which the next one of its kind and target is news again."""

_ACCESS, _LUNS = Due(Wait.ACCESS), Due(Wait.LUNS)
_ATTENTIONS, _RESIZES = Due(Wait.ATTENTIONS), Due(Wait.RESIZES)


def take_up(draft: Draft) -> None:
    """Do what is due."""
    _read_access_states(draft)
    _scan(draft)
    _report_attentions(draft)
    _report_resizes(draft)


# --- access states ----------------------------------------------------------------------------------------------------


def read_again(draft: Draft, target: str) -> None:
    """Have the access states of all disks of a target read at once, and again for a while.

    While they are read again anyway, a further change is found by that: a storm makes no more readings.
    """
    now, before = draft.now.monotonic, draft.arrays.again.get(target)
    again = Again(now if before is None else before.since, now + AGAIN_FOR)
    draft.arrays = replace(draft.arrays, again=frozen({**draft.arrays.again, target: again}))
    if before is None:
        draft.deadlines[Due(Wait.ACCESS)] = now


def read_all_again(draft: Draft) -> None:
    """As ``read_again`` for each target whose disks have access states: its attentions may have been lost."""
    targets = {
        target_of(path.place)
        for wwid in tuple(draft.maps)
        for path in draft.paths(wwid).values()
        if path.member and path.disk.access.state is not None
    }
    for target in sorted(targets):
        read_again(draft, target)


def _read_access_states(draft: Draft) -> None:
    """Read the disks of targets that have reported a change, and those whose port group is changing its state.

    A target is read once more when its time is over: the kernel may have asked the array since the reading before.
    """
    now = draft.now.monotonic
    for wwid, label in sorted(draft.touched):
        if _was_opened(draft, wwid, label):
            read_again(draft, target_of(draft.paths(wwid)[label].place))
    if draft.take(_ACCESS):
        names = _disks(draft, draft.arrays.again)
        again = {target: each for target, each in draft.arrays.again.items() if each.until >= now}
        draft.arrays = replace(draft.arrays, again=frozen(again))
        if names:
            draft.refresh_devices(names)
        if names or again:
            fresh = any(now - each.since < AGAIN_FOR for each in again.values())
            draft.deadlines[_ACCESS] = now + (AGAIN_EVERY if fresh else SLOWLY_EVERY)
    elif _ACCESS not in draft.deadlines and any(_transitions(draft, *key) for key in draft.touched):
        draft.deadlines[_ACCESS] = now + SLOWLY_EVERY


def _was_opened(draft: Draft, wwid: str, label: str) -> bool:
    """Whether dm uses the path, as has just become known, although its access state says that the array has closed it.

    multipathd has found it usable, so the array has opened it, and the kernel learns that with the same command. A path
    to a passive controller is in standby all the time.
    """
    path = draft.paths(wwid)[label]
    state = path.disk.access.state
    if path.dm.state is not DmState.ACTIVE or state not in CLOSED:
        return False
    known = draft.before.maps.get(wwid)
    before = None if known is None else known.paths.get(label)
    was = DmState.UNKNOWN if before is None else before.dm.state
    return was is DmState.FAILED or (was is DmState.UNKNOWN and state is not AccessState.STANDBY)


def _disks(draft: Draft, targets: Container[str]) -> list[str]:
    return [
        path.place.dev
        for wwid in tuple(draft.maps)
        for path in draft.paths(wwid).values()
        if path.member and (target_of(path.place) in targets or path.disk.access.transitioning)
    ]


def _transitions(draft: Draft, wwid: str, label: str) -> bool:
    return draft.paths(wwid)[label].disk.access.transitioning


def _scan(draft: Draft) -> None:
    """Have everything read where the LUNs of a target may be others than the kernel knows."""
    if draft.take(_LUNS):
        draft.refresh(Scope.SYSTEM)
        scans = tuple(moment for moment in draft.arrays.scans if moment > draft.now.monotonic)
        draft.arrays = replace(draft.arrays, scans=scans)
        if scans:
            draft.deadlines[_LUNS] = scans[0]


# --- entries ----------------------------------------------------------------------------------------------------------


def _report_attentions(draft: Draft) -> None:
    """Report what has been gathered, and forget the storms that are over."""
    if not draft.take(_ATTENTIONS):
        return
    kept, now = {}, draft.now.monotonic
    for (kind, target), attention in draft.arrays.attentions.items():
        after = attention
        if not attention.announced and _look_at(attention) <= now:
            labels = sorted(draft.maps[wwid].label for wwid in attention.maps if wwid in draft.maps)
            draft.emit(messages.unit_attention(kind, target, attention, labels))
            after = replace(attention, luns=frozenset(), maps=frozenset(), announced=True)
        if _look_at(after) > now:
            kept[kind, target] = after
    if kept:
        draft.deadlines[_ATTENTIONS] = min(map(_look_at, kept.values()))
    draft.arrays = replace(draft.arrays, attentions=frozen(kept))


def _look_at(attention: Attention) -> float:
    """When it is to be reported, or else forgotten (CLOCK_MONOTONIC seconds)."""
    return attention.last.monotonic + STORM_OVER if attention.announced else attention.began.monotonic + GATHERED


def _report_resizes(draft: Draft) -> None:
    """Report the LUNs whose new size is in use everywhere, and those where it is not when the time is over."""
    due, resizes = draft.take(_RESIZES), draft.arrays.resizes
    now, kept = draft.now.monotonic, {}
    for wwid, resize in resizes.items():
        if wwid not in draft.maps:
            continue
        map_ = draft.whole_map(wwid)
        followed = _followed(map_, resize)
        if followed or resize.began.monotonic + FOLLOWED_WITHIN <= now:
            draft.emit(messages.lun_resized(map_, followed=followed))
        else:
            kept[wwid] = resize
    if due and kept:
        last_looks = [resize.began.monotonic + FOLLOWED_WITHIN - LAST_LOOK for resize in kept.values()]
        if min(last_looks) <= now:
            draft.refresh(Scope.SYSTEM)
        draft.deadlines[_RESIZES] = min(look if look > now else look + LAST_LOOK for look in last_looks)
    if kept != resizes:
        draft.arrays = replace(draft.arrays, resizes=frozen(kept))


def _followed(map_: MapState, resize: Resize) -> bool | None:
    """Whether the map and all of its disks have one size, and it is none of those before; ``None`` if not known."""
    sizes = sizes_of(map_)
    if None in sizes:
        return None
    return len(sizes) == 1 and sizes.isdisjoint(resize.sizes)
