"""The link to 192.168.2.1 swallows every packet while its carrier stays up: a broken switch, a wrong firewall rule.

Only silence shows it: first a silence longer than any on a healthy session (`suspect`), then the unanswered ping, which
is the cause (`nop_timeout`). From there on the story is that of the pulled cable.
"""

from tests.lab.kit.san import PORTALS, QUICK
from tests.lab.kit.scenario import SESSION_LOSS, Lab

SAN = QUICK
LONG_SUITES = ("sid",)
QUICK_SUITES = ("trixie",)
ALERTS = SESSION_LOSS


def run(lab: Lab) -> None:
    path = PORTALS[2]
    lab.writes.start()

    dropped = lab.faults.drop_silently(2)
    stalled = lab.see_stalled(path, dropped)
    lab.expect_path("mpio", path, "stalled", stalled)
    lab.expect_map("mpio", "at_risk", stalled)
    failed = lab.see_failed(path, dropped)
    lab.expect_path("mpio", path, "failed", failed)
    lab.check(lab.truth.find("link", after=dropped) is None, "the carrier changed")

    mended = lab.faults.drop_nothing()
    back = lab.see_logged_in(path, mended, timeout=60)
    up = lab.see_dm(path, "A", mended, timeout=60)
    lab.expect_recovery("mpio", path, back, up)
    lab.expect_map("mpio", "healthy", up)

    lab.check(not lab.writes.errors(), "writes failed")
    lab.expect_path_story("mpio", path, ["stalled", "failed", "recovering", "up"])
    lab.expect_map_story("mpio", ["at_risk", "healthy"])
    lab.expect_outage("mpio", path, dropped)
