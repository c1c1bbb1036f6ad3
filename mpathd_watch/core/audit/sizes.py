"""Maps and paths whose sizes or limits do not fit together.

A LUN that has grown keeps its old size on each path until the disk is scanned again. multipath rejects a map whose
paths differ in size when it sets the map up next (coalesce_paths() in libmultipath/configure.c, 0.9.4 to 0.14.3). The
kernel fails a path to which it passes a request larger than the path allows (blk_insert_cloned_request() in
block/blk-mq.c).
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator
from dataclasses import dataclass, field

from mpathd_watch.core.audit.examples import example
from mpathd_watch.core.audit.grouping import Sighting
from mpathd_watch.core.catalog.findings import FindingKind
from mpathd_watch.core.model.text import listed, size
from mpathd_watch.core.state import MapState


def findings(maps: Iterable[MapState], mixed: Container[str]) -> Iterator[Sighting]:
    """Each of ``maps`` but those of ``mixed`` (WWIDs): their paths lead to different LUNs anyway."""
    for map_ in maps:
        if map_.wwid in mixed:
            continue
        sizes = _Sizes.of(map_)
        if sizes.differ:
            several = "the sizes of {} maps and their paths do not fit together"
            yield example(FindingKind.SIZES_DIFFER, map_.label, sizes.text, several)
        elif sizes.map_smaller:
            yield example(FindingKind.MAP_NOT_RESIZED, map_.label, sizes.text, "{} maps are smaller than their paths")
        exceeded = "; ".join((*_requests(map_), *_blocks(map_)))
        if exceeded:
            several = "{} maps have paths with other limits than their own"
            yield example(FindingKind.LIMITS_DIFFER, map_.label, exceeded, several)


@dataclass(slots=True)
class _Sizes:
    """The sectors of a map, and its disks by their sectors. A size of 0 is none: the disk has not reported one."""

    of_map: int
    disks: dict[int, list[str]] = field(default_factory=dict)

    @classmethod
    def of(cls, map_: MapState) -> _Sizes:
        sizes = cls(map_.block.size or 0)
        for path in map_.paths.values():
            if path.member and path.disk.block.size and path.disk.wwid in ("", map_.wwid):
                sizes.disks.setdefault(path.disk.block.size, []).append(path.place.dev)
        return sizes

    @property
    def differ(self) -> bool:
        """Whether the paths differ, or end before the map does."""
        return len(self.disks) > 1 or self.of_map > max(self.disks, default=self.of_map)

    @property
    def map_smaller(self) -> bool:
        """Whether all paths are larger than the map."""
        return 0 < self.of_map < min(self.disks, default=0)

    @property
    def text(self) -> str:
        shown = _sizes({self.of_map, *self.disks})
        rarest_first = sorted(self.disks, key=lambda size: (len(self.disks[size]), size))
        parts = [f"{shown[size]} of {listed(self.disks[size])}" for size in rarest_first]
        if self.of_map:
            parts.append(f"{shown[self.of_map]} of the map")
        return f"the size is {'; '.join(parts)}"


def _requests(map_: MapState) -> Iterator[str]:
    largest = map_.block.max_sectors_kb
    if largest is None or map_.block.bios:
        return
    lower: dict[int, list[str]] = {}
    for path in map_.paths.values():
        limit = path.disk.block.max_sectors_kb
        if path.member and limit and limit < largest:
            lower.setdefault(limit, []).append(path.place.dev)
    for limit, names in sorted(lower.items()):
        yield f"max_sectors_kb of {listed(names)} is {limit}, of the map {largest}"


def _blocks(map_: MapState) -> Iterator[str]:
    by_size: dict[int, list[str]] = {}
    for path in map_.paths.values():
        if path.member and path.disk.block.logical_block_size:
            by_size.setdefault(path.disk.block.logical_block_size, []).append(path.place.dev)
    if map_.block.logical_block_size:
        by_size.setdefault(map_.block.logical_block_size, []).append("the map")
    if len(by_size) > 1:
        parts = (f"{size} bytes on {listed(names)}" for size, names in sorted(by_size.items()))
        yield f"a logical block has {' and '.join(parts)}"


def _sizes(sectors: set[int]) -> dict[int, str]:
    """Sizes for people; the sectors where two would look alike."""
    shown = {sectors_: size(sectors_) for sectors_ in sectors}
    alike = len(set(shown.values())) < len(shown)
    return {size: f"{size} sectors" for size in sectors} if alike else shown
