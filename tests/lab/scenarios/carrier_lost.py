"""The link to 192.168.2.1, a VLAN on a bond of two NICs, loses one NIC, both for two seconds, its address, both.

One NIC of two is no news: the bond goes on with the other. Without both nothing has to time out: within 1.5 s the path
is `suspect` and the map `degraded`, the cause `carrier_lost`. When carrier or address are back before the kernel has
noticed, the path is `up` again and there was no outage. If not, the outage takes its course, and its cause is the
carrier, whatever the kernel says of unanswered pings in the end.
"""

from collections.abc import Callable

from tests.lab.kit.outage import VERDICTS
from tests.lab.kit.san import PORTALS, QUICK
from tests.lab.kit.scenario import SESSION_LOSS, Lab
from tests.lab.kit.tgt import Tgt

SAN = QUICK.with_array(Tgt(bonded=True))
ALERTS = SESSION_LOSS

SHORT = 2.0

NAMES = "NIC p2 (b2, m2a, m2b)"
"""The VLAN, the bond below it, and the NICs that is made of."""

Fault = Callable[[int], float]


def run(lab: Lab) -> None:
    path = PORTALS[2]
    began = lab.faults.member_down(2)
    lab.pause_until(began + SHORT)
    lab.faults.member_up(2)
    lab.expect_no_suspect(began)

    lose_shortly(lab, lab.faults.link_down, lab.faults.link_up, f"{NAMES} has no carrier")
    lose_shortly(lab, lab.faults.remove_address, lab.faults.restore_address, f"is gone from {NAMES}")

    lab.writes.start()
    cut = lab.faults.link_down(2)
    lab.expect_carrier_lost("mpio", path, cut)
    lab.expect_map("mpio", "degraded", cut)
    stalled = lab.see_stalled(path, cut)
    lab.expect_path("mpio", path, "stalled", stalled)
    lab.expect_map("mpio", "at_risk", stalled)
    lab.see_dm(path, "F", cut)
    lab.faults.link_up(2)
    lab.expect_outage("mpio", path, cut)
    lab.expect_cause("mpio", path, "carrier_lost", cut)
    lab.expect_path_story("mpio", PORTALS[1], [])
    lab.check(not lab.writes.errors(), "writes failed")


def lose_shortly(lab: Lab, lose: Fault, restore: Fault, evidence: str) -> None:
    """Take something from the second link and give it back before the kernel notices."""
    path = PORTALS[2]
    lost = lose(2)
    lab.expect_carrier_lost("mpio", path, lost)
    for entry in lab.watch.entries(lost, "path_suspect", MAP="mpio", PATH=path):
        lab.check(evidence in entry.message, f"no {evidence!r} in: {entry.message}")
    lab.pause_until(lost + SHORT)
    restored = restore(2)
    lab.expect_state("path_health", "up", timeout=20, map="mpio", path=path)
    lab.expect_state("map_health", "healthy", map="mpio")
    lab.check(lab.truth.find("session", lost, portal=path, state="FAILED") is None, "the kernel noticed")
    for verdict in VERDICTS:
        rise = lab.watch.rise("outages_total", lost, verdict=verdict)
        lab.check(rise == 0, f"outages_total {verdict} rose by {rise:g}")
    rise = lab.watch.rise("path_failures_total", lost, map="mpio", path=path)
    lab.check(rise == 0, f"path_failures_total rose by {rise:g}")
    if lab.watch.present:
        told = [health for _, health in lab.watch.healths(lost, MAP="mpio", PATH=path)]
        lab.check(told == ["suspect", "up"], f"{path}: story {' > '.join(told) or 'empty'}, expected suspect > up")

    def alive() -> bool | None:
        return (lab.truth.last_alive(path, lab.guest.now()) or 0.0) > restored or None

    # Otherwise the silence of this loss and of the next one together may be long enough to be suspect by itself.
    lab.wait(f"a sign of life of {path}", alive, 15.0)
