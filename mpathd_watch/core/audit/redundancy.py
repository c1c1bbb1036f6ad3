"""Maps whose paths are too few, have something in common, or lead to another LUN."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from math import inf

from mpathd_watch.core.audit.context import Host
from mpathd_watch.core.audit.effective_settings import transport
from mpathd_watch.core.audit.grouping import Sighting
from mpathd_watch.core.catalog.findings import Finding, FindingKind
from mpathd_watch.core.model.identity import uid_property
from mpathd_watch.core.model.text import listed, plural
from mpathd_watch.core.model.vocabulary import Liveness
from mpathd_watch.core.state import MapState, PathState
from mpathd_watch.core.transports import table
from mpathd_watch.core.transports.row import Nexus
from mpathd_watch.core.verdicts import carrier

EXCHANGED = "exchanged"
"""The cause of a finding where the kernel itself has found another LUN behind a disk than before."""


def findings(host: Host, maps: Iterable[MapState]) -> Iterator[Finding]:
    """Each of ``maps``."""
    for map_ in maps:
        if map_.present == 0 and not map_.unplaced:
            kind = FindingKind.MAP_WITHOUT_PATH
            yield Finding(kind, map_.label, "it has no disk left", advice=_advice(map_, kind))
        if host.state.settings.single_path_ok.isdisjoint((map_.wwid, map_.name)):
            yield from _in_common(host, map_)
        yield from _timeouts(host, map_)
        yield from _strangers(host, map_)


def _in_common(host: Host, map_: MapState) -> Iterator[Finding]:
    """What all paths share, the narrowest only: paths through one portal also go through one interface."""
    paths = list(map_.paths.values())
    if len(paths) == 1:
        label, kind = paths[0].label, FindingKind.SINGLE_PATH
        text, advice = f"its only path is {label}", _advice(map_, kind)
        yield Sighting(kind, map_.label, text, advice=advice, parts=(label,), told=_only_paths)
        return
    portal = _only(host.portal(path) for path in paths)
    ends, links = _ends(host, map_), host.state.links or {}
    nic = _only(carrier.trunk(facts.local, links) for facts in ends)
    subnet = _only(facts.local.network for facts in ends)
    adapter = _only(_adapter(path) for path in paths)
    count = plural(len(paths), "path")
    if portal:
        yield _shared(FindingKind.SINGLE_PORTAL, map_, count, portal)
    elif nic:
        if host.state.links is not None and not carrier.is_redundant(ends[0].local, links):
            above = sorted({facts.local.netdev for facts in ends} - {nic, ""})
            upon = f" (below {', '.join(above)})" if above else ""
            yield _shared(FindingKind.SINGLE_NIC, map_, count, f"{nic}{upon}")
    elif subnet:
        yield _shared(FindingKind.SINGLE_SUBNET, map_, count, subnet)
    elif adapter:
        yield _shared(FindingKind.SINGLE_HOST_ADAPTER, map_, count, f"host{adapter}")


def _shared(kind: FindingKind, map_: MapState, paths: str, what: str) -> Finding:
    """What all paths of a map go through; other maps may have another number of paths."""

    def told(_: Sequence[str]) -> str:
        return f"all paths of each go through {what}"

    return Sighting(kind, map_.label, f"all {paths} go through {what}", cause=what, told=told)


def _only_paths(labels: Sequence[str]) -> str:
    return f"the only path of each is {labels[0]}" if len(labels) == 1 else f"each has only one path ({listed(labels)})"


def _advice(map_: MapState, kind: FindingKind) -> str:
    """The remedy where the map's transport has one of its own."""
    return transport(map_).remedies.get(kind, "")


def _ends(host: Host, map_: MapState) -> list[Nexus]:
    """The sessions' facts; none if a session is missing, because then it is unknown what its path shares."""
    sessions = [host.session(path) for path in map_.paths.values()]
    return [session.facts for session in sessions if session is not None] if all(sessions) else []


def _adapter(path: PathState) -> str:
    """The number of the path's host adapter; empty where each nexus has a SCSI host of its own."""
    return "" if table.of(path.place.transport).host_for_each else path.place.hctl.partition(":")[0]


def _only(values: Iterator[str]) -> str:
    """The value that all of ``values`` have; empty if they differ, or if one is not known."""
    found = set(values)
    return found.pop() if len(found) == 1 else ""


def _timeouts(host: Host, map_: MapState) -> Iterator[Finding]:
    labels: dict[str, list[str]] = {}
    for path in map_.paths.values():
        session = host.session(path)
        if session is None:
            continue
        timeouts = session.facts.timeouts
        if None not in timeouts.values():
            values = "/".join("off" if seconds == inf else str(seconds) for seconds in timeouts.values())
            labels.setdefault(values, []).append(path.label)
    if len(labels) > 1:
        # The fewest paths first: they are most likely the ones that were forgotten.
        rarest_first = sorted(labels, key=lambda values: (len(labels[values]), min(labels[values])))
        shown = [f"{values} on {_paths(labels[values])}" for values in rarest_first]
        text = f"noop_out_interval/noop_out_timeout/recovery_tmo are {listed(shown)}"
        cause = tuple(rarest_first)
        yield Sighting(FindingKind.TIMEOUTS_DIFFER, map_.label, text, cause=cause, parts=cause, told=_timeouts_of_paths)


def _timeouts_of_paths(values: Sequence[str]) -> str:
    shown = ", ".join(f"{each} on some" for each in values)
    return f"noop_out_interval/noop_out_timeout/recovery_tmo of their paths are {shown}"


def _paths(labels: list[str]) -> str:
    return labels[0] if len(labels) == 1 else plural(len(labels), "path")


def _strangers(host: Host, map_: MapState) -> Iterator[Finding]:
    """Disks that udev has under another WWID, and those behind which the kernel has found another LUN.

    libdm may have escaped the WWID of the map, and that of a dead disk may be out of date: those are left out.
    """
    asked = host.rules.running or host.rules.files
    parts, first, cause = [], "", ""
    for path in map_.paths.values():
        if path.member and path.disk.was:
            name, cause = f"{path.label} ({path.place.dev})", EXCHANGED
            parts.append(f"{name} leads to {path.disk.block.wwid}")
            first = first or f"path {name} led to the LUN {path.disk.was}, and leads to {path.disk.block.wwid} now"
            continue
        if not path.disk.wwid or path.disk.wwid == map_.wwid or "\\" in map_.wwid:
            continue
        if not path.member or path.disk.state.liveness is not Liveness.CARRYING:
            continue
        attribute = asked.uid_attribute(
            devnode=path.place.dev, vendor=map_.vendor or None, product=map_.product or None
        )
        if attribute == uid_property(path.place.dev):
            name = f"{path.label} ({path.place.dev})"
            first = first or f"path {name} has the WWID {path.disk.wwid}, but the map has {map_.wwid}"
            parts.append(f"{name} has {path.disk.wwid}")
    if parts:
        kind = FindingKind.WWID_DIFFERS
        text = first if len(parts) == 1 else f"its WWID is {map_.wwid}, but of its paths {listed(parts)}"
        yield Sighting(
            kind, map_.label, text, advice=_advice(map_, kind), cause=cause, parts=tuple(parts), told=_of_other_luns
        )


def _of_other_luns(paths: Sequence[str]) -> str:
    return f"{plural(len(paths), 'path')} of them have another WWID than their map: {listed(paths)}"
