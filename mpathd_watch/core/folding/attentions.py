"""Folding unit attentions: what targets report about their LUNs. They are counted, and what they are about is read.

An attention is a hint and proves nothing: what follows from it rests on what is read because of it. It comes with a
command, so a LUN without I/O reports at multipathd's next check.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from mpathd_watch.core.draft import Draft
from mpathd_watch.core.effects import Scope
from mpathd_watch.core.events import UnitAttention, UnitAttentions
from mpathd_watch.core.folding.dm import count_uevent
from mpathd_watch.core.model.mappings import frozen
from mpathd_watch.core.model.vocabulary import AttentionKind
from mpathd_watch.core.state import Attention, Due, MapState, PathState, Resize, Wait
from mpathd_watch.core.state.arrays import FOLLOWED_WITHIN, GATHERED, LAST_LOOK, target_of

MOST_LUNS = 4096
"""SCSI addresses that are kept of one storm."""
AGAIN_FOR = 4.0
"""Seconds for which access states are read again after a change was reported. The kernel asks the array only once the
attention has come (alua_check() in drivers/scsi/device_handler/scsi_dh_alua.c), and then needs its answer."""

SCANS_AFTER = (5.0, 15.0, 30.0, 60.0, 120.0, 300.0)
"""Seconds after which everything is read once more if the LUNs may be others. The kernel notices that only when
somebody has it scan them, and sends no uevent then."""

_SILENT = frozenset({AttentionKind.ACCESS_STATE, AttentionKind.CAPACITY, AttentionKind.UNKNOWN})
"""Kinds that have no entry of their own: what they bring about is reported."""
_OTHER_LUNS = frozenset({AttentionKind.INQUIRY, AttentionKind.REPORTED_LUNS, AttentionKind.CAPACITY})
"""Kinds after which the disks may be other ones, or have another size."""

_Places = Mapping[str, tuple[str, PathState]]


def unit_attentions(draft: Draft, event: UnitAttentions) -> None:
    """Take over what targets have reported."""
    count_uevent(draft, "change")
    places = dict(_members(draft))
    for attention in event.attentions:
        place = places.get(attention.hctl)
        _count(draft, attention, "" if place is None else place[0])
        if place is not None:
            _follow(draft, attention, *place)


def _members(draft: Draft) -> Iterator[tuple[str, tuple[str, PathState]]]:
    """The paths by SCSI address, with the WWID of their map."""
    for wwid in tuple(draft.maps):
        for path in draft.whole_map(wwid).paths.values():
            if path.member and path.place.hctl:
                yield path.place.hctl, (wwid, path)


def _count(draft: Draft, attention: UnitAttention, wwid: str) -> None:
    def counted(before: Mapping[AttentionKind, int]) -> Mapping[AttentionKind, int]:
        return frozen({**before, attention.kind: before.get(attention.kind, 0) + attention.count})

    if wwid:
        map_ = draft.maps[wwid]
        draft.maps[wwid] = replace(map_, attentions=counted(map_.attentions))
    else:
        counters = draft.rest.counters
        draft.rest = replace(draft.rest, counters=replace(counters, attentions=counted(counters.attentions)))


def _follow(draft: Draft, attention: UnitAttention, wwid: str, path: PathState) -> None:
    target = target_of(path.place)
    if attention.kind is AttentionKind.ACCESS_STATE:
        _read_again(draft, target)
    elif attention.kind not in _SILENT:
        _gather(draft, attention, target, wwid)
    if attention.kind in _OTHER_LUNS:
        draft.refresh(Scope.SYSTEM)
        _expect_scans(draft)
    if attention.kind is AttentionKind.CAPACITY and wwid not in draft.rest.arrays.resizes:
        _expect_resize(draft, draft.whole_map(wwid))


def _read_again(draft: Draft, target: str) -> None:
    """Have the access states of all disks of a target read at once, and again for a while."""
    arrays = draft.rest.arrays
    again = {**arrays.again, target: draft.now.monotonic + AGAIN_FOR}
    draft.rest = replace(draft.rest, arrays=replace(arrays, again=frozen(again)))
    draft.deadlines[Due(Wait.ACCESS)] = draft.now.monotonic


def _gather(draft: Draft, attention: UnitAttention, target: str, wwid: str) -> None:
    arrays, key = draft.rest.arrays, (attention.kind, target)
    before = arrays.attentions.get(key) or Attention(draft.now, draft.now)
    luns, maps = before.luns, before.maps
    if not before.announced and len(luns) < MOST_LUNS:
        luns, maps = luns | {attention.hctl}, maps | {wwid}
    after = replace(before, last=draft.now, count=before.count + attention.count, luns=luns, maps=maps)
    draft.rest = replace(draft.rest, arrays=replace(arrays, attentions=frozen({**arrays.attentions, key: after})))
    draft.deadlines.setdefault(Due(Wait.ATTENTIONS), draft.now.monotonic + GATHERED)


def _expect_scans(draft: Draft) -> None:
    """Have everything read again later, unless that is planned already."""
    arrays = draft.rest.arrays
    if not arrays.scans:
        scans = tuple(draft.now.monotonic + seconds for seconds in SCANS_AFTER)
        draft.rest = replace(draft.rest, arrays=replace(arrays, scans=scans))
        draft.deadlines[Due(Wait.LUNS)] = scans[0]


def _expect_resize(draft: Draft, map_: MapState) -> None:
    """Remember the sizes in use, and look until everything has another one or the time is over."""
    sizes = {map_.block.size, *(path.disk.block.size for path in map_.paths.values() if path.member)}
    arrays = draft.rest.arrays
    resizes = {**arrays.resizes, map_.wwid: Resize(draft.now, frozenset(size for size in sizes if size))}
    draft.rest = replace(draft.rest, arrays=replace(arrays, resizes=frozen(resizes)))
    draft.deadlines.setdefault(Due(Wait.RESIZES), draft.now.monotonic + FOLLOWED_WITHIN - LAST_LOOK)
