"""Maps that have fewer paths than other maps of the same array.

Such a map may never have had more, so nothing else misses its paths. Two maps are kin if they have a target in common,
or a portal where each LUN has a target of its own. Arrays show some LUNs through a part of their targets on purpose, so
only what a target or a portal shows of the kin counts: a session over which more than half of them have further paths.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

from mpathd_watch.core.audit.context import Host
from mpathd_watch.core.audit.examples import example
from mpathd_watch.core.audit.grouping import Sighting
from mpathd_watch.core.catalog.findings import FindingKind
from mpathd_watch.core.model.text import listed, plural
from mpathd_watch.core.state import Wait
from mpathd_watch.immutable import immutable

_End = tuple[str, str]
"""A target, empty if no other map uses it, and the label of a path to it: its portal, iface and number."""
_Ends = frozenset[_End]


@immutable
class Fewer:
    """What a map lacks: the labels of paths that ``others`` of its array have, ``least`` of them at least."""

    lacking: tuple[str, ...]
    others: int
    least: int


def fewer(host: Host) -> Mapping[str, Fewer]:
    """The maps, by WWID, that have fewer paths than more than half of the other maps of their array.

    A map that is new may still get its paths, and one that misses a path has alerts of its own.
    """
    ends = _ends(host)
    counts = Counter(ends.values())
    by_end: dict[_End, set[_Ends]] = {}
    for found in counts:
        for end in found:
            by_end.setdefault(end, set()).add(found)
    lacks = {found: _compared(found, {other for end in found for other in by_end[end]}, counts) for found in counts}
    waiting = new_maps(host)
    maps = host.state.maps
    return {
        wwid: its
        for wwid, found in ends.items()
        if (its := lacks[found]) and wwid not in waiting and maps[wwid].present == maps[wwid].expected
    }


def findings(host: Host, lacking: Mapping[str, Fewer]) -> Iterator[Sighting]:
    """Every map by label; ``lacking`` is the result of ``fewer``."""
    for map_ in host.maps:
        lacks = lacking.get(map_.wwid)
        if lacks is not None and host.state.settings.single_path_ok.isdisjoint((map_.wwid, map_.name)):
            others = f"{plural(lacks.others, 'other map')} of its array {'has' if lacks.others == 1 else 'have'}"
            text = f"it has {plural(map_.present, 'path')}, {others} {lacks.least}; none is {listed(lacks.lacking)}"
            several = "{} maps have fewer paths than others of their array"
            yield example(FindingKind.FEWER_PATHS_THAN_ITS_KIN, map_.label, text, several)


def common_targets(host: Host) -> Mapping[str, str]:
    """By what each target is known to the kin: its name, or nothing if it is the target of one map alone."""
    users = Counter(
        target
        for map_ in host.maps
        for target in {path.place.target for path in map_.paths.values() if path.member and path.place.target}
    )
    return {target: target if count > 1 else "" for target, count in users.items()}


def new_maps(host: Host) -> set[str]:
    """The WWIDs of maps that were made just now: they may still get paths."""
    return {due.wwid for due in host.state.deadlines if due.wait is Wait.SETTLE}


def _ends(host: Host) -> dict[str, _Ends]:
    """The ends of each map's paths, by its WWID. A path without a target is compared with nothing."""
    found = {
        map_.wwid: {(path.place.target, path.label) for path in map_.paths.values() if path.member}
        for map_ in host.maps
    }
    names = common_targets(host)
    return {wwid: frozenset((names[target], label) for target, label in ends if target) for wwid, ends in found.items()}


def _compared(ends: _Ends, kin: set[_Ends], counts: Mapping[_Ends, int]) -> Fewer | None:
    targets = {target for target, _ in ends}
    of_kin = {other: frozenset(end for end in other if end[0] in targets) for other in kin}
    more = [other for other in kin if of_kin[other] > ends]
    others = sum(counts[other] for other in more)
    if not more or 2 * others <= sum(counts[other] for other in kin) - 1:
        return None
    least = min(more, key=lambda other: (len(of_kin[other]), sorted(other)))
    return Fewer(tuple(sorted(label for _, label in of_kin[least] - ends)), others, len(of_kin[least]))
