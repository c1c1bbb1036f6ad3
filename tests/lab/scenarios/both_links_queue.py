"""Both links are pulled; with `no_path_retry queue`, I/O waits for a path, however long that takes.

The map is `lost` as in `both_links_fail`, but it queues: no write fails, the one under way hangs, and it completes
once a path is reinstated.
"""

from tests.lab.kit.san import PORTALS, QUICK
from tests.lab.kit.scenario import SESSION_LOSS, Lab

SAN = QUICK.with_multipath(no_path_retry="queue")
LONG_SUITES = ("sid",)
ALERTS = SESSION_LOSS | {"map_lost"}


def run(lab: Lab) -> None:
    paths = list(PORTALS.values())
    lab.writes.start()

    cut = lab.faults.link_down(1, 2)
    stalled = [lab.see_stalled(path, cut) for path in paths]
    lab.expect_map("mpio", "lost", max(stalled))
    for path in paths:
        lab.expect_path("mpio", path, "failed", lab.see_failed(path, cut))
    hanging = lab.writes.wait_hanging(after=cut - 1.0, timeout=5)
    lab.expect_metric("map_queueing", 1, map="mpio")

    plugged = lab.faults.link_up(1, 2)
    back = [lab.see_logged_in(path, plugged) for path in paths]
    up = [lab.see_dm(path, "A", plugged, timeout=60) for path in paths]
    through = lab.writes.wait_through(after=hanging.at - 0.001, timeout=20)
    lab.say(f"truth: the write that hung completed after {through.seconds:.1f} s")
    lab.check(not lab.writes.errors(), "writes failed in spite of queueing")
    for path, back_at, up_at in zip(paths, back, up, strict=True):
        lab.expect_recovery("mpio", path, back_at, up_at)
        lab.expect_path_story("mpio", path, ["stalled", "failed", "recovering", "up"])
    lab.expect_map("mpio", "healthy", max(up))
