"""Both links are pulled; with `no_path_retry fail`, I/O fails as soon as dm has no path left.

Each path is `suspect` at once, both carriers being lost, then goes `stalled`, then `failed`. The map is `lost` from the
moment neither path is up, which is when the second session is FAILED: several seconds before the first write fails with
EIO. The file system does not survive that; the paths and the map do, once the links are back.
"""

from tests.lab.kit.san import PORTALS, QUICK
from tests.lab.kit.scenario import SESSION_LOSS, Lab

SAN = QUICK
LONG_SUITES = ("sid",)
QUICK_SUITES = ("trixie",)
ALERTS = SESSION_LOSS | {"map_lost"}


def run(lab: Lab) -> None:
    paths = list(PORTALS.values())
    lab.writes.start()

    cut = lab.faults.link_down(1, 2)
    for path in paths:
        lab.expect_carrier_lost("mpio", path, cut)
    stalled = [lab.see_stalled(path, cut) for path in paths]
    lab.expect_map("mpio", "lost", max(stalled))
    failed = [lab.see_failed(path, cut) for path in paths]
    for path, stalled_at, failed_at in zip(paths, stalled, failed, strict=True):
        lab.expect_path("mpio", path, "stalled", stalled_at)
        lab.expect_path("mpio", path, "failed", failed_at)
    write = lab.writes.wait_error(after=0.0, timeout=20)
    lab.say(f"truth: a write failed with {write.error} after {write.seconds:.1f} s")
    lab.expect_metric("map_queueing", 0, map="mpio")
    lab.expect_metric("map_paths_usable", 0, map="mpio")

    plugged = lab.faults.link_up(1, 2)
    back = [lab.see_logged_in(path, plugged) for path in paths]
    up = [lab.see_dm(path, "A", plugged, timeout=60) for path in paths]
    for path, back_at, up_at in zip(paths, back, up, strict=True):
        lab.expect_recovery("mpio", path, back_at, up_at)
        lab.expect_path_story("mpio", path, ["stalled", "failed", "recovering", "up"])
        lab.expect_one_outage("mpio", path)
    lab.expect_map("mpio", "healthy", max(up))
