"""What the disks of this host are used for: file systems, swap, and what is stacked on disks."""

from __future__ import annotations

from enum import StrEnum

from mpathd_watch.immutable import immutable


@immutable
class MountFacts:
    """One mounted file system that is on a block device.

    ``dev_t`` is its ``MAJOR:MINOR``, which for btrfs is that of no block device. ``device`` is the kernel's name of the
    device, e.g. ``dm-3``, empty if it is not known. ``source`` is the device as ``mount`` was given it.
    """

    dev_t: str
    source: str
    target: str
    fs_type: str
    device: str = ""


@immutable
class SwapFacts:
    """One swap area: the path of its device or file, and the kernel's name of the device, empty for a file."""

    path: str
    device: str = ""


@immutable
class StackedFacts:
    """One device that is made of others and is no multipath map: of device-mapper, md or bcache.

    ``name`` is the kernel's name, ``label`` the one of ``dmsetup ls``, ``uuid`` dm's, both empty outside of
    device-mapper. ``slaves`` are the kernel's names of the devices that it is made of.
    """

    name: str
    label: str
    uuid: str
    slaves: tuple[str, ...]


class Use(StrEnum):
    """How a disk is used."""

    STACKED = "stacked"
    MOUNT = "mount"
    SWAP = "swap"


@immutable
class DirectUse:
    """Something that uses a disk, or a partition of it, directly: by its own name, and not through a map.

    ``disk`` is the kernel's name of the disk, ``device`` that of the disk or partition that is used, ``wwid`` the
    disk's, empty if udev has none. ``by``: the name of the stacked device, or the mount point; empty for swap.
    """

    disk: str
    device: str
    wwid: str
    use: Use
    by: str = ""


@immutable
class Usage:
    """What was mounted, swapped on and stacked at the time of a full scan, and which of that uses a disk directly."""

    mounts: tuple[MountFacts, ...] = ()
    swaps: tuple[SwapFacts, ...] = ()
    stacked: tuple[StackedFacts, ...] = ()
    direct: tuple[DirectUse, ...] = ()
