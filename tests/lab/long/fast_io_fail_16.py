"""fast_io_fail_tmo is 16 for iSCSI, and the link to 192.168.2.1 is pulled until dm has failed the path.

I/O is held for those 16 s: the budget is longer, and kept. With a longer timeout the kernel's timer may be 2 s late,
more than the daemon's slack: a timer of 16.4 s and more expires at a multiple of 2.05 s (kernel/time/timer.c, HZ 250).
The record has replacement_timeout = 15, which is not in force: the check reports it, and that multipathd changed it.
"""

from tests.lab.kit.array import TARGET
from tests.lab.kit.san import PORTALS, QUICK
from tests.lab.kit.scenario import SESSION_LOSS, Lab

SAN = QUICK.with_pings(2, 3).with_iscsi(fast_io_fail_tmo="16")
ALERTS = SESSION_LOSS | {"config_finding"}

WORST_FAILOVER = 2 + 3 + 1 + 16


def run(lab: Lab) -> None:
    path = PORTALS[2]
    label = f"{path}/{TARGET}"
    if lab.watch.present:
        report = lab.watch.check()
        lab.check(report["budgets"][label]["failover_worst_seconds"] == WORST_FAILOVER, f"budgets {report['budgets']}")
        codes = {each["code"] for each in report["findings"] if label in each["subject"].split(", ")}
        lab.check(codes == {"replacement_timeout_overridden"}, f"findings on {label}: {codes}")
    lab.expect_metric("session_failover_budget_seconds", WORST_FAILOVER, session=label)
    lab.writes.start()

    cut = lab.faults.link_down(2)
    stalled = lab.see_stalled(path, cut)
    lab.expect_path("mpio", path, "stalled", stalled)
    failed = lab.see_failed(path, stalled, timeout=30)
    lab.check(abs(failed - stalled - 16) < 1.5, f"I/O was held for {failed - stalled:.1f} s")
    lab.expect_path("mpio", path, "failed", failed)
    lab.faults.link_up(2)
    lab.expect_outage("mpio", path, cut)
    lab.expect_path_story("mpio", path, ["stalled", "failed", "recovering", "up"])
    lab.check(not lab.writes.errors(), "writes failed")
