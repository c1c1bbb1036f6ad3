"""The node of an HA pair that serves both portals dies, and the other takes both addresses over: later and later.

Nothing answers until then, and the initiator's carrier stays. The node that takes over knows nothing of the
connections, and resets them. After 10 s the kernel has given up neither session, so that I/O only waits. After 40 s
both paths have failed: with `no_path_retry queue` I/O waits for all that time, and with so many checks it fails before
the array is back. Each time that is one incident about the target.
"""

from dataclasses import dataclass

from tests.lab.kit.san import HA_PAIR, PORTALS
from tests.lab.kit.scenario import SESSION_LOSS, Lab
from tests.lab.kit.watch import WARNING, Entry

RETRIES, INTERVAL = 5, 3
SHORT, LONG = 10.0, 40.0
SAN = HA_PAIR.with_multipath(no_path_retry=str(RETRIES), polling_interval=str(INTERVAL))
QUEUE = SAN.with_multipath(no_path_retry="queue")
ALERTS = SESSION_LOSS | {"map_lost", "map_io_fails", "path_flapping", "config_finding"}

NOTICE = 5
SETTLES = 60.0
"""Seconds within which the sessions are logged in, and the paths reinstated, after the array is back."""


@dataclass(frozen=True)
class Move:
    """One failover of the array: the node that dies, and after how many seconds the other takes over."""

    node: int
    away: float

    @property
    def other(self) -> int:
        """The node that takes over."""
        return 3 - self.node


def run(lab: Lab) -> None:
    lab.writes.start()

    move(lab, Move(1, SHORT))
    lab.check(not lab.writes.errors(), "a write failed")

    lab.reconfigure(QUEUE)
    settled = lab.guest.now()
    move(lab, Move(2, LONG))
    lab.check(not lab.writes.errors(settled), "a write failed although all of it was to be queued")

    lab.reconfigure(SAN)
    began = lab.guest.now()
    end = move(lab, Move(1, LONG), fails=True)
    error = next(iter(lab.writes.errors(began)), None)
    lab.check(error is not None, "no write failed")
    if lab.watch.present and end is not None:
        lab.check("then failed for" in end.message, "the end does not show how long I/O failed")


def move(lab: Lab, failover: Move, *, fails: bool = False) -> Entry | None:
    """One failover, from the death of a node until all is well. Return the entry about its end."""
    paths = list(PORTALS.values())
    down = lab.faults.node_down(failover.node)
    lab.pause_until(down + failover.away)
    over = lab.faults.take_over(failover.other)
    if fails:
        write = lab.writes.wait_error(after=down - 1.0, timeout=SETTLES)
    else:
        write = lab.writes.wait_through(after=over, timeout=SETTLES)
    lab.say(f"truth: {lab.writes.longest(down - 1.0):.1f} s without I/O; {write}")
    for path in paths:
        lab.see_logged_in(path, down, timeout=SETTLES)
    lab.expect_state("map_health", "healthy", SETTLES, map="mpio")
    if not lab.watch.present:
        return None
    end = lab.wait("the end", lambda: next(iter(lab.watch.entries(over, "incident_ended")), None), 20.0)
    entries = [each for each in lab.watch.entries(down) if each.event != "config_finding"]
    for each in entries:
        if each.priority <= NOTICE:
            lab.say(f"{each}")
    woken = [each for each in entries if each.priority <= WARNING]
    lab.check(len(woken) <= 3, f"{len(woken)} entries wake people")
    notices = [each for each in entries if each.priority == NOTICE]
    lab.check(len(notices) == 1, f"{len(notices)} notices")
    ids = {each.fields.get("INCIDENT") for each in entries if (each.event or "").startswith(("path_", "incident_"))}
    lab.check(len(ids) == 1, f"the entries belong to {len(ids)} incidents")
    return end
