"""The daemon is started, with no memory of anything, when the link to 192.168.2.1 has been down for a while.

It can't know when the outage began, but it must show at once what is: the path `failed`, the map `at_risk`. From
there on the story is the usual one.
"""

from tests.lab.kit.san import PORTALS, QUICK
from tests.lab.kit.scenario import SESSION_LOSS, Lab

SAN = QUICK
QUICK_SUITES = ("trixie",)
# At its start it also reports what is configured and not in force.
ALERTS = SESSION_LOSS | {"config_finding"}


def run(lab: Lab) -> None:
    path = PORTALS[2]
    lab.watch.stop()
    lab.writes.start()

    cut = lab.faults.link_down(2)
    lab.see_failed(path, cut)
    lab.see_dm(path, "F", cut)
    lab.say("starting the daemon")
    start = lab.watch.start()
    lab.expect_known("path_health", "failed", start, map="mpio", path=path)
    lab.expect_known("map_health", "at_risk", start, map="mpio")
    lab.expect_state("path_health", "up", map="mpio", path=PORTALS[1])

    plugged = lab.faults.link_up(2)
    back = lab.see_logged_in(path, plugged)
    up = lab.see_dm(path, "A", plugged, timeout=60)
    lab.expect_recovery("mpio", path, back, up)
    lab.expect_map("mpio", "healthy", up)
    lab.expect_path_story("mpio", path, ["failed", "recovering", "up"])
    lab.expect_map_story("mpio", ["at_risk", "healthy"])
