"""multipathd is killed while the session to 192.168.2.1 is FAILED; its unit starts it again at once (Debian 13).

The new multipathd finds a map it did not make. dm's F comes by uevent as if nothing had happened, and the new
multipathd reinstates the path. To us it is one source that was away for a moment, at most; never a reason to
distrust dm.
"""

from tests.lab.kit.san import PORTALS, QUICK
from tests.lab.kit.scenario import SESSION_LOSS, Lab

SAN = QUICK
LONG_SUITES = ("sid",)
QUICK_SUITES = ("trixie",)
ALERTS = SESSION_LOSS | {"source_down"}


def run(lab: Lab) -> None:
    path = PORTALS[2]
    lab.writes.start()

    cut = lab.faults.link_down(2)
    stalled = lab.see_stalled(path, cut)
    lab.faults.kill_multipathd()
    lab.expect_path("mpio", path, "stalled", stalled)
    failed = lab.see_failed(path, cut)
    lab.expect_path("mpio", path, "failed", failed)

    plugged = lab.faults.link_up(2)
    back = lab.see_logged_in(path, plugged)
    up = lab.see_dm(path, "A", plugged, timeout=60)
    lab.expect_recovery("mpio", path, back, up)
    lab.expect_map("mpio", "healthy", up)
    lab.expect_metric("source_up", 1, timeout=30, source="multipathd")
    lab.expect_path_story("mpio", path, ["stalled", "failed", "recovering", "up"])
    lab.expect_one_outage("mpio", path)
    lab.check(not lab.writes.errors(), "writes failed")
