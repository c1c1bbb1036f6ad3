"""The target behind 192.168.2.1 dies: its connection is reset, and new ones are refused until it is started again.

No ping has to time out: the session is FAILED at once, and `failed` follows after the live recovery_tmo of 5 s.
"""

from tests.lab.kit.san import PORTALS, QUICK
from tests.lab.kit.scenario import SESSION_LOSS, Lab

SAN = QUICK
LONG_SUITES = ("sid",)
ALERTS = SESSION_LOSS


def run(lab: Lab) -> None:
    path = PORTALS[2]
    lab.writes.start()

    killed = lab.faults.kill_target(2)
    stalled = lab.see_stalled(path, killed)
    lab.check(stalled - killed < 2.0, f"the session was FAILED only after {stalled - killed:.1f} s")
    lab.expect_path("mpio", path, "stalled", stalled)
    lab.expect_map("mpio", "at_risk", stalled)
    failed = lab.see_failed(path, killed)
    lab.expect_path("mpio", path, "failed", failed)

    started = lab.faults.start_target(2)
    back = lab.see_logged_in(path, started)
    up = lab.see_dm(path, "A", started, timeout=60)
    lab.expect_recovery("mpio", path, back, up)
    lab.expect_map("mpio", "healthy", up)

    lab.check(not lab.writes.errors(), "writes failed")
    lab.expect_path_story("mpio", path, ["stalled", "failed", "recovering", "up"])
    lab.expect_map_story("mpio", ["at_risk", "healthy"])
    lab.expect_outage("mpio", path, killed)
