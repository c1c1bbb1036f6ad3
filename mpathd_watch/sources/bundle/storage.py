"""Maps, disks and sessions of a bundle, from what several commands have printed of the same objects.

Each output may be missing. A truncated listing is as if it were missing: what it lacks would seem not to exist. dm's
states are those that ``dmsetup status`` reads from the kernel, where it is there.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from mpathd_watch.core.formats.printed import dmsetup, iscsiadm, multipath_topology, udevadm
from mpathd_watch.core.formats.printed.ip_address import Links
from mpathd_watch.core.formats.printed.iscsiadm import PrintedDisk, PrintedSession
from mpathd_watch.core.formats.printed.multipath_topology import PrintedMap, PrintedPath
from mpathd_watch.core.formats.printed.udevadm import UdevDisk
from mpathd_watch.core.model.facts import DeviceFacts, DmStatus, MapFacts, MapListing, PathListing, SessionFacts
from mpathd_watch.core.model.identity import UUID_PREFIX
from mpathd_watch.core.model.mappings import frozen
from mpathd_watch.core.model.vocabulary import CheckerState, DeviceState, DmState, Transport
from mpathd_watch.immutable import immutable, replace
from mpathd_watch.sources.bundle.outputs import Output, Source
from mpathd_watch.sources.sysfs.disks import MAX_UNMAPPED, attached_by

_PROVEN = frozenset({CheckerState.READY, CheckerState.GHOST})
"""What a checker finds only if the disk has answered it."""


@immutable
class Storage:
    """What live sources would have read. ``None``: the bundle does not show it."""

    maps: tuple[MapFacts, ...] | None
    listings: tuple[MapListing, ...] = ()
    members: tuple[DeviceFacts, ...] = ()
    sessions: tuple[SessionFacts, ...] | None = None
    unmapped: tuple[DeviceFacts, ...] = ()
    unidentified: int = 0
    """Disks of sessions that are in no map, and of which the bundle does not show what they are."""

    @property
    def statuses(self) -> tuple[DmStatus, ...]:
        """What dm holds of the paths, whether multipathd runs or not."""
        return tuple(
            DmStatus(map_.name, map_.queues, frozen({path.dev_t: path.dm_state for path in map_.paths}))
            for map_ in self.listings
        )

    def without_ends(self) -> Storage:
        """The same without the sessions' local ends, whose addresses can't be compared with each other."""
        if self.sessions is None:
            return self
        return replace(self, sessions=tuple(replace(session, local_address="", netdev="") for session in self.sessions))

    def on_network(self, network: Links) -> Storage:
        """The same with the interface and the subnet of each session's local end."""
        owners = {address: link.name for link in network.links for address in link.addresses}
        ends = (
            replace(
                session,
                netdev=session.netdev or owners.get(session.local_address, ""),
                local_network=network.networks.get(session.local_address, ""),
            )
            for session in self.sessions or ()
        )
        return self if self.sessions is None else replace(self, sessions=tuple(ends))


def read_storage(source: Source) -> Storage:
    """Read the outputs and join them."""
    printed = iscsiadm.sessions(_whole(source, Output.SESSIONS))
    database = source.output(Output.UDEV)
    udev = {disk.name: disk for disk in udevadm.disks(database.text)} if database else {}
    disks = _Disks(source, udev, printed or ())
    maps = _maps(source, {disk.dev_t: disk.name for disk in udev.values()})
    sessions = None if printed is None else tuple(session.facts for session in printed)
    if maps is None:
        return Storage(None, sessions=sessions)
    members = {path.dev: disks.member(path, map_) for map_ in maps for path in map_.paths.values()}
    others = disks.unmapped(members)
    identified = tuple(disk for disk in others if disk.wwid)
    return Storage(
        tuple(map_.facts() for map_ in maps),
        tuple(map_.listing() for map_ in maps),
        tuple(members.values()),
        sessions,
        identified[:MAX_UNMAPPED],
        unidentified=len(others) - len(identified),
    )


# --- maps -------------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Map:
    wwid: str
    name: str
    sysfs_name: str
    suspended: bool | None = None
    vendor: str = ""
    product: str = ""
    queues: bool | None = None
    paths: dict[str, PrintedPath] = field(default_factory=dict)
    """By ``MAJOR:MINOR``, or by name where that is not known."""

    def facts(self) -> MapFacts:
        slaves = tuple(sorted(path.dev for path in self.paths.values()))
        return MapFacts(self.wwid, self.name, self.sysfs_name, self.suspended, slaves)

    def listing(self) -> MapListing:
        paths = tuple(
            PathListing(
                self.wwid,
                self.name,
                path.dev,
                path.dev_t,
                path.dm_state,
                path.checker_state,
                "",
                group=path.group,
                priority=path.priority,
            )
            for path in self.paths.values()
        )
        return MapListing(self.wwid, self.name, self.sysfs_name, "", self.queues, self.vendor, self.product, paths)


def _maps(source: Source, names: Mapping[str, str]) -> list[_Map] | None:
    """The maps; ``None`` if neither multipath nor dmsetup has printed anything of them."""
    info, status, table = (_whole(source, each) for each in (Output.DM_INFO, Output.DM_STATUS, Output.DM_TABLE))
    topology = multipath_topology.parse(_whole(source, Output.TOPOLOGY))
    maps = {printed.wwid: _printed(printed) for printed in topology}
    devices = dmsetup.devices(info)
    for device in devices:
        if device.uuid.startswith(UUID_PREFIX):
            wwid = device.uuid.removeprefix(UUID_PREFIX)
            maps.setdefault(wwid, _Map(wwid, device.name, device.sysfs_name)).suspended = device.suspended
    by_name = {map_.name: map_ for map_ in maps.values()}
    for target in (*dmsetup.tables(table), *dmsetup.statuses(status)):
        if target.name in by_name:
            _add_target(by_name[target.name], target, names)
    # Without maps multipath prints nothing. So an empty output means that only if dmsetup shows no map, either.
    if not maps and not devices and "No devices found" not in f"{info}{status}{table}":
        return None
    return list(maps.values())


def _printed(printed: PrintedMap) -> _Map:
    paths = {}
    for path in printed.paths:
        named = replace(path, dev=path.dev or path.dev_t)
        if named.dev:
            paths[path.dev_t or path.dev] = named
    return _Map(
        printed.wwid,
        printed.name,
        printed.sysfs_name,
        vendor=printed.vendor,
        product=printed.product,
        queues=printed.queues,
        paths=paths,
    )


def _add_target(map_: _Map, target: dmsetup.DmTarget, names: Mapping[str, str]) -> None:
    if target.queues is not None:
        map_.queues = target.queues
    for dev_t, state in target.paths.items():
        path = map_.paths.get(dev_t)
        if path is None:
            dev = names.get(dev_t, dev_t)
            path = PrintedPath("", dev, dev_t, DmState.UNKNOWN, CheckerState.UNKNOWN, running=False)
        map_.paths[dev_t] = path if state is DmState.UNKNOWN else replace(path, dm_state=state)


# --- disks ------------------------------------------------------------------------------------------------------------


class _Disks:
    """What the bundle shows of single disks."""

    def __init__(self, source: Source, udev: Mapping[str, UdevDisk], sessions: Iterable[PrintedSession]) -> None:
        self._source = source
        self._udev = udev
        self._printed = {disk.dev: (session, disk) for session in sessions for disk in session.disks or ()}
        self._sids = {session.facts.sid for session in sessions}

    def member(self, path: PrintedPath, map_: _Map) -> DeviceFacts:
        """A disk of a map."""
        facts = self._disk(path.dev, path.hctl, path.dev_t)
        if facts.state is DeviceState.UNKNOWN and path.running and path.checker_state in _PROVEN:
            facts = replace(facts, state=DeviceState.RUNNING)
        return replace(facts, vendor=map_.vendor or facts.vendor, product=map_.product or facts.product)

    def unmapped(self, members: Mapping[str, DeviceFacts]) -> list[DeviceFacts]:
        """The disks of iSCSI sessions that are in no map."""
        return [self._disk(dev, disk.hctl, "") for dev, (_, disk) in self._printed.items() if dev not in members]

    def _disk(self, dev: str, hctl: str, dev_t: str) -> DeviceFacts:
        udev = self._udev.get(dev)
        session, printed = self._printed.get(dev, (None, None))
        at = attached_by(self._source.disk_path(dev) or (udev.path if udev else ""))
        sid = session.facts.sid if session else at.sid
        # A session that the bundle does not show can't be judged: the disk alone is.
        sid = sid if sid in self._sids else None
        transport = Transport.ISCSI if sid is not None else at.transport
        return DeviceFacts(
            name=dev,
            dev_t=dev_t or (udev.dev_t if udev else ""),
            hctl=hctl or at.hctl or (printed.hctl if printed else ""),
            state=self._state(dev, printed),
            transport=Transport.UNKNOWN if transport is Transport.ISCSI and sid is None else transport,
            sid=sid,
            vendor=udev.vendor if udev else "",
            product=udev.product if udev else "",
            io_errors=None,
            io_timeouts=None,
            wwid=udev.wwid if udev else "",
            nexus=at.nexus,
        )

    def _state(self, dev: str, printed: PrintedDisk | None) -> DeviceState:
        copied = DeviceState.parse(self._source.disk_state(dev))
        return printed.state if copied is DeviceState.UNKNOWN and printed is not None else copied


def _whole(source: Source, output: Output) -> str:
    """An output; empty if it is missing or truncated, for each of these tools ends its last line."""
    found = source.output(output)
    return found.text if found is not None and found.text.endswith("\n") else ""
