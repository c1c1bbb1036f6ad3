"""multipathd hangs (SIGSTOP) when the link to 192.168.2.1 is pulled: it takes connections and never answers.

As with a multipathd that is stopped, dm's truth arrives by uevent and in time: a question that gets no answer must
not hold anything up. The checker's state becomes `unknown`. When multipathd goes on it reinstates the path.
"""

from tests.lab.kit.san import PORTALS, QUICK
from tests.lab.kit.scenario import SESSION_LOSS, Lab

SAN = QUICK
ALERTS = SESSION_LOSS | {"source_down"}


def run(lab: Lab) -> None:
    path = PORTALS[2]
    lab.writes.start()
    lab.faults.freeze_multipathd()

    cut = lab.faults.link_down(2)
    stalled = lab.see_stalled(path, cut)
    lab.expect_path("mpio", path, "stalled", stalled)
    failed = lab.see_failed(path, cut)
    lab.expect_path("mpio", path, "failed", failed)
    lab.expect_metric("source_up", 0, timeout=30, source="multipathd")
    lab.expect_raw("mpio", path, checker="unknown")

    plugged = lab.faults.link_up(2)
    recovering = lab.see_logged_in(path, plugged)
    lab.expect_path("mpio", path, "recovering", recovering)
    thawed = lab.faults.thaw_multipathd()
    up = lab.see_dm(path, "A", thawed, timeout=60)
    lab.expect_path("mpio", path, "up", up)
    lab.expect_map("mpio", "healthy", up)
    lab.expect_metric("source_up", 1, timeout=30, source="multipathd")
    lab.expect_path_story("mpio", path, ["stalled", "failed", "recovering", "up"])
    lab.expect_one_outage("mpio", path)
    lab.check(not lab.writes.errors(), "writes failed")
