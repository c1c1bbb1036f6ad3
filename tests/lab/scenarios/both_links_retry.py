"""Both links are pulled; with a `no_path_retry` of so many checks, I/O waits for a while, and then it fails.

multipathd counts down from the moment dm has failed the last path (enter_recovery_mode() in libmultipath), and then
turns the queueing off. No uevent reports either. The deadline that is shown is compared with the first write that
fails, and so is the moment from which I/O is reported to fail.
"""

from tests.lab.kit.san import PORTALS, QUICK
from tests.lab.kit.scenario import SESSION_LOSS, Lab
from tests.lab.kit.watch import WARNING

RETRIES, INTERVAL = 5, 3
SAN = QUICK.with_multipath(no_path_retry=str(RETRIES), polling_interval=str(INTERVAL))
LONG_SUITES = ("bookworm", "sid")
ALERTS = SESSION_LOSS | {"map_lost"}

DEADLINE = "map_queueing_deadline_timestamp_seconds"
RIGHT_WITHIN = 2.0
"""Seconds by which the shown deadline, and the entry that I/O fails, may be away from the first error."""


def run(lab: Lab) -> None:
    paths = list(PORTALS.values())
    lab.writes.start()

    cut = lab.faults.link_down(1, 2)
    failed = max([lab.see_failed(path, cut) for path in paths])
    shown = None
    if lab.watch.present:
        shown = lab.wait("a deadline", lambda: lab.watch.metric(DEADLINE, map="mpio"), 5.0)
        lost = lab.wait("the loss", lambda: next(iter(lab.watch.entries(cut, "map_lost")), None), 5.0)
        lab.say(f"{lost}")
        lab.check("I/O hangs for" in lost.message, f"it does not announce how long I/O hangs: {lost.message}")
    error = lab.writes.wait_error(after=0.0, timeout=60)
    failing = error.at + (error.seconds or 0.0)
    lab.say(f"truth: I/O failed {failing - failed:.2f} s after the last path")
    lab.expect_metric("map_queueing", 0, map="mpio")

    if lab.watch.present:
        lab.within(RIGHT_WITHIN, None if shown is None else lab.guest.instant(shown), failing, "the deadline")
        entry = lab.expect_event("map_io_fails", after=cut, MAP="mpio")
        lab.within(RIGHT_WITHIN, None if entry is None else entry.at, failing, "the entry that I/O fails")
        worse = lab.expect_event("incident_worse", after=failed, HEALTH="lost")
        lab.check(worse is not None and "I/O fails now" in worse.message, f"people are not woken: {worse}")

    plugged = lab.faults.link_up(1, 2)
    back = [lab.see_logged_in(path, plugged) for path in paths]
    up = [lab.see_dm(path, "A", plugged, timeout=60) for path in paths]
    for path, back_at, up_at in zip(paths, back, up, strict=True):
        lab.expect_recovery("mpio", path, back_at, up_at)
    lab.expect_map("mpio", "healthy", max(up))
    # multipathd queues again since the first path is back, and reports that in no uevent either.
    lab.expect_metric("map_queueing", 1, timeout=5.0, map="mpio")
    if lab.watch.present:
        end = lab.expect_event("incident_ended", after=plugged, timeout=20.0)
        lab.say(f"{end}")
        told = "I/O hung for" in end.message and "then failed for" in end.message if end else False
        lab.check(told, "the end does not show how long I/O hung and failed")
        woken = [each for each in lab.watch.entries(cut) if each.priority <= WARNING and each.event != "config_finding"]
        lab.check(len(woken) <= 3, f"{len(woken)} entries wake people: {[str(each) for each in woken]}")
