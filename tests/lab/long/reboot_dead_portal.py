"""The host is rebooted while the portal 192.168.2.1 is dead, so that the map comes up with one path.

The next daemon knows that there were two: the second one is `missing` and the map `at_risk` as soon as the map is
there, and the alert comes when the time for starting is over, not before. When the portal is back and the
administrator has logged in, the path is up, and nothing else is reported.
"""

from tests.lab.kit import san
from tests.lab.kit.san import PORTALS, QUICK, wait_for_paths
from tests.lab.kit.scenario import Lab

SAN = QUICK
SUITES = ("trixie", "bookworm")
# The SAN comes up long after the daemon, so the whole map is missed, too.
ALERTS = frozenset({"path_missing", "map_lost", "map_at_risk", "config_finding", "source_down", "session_lost"})

LEARN = 70.0
START_GRACE = 60.0
REPORTED = 90.0


def run(lab: Lab) -> None:
    path = PORTALS[2]
    if not lab.watch.present:
        return
    lab.pause_until(lab.guest.now() + LEARN)
    lab.reboot()
    started = lab.wait("the daemon's first line", lambda: _first_line(lab), 60.0)
    san.set_up_after_boot(lab.guest, SAN)
    lab.faults.link_down(2)
    lab.guest.run(f"iscsiadm -m node -p {PORTALS[1]} --login")
    wait_for_paths(lab.guest, "mpio", 1)
    lab.expect_state("path_health", "missing", map="mpio", path=path, timeout=30)
    lab.expect_state("map_health", "at_risk", map="mpio", timeout=30)
    lab.expect_metric("map_paths_expected", 2, map="mpio")
    entry = lab.expect_event("path_missing", REPORTED, MAP="mpio", PATH=path)
    if entry is not None:
        lab.check(entry.at - started >= START_GRACE - 1, f"it was reported {entry.at - started:.1f} s after the start")
        lab.say(f"ours: {entry.message}")

    back = lab.faults.link_up(2)
    lab.guest.run(f"iscsiadm -m node -p {path} --login")
    wait_for_paths(lab.guest, "mpio", 2)
    lab.expect_state("path_health", "up", map="mpio", path=path, timeout=30)
    lab.expect_state("map_health", "healthy", map="mpio", timeout=30)
    for each in lab.watch.entries(back):
        lab.check(each.priority > 4 or each.event == "config_finding", f"not quiet when the path was back: {each}")


def _first_line(lab: Lab) -> float | None:
    return next((entry.at for entry in lab.watch.entries() if "serves metrics" in entry.message), None)
