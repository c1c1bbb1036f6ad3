"""The daemon starts while multipathd is stopped and the path through 192.168.2.1 is down.

Disks, sessions and dm are enough for a health: the path is `failed`, the other one `up`, the map `at_risk`. When the
link is back, the disk runs and the session is logged in. But dm still has the path failed, from before the start: no
uevent reports that, and only root can read it. So the path is not up until multipathd is started and reinstates it.
"""

from tests.lab.kit.san import PORTALS, QUICK
from tests.lab.kit.scenario import Lab

SAN = QUICK
ALERTS = frozenset({"source_down", "session_lost", "path_failed", "map_at_risk", "config_finding"})


def run(lab: Lab) -> None:
    first, second = PORTALS[1], PORTALS[2]
    lab.watch.stop()
    lab.writes.start()
    lab.faults.stop_multipathd()
    cut = lab.faults.link_down(2)
    lab.see_failed(second, cut)
    lab.see_dm(second, "F", cut)

    started = lab.watch.start().began
    lab.expect_state("path_health", "failed", timeout=20, map="mpio", path=second)
    lab.expect_state("path_health", "up", map="mpio", path=first)
    lab.expect_state("map_health", "at_risk", map="mpio")
    lab.expect_raw("mpio", second, dm="failed")
    lab.expect_raw("mpio", first, dm="active")
    entry = lab.expect_event("map_at_risk", after=started - 10, MAP="mpio")
    lab.check(entry is not None and "I/O fails" in entry.message, f"what happens to I/O is reported: {entry}")

    plugged = lab.faults.link_up(2)
    lab.see_logged_in(second, plugged)
    lab.pause_until(plugged + 8)
    lab.check(lab.watch.state("map_health", map="mpio") == "at_risk", "the map is at risk as long as dm has it failed")
    lab.check(lab.watch.state("path_health", map="mpio", path=second) != "up", "a path that dm has failed is not up")

    begun = lab.faults.start_multipathd()
    up = lab.see_dm(second, "A", begun, timeout=60)
    lab.expect_path("mpio", second, "up", up)
    lab.expect_map("mpio", "healthy", up)
    lab.check(not lab.writes.errors(), "writes failed")
