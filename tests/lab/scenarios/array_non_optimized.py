"""The array makes port group 2 active/non-optimized, and then port group 1, too.

Such paths take I/O as ever, only slower. multipathd puts them into a path group of lower priority; nothing fails, and
nothing is reported but the state itself, in the metrics.
"""

from tests.lab.kit import port_groups
from tests.lab.kit.lio import NON_OPTIMIZED, OPTIMIZED
from tests.lab.kit.san import LIO, PORTALS
from tests.lab.kit.scenario import Lab

SAN = LIO
LONG_SUITES = ("bookworm",)


def run(lab: Lab) -> None:
    lab.writes.start()
    began = lab.faults.port_group(2, NON_OPTIMIZED)
    port_groups.see(lab, 2, NON_OPTIMIZED, began)
    port_groups.see_path_groups(lab, 2)
    port_groups.expect_access(lab, 2, NON_OPTIMIZED)
    port_groups.expect_access(lab, 1, OPTIMIZED)
    port_groups.expect_optimized(lab, 1)

    both = lab.faults.port_group(1, NON_OPTIMIZED)
    port_groups.see(lab, 1, NON_OPTIMIZED, both)
    port_groups.see_path_groups(lab, 1)
    port_groups.expect_access(lab, 1, NON_OPTIMIZED)
    port_groups.expect_optimized(lab, 0)
    for lun in SAN.luns:
        name = SAN.map_name(lun)
        lab.expect_metric("map_paths_usable", 2, map=name)
        lab.expect_map_story(name, [])
        for path in PORTALS.values():
            lab.check(lab.truth.dm_verdict(path, "F", after=began, lun=lun) is None, f"{name}: {path} failed")
            lab.expect_path_story(name, path, [])
        port_groups.expect_attentions(lab, name, began, port_groups.ACCESS_STATE)
    lab.check(not lab.writes.errors(), "writes failed")
