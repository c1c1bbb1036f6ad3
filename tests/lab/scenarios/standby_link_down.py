"""With path groups (failover), the link of the standby path is pulled.

No I/O runs there, so dm keeps calling the path A: first while the session is FAILED and the disk blocked, and then
still while the disk is transport-offline, until multipathd's next checker run. We must not wait for that: `suspect`
comes with the lost carrier, `stalled` with the session's FAILED, `failed` with the disk's transport-offline, all before
dm's F.
"""

from tests.lab.kit.san import PORTALS, QUICK_FAILOVER
from tests.lab.kit.scenario import SESSION_LOSS, Lab

SAN = QUICK_FAILOVER
ALERTS = SESSION_LOSS


def run(lab: Lab) -> None:
    lab.writes.start()
    standby = 3 - lab.active_link()
    path = PORTALS[standby]

    cut = lab.faults.link_down(standby)
    lab.expect_carrier_lost("mpio", path, cut)
    stalled = lab.see_stalled(path, cut)
    lab.expect_path("mpio", path, "stalled", stalled)
    lab.expect_map("mpio", "at_risk", stalled)
    failed = lab.see_failed(path, cut)
    lab.expect_path("mpio", path, "failed", failed)
    verdict = lab.see_dm(path, "F", cut, timeout=40)
    lab.check(verdict - stalled > 3.0, f"dm said F only {verdict - stalled:.1f} s after the session was FAILED")

    plugged = lab.faults.link_up(standby)
    back = lab.see_logged_in(path, plugged)
    up = lab.see_dm(path, "A", plugged, timeout=60)
    lab.expect_recovery("mpio", path, back, up)
    lab.expect_map("mpio", "healthy", up)

    lab.check(not lab.writes.errors() and lab.writes.longest() < 3.0, "writes noticed the loss of the standby path")
    lab.expect_path_story("mpio", path, ["stalled", "failed", "recovering", "up"])
    lab.expect_map_story("mpio", ["at_risk", "healthy"])
    lab.expect_outage("mpio", path, cut)
