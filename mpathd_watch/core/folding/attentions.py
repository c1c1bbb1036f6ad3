"""Folding unit attentions: what targets report about their LUNs. They are counted, and what they are about is read.

An attention is a hint and proves nothing: what follows from it rests on what is read because of it. It comes with a
command, so a LUN without I/O reports at multipathd's next check.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from mpathd_watch.core.draft import Draft
from mpathd_watch.core.effects import Scope
from mpathd_watch.core.events import UnitAttention, UnitAttentions
from mpathd_watch.core.judging.attentions import read_again
from mpathd_watch.core.model.mappings import frozen
from mpathd_watch.core.model.vocabulary import AttentionKind
from mpathd_watch.core.state import Attention, Due, Resize, Wait
from mpathd_watch.core.state.arrays import (
    FOLLOWED_WITHIN,
    GATHERED,
    LAST_LOOK,
    sizes_of,
    target_of,
)
from mpathd_watch.immutable import replace

MOST_LUNS = 4096
"""SCSI addresses that are kept of one storm."""
SCANS_AFTER = (5.0, 15.0, 30.0, 60.0, 120.0, 300.0)
"""Seconds after which everything is read once more if the LUNs may be others. The kernel notices that only when
somebody has it scan them, and sends no uevent then."""

_SILENT = frozenset({AttentionKind.ACCESS_STATE, AttentionKind.CAPACITY, AttentionKind.UNKNOWN})
"""Kinds that have no entry of their own: what they bring about is reported."""
_ACCESS_STATES = frozenset({AttentionKind.ACCESS_STATE, AttentionKind.RESET})
"""Kinds after which the kernel asks the array for its access states (alua_check_sense() in scsi_dh_alua.c)."""
_OTHER_LUNS = frozenset({AttentionKind.INQUIRY, AttentionKind.REPORTED_LUNS, AttentionKind.CAPACITY})
"""Kinds after which the disks may be other ones, or have another size."""


def unit_attentions(draft: Draft, event: UnitAttentions) -> None:
    """Take over what targets have reported."""
    places = {
        path.place.hctl: (wwid, target_of(path.place))
        for wwid in tuple(draft.maps)
        for path in draft.paths(wwid).values()
        if path.member and path.place.hctl
    }
    by_target: dict[tuple[AttentionKind, str], list[UnitAttention]] = {}
    maps: dict[tuple[AttentionKind, str], set[str]] = {}
    for attention in event.attentions:
        wwid, target = places.get(attention.hctl, ("", ""))
        _count(draft, attention, wwid)
        if wwid:
            by_target.setdefault((attention.kind, target), []).append(attention)
            maps.setdefault((attention.kind, target), set()).add(wwid)
    for (kind, target), attentions in by_target.items():
        _follow(draft, kind, target, attentions, maps[kind, target])


def _count(draft: Draft, attention: UnitAttention, wwid: str) -> None:
    def counted(before: Mapping[AttentionKind, int]) -> Mapping[AttentionKind, int]:
        return frozen({**before, attention.kind: before.get(attention.kind, 0) + attention.count})

    if wwid:
        map_ = draft.maps[wwid]
        draft.maps[wwid] = replace(map_, attentions=counted(map_.attentions))
    else:
        draft.counters = replace(draft.counters, attentions=counted(draft.counters.attentions))


def _follow(
    draft: Draft, kind: AttentionKind, target: str, attentions: Iterable[UnitAttention], maps: Iterable[str]
) -> None:
    """Have read what attentions of one kind from one target are about, and prepare what is to be reported of them."""
    if kind in _ACCESS_STATES:
        read_again(draft, target)
    if kind not in _SILENT:
        _gather(draft, kind, target, attentions, maps)
    if kind in _OTHER_LUNS:
        _scan(draft)
    if kind is AttentionKind.CAPACITY:
        _expect_resizes(draft, maps)


def _gather(
    draft: Draft, kind: AttentionKind, target: str, attentions: Iterable[UnitAttention], maps: Iterable[str]
) -> None:
    arrays, key = draft.arrays, (kind, target)
    before = arrays.attentions.get(key) or Attention(draft.now, draft.now)
    after = replace(before, last=draft.now, count=before.count + sum(each.count for each in attentions))
    if not before.announced and len(before.luns) < MOST_LUNS:
        after = replace(after, luns=before.luns.union(each.hctl for each in attentions), maps=before.maps.union(maps))
    draft.arrays = replace(arrays, attentions=frozen({**arrays.attentions, key: after}))
    draft.deadlines.setdefault(Due(Wait.ATTENTIONS), draft.now.monotonic + GATHERED)


def _scan(draft: Draft) -> None:
    """Have everything read now and again later, unless that is planned already."""
    if not draft.arrays.scans:
        scans = tuple(draft.now.monotonic + seconds for seconds in SCANS_AFTER)
        draft.arrays = replace(draft.arrays, scans=scans)
        draft.deadlines[Due(Wait.LUNS)] = scans[0]
        draft.refresh(Scope.SYSTEM)


def _expect_resizes(draft: Draft, maps: Iterable[str]) -> None:
    """Remember the sizes in use, and look until everything has another one or the time is over."""
    known = draft.arrays.resizes
    new = {wwid: Resize(draft.now, sizes_of(draft.whole_map(wwid))) for wwid in maps if wwid not in known}
    draft.arrays = replace(draft.arrays, resizes=frozen({**known, **new}))
    draft.deadlines.setdefault(Due(Wait.RESIZES), draft.now.monotonic + FOLLOWED_WITHIN - LAST_LOOK)
