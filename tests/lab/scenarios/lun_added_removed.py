"""A second LUN is exported and found, used for a moment, and removed again in good order.

A new map with two paths appears and is `healthy`: with `find_multipaths yes` it is made only once both paths are
there. On removal the map is flushed before its disks are deleted, so it goes as a whole: nothing is missing and
nothing is alarmed about. The first LUN has no part in this.
"""

from tests.lab.kit.san import PORTALS, QUICK, wait_for_paths
from tests.lab.kit.scenario import Lab

SAN = QUICK
QUICK_SUITES = ("trixie",)

LUN = 2


def run(lab: Lab) -> None:
    name = SAN.map_name(LUN)
    lab.writes.start()

    added = lab.faults.add_lun(LUN)
    for path in PORTALS.values():
        lab.see_dm(path, "A", added, timeout=30, lun=LUN)
    for path in PORTALS.values():
        lab.expect_event("path_added", MAP=name, PATH=path)
        lab.expect_state("path_health", "up", map=name, path=path)
    lab.expect_state("map_health", "healthy", map=name)
    lab.expect_metric("map_paths_expected", 2, map=name)
    lab.guest.run("udevadm settle -t 20")

    removed = lab.faults.remove_lun(LUN)
    wait_for_paths(lab.guest, name, 0)
    for path in PORTALS.values():
        lab.truth.wait_device(path, None, after=removed, timeout=10, lun=LUN)
        lab.expect_event("path_removed", MAP=name, PATH=path)
    lab.expect_state("map_health", "healthy", map="mpio")
    lab.expect_map_story("mpio", [])
    lab.check(not lab.writes.errors(), "writes failed")
