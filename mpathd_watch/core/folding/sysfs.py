"""Folding looks at sysfs: maps and their member disks."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import TypeAlias

from mpathd_watch.core.alerting import messages
from mpathd_watch.core.draft import Draft
from mpathd_watch.core.effects import Scope
from mpathd_watch.core.events import DevicesRead, SystemRead
from mpathd_watch.core.folding import expected, nexuses
from mpathd_watch.core.folding.dm import made_anew
from mpathd_watch.core.judging import suspicion
from mpathd_watch.core.judging.attentions import read_again
from mpathd_watch.core.judging.expected import CONFIRMED_WITHIN, removal_reported
from mpathd_watch.core.model import identity
from mpathd_watch.core.model.facts import DeviceFacts, MapFacts
from mpathd_watch.core.model.mappings import frozen
from mpathd_watch.core.model.usage import Usage
from mpathd_watch.core.model.views import CheckerView, DiskView, DmView, Place
from mpathd_watch.core.model.vocabulary import USABLE, Transport
from mpathd_watch.core.state import DiskErrors, Due, MapState, PathState, PathVerdict, Wait
from mpathd_watch.core.state.arrays import target_of
from mpathd_watch.core.transports import table
from mpathd_watch.immutable import replace

_Present: TypeAlias = Mapping[tuple[Transport, Hashable], str]
"""The labels of the nexuses that are there, by transport and handle."""


def system_read(draft: Draft, event: SystemRead) -> None:
    """Take over a full scan: what it does not show is gone, but for what it could not read."""
    devices = {device.name: device for device in event.devices}
    nexuses.take_over(draft, event)
    seen = {facts.wwid for facts in event.maps}
    labels = identity.assign(
        {map_.label: wwid for wwid, map_ in draft.maps.items()},
        ((facts.wwid, facts.name or facts.wwid or "unknown") for facts in event.maps),
    )
    names = {wwid: label for label, wwid in labels.items()}
    for wwid, map_ in tuple(draft.maps.items()):
        if wwid not in seen and (map_.exists or not expected.is_expected(draft, map_)):
            expected.vanished(draft, wwid)
    present = {(nexus.transport, nexus.facts.handle): label for label, nexus in draft.nexuses.items() if nexus.present}
    for facts in event.maps:
        if removal_reported(draft, facts.wwid):
            if _older(draft, event, facts.wwid):
                continue
            expected.there_after_all(draft, facts.wwid)
        members = [devices[name] for name in sorted(devices.keys() & set(facts.slaves))]
        _fold_map(draft, facts, names[facts.wwid], members, present)
        draft.measured.add(facts.wwid)
    expected.await_maps(draft, labels)
    nexuses.touch_changed(draft)
    unmapped = frozen({device.name: device for device in event.unmapped})
    draft.rest = replace(draft.rest, unmapped=unmapped, usage=event.usage or Usage(), started=True)
    nexuses.drop_unused(draft)
    suspicion.reassess(draft)


def _older(draft: Draft, event: SystemRead, wwid: str) -> bool:
    """Whether a scan that shows a map was asked for before the map's removal was reported."""
    reported = draft.deadlines[Due(Wait.REMOVED, wwid)] - CONFIRMED_WITHIN
    return 0.0 < event.requested < reported


def devices_read(draft: Draft, event: DevicesRead) -> None:
    """Take over some disks' states and counters."""
    fresh = {device.name: device for device in event.devices}
    gone = frozenset(event.vanished)
    # A round reads all disks, and reports those that changed; a close look reports those that were asked for.
    closely = any(device.in_flight is not None for device in event.devices)
    names = fresh.keys() | gone
    shown = [
        (wwid, map_)
        for wwid, map_ in draft.maps.items()
        if not names.isdisjoint([path.place.dev for path in map_.paths.values()])
    ]
    for wwid, map_ in shown:
        if _measured(map_, fresh, closely=closely):
            draft.measured.add(wwid)
        for path in map_.paths.values():
            if not path.member:
                continue
            facts = fresh.get(path.place.dev)
            if facts is not None and facts.dev_t == path.place.dev_t:
                _observe(draft, wwid, path, facts, event.requested)
            elif path.place.dev in gone:
                # A map that is taken away loses its disks a moment later, and the uevent of its removal may still be on
                # its way: the full scan shows whether the path has left its map, or the map is gone.
                draft.refresh(Scope.SYSTEM)


def _measured(map_: MapState, fresh: Mapping[str, DeviceFacts], *, closely: bool) -> bool:
    """Whether the I/O counters of all usable paths of a map have been read at one time, and some have moved."""
    shown = [path for path in map_.paths.values() if path.place.dev in fresh]
    if not any(fresh[path.place.dev].io != path.disk.io for path in shown):
        return False
    return not closely or all(path.place.dev in fresh for path in map_.paths.values() if path.health in USABLE)


def forget_disks(draft: Draft) -> None:
    """What sysfs showed of the disks is not known any more."""
    for wwid, map_ in tuple(draft.maps.items()):
        for path in map_.paths.values():
            draft.set_path(wwid, replace(path, disk=DiskView()))


# --- maps -------------------------------------------------------------------------------------------------------------


def _fold_map(draft: Draft, facts: MapFacts, label: str, members: list[DeviceFacts], present: _Present) -> None:
    wwid = facts.wwid
    map_, fresh = draft.maps.get(wwid), wwid not in draft.maps
    if map_ is None:
        map_ = MapState(
            wwid=wwid,
            label=label,
            name=facts.name,
            sysfs_name="",
            since=draft.now,
            layer=facts.layer,
        )
        draft.refresh(Scope.MAPS, Scope.PATHS)
    if draft.rest.started and not map_.exists:
        # Made just now: multipathd adds the paths as udev brings them. Those found at the start are what they are.
        draft.deadlines[Due(Wait.SETTLE, wwid)] = draft.now.monotonic + draft.rest.settings.settle_seconds
    draft.maps[wwid] = _as_found(map_, facts, label)
    draft.regrouped.add(wwid)
    if fresh:
        expected.await_paths(draft, wwid)
    elif map_.name != facts.name:
        expected.renamed(draft, wwid)
        expected.declare(draft, wwid)
    if not fresh and map_.sysfs_name != facts.sysfs_name:
        made_anew(draft, wwid)
    _fold_paths(draft, wwid, members, present)
    unplaced = frozenset(facts.slaves) - {path.place.dev for path in draft.paths(wwid).values()}
    if unplaced != draft.maps[wwid].unplaced:
        draft.maps[wwid] = replace(draft.maps[wwid], unplaced=unplaced)


def _as_found(map_: MapState, facts: MapFacts, label: str) -> MapState:
    """The map under this label and with these facts; the same object if it is already."""
    known = (map_.label, map_.name, map_.sysfs_name, map_.suspended, map_.block)
    if known == (label, facts.name, facts.sysfs_name, facts.suspended, facts.block):
        return map_
    return replace(
        map_,
        label=label,
        name=facts.name,
        sysfs_name=facts.sysfs_name,
        suspended=facts.suspended,
        block=facts.block,
    )


# --- paths ------------------------------------------------------------------------------------------------------------


def _fold_paths(draft: Draft, wwid: str, members: list[DeviceFacts], present: _Present) -> None:
    paths = draft.paths(wwid)
    through = _nexuses_behind(draft, wwid, members, present)
    members = sorted((device for device in members if device.name in through), key=_oldest_first)
    labels = identity.assign(
        {path.label: path.place.device for path in paths.values() if path.member},
        ((_disk(device), _path_base(device, through[device.name])) for device in members),
    )
    by_disk = {_disk(device): device for device in members}
    for label, path in tuple(paths.items()):
        if label not in labels and path.member:
            draft.set_path(wwid, path.forgotten(member=False))
    for label, disk in labels.items():
        device = by_disk[disk]
        before = paths.get(label)
        if before is None and draft.rest.started:
            draft.emit(messages.path_added(draft.maps[wwid], label, device))
        path = _placed(draft, before or PathState(label, PathVerdict(draft.now)), device, through[device.name])
        if path is before:
            _observe(draft, wwid, path, device, 0.0)
        else:
            draft.set_path(wwid, _observed(draft, path, device, 0.0))
        if before is None or not before.member or before.place.device != _disk(device):
            expected.joined(draft, wwid, label)
            draft.refresh(Scope.MAPS, Scope.PATHS)
            if draft.rest.started and device.access.state is not None:
                # A port group is active/optimized until the kernel has asked the array (alua_alloc_pg() in
                # scsi_dh_alua.c). It may have changed since then, and the attention may have come before the path.
                read_again(draft, target_of(path.place))


def _oldest_first(device: DeviceFacts) -> tuple[object, ...]:
    """The kernel counts nexuses up: of several to one portal the oldest has the label without a number."""
    handle = table.handle(device)
    return identity.in_order("" if handle is None else str(handle[1])), device.hctl, device.name


def _path_base(device: DeviceFacts, nexus: str) -> str:
    """The label of a map's first path of its kind: by its nexus where there is one, else H:C:T:L."""
    return table.of(device.transport).path(nexus) or device.hctl or device.name or "unknown"


def _nexuses_behind(draft: Draft, wwid: str, members: list[DeviceFacts], present: _Present) -> dict[str, str]:
    """The label of each member's nexus, ``""`` where it has none. ``present``: the labels of those that are there.

    A disk and its nexus come and go while sysfs is being walked. A disk whose nexus is not among those found keeps the
    one it was known by; a new one is left out until another look, so that it is not taken for a path of another
    transport. If that does not find its nexus either, sysfs does not show one.
    """
    paths, left_out = draft.paths(wwid), draft.maps[wwid].unplaced
    known = {path.place.device: path.nexus for path in paths.values()}
    through: dict[str, str] = {}
    for device in members:
        handle = table.handle(device)
        if handle is None:
            through[device.name] = ""
        elif handle in present:
            through[device.name] = present[handle]
        elif nexus := known.get(_disk(device)):
            through[device.name] = nexus
        elif device.name in left_out:
            through[device.name] = ""
        else:
            draft.refresh(Scope.SYSTEM)
    return through


def _disk(device: DeviceFacts) -> tuple[str, str, str]:
    """As ``Place.device``."""
    return device.name, device.dev_t, device.hctl


def _placed(draft: Draft, path: PathState, device: DeviceFacts, label: str) -> PathState:
    """The path on the disk it is found at; the same object if it has been there before.

    Another disk than before has nothing to do with the old one's states.
    """
    nexus = draft.nexuses.get(label)
    far = () if nexus is None else (nexus.facts.target, nexus.facts.portal, nexus.facts.iface)
    place = Place(device.name, device.dev_t, device.hctl, device.transport, label, *far)
    moved = not path.member or path.place.device != place.device
    if not moved and path.place == place:
        return path
    path = replace(path, place=place, member=True)
    if not moved:
        return path
    errors = path.disk_errors.of_another_disk()
    dm = DmView(missed=draft.rest.started)
    return replace(path, dm=dm, checker=CheckerView(), disk=DiskView(), disk_errors=errors)


def _was(disk: DiskView, wwid: str) -> str:
    """The kernel's name of the LUN that was behind the disk first; empty while that is ``wwid``, or one is not known.

    The kernel reads the name when it scans a disk, also after INQUIRY_DATA_HAS_CHANGED (scsi_evt_emit(), scsi_lib.c).
    Only names of one kind can be compared: a LUN that reports further designators has another name, as ``naa.`` in
    place of ``t10.`` (scsi_vpd_lun_id()).
    """
    first = disk.was or disk.block.wwid
    alike = first.partition(".")[0] == wwid.partition(".")[0]
    return first if first and alike and first != wwid else ""


def _observe(draft: Draft, wwid: str, path: PathState, device: DeviceFacts, requested: float) -> None:
    """Take over a disk's reading; one that shows nothing new but I/O leaves the verdict as it is."""
    after = _observed(draft, path, device, requested)
    if after is path:
        return
    if after.disk_errors == path.disk_errors and replace(after.disk, io=path.disk.io) == path.disk:
        draft.keep_path(wwid, after)
    else:
        draft.set_path(wwid, after)


def _observed(draft: Draft, path: PathState, device: DeviceFacts, requested: float) -> PathState:
    """The path with its disk's state and counters, asked for at ``requested``; the same object if nothing changed."""
    disk = DiskView(
        device.state,
        device.timeout,
        device.wwid,
        device.io,
        device.block,
        device.access,
        path.disk.access_since if device.access.state is path.disk.access.state else draft.now.monotonic,
        _was(path.disk, device.block.wwid),
    )
    errors = _counted(draft, path.disk_errors, device, requested)
    return path if (disk, errors) == (path.disk, path.disk_errors) else replace(path, disk=disk, disk_errors=errors)


def _counted(draft: Draft, before: DiskErrors, device: DeviceFacts, requested: float) -> DiskErrors:
    """What the disk has counted with this reading; the same object if nothing changed."""
    errors, timeouts, counts = (
        before.errors.follow(device.io_errors),
        before.timeouts.follow(device.io_timeouts),
        before.counts,
    )
    if device.io_errors is not None:
        counts = counts.read(draft.now.monotonic, errors.total, timeouts.total)
    if device.in_flight is not None:
        closely = None not in (device.io_errors, device.io_timeouts)
        return DiskErrors(errors, timeouts, counts, device.in_flight, requested, closely)
    if errors is before.errors and timeouts is before.timeouts and counts is before.counts:
        return before
    return replace(before, errors=errors, timeouts=timeouts, counts=counts)
