"""A LUN is enlarged at both targets, but only one of its paths is scanned again.

Now multipath would reject the map when it sets it up next, and `check` reports it. Once the other path is scanned, too,
the map is only smaller than it could be. After `multipathd resize map` nothing is left to report.
"""

from dataclasses import replace

from tests.lab.kit.array import GROWN_MIB
from tests.lab.kit.san import MOUNT_POINT, PORTALS, QUICK
from tests.lab.kit.scenario import SESSION_LOSS, Lab

SAN = replace(QUICK.with_multipath(no_path_retry="12"), replacement_timeout=5)
ALERTS = {*SESSION_LOSS, "config_finding", "map_lost"}


def run(lab: Lab) -> None:
    lab.expect_no_finding()
    lab.guest.run(f"umount {MOUNT_POINT}")
    disks = {number: lab.truth.device_name(portal) for number, portal in PORTALS.items()}
    lab.faults.grow_lun(*PORTALS)

    scan(lab, disks[2])
    lab.expect_finding("sizes_differ", "mpio")
    lab.expect_metric("config_findings", 1, code="sizes_differ", timeout=30)

    scan(lab, disks[1])
    lab.expect_no_finding()
    codes = {each["code"] for each in lab.watch.check()["findings"]} if lab.watch.present else {"map_not_resized"}
    lab.check("map_not_resized" in codes, f"check reports that the map is smaller than its paths: {codes}")

    lab.guest.run("multipathd resize map mpio")
    size = int(lab.guest.run("blockdev --getsize64 /dev/mapper/mpio"))
    lab.check(size == GROWN_MIB << 20, f"the map has {size} bytes")
    lab.expect_no_finding()


def scan(lab: Lab, disk: str) -> None:
    """Have the kernel ask a disk for its size again."""
    lab.say(f"{disk} scanned again")
    lab.guest.run(f"echo 1 > /sys/block/{disk}/device/rescan; udevadm settle -t 20")
    sectors = int(lab.guest.run(f"cat /sys/block/{disk}/size"))
    lab.check(sectors == GROWN_MIB << 11, f"{disk} has {sectors} sectors")
