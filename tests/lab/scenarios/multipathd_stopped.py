"""multipathd is stopped, then the link to 192.168.2.1 is pulled.

The kernel does not need multipathd to fail a path with I/O on it: dm's F comes by uevent, at the same time as ever.
The checker's state is `unknown` as long as nobody checks. Nobody reinstates either: with the link back and the
session logged in the path is `recovering`, until multipathd is started again.
"""

from tests.lab.kit.san import PORTALS, QUICK
from tests.lab.kit.scenario import SESSION_LOSS, Lab

SAN = QUICK
LONG_SUITES = ("sid",)
ALERTS = SESSION_LOSS | {"source_down"}


def run(lab: Lab) -> None:
    path = PORTALS[2]
    lab.writes.start()
    lab.faults.stop_multipathd()
    lab.expect_event("source_down", timeout=30)
    lab.expect_raw("mpio", path, checker="unknown")
    lab.expect_state("path_health", "up", map="mpio", path=path)

    cut = lab.faults.link_down(2)
    stalled = lab.see_stalled(path, cut)
    lab.expect_path("mpio", path, "stalled", stalled)
    failed = lab.see_failed(path, cut)
    lab.expect_path("mpio", path, "failed", failed)
    lab.expect_raw("mpio", path, dm="failed")

    plugged = lab.faults.link_up(2)
    recovering = lab.see_logged_in(path, plugged)
    lab.expect_path("mpio", path, "recovering", recovering)
    started = lab.faults.start_multipathd()
    up = lab.see_dm(path, "A", started, timeout=60)
    lab.expect_path("mpio", path, "up", up)
    lab.expect_map("mpio", "healthy", up)
    lab.expect_raw("mpio", path, timeout=30, checker="ready")
    lab.check(lab.guest.run("systemctl is-active multipathd", check=False).strip() == "active", "multipathd is down")
    lab.expect_path_story("mpio", path, ["stalled", "failed", "recovering", "up"])
    lab.expect_one_outage("mpio", path)
    lab.check(not lab.writes.errors(), "writes failed")
