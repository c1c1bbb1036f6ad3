"""The array puts port group 2 into standby, and later makes it active/optimized again.

LUN 1 has I/O on both paths: the next command on the second path is refused, and dm fails the path, cause
`array_standby`. multipathd's checker calls a path in standby `ghost`, and that counts as usable: at its next check the
path is reinstated, with a low priority in a group of its own. It is `up`, and so is everything that the array says in
the metric. The paths of the other LUNs, on which there is no I/O, never fail.

Nothing else is wrong for as long as the group is in standby, and nothing is reported when it is optimized again.
"""

from tests.lab.kit import port_groups
from tests.lab.kit.lio import OPTIMIZED, STANDBY
from tests.lab.kit.san import LIO, PORTALS
from tests.lab.kit.scenario import Lab

SAN = LIO
SUITES = ("trixie", "bookworm")
ALERTS = ("path_failed", "map_at_risk")

READ_WITHIN = 2.0
"""Seconds that a busy guest may need to read the access states. If multipathd's check comes sooner, the cause may stay
unknown."""


def run(lab: Lab) -> None:
    path = PORTALS[2]
    standby = lab.faults.port_group(2, STANDBY)
    lab.load.touch()
    failed = lab.see_dm(path, "F", standby)
    lab.expect_path("mpio", path, "failed", failed)
    lab.expect_map("mpio", "at_risk", failed)
    up = lab.see_dm(path, "A", failed)
    if up - failed > READ_WITHIN:
        port_groups.expect_array_cause(lab, 2, "standby", standby, luns=(1,))
    lab.expect_path("mpio", path, "up", up)
    lab.expect_map("mpio", "healthy", up)
    port_groups.see(lab, 2, STANDBY, standby)
    port_groups.see_path_groups(lab, 2)
    port_groups.expect_access(lab, 2, STANDBY)
    port_groups.expect_access(lab, 1, OPTIMIZED)
    port_groups.expect_optimized(lab, 1)
    lab.expect_info("path_state_info", of={"map": "lun2", "path": path}, dm="active", checker="ghost", device="running")

    optimized = lab.faults.port_group(2, OPTIMIZED)
    port_groups.see(lab, 2, OPTIMIZED, optimized)
    port_groups.see_path_groups(lab, 1)
    port_groups.expect_access(lab, 2, OPTIMIZED)
    port_groups.expect_optimized(lab, 2)

    lab.expect_path_story("mpio", path, ["failed", "up"], optional={"recovering"})
    lab.expect_map_story("mpio", ["at_risk", "healthy"])
    for lun in SAN.luns:
        name = SAN.map_name(lun)
        lab.expect_path_story(name, PORTALS[1], [])
        port_groups.expect_attentions(lab, name, standby, port_groups.ACCESS_STATE)
        if lun > 1:
            lab.expect_path_story(name, path, [])
            lab.expect_map_story(name, [])
    lab.check(not lab.watch.entries(0.0, "port_group_down"), "port_group_down, while all paths are usable")
