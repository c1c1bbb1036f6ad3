"""A disk is set `offline` and `running` again, four times within minutes.

With the third failure the path is flapping: `path_flapping`, once, and the metric. The fourth failure has priority info
only: after that alert nobody needs an alert for each failure.
"""

from tests.lab.kit import san
from tests.lab.kit.san import PORTALS, QUICK
from tests.lab.kit.scenario import Lab

SAN = QUICK
QUICK_SUITES = ("trixie",)
ALERTS = ("path_failed", "path_flapping", "map_at_risk")

FAILURES_UNTIL_FLAPPING = 3
INFO = 6


def run(lab: Lab) -> None:
    path = PORTALS[2]
    device = lab.truth.device_name(path)
    for number in range(1, FAILURES_UNTIL_FLAPPING + 1):
        fail(lab, device)
        told = lab.watch.entries(0.0, "path_flapping")
        if number < FAILURES_UNTIL_FLAPPING:
            lab.check(not told, f"flapping after {number} failures")
    lab.expect_event("path_flapping", MAP="mpio", PATH=path)
    lab.expect_metric("path_flapping", 1, map="mpio", path=path)

    began = fail(lab, device)
    for entry in lab.watch.entries(began, "path_failed", MAP="mpio", PATH=path):
        lab.check(entry.priority == INFO, f"once more, priority {entry.priority}: {entry.message}")
    if lab.watch.present:
        lab.check(bool(lab.watch.entries(began, "path_failed")), "the last failure is not told of at all")
        lab.check(len(lab.watch.entries(0.0, "path_flapping")) == 1, "flapping was not told of once")
        lab.check(lab.watch.metric("path_flapping", map="mpio", path=PORTALS[1]) == 0, "the other path flaps, too")


def fail(lab: Lab, device: str) -> float:
    """Fail the path by its disk, and return when that began, once it is up again."""
    path = PORTALS[2]
    offline = lab.faults.set_device_state(device, "offline")
    lab.see_failed(path, offline)
    lab.expect_event("path_failed", after=offline, MAP="mpio", PATH=path)
    lab.see_dm(path, "F", offline, timeout=30)
    lab.faults.set_device_state(device, "running")
    san.wait_for_paths(lab.guest, "mpio", 2)
    lab.expect_event("path_reinstated", timeout=30, after=offline, MAP="mpio", PATH=path)
    return offline
