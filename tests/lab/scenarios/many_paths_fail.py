"""All paths of 32 maps through one of four SCSI hosts fail at once, as with a portal that is lost, and then return.

dm reports each of them by a uevent, as fast as it can, and multipathd reinstates them. Every transition of every path
and map is in the journal once, in the order in which it happened, and none that did not happen. At most 2 s after the
last uevent all is reported. Nothing is lost on the way: no overflow, no entry that journald did not accept.

`python -m tests.lab test --long many_paths_fail_512` does this with 512 maps.
"""

from tests.lab.kit import exposition, many_maps
from tests.lab.kit.accounts import Account
from tests.lab.kit.san import MANY_MAPS
from tests.lab.kit.scenario import Lab
from tests.lab.kit.transitions import FAILED, UP

SAN = MANY_MAPS
ALERTS = frozenset({"path_failed", "map_degraded", "config_finding"})

SETTLED = 2.0
"""Seconds from the last uevent to the last report."""
KNOWN = 120.0
"""Seconds until the metrics have every path, from the start of the scenario."""
FAILED_WITHIN = 60.0
REINSTATED_WITHIN = 180.0


def run(lab: Lab) -> None:
    play(lab, SETTLED)


def play(lab: Lab, settled: float) -> None:
    """Fail all paths through the last host, and wait until they are back.

    Their last report comes `settled` seconds after the last uevent at the latest.
    """
    account = Account(lab)
    if lab.watch.present:
        account.expect_healths(KNOWN)
    paths = account.through(account.hosts[-1])
    lab.check(len(paths) == len(account.before) > 1, f"{len(paths)} of {len(account.before)} maps have a path there")

    burst = many_maps.fail(lab.guest, paths.items())
    lab.say(f"{len(paths)} paths failed within {burst.ended - burst.began:.2f} s")
    account.see(FAILED, len(paths), FAILED_WITHIN)
    account.see(UP, len(paths), REINSTATED_WITHIN)
    account.expect_recorded()
    if not lab.watch.present:
        return

    found = account.expect_reported()
    limit = settled + account.recorder_lateness()
    lab.check(found.settled <= limit, f"settled {found.settled:.2f} s after the last uevent, expected {limit:.2f} s")
    account.expect_healths(settled)
    counters = exposition.scrape(lab.guest, "uevent_overflows_total", "outlet_lost_total")
    for name in ("uevent_overflows_total", "outlet_lost_total"):
        lab.check(counters.value(name) == 0, f"{name} is {counters.value(name):g}")
