"""A volume group is activated on a path of a map, and then on the map itself.

LVM that looks at single disks may find its physical volume on a path before it finds it on the map. The volume then has
no failover, which `check` and the daemon report as critical. A volume on the map is as it should be.
"""

from dataclasses import replace

from tests.lab.kit.san import MOUNT_POINT, PORTALS, QUICK
from tests.lab.kit.scenario import Lab

SAN = replace(QUICK.with_multipath(no_path_retry="12"), replacement_timeout=5)
ALERTS = {"config_finding"}


def run(lab: Lab) -> None:
    disk = lab.truth.device_name(PORTALS[1])
    lab.guest.run(f"umount {MOUNT_POINT}; wipefs -q -a /dev/mapper/mpio")
    lab.guest.run("pvcreate -q /dev/mapper/mpio && vgcreate -q labvg /dev/mapper/mpio", timeout=60)
    lab.guest.run("lvcreate -q -y -n data -l 50%FREE labvg", timeout=60)
    lab.expect_no_finding()

    lab.guest.run("vgchange -q -an labvg", timeout=60)
    activate(lab, disk, "multipath_component_detection=0 ")
    lab.expect_finding("disk_used_past_multipath", "mpio")
    lab.expect_metric("config_findings", 1, code="disk_used_past_multipath", timeout=90)

    lab.guest.run("vgchange -q -an labvg", timeout=60)
    activate(lab, "mapper/mpio")
    lab.expect_no_finding()


def activate(lab: Lab, device: str, setting: str = "") -> None:
    """Activate the volume group on this device alone."""
    lab.say(f"labvg activated on {device}")
    config = f'devices {{ {setting}filter=[ "a|^/dev/{device}$|", "r|.*|" ] }}'
    lab.guest.run(f"vgchange -q -ay labvg --config '{config}'; udevadm settle -t 20", timeout=60)
    lab.say(lab.guest.run("dmsetup deps -o devname labvg-data").strip())
