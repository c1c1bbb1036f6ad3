"""A disk has grown, and its target says so by a unit attention; both paths are scanned again and the map resized.

The kernel passes the unit attention on and does nothing more: disks and map have their old size until someone scans
them. When all have followed within a minute, it is one entry of priority info.

The disk is one of scsi_debug. Without the scan: `python -m tests.lab test --long capacity_not_followed`.
"""

from tests.lab.kit import port_groups, scsi_debug
from tests.lab.kit.port_groups import CAPACITY, INFO
from tests.lab.kit.san import QUICK, wait_for_paths
from tests.lab.kit.scenario import Lab

SAN = QUICK
LONG_SUITES = ("bookworm",)
ALERTS = ("path_failed", "map_at_risk")

WITHIN = 70.0
"""Seconds: the minute that disks and map have for following, and a few more."""


def run(lab: Lab) -> None:
    grown = grow(lab)
    lab.faults.rescan_debug_disk()
    sizes = set(lab.guest.run(scsi_debug.SIZES).split())
    lab.check(sizes == {str(scsi_debug.SECTORS_OF_GIB)}, f"the paths have {sizes} sectors")
    size = int(lab.guest.run(f"blockdev --getsz /dev/mapper/{scsi_debug.WWID}"))
    lab.check(size == scsi_debug.SECTORS_OF_GIB, f"the map has {size} sectors")

    entry = lab.expect_event("lun_resized", WITHIN, grown, MAP=scsi_debug.WWID)
    if entry:
        lab.say(f"ours: {entry.at - grown:.0f} s after the change: {entry.message}")
        lab.check(entry.priority == INFO, f"lun_resized has priority {entry.priority}")
    lab.expect_state("map_health", "healthy", map=scsi_debug.WWID)


def grow(lab: Lab) -> float:
    """Plug in a disk with two paths and have it grow; return the instant, once both paths have reported it."""
    name = scsi_debug.WWID
    lab.faults.plug_in_debug_disk()
    wait_for_paths(lab.guest, name, 2)
    lab.expect_state("map_health", "healthy", timeout=20, map=name)
    grown = lab.faults.grow_debug_disk(1)

    def reported() -> bool | None:
        found = {each.hctl for each in lab.truth.attentions(grown) if each.kind == CAPACITY}
        return len(found & lab.truth.addresses(name)) == 2 or None

    lab.wait("unit attentions of both paths", reported, 20.0)
    port_groups.expect_attentions(lab, name, grown, CAPACITY)
    return grown
