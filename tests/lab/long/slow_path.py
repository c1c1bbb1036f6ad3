"""The link to 192.168.2.1 takes 100 ms for a round trip, under load, and later takes none again.

Nothing fails, and nobody is silent. Within half a minute the path stands out from its sibling: `path_slow`, once, of
this path alone, and the metric. Once the link is as it was, and the load goes on, `path_steady` takes it back.
"""

from tests.lab.kit.san import PORTALS, QUICK
from tests.lab.kit.scenario import Lab

SAN = QUICK
ALERTS = {"path_slow"}

DELAY_MS = 50
PATIENCE = 30.0
STEADY_PATIENCE = 90.0
"""Seconds: a minute without anything worse, and a few comparisons."""


def run(lab: Lab) -> None:
    path = PORTALS[2]
    lab.load.io()
    slowed = lab.faults.impair(2, delay_ms=DELAY_MS, loss_percent=0)
    slow = lab.expect_event("path_slow", PATIENCE, slowed, MAP="mpio", PATH=path)
    lab.expect_metric("path_slow", 1, map="mpio", path=path)
    if slow:
        lab.say(f"ours: {slow.at - slowed:.0f} s after the change: {slow.message}")

    mended = lab.faults.impair_nothing(2)
    steady = lab.expect_event("path_steady", STEADY_PATIENCE, mended, MAP="mpio", PATH=path)
    lab.expect_metric("path_slow", 0, map="mpio", path=path)
    if steady:
        lab.say(f"ours: {steady.at - mended:.0f} s after the change: {steady.message}")
    lab.load.stop()

    lab.check(len(lab.watch.entries(slowed, "path_slow")) == 1 or not lab.watch.present, "path_slow was not told once")
    lab.expect_no_suspect(slowed)
    lab.expect_map_story("mpio", [])
