"""All disks of 32 maps through one of four SCSI hosts are set offline at once, and later running again.

That is what a lost portal does to disks, and nothing reports it: the daemon finds out by itself, multipathd by its
checks. Each path is reported as failed once, although dm's uevent comes much later than the disk's state; and once as
up, when multipathd has reinstated it. In between a path may be reported as recovering.

`python -m tests.lab test --long many_disks_offline_512` does this with 512 maps.
"""

from tests.lab.kit import many_maps
from tests.lab.kit.accounts import Account
from tests.lab.kit.san import MANY_MAPS
from tests.lab.kit.scenario import Lab
from tests.lab.kit.transitions import FAILED, UP, Transition

SAN = MANY_MAPS
ALERTS = frozenset({"path_failed", "map_degraded", "config_finding"})

KNOWN = 120.0
SEEN = 180.0
SETTLED = 2.0
"""Seconds from the last uevent to the last report."""
FOUND = 10.0
"""Seconds until a disk that is offline has been found, from when the last one was set."""


def run(lab: Lab) -> None:
    play(lab)


def play(lab: Lab) -> None:
    """Set all disks of the last host offline, and running again."""
    account = Account(lab)
    if lab.watch.present:
        account.expect_healths(KNOWN)
    paths = account.through(account.hosts[-1])
    disks = [account.disks[dev_t] for dev_t in paths.values()]

    offline = many_maps.set_states(lab.guest, disks, "offline")
    lab.say(f"{len(disks)} disks set offline within {offline.ended - offline.began:.2f} s")
    account.see(FAILED, len(paths), SEEN)
    failed = [Transition(offline.began, (name, account.label(dev_t)), FAILED) for name, dev_t in sorted(paths.items())]
    if lab.watch.present:
        found = account.expect_reported(lambda: failed)
        limit = offline.ended - offline.began + FOUND + account.recorder_lateness()
        latest = max(found.lateness, default=0.0)
        lab.check(latest <= limit, f"all disks were found offline after {latest:.1f} s, expected {limit:.1f} s")

    running = many_maps.set_states(lab.guest, disks, "running")
    lab.say(f"{len(disks)} disks set running within {running.ended - running.began:.2f} s")
    account.see(UP, len(paths), SEEN)
    account.expect_recorded()
    if not lab.watch.present:
        return

    def true() -> list[Transition]:
        return failed + [each for each in account.true_paths() if each.health == UP]

    found = account.expect_reported(true, optional={"recovering"})
    limit = SETTLED + account.recorder_lateness()
    lab.check(found.settled <= limit, f"settled {found.settled:.2f} s after the last uevent, expected {limit:.2f} s")
    account.expect_healths(SETTLED)
