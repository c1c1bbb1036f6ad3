"""journald hangs (SIGSTOP) with a full queue before the link to 192.168.2.1 is pulled, and all through the outage.

Nothing but the journal may wait: every scrape is answered, the metrics follow the truth, systemd's watchdog is fed.
When journald goes on, the entries of the outage arrive in order and say how long they waited, and one entry reports
that journald accepts entries again.
"""

from tests.lab.kit.san import PORTALS, QUICK
from tests.lab.kit.scenario import SESSION_LOSS, TOLERANCE, Lab
from tests.lab.kit.watch import UNIT, Entry

SAN = QUICK
QUICK_SUITES = ("trixie",)
ALERTS = SESSION_LOSS

DOWN = 22.0
UP = 25.0
"""Seconds: enough for the path to fail, and to be reinstated, before journald goes on."""
LONGEST_SCRAPE = 3.0
"""Seconds. The guest is emulated: a scrape may take tenths of a second. A loop that stands still takes many seconds."""


def run(lab: Lab) -> None:
    path = PORTALS[2]
    process = main_process(lab)
    lab.writes.start()
    told = lab.faults.outage_with_journald_frozen(2, DOWN, UP, UNIT)

    stalled = lab.see_stalled(path, told.cut)
    failed = lab.see_failed(path, told.cut)
    up = lab.see_dm(path, "A", told.plugged)
    lab.check(up < told.thawed, "the path was not reinstated before journald went on")
    again = _accepted_again(lab, told.thawed) if lab.watch.present else []
    for health, at in (("stalled", stalled), ("failed", failed), ("up", up)):
        if lab.watch.present:
            seen = lab.watch.metric_instant("path_health", health, after=at - TOLERANCE, map="mpio", path=path)
            lab.within(TOLERANCE, seen, at, f"{path} {health} (metric, journald frozen)")
            lab.check(seen is not None and seen < told.thawed, f"{path} {health} was seen while journald was frozen")
        lab.expect_path("mpio", path, health, at)
    lab.expect_path_story("mpio", path, ["stalled", "failed", "recovering", "up"])
    lab.expect_one_outage("mpio", path, since=told.frozen)
    if not lab.watch.present:
        return
    lab.check("journald does not read" in told.status, f"the status does not mention journald: {told.status}")
    late = [entry for entry in lab.watch.entries(told.frozen) if "DELAY_SEC" in entry.fields]
    lab.check(len(late) >= 3, f"{len(late)} entries say how long they waited")
    lab.check(len(again) == 1 and again[0].message.endswith("dropped: 0"), f"the end of the stall: {again}")
    lab.expect_metric("outlet_waiting", 0, outlet="journal")
    lab.expect_metric("outlet_lost_total", 0, outlet="journal")
    scrapes = [scrape for scrape in lab.watch.scrapes(told.frozen) if scrape.at < told.thawed]
    longest = max((scrape.took for scrape in scrapes), default=0.25)
    lab.say(f"ours: the longest scrape took at most {longest:.2f} s")
    for scrape in scrapes:
        lab.check(not scrape.error, f"a scrape failed: {scrape.error}")
        lab.check(scrape.took <= LONGEST_SCRAPE, f"a scrape took {scrape.took:.2f} s")
    lab.check(main_process(lab) == process, "the daemon was started again")
    lab.check(not lab.writes.errors(), "writes failed")


def _accepted_again(lab: Lab, thawed: float) -> list[Entry]:
    """The entries that report the end of the stall: all that had waited are in the journal before the first of them."""
    again = lab.wait(
        "the end of the stall",
        lambda: [entry for entry in lab.watch.entries(thawed) if "accepts entries again" in entry.message] or None,
        20.0,
    )
    lab.say(f"ours: {again[0]}")
    return again


def main_process(lab: Lab) -> str:
    """Return the process of the daemon, and how often systemd has started it again."""
    return lab.guest.run(f"systemctl show --property MainPID,NRestarts {UNIT}") if lab.watch.present else ""
