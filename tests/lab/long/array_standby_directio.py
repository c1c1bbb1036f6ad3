"""As `array_standby`, with the checker that multipath-tools has for LIO since 0.9.5: for `directio` standby is faulty.

All paths of port group 2 fail: one entry for the group, cause `array_standby`. After the array has made the group
active/optimized again, the paths stay failed: the kernel still has the old state, and refuses each read of the checker
before it reaches the array, which could report the new one. One command that is no read or write is enough, here a
REPORT TARGET PORT GROUPS by hand: the kernel learns the state, and the paths are `up` at the next check.
"""

from dataclasses import replace

from tests.lab.kit import port_groups
from tests.lab.kit.lio import OPTIMIZED, STANDBY
from tests.lab.kit.port_groups import GROUP_LOSS
from tests.lab.kit.san import LIO, PORTALS
from tests.lab.kit.scenario import Lab

SAN = LIO
ALERTS = GROUP_LOSS | {"config_finding"}

LONGER_THAN_ANY_CHECK = 8.0


def run(lab: Lab) -> None:
    path = PORTALS[2]
    lab.reconfigure(replace(SAN, for_array={}))
    shown = "multipathd show paths format %c"
    lab.wait("the checker directio", lambda: lab.guest.run(shown).split().count("directio") == 8 or None, 20.0)
    lab.writes.start()

    standby = lab.faults.port_group(2, STANDBY)
    for lun in SAN.luns:
        failed = lab.see_dm(path, "F", standby, lun=lun)
        lab.expect_path(SAN.map_name(lun), path, "failed", failed)
    port_groups.expect_array_cause(lab, 2, "standby", standby)
    port_groups.expect_group_down(lab, 2, "standby", standby)
    port_groups.expect_access(lab, 2, STANDBY)

    optimized = lab.faults.port_group(2, OPTIMIZED)
    lab.pause_until(optimized + LONGER_THAN_ANY_CHECK)
    lab.check(lab.truth.dm_verdict(path, "A", after=optimized) is None, "multipathd reinstated the path by itself")
    lab.check(lab.truth.access(path) == STANDBY, f"the kernel has the access state {lab.truth.access(path)}")

    asked = lab.faults.ask_for_port_groups(*(lab.truth.device_name(path, lun) for lun in SAN.luns))
    port_groups.see(lab, 2, OPTIMIZED, asked)
    for lun in SAN.luns:
        name = SAN.map_name(lun)
        up = lab.see_dm(path, "A", asked, lun=lun)
        lab.expect_path(name, path, "up", up)
        lab.expect_path_story(name, path, ["failed", "up"], optional={"recovering"})
        lab.expect_state("map_health", "healthy", map=name)
    port_groups.expect_access(lab, 2, OPTIMIZED)
    lab.check(not lab.writes.errors(), "writes failed")
