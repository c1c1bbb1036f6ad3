"""What the kernel's block layer has of a disk or a map. None of these reads causes I/O."""

from __future__ import annotations

from pathlib import Path

from mpathd_watch.core.model.facts import BlockFacts
from mpathd_watch.sources.reading.attributes import Attributes, Below


def block_facts(attributes: Attributes, directory: Path) -> BlockFacts:
    """The size and the limits of the block device in ``directory``."""
    below = Below(directory)
    queue = below / "queue"
    return BlockFacts(
        size=attributes.number(below / "size"),
        logical_block_size=attributes.number(queue / "logical_block_size"),
        max_sectors_kb=attributes.number(queue / "max_sectors_kb"),
    )


def kernel_wwid(attributes: Attributes, directory: Path) -> str:
    """The kernel's own name of a LUN, or of an NVMe namespace, which has it beside its size."""
    wwid = "wwid" if directory.name.startswith("nvme") else "device/wwid"
    return attributes.optional(Below(directory) / wwid)


def passes_bios(attributes: Attributes, directory: Path) -> bool:
    """Whether a map passes bios on: then its queue can have no scheduler, which the kernel prints without brackets.

    elv_iosched_show() in block/elevator.c.
    """
    return attributes.optional(directory / "queue/scheduler") == "none"
