"""What a LUN reports of itself by INQUIRY (SPC): the standard data, and VPD page 0x83 with its designators.

Arrays send anything: truncated data, lengths that are too large. Nothing here raises.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from mpathd_watch.immutable import immutable

_TPGS_BYTE: Final = 5
_TPGS: Final = 0x30
"""Bits 4 and 5: how the array lets its target port groups change their states; 0 = it reports none."""

_DEVICE_IDENTIFICATION: Final = 0x83
_HEADER: Final = 4
"""Bytes before the first designator, and before the value of each designator."""

_TARGET_PORT: Final = 1
"""The association of a designator that is about the target port through which the page was read."""
_PORT_GROUP: Final = 5
_PORT_GROUP_SIZE: Final = 4


@immutable
class Designator:
    """One designator of page 0x83; ``association`` and ``kind`` are the numbers of SPC."""

    association: int
    kind: int
    value: bytes


def has_port_groups(standard: bytes) -> bool | None:
    """Whether an array with these standard data reports target port groups; ``None`` if the data are too short."""
    return bool(standard[_TPGS_BYTE] & _TPGS) if len(standard) > _TPGS_BYTE else None


def port_group(page: bytes) -> int | None:
    """The number of the target port group in page 0x83; ``None`` if there is none. Of several the last counts.

    The kernel decides in the same way (scsi_vpd_tpg_id() in drivers/scsi/scsi_lib.c).
    """
    group = None
    for found in designators(page):
        about = found.association, found.kind, len(found.value)
        if about == (_TARGET_PORT, _PORT_GROUP, _PORT_GROUP_SIZE):
            group = int.from_bytes(found.value[2:], "big")
    return group


def designators(page: bytes) -> Iterator[Designator]:
    """The designators of page 0x83 that are there in whole; none of another page."""
    if len(page) < _HEADER or page[1] != _DEVICE_IDENTIFICATION:
        return
    end = min(len(page), _HEADER + int.from_bytes(page[2:4], "big"))
    at = _HEADER
    while at + _HEADER <= end:
        value = at + _HEADER
        following = value + page[at + 3]
        if following > end:
            return
        yield Designator(page[at + 1] >> 4 & 0x3, page[at + 1] & 0xF, page[value:following])
        at = following
