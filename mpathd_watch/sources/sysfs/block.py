"""What the kernel's block layer has of a disk or a map. None of these reads causes I/O."""

from __future__ import annotations

from sys import intern

from mpathd_watch.core.model.facts import BlockFacts
from mpathd_watch.sources.reading.attributes import Attributes, Below


def of_disk(attributes: Attributes, disk: Below, device: Below, name: str) -> BlockFacts:
    """The size and the limits of the disk ``name`` in the directory ``disk``, and the kernel's own name of its LUN.

    ``device`` is the directory ``device`` of it. An NVMe namespace has its name beside its size.
    """
    wwid = disk / "wwid" if name.startswith("nvme") else device / "wwid"
    return BlockFacts(*_sizes(attributes, disk), wwid=intern(attributes.optional(wwid)))


def of_map(attributes: Attributes, below: Below) -> BlockFacts:
    """The size and the limits of the map in a directory, and whether it passes bios on.

    If it does, its queue can have no scheduler, which the kernel prints without brackets (elv_iosched_show() in
    block/elevator.c).
    """
    return BlockFacts(*_sizes(attributes, below), bios=attributes.optional(below / "queue/scheduler") == "none")


def _sizes(attributes: Attributes, below: Below) -> tuple[int | None, int | None, int | None]:
    return (
        attributes.number(below / "size"),
        attributes.number(below / "queue/logical_block_size"),
        attributes.number(below / "queue/max_sectors_kb"),
    )
