"""Someone exports another disk of the same size under the number of LUN 4, at both portals.

The names of the disks stay, the sessions too, and multipathd's checker is content: who writes to the map now destroys
the data of another. The array reports only that its list of LUNs has changed. Once the sessions have been scanned again
the kernel has the identity of the other disk, and that is a finding, critical: `wwid_differs`.
"""

from tests.lab.kit import lio, port_groups
from tests.lab.kit.lio import ANOTHER
from tests.lab.kit.port_groups import REPORTED_LUNS
from tests.lab.kit.san import LIO, PORTALS
from tests.lab.kit.scenario import Lab

SAN = LIO
LONG_SUITES = ("bookworm",)
ALERTS = ("config_finding",)

LUN = 4


def run(lab: Lab) -> None:
    name = SAN.map_name(LUN)
    disks = [lab.truth.device_name(portal, LUN) for portal in PORTALS.values()]
    lab.check(identities(lab, disks) == {lio.naa(LUN)}, f"LUN {LUN} is {identities(lab, disks)}")

    replaced = lab.faults.replace_lun(LUN)
    addresses = lab.truth.addresses("mpio")
    lab.wait(
        "a unit attention of each path of LUN 1",
        lambda: addresses <= {each.hctl for each in lab.truth.attentions(replaced)} or None,
        15.0,
    )
    port_groups.expect_attentions(lab, "mpio", replaced, REPORTED_LUNS)

    lab.faults.rescan()
    lab.check(identities(lab, disks) == {lio.naa(LUN + ANOTHER)}, f"LUN {LUN} is {identities(lab, disks)}")
    entry = lab.expect_event("config_finding", 60, replaced, CODE="wwid_differs", SUBJECT=name)
    if entry:
        lab.say(f"ours: {entry.at - replaced:.0f} s after the change: {entry.message}")
        lab.check(entry.fields.get("SEVERITY") == "critical", f"the finding is {entry.fields.get('SEVERITY')}")
    lab.expect_metric("config_findings", 1, code="wwid_differs", timeout=30)
    for lun in SAN.luns:
        lab.expect_state("map_health", "healthy", map=SAN.map_name(lun))


def identities(lab: Lab, disks: list[str]) -> set[str]:
    """Return what the kernel has as the identity of disks."""
    return set(lab.guest.run(f"cat {' '.join(f'/sys/block/{disk}/device/wwid' for disk in disks)}").split())
