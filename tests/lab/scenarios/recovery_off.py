"""An administrator has switched recovery_tmo off on one session, and its link is pulled.

The kernel holds the path's I/O without end: `stalled`, with no deadline and never overdue, until the link is plugged in
again. The I/O on that path hangs, nothing fails, dm never learns of it. Nothing was promised: `no_budget`.
"""

from tests.lab.kit.array import TARGET
from tests.lab.kit.san import PORTALS, QUICK
from tests.lab.kit.scenario import SESSION_LOSS, Lab

SAN = QUICK.with_pings(2, 3).with_multipath(polling_interval="2", max_polling_interval="2")
ALERTS = SESSION_LOSS | {"config_finding"}

LONGER_THAN_ANY_TIMEOUT = 12.0


def run(lab: Lab) -> None:
    path = PORTALS[2]
    label = f"{path}/{TARGET}"
    lab.faults.set_recovery_tmo(2, "off")
    lab.truth.wait("session", after=0.0, timeout=5, portal=path, recovery_tmo="off")
    lab.expect_metric("session_failover_budget_seconds", float("inf"), session=label)
    if lab.watch.present:
        report = lab.watch.check()
        lab.check(report["budgets"][label]["failover_worst_seconds"] is None, f"budgets {report['budgets']}")
        codes = {each["code"] for each in report["findings"] if label in each["subject"].split(", ")}
        lab.check("recovery_off" in codes, f"findings on {label}: {codes}")

    cut = lab.faults.link_down(2)
    stalled = lab.see_stalled(path, cut)
    lab.expect_path("mpio", path, "stalled", stalled)
    lab.pause_until(stalled + LONGER_THAN_ANY_TIMEOUT)
    lab.check(lab.truth.device_instant(path, "transport-offline", after=cut) is None, "the kernel gave up on the disk")
    lab.expect_state("path_health", "stalled", map="mpio", path=path)
    lab.check(lab.watch.metric("path_deadline_timestamp_seconds", path=path) is None, "there is a deadline")

    lab.faults.link_up(2)
    lab.expect_outage("mpio", path, cut, verdict="no_budget")
    lab.expect_path_story("mpio", path, ["stalled", "up"], optional=("suspect", "recovering"))
