"""Port group 2 is transitioning for 8 s, and then active/optimized again.

While it lasts the kernel holds each command that it has sent over a path of the group, and repeats it every second: the
path is `stalled`, and a write hangs.

On Debian 13 multipathd's checker takes no notice (`pending`): dm never fails the path, and it is `up` again as soon as
the array says so. The map is at risk meanwhile, but that is no news while the array takes no longer than it may. On
Debian 12 the checker calls the path `faulty`: at its next check dm fails it, cause `array_transitioning`, and no more
I/O is sent there. What was sent waits all the same.
"""

from tests.lab.kit import port_groups
from tests.lab.kit.lio import OPTIMIZED, TRANSITIONING
from tests.lab.kit.port_groups import GROUP_LOSS
from tests.lab.kit.san import LIO, PORTALS
from tests.lab.kit.scenario import Lab

SAN = LIO
SUITES = ("trixie", "bookworm")
ALERTS = GROUP_LOSS

TRANSITION = 8.0
OPTIONAL = {"stalled", "recovering"}


def run(lab: Lab) -> None:
    path = PORTALS[2]
    fails = lab.guest.image.suite == "bookworm"
    lab.writes.start()

    began = lab.faults.port_group(2, TRANSITIONING)
    known = port_groups.see(lab, 2, TRANSITIONING, began, luns=(1,))
    hanging = lab.writes.wait_hanging(after=began - 1.0, timeout=5)
    if fails:
        failed = lab.see_dm(path, "F", began)
        lab.expect_path("mpio", path, "failed", failed)
        port_groups.expect_array_cause(lab, 2, "transitioning", began, luns=(1,))
    else:
        lab.expect_path("mpio", path, "stalled", known)
        lab.expect_state("map_health", "at_risk", map="mpio")
        lab.expect_map_story("mpio", [])
    port_groups.expect_access(lab, 2, TRANSITIONING)
    lab.pause_until(began + TRANSITION)

    ended = lab.faults.port_group(2, OPTIMIZED)
    optimized = port_groups.see(lab, 2, OPTIMIZED, ended, luns=(1,))
    if fails:
        lab.expect_path("mpio", path, "up", lab.see_dm(path, "A", ended))
        lab.expect_path_story("mpio", path, ["failed", "up"], optional=OPTIONAL)
    else:
        lab.check(lab.truth.dm_verdict(path, "F", after=began) is None, "dm failed the path")
        lab.expect_path("mpio", path, "up", optimized)
        lab.expect_path_story("mpio", path, ["stalled", "up"])
        observed = lab.watch.rise("outage_phase_seconds_count", began, phase="transition")
        lab.check(observed >= 1 or not lab.watch.present, "no transition was observed")
    through = lab.writes.wait_through(after=hanging.at - 0.001, timeout=20)
    lab.say(f"truth: the write that hung completed after {through.seconds:.1f} s")
    port_groups.see(lab, 2, OPTIMIZED, ended)
    for lun in SAN.luns:
        lab.expect_state("map_health", "healthy", map=SAN.map_name(lun))
    port_groups.expect_access(lab, 2, OPTIMIZED)
    lab.expect_path_story("mpio", PORTALS[1], [])
    lab.check(not lab.writes.errors(), "writes failed")
