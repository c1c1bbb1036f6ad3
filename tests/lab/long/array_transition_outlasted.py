"""Port group 2 is transitioning, and stays so until the kernel gives up a command: 180 s.

The path is `stalled`. A transition should be over within 60 s: after that it is `overdue`. The kernel's handler would
then call the group standby, but not here: LIO answers its TEST UNIT READY, too, with "in transition", and then the
handler does not look at its clock (`kit/lio.py`). What ends the wait is the limit of a single command, 6 times the
disk's timeout of 30 s: dm fails the path, cause `array_transitioning`, and the write goes through on the other.

On Debian 12 the checker has failed the path long before.
"""

from tests.lab.kit import port_groups
from tests.lab.kit.lio import OPTIMIZED, TRANSITIONING
from tests.lab.kit.port_groups import GROUP_LOSS
from tests.lab.kit.san import LIO, PORTALS
from tests.lab.kit.scenario import Lab

SAN = LIO
ALERTS = GROUP_LOSS | {"path_overdue"}

LIMIT = 60.0
LATENESS = 10.0
GIVEN_UP = 180.0


def run(lab: Lab) -> None:
    path = PORTALS[2]
    lab.writes.start()
    began, known = port_groups.begin_transition(lab, 2)
    hanging = lab.writes.wait_hanging(after=began - 1.0, timeout=5)
    lab.expect_path("mpio", path, "stalled", known)

    overdue = lab.expect_event("path_overdue", LIMIT + LATENESS, began, MAP="mpio", PATH=path)
    if overdue:
        lab.say(f"ours: overdue {overdue.at - known:.1f} s after the transition began")
        lab.check(LIMIT <= overdue.at - known <= LIMIT + LATENESS, f"overdue at {overdue.at - known:+.1f} s")
    lab.check(lab.truth.access(path) == TRANSITIONING, f"the kernel has the access state {lab.truth.access(path)}")

    failed = lab.see_dm(path, "F", began, timeout=GIVEN_UP)
    lab.check(abs(failed - began - GIVEN_UP) <= LATENESS, f"dm failed the path {failed - began:.0f} s after the change")
    lab.expect_path("mpio", path, "failed", failed)
    port_groups.expect_array_cause(lab, 2, "transitioning", began, luns=(1,))
    through = lab.writes.wait_through(after=hanging.at - 0.001, timeout=20)
    lab.say(f"truth: the write that hung completed after {through.seconds:.1f} s")

    ended = lab.faults.port_group(2, OPTIMIZED)
    up = lab.see_dm(path, "A", ended)
    lab.expect_path("mpio", path, "up", up)
    lab.expect_path_story("mpio", path, ["stalled", "failed", "up"], optional={"recovering"})
    lab.check(not lab.writes.errors(), "writes failed")
