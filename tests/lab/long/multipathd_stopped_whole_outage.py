"""multipathd is stopped, and the link of the standby path is down for 25 s.

Nobody checks the path and no I/O touches it: dm calls it A throughout, and its own record shows no outage at all.
We see the session go and come back, so ours does: `stalled`, `failed`, `up`. There is nothing to reinstate, so the
path is up as soon as the session is. What only multipathd knows is `unknown` meanwhile.
"""

from tests.lab.kit.san import PORTALS, QUICK_FAILOVER
from tests.lab.kit.scenario import SESSION_LOSS, Lab

SAN = QUICK_FAILOVER
ALERTS = SESSION_LOSS | {"source_down"}

OUTAGE = 25.0


def run(lab: Lab) -> None:
    lab.writes.start()
    standby = 3 - lab.active_link()
    path = PORTALS[standby]
    lab.faults.stop_multipathd()
    lab.expect_event("source_down", timeout=30)
    lab.expect_metric("source_up", 0, source="multipathd")
    lab.expect_raw("mpio", path, checker="unknown")

    cut = lab.faults.link_down(standby)
    stalled = lab.see_stalled(path, cut)
    lab.expect_path("mpio", path, "stalled", stalled)
    failed = lab.see_failed(path, cut)
    lab.expect_path("mpio", path, "failed", failed)
    lab.pause_until(cut + OUTAGE)
    plugged = lab.faults.link_up(standby)
    up = lab.see_logged_in(path, plugged)
    lab.expect_path("mpio", path, "up", up)
    lab.expect_map("mpio", "healthy", up)
    lab.check(lab.truth.dm_verdict(path, "F", after=cut) is None, "dm noticed the outage")

    lab.faults.start_multipathd()
    lab.expect_metric("source_up", 1, timeout=30, source="multipathd")
    lab.expect_path_story("mpio", path, ["stalled", "failed", "up"])
    lab.expect_map_story("mpio", ["at_risk", "healthy"])
    lab.expect_one_outage("mpio", path)
    lab.check(not lab.writes.errors(), "writes failed")
