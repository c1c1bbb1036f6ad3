"""journald hangs (SIGSTOP) with a full queue before the link to 192.168.2.1 is pulled, and all through the outage.

Nothing but the journal may wait: every scrape is answered, the metrics follow the truth, systemd's watchdog is fed.
When journald goes on, the entries of the outage arrive in order and say how long they waited, and one entry reports
that journald accepts entries again.
"""

from tests.lab.kit.san import PORTALS, QUICK
from tests.lab.kit.scenario import SESSION_LOSS, TOLERANCE, Lab
from tests.lab.kit.watch import UNIT

SUITES = ("trixie", "bookworm")
SAN = QUICK
ALERTS = SESSION_LOSS

LONGEST_SCRAPE = 2.0
"""Seconds. The guest is emulated: a scrape may take tenths of a second. A loop that stands still takes many seconds."""


def run(lab: Lab) -> None:
    path = PORTALS[2]
    process = main_process(lab)
    lab.writes.start()
    frozen = lab.faults.freeze_journald()

    cut = lab.faults.link_down(2)
    stalled = lab.see_stalled(path, cut)
    expect_metric_health(lab, path, "stalled", stalled)
    failed = lab.see_failed(path, cut)
    expect_metric_health(lab, path, "failed", failed)
    lab.pause_until(failed + 10)
    plugged = lab.faults.link_up(2)
    up = lab.see_dm(path, "A", plugged, timeout=60)
    expect_metric_health(lab, path, "up", up)
    if lab.watch.present:
        waiting = lab.watch.metric("outlet_waiting", outlet="journal") or 0.0
        lab.say(f"ours: {waiting:g} entries wait for journald")
        lab.check(waiting >= 3, f"{waiting:g} entries wait for journald, expected those of the outage")
        told = lab.guest.run(f"systemctl show --value --property StatusText {UNIT}")
        lab.check("journald does not read" in told, f"the status does not mention journald: {told}")

    thawed = lab.faults.thaw_journald()
    lab.expect_path("mpio", path, "stalled", stalled)
    lab.expect_path("mpio", path, "failed", failed)
    lab.expect_path("mpio", path, "up", up)
    lab.expect_path_story("mpio", path, ["stalled", "failed", "recovering", "up"])
    lab.expect_one_outage("mpio", path, since=frozen)
    lab.expect_metric("outlet_waiting", 0, outlet="journal")
    if not lab.watch.present:
        return
    late = [entry for entry in lab.watch.entries(frozen) if "DELAY_SEC" in entry.fields]
    lab.check(len(late) >= 3, f"{len(late)} entries say how late they are")
    again = lab.wait(
        "the end of the stall",
        lambda: [entry for entry in lab.watch.entries(thawed) if "accepts entries again" in entry.message] or None,
        20.0,
    )
    lab.say(f"ours: {again[0]}")
    lab.check(len(again) == 1 and again[0].message.endswith("dropped: 0"), f"the end of the stall: {again}")
    lab.expect_metric("outlet_lost_total", 0, outlet="journal")
    scrapes = lab.watch.scrapes(frozen)
    lab.say(f"ours: the longest scrape took {max((scrape.took for scrape in scrapes), default=0.0):.2f} s")
    for scrape in scrapes:
        lab.check(not scrape.error, f"a scrape failed: {scrape.error}")
        lab.check(scrape.took <= LONGEST_SCRAPE, f"a scrape took {scrape.took:.2f} s")
    lab.check(main_process(lab) == process, "the daemon was started again")
    lab.check(not lab.writes.errors(), "writes failed")


def expect_metric_health(lab: Lab, path: str, health: str, at: float) -> None:
    """Expect the metrics to say that the path became `health` at `at`."""
    if not lab.watch.present:
        return
    lab.expect_state("path_health", health, map="mpio", path=path)
    seen = lab.watch.metric_instant("path_health", health, after=at - TOLERANCE, map="mpio", path=path)
    lab.within(TOLERANCE, seen, at, f"{path} {health} (metric, journald frozen)")


def main_process(lab: Lab) -> str:
    """Return the process of the daemon, and how often systemd has started it again."""
    if not lab.watch.present:
        return ""
    return lab.guest.run(f"systemctl show --property MainPID,NRestarts {UNIT}")
