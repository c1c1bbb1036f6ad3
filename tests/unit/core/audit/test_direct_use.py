"""Disks that are used directly although their LUN is in a map, or should be."""

from __future__ import annotations

from typing import Any

import pytest

from mpathd_watch.core.catalog.findings import FindingKind
from mpathd_watch.core.model.usage import DirectUse, StackedFacts, Usage, Use
from tests.factories import make_map
from tests.hosts import PORTALS, Host, disk, numbered_paths

K = FindingKind
LVM = DirectUse("sda", "sda", "", Use.STACKED, "vg-data")
MOUNT = DirectUse("sdb", "sdb1", "", Use.MOUNT, "/srv")
SWAP = DirectUse("sdb", "sdb2", "", Use.SWAP)


def used(*direct: DirectUse, **changes: Any) -> Host:
    return Host(changes={"usage": Usage(direct=direct)}, **changes)


@pytest.mark.parametrize(
    ("use", "text"),
    [
        (LVM, "vg-data is made of sda; sda is a path of this map"),
        (MOUNT, "sdb1 is mounted on /srv; sdb is a path of this map"),
        (SWAP, "sdb2 is swap; sdb is a path of this map"),
    ],
)
def test_a_path_of_a_map_is_used(use: DirectUse, text: str) -> None:
    found = used(use).only(K.DISK_USED_PAST_MULTIPATH)
    assert (found.subject, found.text) == ("mpio", text)


def test_all_uses_of_a_lun_are_one_finding() -> None:
    text = used(LVM, MOUNT, SWAP).only(K.DISK_USED_PAST_MULTIPATH).text
    assert text == "vg-data is made of sda, sdb1 is mounted on /srv, sdb2 is swap; sda is a path of this map"


def test_a_disk_outside_of_the_map_of_its_lun_is_used() -> None:
    """rear#2002: LVM took the disk before multipath did, so the map has only the other path."""
    other = DirectUse("sdx", "sdx3", "wwid-of-mpio", Use.STACKED, "vg-root")
    found = used(other, unmapped=(disk("sdx", wwid="wwid-of-mpio"),)).only(K.DISK_USED_PAST_MULTIPATH)
    assert found.text == "vg-root is made of sdx3; sdx leads to the LUN of this map"
    assert K.PATH_NOT_IN_MAP not in used(other, unmapped=(disk("sdx", wwid="wwid-of-mpio"),)).kinds()


def test_one_of_several_paths_without_a_map_is_used() -> None:
    use = DirectUse("sdx", "sdx", "36001", Use.MOUNT, "/srv")
    found = used(use, unmapped=(disk("sdx"), disk("sdy", sid=2))).only(K.DISK_USED_PAST_MULTIPATH)
    assert (found.subject, found.text) == (
        "36001",
        "sdx is mounted on /srv; sdx, sdy lead to one LUN, which is in no map",
    )


@pytest.mark.parametrize(
    "right",
    [
        # What is stacked on the map itself is no direct use.
        Host(changes={"usage": Usage(stacked=(StackedFacts("dm-1", "vg-data", "LVM-a", ("dm-0",)),))}),
        # A disk of this host, and an ordinary disk with one path.
        used(DirectUse("sdz", "sdz1", "0QEMU", Use.MOUNT, "/")),
        used(DirectUse("sdz", "sdz1", "", Use.MOUNT, "/")),
        used(DirectUse("sdx", "sdx", "36001", Use.MOUNT, "/srv"), unmapped=(disk("sdx"),)),
        # The blacklist says that these are not for multipath.
        used(
            DirectUse("sdx", "sdx", "36001", Use.MOUNT, "/srv"),
            unmapped=(disk("sdx"), disk("sdy", sid=2)),
            multipath="blacklist {\n\twwid 36001\n}\n",
        ),
    ],
)
def test_what_is_no_use_past_multipath(right: Host) -> None:
    assert K.DISK_USED_PAST_MULTIPATH not in right.kinds()


def test_several_luns_are_one_finding() -> None:
    maps = [make_map(f"lun{lun}", numbered_paths(lun, *PORTALS)) for lun in (1, 2, 3, 4)]
    uses = [DirectUse(f"sd{lun}x0", f"sd{lun}x0", "", Use.STACKED, "md0") for lun in (1, 2, 3, 4)]
    found = used(*uses, maps=maps).only(K.DISK_USED_PAST_MULTIPATH)
    assert found.subject == "lun1, lun2, lun3 and 1 more"
    assert found.text == (
        "the LUNs of 4 maps are used past them, for example lun1: md0 is made of sd1x0; sd1x0 is a path of this map"
    )
