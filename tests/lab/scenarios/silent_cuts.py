"""The link to 192.168.2.1 swallows every packet, six times: with timeouts 5/10, 5/5 and 2/3, idle and under load.

The kernel gives up noop_out_interval + noop_out_timeout after the last data from the target. The path is `suspect` well
before that, at least noop_out_timeout - 3 s where the timeout allows: as soon as nothing has come for longer than on a
healthy idle session. The link is repaired after the kernel's verdict, and the next cut waits until the path is up. The
other path is never suspect.

`python -m tests.lab test --long silent_cuts_many` makes 24 such cuts.
"""

from tests.lab.kit import san
from tests.lab.kit.san import ARTICLE, PORTALS
from tests.lab.kit.scenario import SESSION_LOSS, Lab

# As idle as can be: nothing but pings for 10 s. No path has the time to fail.
SAN = ARTICLE.with_iscsi(fast_io_fail_tmo="15")
ALERTS = SESSION_LOSS | {"path_missing", "session_restored", "path_flapping", "config_finding"}

TIMEOUTS = ((5, 10), (5, 5), (2, 3))


def run(lab: Lab) -> None:
    cut_again_and_again(lab, 1)


def cut_again_and_again(lab: Lab, times: int) -> None:
    """Cut as often as that with each of the timeouts, idle and under load."""
    began = lab.guest.now()
    for interval, timeout in TIMEOUTS:
        if (interval, timeout) != (SAN.noop_out_interval, SAN.noop_out_timeout):
            lab.set_pings(2, interval, timeout)
        for _ in range(times):
            cut(lab, interval, timeout)
        lab.load.io()
        for _ in range(times):
            cut(lab, interval, timeout)
        lab.load.stop()
    lab.expect_no_suspect(began, PORTALS[1])


def cut(lab: Lab, interval: int, timeout: int) -> None:
    """Cut the second link without a word until the kernel notices."""
    path = lab.san.portals[2]
    dropped = lab.faults.drop_silently(2)
    verdict = lab.see_ping_timeout(path, dropped, interval + timeout + 10.0)
    lab.faults.drop_nothing()
    lab.expect_suspect("mpio", path, dropped, verdict.at, timeout)
    lab.see_logged_in(path, verdict.at)
    san.wait_for_paths(lab.guest, "mpio", 2)
    lab.expect_event("path_reinstated", timeout=30, after=verdict.at, MAP="mpio", PATH=path)
