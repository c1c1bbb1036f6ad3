"""Maps whose paths are too few, have something in common, or lead to another LUN."""

from __future__ import annotations

from collections.abc import Iterator
from math import inf

from mpathd_watch.core.audit.context import Host
from mpathd_watch.core.audit.grouping import listed
from mpathd_watch.core.catalog.findings import Finding, FindingKind
from mpathd_watch.core.model.identity import uid_property
from mpathd_watch.core.model.text import plural
from mpathd_watch.core.model.vocabulary import Liveness
from mpathd_watch.core.state import MapState, PathState
from mpathd_watch.core.transports import table
from mpathd_watch.core.transports.row import Nexus
from mpathd_watch.core.verdicts import carrier


def findings(host: Host) -> Iterator[Finding]:
    """Every map by label."""
    for map_ in host.maps:
        if map_.present == 0 and not map_.unplaced:
            yield Finding(FindingKind.MAP_WITHOUT_PATH, map_.label, "it has no disk left")
        if host.state.settings.single_path_ok.isdisjoint((map_.wwid, map_.name)):
            yield from _in_common(host, map_)
        yield from _timeouts(host, map_)
        yield from _strangers(host, map_)


def _in_common(host: Host, map_: MapState) -> Iterator[Finding]:
    """What all paths share, the narrowest only: paths through one portal also go through one interface."""
    paths = list(map_.paths.values())
    if len(paths) == 1:
        yield Finding(FindingKind.SINGLE_PATH, map_.label, f"its only path is {paths[0].label}")
        return
    portal = _only(path.place.portal for path in paths)
    ends, links = _ends(host, map_), host.state.links or {}
    nic = _only(carrier.trunk(facts.local, links) for facts in ends)
    subnet = _only(facts.local.network for facts in ends)
    adapter = _only(_adapter(path) for path in paths)
    all_paths = f"all {plural(len(paths), 'path')} go through"
    if portal:
        yield Finding(FindingKind.SINGLE_PORTAL, map_.label, f"{all_paths} {portal}")
    elif nic:
        if host.state.links is not None and not carrier.is_redundant(ends[0].local, links):
            above = sorted({facts.local.netdev for facts in ends} - {nic, ""})
            upon = f" (below {', '.join(above)})" if above else ""
            yield Finding(FindingKind.SINGLE_NIC, map_.label, f"{all_paths} {nic}{upon}")
    elif subnet:
        yield Finding(FindingKind.SINGLE_SUBNET, map_.label, f"{all_paths} {subnet}")
    elif adapter:
        yield Finding(FindingKind.SINGLE_HOST_ADAPTER, map_.label, f"{all_paths} host{adapter}")


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
        yield Finding(FindingKind.TIMEOUTS_DIFFER, map_.label, text)


def _paths(labels: list[str]) -> str:
    return labels[0] if len(labels) == 1 else plural(len(labels), "path")


def _strangers(host: Host, map_: MapState) -> Iterator[Finding]:
    """Disks that udev has under another WWID.

    libdm may have escaped the WWID of the map, and that of a dead disk may be out of date: those are left out.
    """
    asked = host.rules.running or host.rules.files
    for path in map_.paths.values():
        if not path.disk.wwid or path.disk.wwid == map_.wwid or "\\" in map_.wwid:
            continue
        if not path.member or path.disk.state.liveness is not Liveness.CARRYING:
            continue
        attribute = asked.uid_attribute(
            devnode=path.place.dev, vendor=map_.vendor or None, product=map_.product or None
        )
        if attribute == uid_property(path.place.dev):
            text = f"path {path.label} ({path.place.dev}) has the WWID {path.disk.wwid}, but the map has {map_.wwid}"
            yield Finding(FindingKind.WWID_DIFFERS, map_.label, text)
