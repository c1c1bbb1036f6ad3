"""Port group 2 is transitioning for 8 s, and then active/optimized again.

While it lasts the kernel holds each command that it has sent over a path of the group, and repeats it every second: the
path is `stalled`, and a write hangs. The map is at risk meanwhile, but that is no news while the array takes no longer
than it may. On Debian 13 dm does not fail the path, and it is `up` again as soon as the array says so.

The kernel learns of it with a command: of a LUN that nobody uses perhaps only after the transition.

On Debian 12 multipathd's own commands wait, too: it holds its lock for so long, answers nobody, and then may have dm
fail the path and reinstate it at the next check.
"""

from tests.lab.kit import port_groups
from tests.lab.kit.lio import OPTIMIZED, TRANSITIONING
from tests.lab.kit.port_groups import GROUP_LOSS
from tests.lab.kit.san import LIO, PORTALS
from tests.lab.kit.scenario import Lab

SAN = LIO
SUITES = ("trixie", "bookworm")
ALERTS = GROUP_LOSS | {"source_down"}

TRANSITION = 8.0


def run(lab: Lab) -> None:
    path = PORTALS[2]
    lab.writes.start()

    began, known = port_groups.begin_transition(lab, 2)
    hanging = lab.writes.wait_hanging(after=began - 1.0, timeout=5)
    lab.expect_path("mpio", path, "stalled", known)
    lab.expect_state("map_health", "at_risk", map="mpio")
    port_groups.expect_access(lab, 2, TRANSITIONING, luns=(1,))
    lab.pause_until(began + TRANSITION)

    ended = lab.faults.port_group(2, OPTIMIZED)
    optimized = port_groups.see(lab, 2, OPTIMIZED, ended, luns=(1,))
    if lab.guest.image.suite == "bookworm":
        lab.expect_state("path_health", "up", timeout=20, map="mpio", path=path)
        lab.expect_path_story("mpio", path, ["stalled", "up"], optional={"failed", "recovering"})
    else:
        lab.check(lab.truth.dm_verdict(path, "F", after=began) is None, "dm failed the path")
        lab.expect_path("mpio", path, "up", optimized)
        lab.expect_path_story("mpio", path, ["stalled", "up"])
        lab.expect_map_story("mpio", [])
    observed = lab.watch.rise("outage_phase_seconds_count", began, phase="transition")
    lab.check(observed >= 1 or not lab.watch.present, "no transition was observed")
    through = lab.writes.wait_through(after=hanging.at - 0.001, timeout=20)
    lab.say(f"truth: the write that hung completed after {through.seconds:.1f} s")
    for lun in SAN.luns:
        lab.expect_state("map_health", "healthy", map=SAN.map_name(lun))
    port_groups.expect_access(lab, 2, OPTIMIZED)
    lab.expect_path_story("mpio", PORTALS[1], [])
    lab.check(not lab.writes.errors(), "writes failed")
