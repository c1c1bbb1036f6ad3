"""Maps whose paths lead to different LUNs, and LUNs that are in two maps, although the WWIDs suggest neither.

multipath takes disks with one WWID for one LUN. The WWID is what the target reports: where a target makes it of small
numbers, or an appliance was copied, different LUNs have the same one.
"""

from __future__ import annotations

from collections.abc import Container, Hashable, Iterable, Iterator, Mapping

from mpathd_watch.core.audit.context import Host
from mpathd_watch.core.audit.examples import example
from mpathd_watch.core.audit.grouping import Sighting
from mpathd_watch.core.catalog.findings import FindingKind
from mpathd_watch.core.model.text import listed
from mpathd_watch.core.model.vocabulary import Liveness
from mpathd_watch.core.state import MapState, PathState

TGT_DEFAULT = "360000000000000000e"
"""The beginning of each WWID that tgt makes up, followed by the numbers of its target and LUN (usr/spc.c)."""
_MADE_UP = (f"naa.{TGT_DEFAULT[1:]}", "t10.IET")
"""The beginnings of the kernel's names of such LUNs."""
SOFTWARE_TARGETS = ("IET", "LIO-ORG", "SCST_FIO", "SCST_BIO")
"""Vendors of targets on ordinary hosts, whose configuration, serial numbers included, is easily copied."""


def different(maps: Iterable[MapState]) -> dict[str, str]:
    """Those of ``maps``, by WWID, whose paths certainly lead to different LUNs, with the evidence."""
    found: dict[str, str] = {}
    for map_ in maps:
        text = _by_kernel(map_) or _by_number(map_) or _by_default_serial(map_)
        if text:
            found[map_.wwid] = text
    return found


def in_one_map(maps: Iterable[MapState], mixed: Mapping[str, str]) -> Iterator[Sighting]:
    """Each of ``maps`` whose paths lead to different LUNs, or may; ``mixed`` is the result of ``different``."""
    for map_ in maps:
        if map_.wwid in mixed:
            several = "the paths of {} maps lead to different LUNs"
            yield example(FindingKind.ONE_MAP_TWO_LUNS, map_.label, mixed[map_.wwid], several)
        elif map_.vendor in SOFTWARE_TARGETS and len(names := _targets(map_)) > 1:
            text, several = f"its paths lead to the targets {listed(names)}", "{} maps have paths to different targets"
            yield example(FindingKind.ONE_WWID_TWO_TARGETS, map_.label, text, several)


def in_two_maps(host: Host, mixed: Container[str]) -> Iterator[Sighting]:
    """Every pair of maps that have a LUN in common, but for those of ``mixed`` (WWIDs)."""
    for (one, two), text in _pairs(host, mixed).items():
        several = "{} pairs of maps have a LUN in common"
        yield example(FindingKind.ONE_LUN_TWO_MAPS, f"{one} and {two}", text, several)


def _alive(map_: MapState) -> list[PathState]:
    """The paths of which the names are not out of date, without those that udev has under another WWID."""
    return [
        path
        for path in map_.paths.values()
        if path.member and path.disk.state.liveness is not Liveness.GIVEN_UP and path.disk.wwid in ("", map_.wwid)
    ]


def _by_kernel(map_: MapState) -> str:
    """The kernel's own names of the LUN differ. Only names of one kind can be compared."""
    names: dict[str, dict[str, list[str]]] = {}
    for path in _alive(map_):
        kind, dot, _ = path.disk.block.wwid.partition(".")
        if dot:
            names.setdefault(kind, {}).setdefault(path.disk.block.wwid, []).append(path.place.dev)
    for by_name in names.values():
        if len(by_name) > 1:
            rarest_first = sorted(by_name, key=lambda name: (len(by_name[name]), name))
            shown = [f"{name} on {listed(by_name[name])}" for name in rarest_first]
            return f"the kernel has {' and '.join(shown[:2])} (device/wwid)"
    return ""


def _by_number(map_: MapState) -> str:
    """Two disks of one nexus: their addresses differ in the LUN alone."""
    disks: dict[str, dict[str, str]] = {}
    for path in _alive(map_):
        nexus, colon, lun = path.place.hctl.rpartition(":")
        if colon:
            disks.setdefault(nexus, {})[lun] = path.place.dev
    for nexus, by_lun in disks.items():
        if len(by_lun) > 1:
            (first, one), (second, other) = sorted(by_lun.items())[:2]
            return f"{one} and {other} are LUN {first} and LUN {second} of one target ({nexus})"
    return ""


def _by_default_serial(map_: MapState) -> str:
    """Targets with different names, and a WWID that is made of nothing but small numbers."""
    names = _targets(map_)
    if len(names) < 2 or not map_.wwid.startswith(TGT_DEFAULT):
        return ""
    return f"the targets {listed(names)} give their LUNs the same WWID: it is the one that tgt makes up"


def _targets(map_: MapState) -> list[str]:
    return sorted({path.place.target for path in _alive(map_) if path.place.target})


def _pairs(host: Host, mixed: Container[str]) -> dict[tuple[str, str], str]:
    """The pairs of maps that have an address at a target, or the kernel's name of a LUN in common."""
    first: dict[Hashable, tuple[MapState, PathState]] = {}
    found: dict[tuple[str, str], str] = {}
    for map_ in host.maps:
        if map_.wwid in mixed:
            continue
        for path in _alive(map_):
            for what, key in _identities(host, path).items():
                other, its = first.setdefault(key, (map_, path))
                if other is not map_:
                    text = f"{what} is {its.place.dev} in {other.label} and {path.place.dev} in {map_.label}"
                    found.setdefault((other.label, map_.label), text)
    return found


def _identities(host: Host, path: PathState) -> dict[str, Hashable]:
    """What no two LUNs have in common, by its name in a message."""
    found: dict[str, Hashable] = {}
    nexus, lun = host.session(path), path.place.hctl.rpartition(":")[2]
    if nexus is not None and nexus.facts.luns is not None and lun:
        found[f"LUN {lun} of {nexus.label}"] = (nexus.facts.luns, lun)
    wwid = path.disk.block.wwid
    if wwid and not wwid.startswith(_MADE_UP):
        found[wwid] = wwid
    return found
