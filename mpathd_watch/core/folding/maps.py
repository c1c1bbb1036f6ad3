"""Folding what a full scan shows of a map, and of the disks that are its paths."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import TypeAlias

from mpathd_watch.core.alerting import messages
from mpathd_watch.core.draft import Draft
from mpathd_watch.core.effects import Scope
from mpathd_watch.core.folding import disks, expected
from mpathd_watch.core.folding.dm import made_anew
from mpathd_watch.core.judging.attentions import read_again
from mpathd_watch.core.model import identity
from mpathd_watch.core.model.facts import DeviceFacts, MapFacts
from mpathd_watch.core.model.views import CheckerView, DiskView, DmView, Place
from mpathd_watch.core.model.vocabulary import Transport
from mpathd_watch.core.state import Due, MapState, PathState, PathVerdict, Wait
from mpathd_watch.core.state.arrays import target_of
from mpathd_watch.core.transports import table
from mpathd_watch.immutable import replace

Present: TypeAlias = Mapping[tuple[Transport, Hashable], str]
"""The labels of the nexuses that are there, by transport and handle."""


def fold(
    draft: Draft, facts: MapFacts, label: str, members: list[DeviceFacts], present: Present, *, requested: float
) -> None:
    """Take over a map and its disks under this label, of a scan that was asked for at ``requested``.

    ``present`` are the nexuses that are there.
    """
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
    _fold_paths(draft, wwid, members, present, requested)
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


def _fold_paths(draft: Draft, wwid: str, members: list[DeviceFacts], present: Present, requested: float) -> None:
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
            disks.observe(draft, wwid, path, device, requested)
        else:
            draft.set_path(wwid, disks.observed(draft, path, device, requested))
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


def _nexuses_behind(draft: Draft, wwid: str, members: list[DeviceFacts], present: Present) -> dict[str, str]:
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
