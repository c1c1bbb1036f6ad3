"""Folding what is read of a member disk: its state, its counters, and the LUN behind it."""

from __future__ import annotations

from mpathd_watch.core.draft import Draft
from mpathd_watch.core.model.facts import DeviceFacts
from mpathd_watch.core.model.views import DiskView
from mpathd_watch.core.model.vocabulary import DeviceState, DmState, Liveness
from mpathd_watch.core.state import DiskErrors, PathState
from mpathd_watch.immutable import replace


def observe(draft: Draft, wwid: str, path: PathState, device: DeviceFacts, requested: float) -> None:
    """Take over a disk's reading; one that shows nothing new but I/O leaves the verdict as it is."""
    after = observed(draft, path, device, requested)
    if after is path:
        return
    if after.disk_errors == path.disk_errors and replace(after.disk, io=path.disk.io) == path.disk:
        draft.keep_path(wwid, after)
    else:
        draft.set_path(wwid, after)


def observed(draft: Draft, path: PathState, device: DeviceFacts, requested: float) -> PathState:
    """The path with its disk's state and counters, asked for at ``requested``; the same object if nothing changed."""
    disk = DiskView(
        _state(path, device, requested),
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


def _state(path: PathState, device: DeviceFacts, requested: float) -> DeviceState:
    """The disk's state as it is known with this reading.

    multipathd has dm reinstate a path only once its checker has had an answer over it (check_path() in
    multipathd/main.c). A reading that was asked for before may take seconds on a busy host, and shows what was so
    before; the disk is read again after each uevent of its path.
    """
    changed = path.dm.changed if path.dm.state is DmState.ACTIVE else None
    older = changed is not None and 0.0 < requested < changed
    return path.disk.state if older and device.state.liveness is not Liveness.CARRYING else device.state


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


def _was(disk: DiskView, wwid: str) -> str:
    """The kernel's name of the LUN that was behind the disk first; empty while that is ``wwid``, or one is not known.

    The kernel reads the name when it scans a disk, also after INQUIRY_DATA_HAS_CHANGED (scsi_evt_emit(), scsi_lib.c).
    Only names of one kind can be compared: a LUN that reports further designators has another name, as ``naa.`` in
    place of ``t10.`` (scsi_vpd_lun_id()).
    """
    first = disk.was or disk.block.wwid
    alike = first.partition(".")[0] == wwid.partition(".")[0]
    return first if first and alike and first != wwid else ""
