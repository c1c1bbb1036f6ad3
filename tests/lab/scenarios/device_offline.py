"""An administrator sets one SCSI disk `offline`, and later `running` again.

The session is in order throughout. The path is `failed` at once, whatever dm says: with I/O on it dm follows with
the next write. It does not come back by itself. Once the disk is `running`, multipathd's checker finds it usable
and reinstates it, often before anyone could see it `recovering`: no event reports a disk that is set `running`.
"""

from tests.lab.kit.san import PORTALS, QUICK
from tests.lab.kit.scenario import Lab

SAN = QUICK
QUICK_SUITES = ("trixie",)
ALERTS = ("path_failed", "map_at_risk")


def run(lab: Lab) -> None:
    path = PORTALS[2]
    lab.writes.start()
    device = lab.truth.device_name(path)

    offline = lab.faults.set_device_state(device, "offline")
    failed = lab.see_failed(path, offline)
    lab.expect_path("mpio", path, "failed", failed)
    lab.expect_map("mpio", "at_risk", failed)
    lab.expect_raw("mpio", path, device="offline")
    lab.see_dm(path, "F", offline, timeout=40)

    running = lab.faults.set_device_state(device, "running")
    lab.truth.wait_device(path, "running", after=running, timeout=10)
    up = lab.see_dm(path, "A", running, timeout=60)
    lab.expect_path("mpio", path, "up", up)
    lab.expect_map("mpio", "healthy", up)

    lab.check(lab.truth.find("session", after=offline, state="FAILED") is None, "the session failed")
    lab.check(not lab.writes.errors(), "writes failed")
    lab.expect_path_story("mpio", path, ["failed", "up"], optional={"recovering"})
    lab.expect_map_story("mpio", ["at_risk", "healthy"])
    lab.expect_one_outage("mpio", path, causes={"device_offline"})
