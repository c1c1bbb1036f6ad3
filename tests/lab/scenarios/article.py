"""The link to 192.168.2.1 is pulled for 45 s and plugged in again.

The NIC has lost its carrier, so the path is `suspect` at once. With pings every 5 s and 10 s to answer them, the kernel
gives up on the session 10 to 15 s after the last word from the target: the path is `stalled`, its I/O held.
`replacement_timeout = 15` is configured, but multipathd has overwritten it with its fast_io_fail_tmo of 5: about 5 s
later the disk is transport-offline, dm fails the path, and the held I/O goes down the other path. The path is `failed`.
Once the link is back iscsid logs in again: `recovering`, until multipathd's checker has seen it and reinstates it:
`up`.

The map goes healthy > degraded > at_risk > healthy. No write ever fails. The other path has no part in any of this.
"""

from tests.lab.kit.san import ARTICLE, PORTALS
from tests.lab.kit.scenario import SESSION_LOSS, Lab

SAN = ARTICLE
SUITES = ("trixie", "bookworm")
LONG_SUITES = ("sid",)
ALERTS = SESSION_LOSS

OUTAGE = 45.0
LONGEST_DETECTION = SAN.noop_out_interval + SAN.noop_out_timeout + 1.5
FAST_IO_FAIL = 5.0


def run(lab: Lab) -> None:
    path = PORTALS[2]
    lab.writes.start()

    cut = lab.faults.link_down(2)
    lab.expect_carrier_lost("mpio", path, cut)
    lab.expect_map("mpio", "degraded", cut)
    stalled = lab.see_stalled(path, cut)
    lab.check(stalled - cut <= LONGEST_DETECTION, f"the kernel gave up on the session after {stalled - cut:.1f} s")
    lab.expect_path("mpio", path, "stalled", stalled)
    lab.expect_map("mpio", "at_risk", stalled)

    failed = lab.see_failed(path, cut)
    lab.check(abs(failed - stalled - FAST_IO_FAIL) <= 1.5, f"dm failed the path {failed - stalled:.1f} s after that")
    lab.expect_path("mpio", path, "failed", failed)

    lab.pause_until(cut + OUTAGE)
    plugged = lab.faults.link_up(2)
    back = lab.see_logged_in(path, plugged)
    up = lab.see_dm(path, "A", plugged, timeout=60)
    lab.expect_recovery("mpio", path, back, up)
    lab.expect_map("mpio", "healthy", up)

    lab.writes.wait_through(after=up, timeout=10)
    lab.check(not lab.writes.errors(), "writes failed")
    lab.say(f"truth: the slowest write took {lab.writes.longest():.1f} s")
    lab.expect_path_story("mpio", path, ["suspect", "stalled", "failed", "recovering", "up"])
    lab.expect_path_story("mpio", PORTALS[1], [])
    lab.expect_map_story("mpio", ["degraded", "at_risk", "healthy"])
    lab.expect_outage("mpio", path, cut)
    lab.expect_metric("path_failures_total", 1, map="mpio", path=path)
    lab.expect_metric("path_reinstatements_total", 1, map="mpio", path=path)
