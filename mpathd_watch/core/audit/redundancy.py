"""What is wrong with the paths of a map: too few, with something in common, or to another LUN than the map's."""

from __future__ import annotations

from collections.abc import Iterator
from math import inf

from mpathd_watch.core.audit.context import Host
from mpathd_watch.core.catalog.findings import Finding, FindingKind
from mpathd_watch.core.model.text import plural
from mpathd_watch.core.model.vocabulary import DeviceState
from mpathd_watch.core.state import MapState, PathState
from mpathd_watch.core.transports import table
from mpathd_watch.core.transports.row import Nexus
from mpathd_watch.core.verdicts import carrier

UID_ATTRIBUTE = "ID_SERIAL"
"""The udev property that ``PathState.wwid`` is read from, and multipath's default for the WWID."""


def findings(host: Host) -> Iterator[Finding]:
    """Every map by label."""
    for known in host.maps:
        if known.present == 0:
            yield Finding(FindingKind.MAP_WITHOUT_PATH, known.label, "no disk is left in it")
        if host.state.settings.single_path_ok.isdisjoint((known.wwid, known.name)):
            yield from _in_common(host, known)
        yield from _timeouts(host, known)
        yield from _strangers(host, known)


def _in_common(host: Host, known: MapState) -> Iterator[Finding]:
    """What all paths share, the narrowest only: who goes through one portal also goes through one interface."""
    paths = list(known.paths.values())
    if len(paths) == 1:
        yield Finding(FindingKind.SINGLE_PATH, known.label, f"its only path is {paths[0].label}")
        return
    portal = _only(path.place.portal for path in paths)
    ends, links = _ends(host, known), host.state.links or {}
    nic = _only(carrier.trunk(facts.local, links) for facts in ends)
    subnet = _only(facts.local.network for facts in ends)
    hosts = (_adapter(path) for path in paths)
    adapter = _only(hosts)
    all_paths = f"its {plural(len(paths), 'path')} all go through"
    if portal:
        yield Finding(FindingKind.SINGLE_PORTAL, known.label, f"{all_paths} {portal}")
    elif nic:
        if host.state.links is not None and not carrier.is_redundant(ends[0].local, links):
            above = sorted({facts.local.netdev for facts in ends} - {nic, ""})
            upon = f" (below {', '.join(above)})" if above else ""
            yield Finding(FindingKind.SINGLE_NIC, known.label, f"{all_paths} {nic}{upon}")
    elif subnet:
        yield Finding(FindingKind.SINGLE_SUBNET, known.label, f"{all_paths} {subnet}")
    elif adapter:
        yield Finding(FindingKind.SINGLE_HOST_ADAPTER, known.label, f"{all_paths} host{adapter}")


def _ends(host: Host, known: MapState) -> list[Nexus]:
    """The sessions' facts; nothing is known of a path whose session is missing, and so nothing is in common."""
    sessions = [host.session(path) for path in known.paths.values()]
    return [session.facts for session in sessions if session is not None] if all(sessions) else []


def _adapter(path: PathState) -> str:
    """The number of the path's host adapter; empty where each nexus has a SCSI host of its own."""
    return "" if table.of(path.place.transport).host_for_each else path.place.hctl.partition(":")[0]


def _only(values: Iterator[str]) -> str:
    """What all ``values`` are, if they are the same; one that is not known may be another."""
    found = set(values)
    return found.pop() if len(found) == 1 else ""


def _timeouts(host: Host, known: MapState) -> Iterator[Finding]:
    told: dict[str, str] = {}
    for path in known.paths.values():
        session = host.session(path)
        if session is None:
            continue
        timeouts = session.facts.timeouts
        if timeouts and None not in timeouts.values():
            told[path.label] = "/".join("off" if seconds == inf else str(seconds) for seconds in timeouts.values())
    if len(set(told.values())) > 1:
        listed = ", ".join(f"{told[label]} on {label}" for label in sorted(told))
        text = f"noop_out_interval/noop_out_timeout/recovery_tmo are {listed}"
        yield Finding(FindingKind.TIMEOUTS_DIFFER, known.label, text)


def _strangers(host: Host, known: MapState) -> Iterator[Finding]:
    """Disks that udev knows by another WWID: libdm may have escaped the map's, and a dead disk's may be an old one."""
    asked = host.rules.running or host.rules.files
    for path in known.paths.values():
        if not path.disk.wwid or path.disk.wwid == known.wwid or "\\" in known.wwid:
            continue
        if not path.member or path.disk.state is not DeviceState.RUNNING:
            continue
        attribute = asked.uid_attribute(
            devnode=path.place.dev, vendor=known.vendor or None, product=known.product or None
        )
        if attribute == UID_ATTRIBUTE:
            text = f"its path {path.place.dev} ({path.label}) has the WWID {path.disk.wwid}, the map {known.wwid}"
            yield Finding(FindingKind.WWID_DIFFERS, known.label, text)
