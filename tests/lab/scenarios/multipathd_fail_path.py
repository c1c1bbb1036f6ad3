"""An administrator has multipathd fail a path that is in order (`multipathd fail path sdX`).

dm says F by a uevent; disk and session are fine, so the cause is `administrator`. multipathd stops checking such a
path, so it stays `failed` until it is reinstated by hand: no `recovering`, since no transport ever went away.
"""

from tests.lab.kit.san import PORTALS, QUICK
from tests.lab.kit.scenario import Lab

SAN = QUICK
ALERTS = ("path_failed", "map_at_risk")

LONGER_THAN_ANY_CHECK = 15.0
WATCHED = 20.0
"""Seconds for which the product watches the disk first: only a disk that has counted no error for 15 s was failed by an
administrator."""


def run(lab: Lab) -> None:
    path = PORTALS[2]
    lab.writes.start()
    device = lab.truth.device_name(path)
    lab.pause_until(lab.guest.now() + WATCHED)

    commanded = lab.faults.fail_path(device)
    failed = lab.see_dm(path, "F", commanded)
    lab.expect_path("mpio", path, "failed", failed)
    lab.expect_map("mpio", "at_risk", failed)
    lab.pause_until(commanded + LONGER_THAN_ANY_CHECK)
    lab.check(lab.truth.dm_verdict(path, "A", after=failed) is None, "multipathd reinstated the path by itself")

    commanded = lab.faults.reinstate_path(device)
    up = lab.see_dm(path, "A", commanded)
    lab.expect_path("mpio", path, "up", up)
    lab.expect_map("mpio", "healthy", up)
    lab.expect_path_story("mpio", path, ["failed", "up"])
    lab.expect_map_story("mpio", ["at_risk", "healthy"])
    lab.expect_one_outage("mpio", path, causes={"administrator"})
    lab.check(not lab.writes.errors(), "writes failed")
