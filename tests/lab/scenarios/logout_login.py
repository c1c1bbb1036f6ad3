"""An administrator logs out of 192.168.2.1, and in again after another disk has taken the name of the one that went.

The path leaves every listing, and we keep showing it: `missing`, the map `at_risk`. dm may have nothing to say: the
map just has one path less. If I/O was on its way dm fails the path first, and it is `failed` for a moment, in the same
outage. After the login session number, SCSI host and sdX are new; the path is the same one, and `up` again.
"""

from tests.lab.kit.san import PORTALS, QUICK
from tests.lab.kit.scenario import SESSION_LOSS, Lab

SAN = QUICK
QUICK_SUITES = ("trixie",)
ALERTS = SESSION_LOSS | {"path_missing"}


def run(lab: Lab) -> None:
    path = PORTALS[2]
    lab.writes.start()
    before = lab.truth.device_name(path)

    logout = lab.faults.logout(2)
    missing = lab.truth.wait_device(path, None, after=logout, timeout=10)
    lab.expect_path("mpio", path, "missing", missing)
    lab.expect_map("mpio", "at_risk", missing)
    lab.expect_metric("map_paths_expected", 2, map="mpio")
    lab.guest.run("modprobe scsi_debug dev_size_mb=8; udevadm settle -t 10")

    login = lab.faults.login(2)
    up = lab.see_dm(path, "A", login, timeout=30)
    after = lab.truth.device_name(path)
    lab.check(before != after, f"the disk is {after} again")
    lab.expect_path("mpio", path, "up", up)
    lab.expect_map("mpio", "healthy", up)
    lab.expect_metric("path_info", 1, map="mpio", path=path, dev=after)
    lab.expect_path_story("mpio", path, ["missing", "up"], optional={"failed"})
    lab.expect_one_outage("mpio", path, causes={"logout"})
    lab.check(not lab.writes.errors(), "writes failed")
