"""Disks that are used directly although their LUN is in a map, or should be.

What is stacked on such a disk, or mounted from it, has no failover. Beside a map it is a second writer to the LUN.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from mpathd_watch.core.audit.context import Host
from mpathd_watch.core.audit.examples import example
from mpathd_watch.core.audit.grouping import Sighting
from mpathd_watch.core.catalog.findings import FindingKind
from mpathd_watch.core.model.text import listed
from mpathd_watch.core.model.usage import DirectUse, Use

_SEVERAL = "the LUNs of {} maps are used past them"


def findings(host: Host) -> Iterator[Sighting]:
    """Every map by label whose LUN is also used past it."""
    members = {path.place.dev: map_.wwid for map_ in host.maps for path in map_.paths.values() if path.member}
    by_map: dict[str, list[DirectUse]] = {}
    for use in host.state.usage.direct:
        wwid = members.get(use.disk, use.wwid)
        if wwid in host.state.maps:
            by_map.setdefault(wwid, []).append(use)
    for map_ in host.maps:
        uses = by_map.get(map_.wwid)
        if uses:
            disk = uses[0].disk
            why = "is a path of this map" if disk in members else "leads to the LUN of this map"
            yield example(FindingKind.DISK_USED_PAST_MULTIPATH, map_.label, f"{_shown(uses)}; {disk} {why}", _SEVERAL)


def without_map(host: Host, wwid: str, disks: Sequence[str]) -> Sighting:
    """The finding about a LUN with several paths and no map, of which at least one of its ``disks`` is used."""
    uses = [use for use in host.state.usage.direct if use.disk in disks]
    text = f"{_shown(uses)}; {listed(disks)} lead to one LUN, which is in no map"
    several = "{} LUNs with several paths are used without a map"
    return example(FindingKind.DISK_USED_PAST_MULTIPATH, wwid, text, several)


def _shown(uses: Iterable[DirectUse]) -> str:
    return listed([_sentence(use) for use in uses])


def _sentence(use: DirectUse) -> str:
    if use.use is Use.SWAP:
        return f"{use.device} is swap"
    return f"{use.device} is mounted on {use.by}" if use.use is Use.MOUNT else f"{use.by} is made of {use.device}"
