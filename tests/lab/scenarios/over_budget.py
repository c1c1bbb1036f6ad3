"""multipathd freezes while a path is out, and is not there to take it back: a promise that is really broken.

The failover is as promised; multipathd has no part in it. Then the link is plugged in, the session is back, the path is
`recovering`, and stays so beyond its deadline: `path_overdue`, once. When multipathd goes on, the path is `up`, and the
verdict is `over_budget`, for its reinstatement.
"""

from tests.lab.kit.san import PORTALS, QUICK
from tests.lab.kit.scenario import SESSION_LOSS, TOLERANCE, Lab

SAN = QUICK.with_pings(2, 3).with_multipath(polling_interval="2", max_polling_interval="2")
LONG_SUITES = ("bookworm",)
ALERTS = SESSION_LOSS | {"source_down", "path_overdue"}

DEADLINE = 2 * 2 + 2.0
SLACK = 2.0


def run(lab: Lab) -> None:
    path = PORTALS[2]
    lab.writes.start()

    cut = lab.faults.link_down(2)
    lab.see_failed(path, cut)
    lab.see_dm(path, "F", cut)
    lab.faults.freeze_multipathd()
    plugged = lab.faults.link_up(2)
    back = lab.see_logged_in(path, plugged)
    lab.expect_path("mpio", path, "recovering", back)
    lab.expect_metric("path_overdue", 0, map="mpio", path=path)

    lab.pause_until(back + DEADLINE + SLACK + TOLERANCE)
    overdue = lab.expect_event("path_overdue", after=plugged, MAP="mpio", PATH=path)
    lab.within(TOLERANCE, overdue.at if overdue else None, back + DEADLINE + SLACK, f"{path} overdue")
    lab.expect_metric("path_overdue", 1, map="mpio", path=path)
    lab.faults.thaw_multipathd()
    lab.expect_outage("mpio", path, cut, verdict="over_budget", broken="reinstatement")
    if lab.watch.present:
        gone = lambda: lab.watch.metric("path_overdue", map="mpio", path=path) is None or None  # noqa: E731
        lab.wait("the end of path_overdue", gone, 10)
    lab.check(len(lab.watch.entries(cut, "path_overdue")) == (1 if lab.watch.present else 0), "overdue told once")
    lab.check(not lab.writes.errors(), "writes failed")
