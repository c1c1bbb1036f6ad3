"""Someone exports another disk of the same size under the number of LUN 4, at both portals, while multipathd hangs.

The names of the disks stay, and the sessions too. The kernel has the identity of the other disk once the sessions have
been scanned again, and whoever writes to the map destroys the data of another: that is a finding, critical, at once.
multipathd, both 0.9.4 and 0.11.1, sees it as well when it goes on: it takes both paths out of the map, and makes
another one.
"""

from tests.lab.kit import lio
from tests.lab.kit.lio import ANOTHER
from tests.lab.kit.san import LIO, PORTALS
from tests.lab.kit.scenario import Lab

SAN = LIO
LONG_SUITES = ("bookworm",)
ALERTS = ("config_finding", "source_down", "path_missing", "map_at_risk", "map_lost")

LUN = 4


def run(lab: Lab) -> None:
    name = SAN.map_name(LUN)
    disks = [lab.truth.device_name(portal, LUN) for portal in PORTALS.values()]
    lab.check(identities(lab, disks) == {lio.naa(LUN)}, f"LUN {LUN} is {identities(lab, disks)}")

    lab.faults.freeze_multipathd()
    lab.faults.replace_lun(LUN)
    scanned = lab.faults.rescan()
    lab.check(identities(lab, disks) == {lio.naa(LUN + ANOTHER)}, f"LUN {LUN} is {identities(lab, disks)}")
    entry = lab.expect_event("config_finding", 60, scanned, CODE="wwid_differs", SUBJECT=name)
    if entry:
        lab.say(f"ours: {entry.at - scanned:.0f} s after the scan: {entry.message}")
        lab.check(entry.fields.get("SEVERITY") == "critical", f"the finding is {entry.fields.get('SEVERITY')}")
    lab.expect_metric("config_findings", 1, code="wwid_differs", timeout=30)

    lab.faults.thaw_multipathd()
    lab.expect_metric("source_up", 1, timeout=30, source="multipathd")
    lab.expect_metric("config_findings", 0, code="wwid_differs", timeout=60)
    for lun in SAN.luns:
        if lun != LUN:
            lab.expect_state("map_health", "healthy", map=SAN.map_name(lun))


def identities(lab: Lab, disks: list[str]) -> set[str]:
    """Return what the kernel has as the identity of disks."""
    return set(lab.guest.run(f"cat {' '.join(f'/sys/block/{disk}/device/wwid' for disk in disks)}").split())
