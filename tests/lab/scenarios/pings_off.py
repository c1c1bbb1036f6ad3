"""The pings of one session are off, and its link swallows every packet.

The kernel never notices: the session stays LOGGED_IN, its disk running. What notices is multipathd's own check, which
times out: `failed` by dm alone, which does not report why, so the cause is `unknown`, or `checker` if the check is
seen to fail. Nothing bounds such a failover, and the check says so beforehand; the verdict is `no_budget`.
"""

from tests.lab.kit.array import TARGET
from tests.lab.kit.san import PORTALS, QUICK
from tests.lab.kit.scenario import Lab

SAN = QUICK.with_multipath(checker_timeout="3")
ALERTS = (
    "path_suspect",
    "path_failed",
    "path_missing",
    "path_stalled",
    "map_degraded",
    "map_at_risk",
    "session_lost",
    "config_finding",
)


def run(lab: Lab) -> None:
    path = PORTALS[2]
    label = f"{path}/{TARGET}"
    lab.set_pings(2, 0, 0)
    lab.expect_metric("session_failover_budget_seconds", float("inf"), session=label)
    if lab.watch.present:
        report = lab.watch.check()
        lab.check(report["budgets"][label]["failover_worst_seconds"] is None, f"budgets {report['budgets']}")
        codes = {each["code"] for each in report["findings"] if label in each["subject"].split(", ")}
        lab.check("pings_off" in codes, f"findings on {label}: {codes}")

    dropped = lab.faults.drop_silently(2)
    failed = lab.see_dm(path, "F", dropped, timeout=40)
    lab.expect_path("mpio", path, "failed", failed)
    lab.check(lab.truth.find("session", dropped, portal=path) is None, "the kernel noticed")

    mended = lab.faults.drop_nothing()
    up = lab.see_dm(path, "A", mended, timeout=90)
    lab.expect_path("mpio", path, "up", up)
    lab.expect_verdict("mpio", path, dropped, "no_budget")
    lab.expect_one_outage("mpio", path, {"unknown", "checker"}, dropped)
