"""The array moves four LUNs from controller 1 to controller 2, with I/O on one of them: its port groups are swapped.

Port group 1 is active/optimized and 2 in standby, as with controllers of which one is passive: nothing is wrong, and
nothing is reported. Then the array swaps the states. The next command of LUN 1 is refused, dm fails its first path,
cause `array_standby`, and goes on over the second. At its next check multipathd finds the first path a `ghost`, and
reinstates it: if that check comes before the kernel has asked for the states, the cause stays unknown. For the other
LUNs there is nothing but another state, unless multipathd loads their tables again at that moment: udev reads a map
that was loaded, and so dm may fail their first paths, too. All of it is one notice: `array_moved`.
"""

from tests.lab.kit import port_groups
from tests.lab.kit.lio import NON_OPTIMIZED, OPTIMIZED, STANDBY
from tests.lab.kit.san import LIO, PORTALS
from tests.lab.kit.scenario import Lab

SAN = LIO
LONG_SUITES = ("bookworm",)
ALERTS = ("path_failed", "port_group_down", "map_at_risk")

READ_BY_UDEV = {"failed", "recovering", "up"}

LONGEST_WRITE = 5.0
READ = 0.5
"""Seconds within which the product reads an access state that the kernel has."""


def run(lab: Lab) -> None:
    first, second = PORTALS[1], PORTALS[2]
    # While both groups are optimized, dm uses both: a path of a group that is no longer used does not fail.
    lab.faults.port_group(2, NON_OPTIMIZED)
    port_groups.see_path_groups(lab, 2)
    passive = lab.faults.port_group(2, STANDBY)
    port_groups.see(lab, 2, STANDBY, passive)
    port_groups.see_path_groups(lab, 2)
    port_groups.expect_access(lab, 2, STANDBY)
    for lun in SAN.luns:
        lab.expect_map_story(SAN.map_name(lun), [])

    lab.writes.start()
    moved = lab.faults.port_groups({1: STANDBY, 2: OPTIMIZED})
    failed = lab.see_dm(first, "F", moved)
    lab.expect_path("mpio", first, "failed", failed)
    port_groups.see(lab, 1, STANDBY, moved)
    port_groups.see(lab, 2, OPTIMIZED, moved)
    up = lab.see_dm(first, "A", failed)
    known = lab.truth.access_instant(first, STANDBY, after=moved)
    if known is not None and known + READ < up:
        port_groups.expect_array_cause(lab, 1, "standby", moved, luns=(1,))
    else:
        lab.say(f"truth: dm reinstated the path at {up - failed:+.1f} s, when the kernel hardly knew of standby")
        lab.expect_one_outage("mpio", first, ("array_standby", "unknown"), moved)
    lab.expect_path("mpio", first, "up", up)
    lab.expect_map("mpio", "healthy", up)
    lab.writes.wait_through(after=up, timeout=10)
    lab.say(f"truth: the slowest write took {lab.writes.longest(moved - 1.0):.1f} s")

    entry = lab.expect_event("array_moved", 30, moved)
    if entry:
        lab.say(f"ours: {entry.message}")
        for part in ("4 LUNs", "port group 1 to 2"):
            lab.check(part in entry.message, f"no {part!r} in: {entry.message}")
        lab.check(len(lab.watch.entries(0.0, "array_moved")) == 1, "array_moved was logged more than once")
    port_groups.expect_access(lab, 1, STANDBY)
    port_groups.expect_access(lab, 2, OPTIMIZED)
    port_groups.expect_optimized(lab, 1)
    lab.expect_path_story("mpio", first, ["failed", "up"], optional={"recovering"})
    lab.expect_map_story("mpio", ["at_risk", "healthy"])
    for lun in SAN.luns:
        name = SAN.map_name(lun)
        lab.expect_path_story(name, second, [])
        port_groups.expect_attentions(lab, name, passive, port_groups.ACCESS_STATE)
        if lun > 1:
            lab.expect_path_story(name, first, [], optional=READ_BY_UDEV)
    lab.check(not lab.writes.errors(), "writes failed")
    lab.check(lab.writes.longest(moved - 1.0) < LONGEST_WRITE, "a write waited too long")
