"""The array makes port group 2 unavailable, as for the update of a controller, and active/optimized again.

The session is in order all the time. All paths of the group fail, that of LUN 1 with the next write and the others at
multipathd's next check: one entry for the group, and of each path the cause `array_unavailable`. A check that was under
way when dm failed the path of LUN 1 may have multipathd reinstate it for a moment. Once the group is optimized the
checker finds out at its next check, and the paths are `up`.
"""

from tests.lab.kit import port_groups
from tests.lab.kit.lio import OPTIMIZED, UNAVAILABLE
from tests.lab.kit.port_groups import GROUP_LOSS
from tests.lab.kit.san import LIO, PORTALS
from tests.lab.kit.scenario import Lab

SAN = LIO
LONG_SUITES = ("bookworm",)
ALERTS = GROUP_LOSS


def run(lab: Lab) -> None:
    path = PORTALS[2]
    lab.writes.start()

    began = lab.faults.port_group(2, UNAVAILABLE)
    for lun in SAN.luns:
        failed = lab.see_dm(path, "F", began, lun=lun)
        lab.expect_path(SAN.map_name(lun), path, "failed", failed)
        lab.expect_map(SAN.map_name(lun), "at_risk", failed)
    port_groups.expect_array_cause(lab, 2, "unavailable", began)
    port_groups.expect_group_down(lab, 2, "unavailable", began)
    port_groups.expect_access(lab, 2, UNAVAILABLE)
    port_groups.expect_optimized(lab, 1)

    ended = lab.faults.port_group(2, OPTIMIZED)
    for lun in SAN.luns:
        name = SAN.map_name(lun)
        up = lab.see_dm(path, "A", ended, lun=lun)
        lab.expect_path(name, path, "up", up)
        lab.expect_map(name, "healthy", up)
        failures = lab.truth.failures(path, began, lun)
        lab.expect_path_story(name, path, ["failed", "up"] * len(failures), optional={"recovering"})
        lab.expect_one_outage(name, path, {"array_unavailable"}, since=failures[-1])
        port_groups.expect_attentions(lab, name, began, port_groups.ACCESS_STATE)
    port_groups.expect_access(lab, 2, OPTIMIZED)
    lab.check(lab.truth.find("session", after=began, state="FAILED") is None, "a session failed")
    lab.check(not lab.writes.errors(), "writes failed")
