"""Uevents overflow the daemon's buffer while it is stopped (SIGSTOP): paths fail and return without a uevent for it.

The daemon runs without CAP_NET_ADMIN, so net.core.rmem_max limits its buffer; that is small here. Eight paths fail, and
it reports them. Then it is stopped, 500 uevents of a disk come, and after them multipathd reinstates the eight paths
and fails eight others: the kernel drops these uevents. When the daemon goes on, it reports `events_lost`, counts one
overflow and one resync, and reads everything again. So it reports each of the sixteen transitions once, and no other.
In the end all paths are reinstated, and it learns that by uevents again.

A listing of multipathd may call a path faulty after `multipathd reinstate path` until its next check. Only the uevent,
which is lost here, would show that this is old: such a path is up again after that check.
"""

from tests.lab.kit import exposition, many_maps
from tests.lab.kit.accounts import Account
from tests.lab.kit.san import MANY_MAPS
from tests.lab.kit.scenario import Lab
from tests.lab.kit.transitions import FAILED, UP
from tests.lab.kit.watch import UNIT

SAN = MANY_MAPS
ALERTS = frozenset({"path_failed", "map_degraded", "events_lost", "source_down", "config_finding"})
"""Without CAP_NET_ADMIN the kernel's iSCSI errors can't be received, which `source_down` reports."""

FEW = 8
FLOOD = 500
RMEM_MAX = 65536
"""Bytes. The kernel doubles that, and a uevent takes a little more than 1 KiB of it."""
DROP_IN = """\
[Service]
AmbientCapabilities=
CapabilityBoundingSet=
"""

KNOWN = 120.0
SEEN = 30.0
RIGHT_AFTER = 10.0
"""Seconds from SIGCONT, or from the next check, until all is right."""


def run(lab: Lab) -> None:
    play(lab)


def play(lab: Lab) -> None:
    """Lose uevents, and expect that nothing else is lost."""
    if not lab.watch.present:
        return
    restart_with_small_buffer(lab)
    account = Account(lab)
    account.expect_healths(KNOWN)
    maps = sorted(account.before)[: 2 * FEW]
    first, second = (account.through(host) for host in account.hosts[:2])
    returning = [account.disks[first[name]].name for name in maps[:FEW]]
    failing = [account.disks[second[name]].name for name in maps[FEW:]]

    lab.say(f"multipathd fails {FEW} paths")
    lab.guest.run("; ".join(f"multipathd fail path {each}" for each in returning))
    account.see(FAILED, FEW, SEEN)
    account.expect_reported()

    lab.say(f"the daemon is stopped; {FLOOD} uevents come, {FEW} paths are reinstated, {FEW} others failed")
    frozen = lab.guest.now()
    process = int(lab.guest.run(f"systemctl show --value --property=MainPID {UNIT}"))
    drops = many_maps.netlink_drops(lab.guest.run(many_maps.overflow(process, FLOOD, failing, returning)))
    thawed = lab.guest.now()
    lab.say(f"truth: the kernel has dropped {drops} uevents for the daemon, stopped for {thawed - frozen:.1f} s")
    lab.check(drops > 0, "the kernel dropped nothing: the buffer did not overflow")
    account.see(FAILED, 2 * FEW, SEEN)
    account.see(UP, FEW, SEEN)
    entry = lab.expect_event("events_lost", after=frozen)
    lab.say(f"ours: {entry}")

    account.expect_reported()
    limit = RIGHT_AFTER + (lab.san.many.polling_interval if lab.san.many else 0)
    right = max((each.at for each in account.reported()), default=thawed) - thawed
    lab.say(f"ours: the last report came {right:.1f} s after SIGCONT")
    lab.check(right <= limit, f"all was reported {right:.1f} s after SIGCONT, expected {limit:g} s")
    account.expect_healths(limit)
    expect_counted(lab, frozen)

    lab.say(f"multipathd reinstates {FEW} paths")
    lab.guest.run("; ".join(f"multipathd reinstate path {each}" for each in failing))
    account.see(UP, 2 * FEW, SEEN)
    account.expect_recorded()
    account.expect_reported()
    account.expect_healths(limit)
    expect_counted(lab, frozen)


def restart_with_small_buffer(lab: Lab) -> None:
    """Start the daemon again without CAP_NET_ADMIN, where receive buffers are limited."""
    lab.say(f"the daemon is started without CAP_NET_ADMIN, net.core.rmem_max is {RMEM_MAX}")
    lab.watch.stop()
    lab.guest.run(f"sysctl -w net.core.rmem_max={RMEM_MAX}; mkdir -p /run/systemd/system/{UNIT}.d")
    lab.guest.write_file(f"/run/systemd/system/{UNIT}.d/lab.conf", DROP_IN)
    lab.guest.run("systemctl daemon-reload")
    lab.watch.start()


def expect_counted(lab: Lab, since: float) -> None:
    """Expect that one overflow is counted, as a resync too, and that its entry is the only one."""
    counters = exposition.scrape(lab.guest, "uevent_overflows_total", "resyncs_total")
    overflows = counters.value("uevent_overflows_total")
    resyncs = counters.value("resyncs_total", reason="events_lost")
    entries = len(lab.watch.entries(since, "events_lost"))
    found = f"{overflows:g} overflows, {resyncs:g} resyncs, {entries} entries"
    lab.check(overflows == resyncs == entries == 1, f"{found}, expected one of each")
