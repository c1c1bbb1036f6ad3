"""Portals with IPv6 addresses: the link to one swallows every packet, and then its connection is reset.

Labels have the address in brackets. Warning, phases and causes are those of IPv4: `nop_timeout` after a warning, and
`connection_closed`.
"""

from tests.lab.kit.array import TARGET
from tests.lab.kit.san import LIO_IPV6
from tests.lab.kit.scenario import SESSION_LOSS, Lab
from tests.lab.scenarios import causes

SAN = LIO_IPV6
LONG_SUITES = ("bookworm",)
ALERTS = SESSION_LOSS | {"session_restored", "path_flapping"}


def run(lab: Lab) -> None:
    path = SAN.portals[2]
    lab.check(path == "[2001:db8:2::1]:3260", f"the portal is {path}")
    lab.expect_state("path_health", "up", map="mpio", path=path)
    lab.expect_state("session_state", "LOGGED_IN", session=f"{path}/{TARGET}")

    dropped = lab.faults.drop_silently(2)
    verdict = lab.see_ping_timeout(path, dropped)
    lab.expect_suspect("mpio", path, dropped, verdict.at, SAN.noop_out_timeout)
    stalled = lab.see_stalled(path, dropped)
    lab.expect_path("mpio", path, "stalled", stalled)
    failed = lab.see_failed(path, dropped)
    lab.expect_path("mpio", path, "failed", failed)
    lab.expect_cause("mpio", path, "nop_timeout", dropped)
    lab.see_dm(path, "F", dropped)
    lab.faults.drop_nothing()
    lab.expect_outage("mpio", path, dropped)
    lab.pause_until(lab.guest.now() + causes.APART)

    causes.fail(lab, "reset", 2)
    lab.expect_path_story("mpio", SAN.portals[1], [])
