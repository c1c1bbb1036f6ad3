"""Three drills on the interface p2 while a process writes: one that passes, one that is refused, one that fails.

1. The link is pulled, and plugged in again once dm has failed the path. The drill passes. What it measured is what
   really happened, and the slowest I/O is no slower than the slowest write.
2. The link to the other portal is down: the drill is refused, and names the path that is down and the map that would be
   left without one.
3. multipathd freezes while the path is out: the drill ends at its limit. It has failed, because the path has its
   connection back and is not reinstated.

No write ever fails. The daemon runs beside each drill, and reports the same outages.
"""

from __future__ import annotations

import json
from typing import Any

from tests.lab.kit.san import PORTALS, QUICK
from tests.lab.kit.scenario import PHASE_TOLERANCE, SESSION_LOSS, Lab

SAN = QUICK
LONG_SUITES = ("bookworm",)
ALERTS = SESSION_LOSS | {"source_down", "path_overdue"}

OUTPUT, LINES, STATUS = "/root/drill.json", "/root/drill.txt", "/root/drill.status"
REPORT = "/root/drill"
PATH = PORTALS[2]


def run(lab: Lab) -> None:
    if not lab.watch.present:
        return
    lab.writes.start()
    passed(lab)
    refused(lab)
    failed(lab)
    lab.check(not lab.writes.errors(), "writes failed")


def passed(lab: Lab) -> None:
    begin(lab, "--report", f"{REPORT}.md")
    cut = lab.faults.link_down(2)
    lab.see_dm(PATH, "F", cut, timeout=40)
    lab.faults.link_up(2)
    truth = lab.see_outage(PATH, cut)
    found = result(lab, 0)
    for suffix in (".md", ".svg"):
        (lab.logs / f"drill{suffix}").write_bytes(lab.guest.read_file(f"{REPORT}{suffix}"))
    lab.check((found["outcome"], found["reasons"]) == ("passed", []), f"it is {found['outcome']}: {found['reasons']}")
    (path,) = found["paths"]
    lab.check((path["path"], path["proven"]) == (PATH, True), f"it is about {path['path']}, proven: {path['proven']}")
    for phase, seconds in truth.phases.items():
        measured = path["phases"][phase]["measured"]
        lab.check(abs(measured - seconds) <= PHASE_TOLERANCE, f"{phase} took {seconds:.1f} s, measured {measured} s")
    slowest = found["slowest_io"]
    longest = lab.writes.longest()
    lab.check(
        slowest is not None and slowest["at_least_seconds"] <= longest + 1.0, f"slowest {slowest}, {longest:.1f} s"
    )
    lab.expect_event("path_reinstated", after=cut, MAP="mpio", PATH=PATH)


def refused(lab: Lab) -> None:
    cut = lab.faults.link_down(1)
    lab.see_dm(PORTALS[1], "F", cut, timeout=40)
    status = int(lab.guest.run(f"{command()} >{OUTPUT} 2>{LINES}; echo $?", timeout=60))
    found = json.loads(lab.guest.read_file(OUTPUT))
    lab.say(f"ours: {found['reasons']}")
    lab.check((status, found["outcome"]) == (2, "refused"), f"exit status {status}, {found['outcome']}")
    wanted = (f"path {PORTALS[1]} of mpio is ", "map mpio has no healthy path that does not go through interface p2")
    lab.check(all(any(reason.startswith(words) for reason in found["reasons"]) for words in wanted), "its reasons")
    plugged = lab.faults.link_up(1)
    up = lab.see_dm(PORTALS[1], "A", plugged, timeout=60)
    lab.expect_path("mpio", PORTALS[1], "up", up)


def failed(lab: Lab) -> None:
    begin(lab, "--limit", "60")
    cut = lab.faults.link_down(2)
    lab.see_dm(PATH, "F", cut, timeout=40)
    lab.faults.freeze_multipathd()
    plugged = lab.faults.link_up(2)
    lab.see_logged_in(PATH, plugged)
    found = result(lab, 1)
    thawed = lab.faults.thaw_multipathd()
    lab.check(found["outcome"] == "failed", f"it is {found['outcome']}")
    reason = f"{PATH} of mpio did not come back: it is recovering"
    lab.check(reason in found["reasons"], f"its reasons are {found['reasons']}")
    up = lab.see_dm(PATH, "A", thawed, timeout=60)
    lab.expect_path("mpio", PATH, "up", up)


def command(*options: str) -> str:
    """The drill; for people on standard error, and the document on standard output."""
    return " ".join(("mpathd-watch", "drill", "--interface", "p2", "--json", *options))


def begin(lab: Lab, *options: str) -> None:
    """Start a drill, and wait until it waits for the fault."""
    lab.guest.run(f"rm -f {OUTPUT} {LINES} {STATUS}")
    lab.guest.start(
        ["/bin/sh", "-c", f"{command(*options)} >{OUTPUT} 2>{LINES}; echo $? >{STATUS}.new; mv {STATUS}.new {STATUS}"]
    )

    def waiting() -> bool | None:
        return "Waiting for the fault" in lab.guest.run(f"cat {LINES}", check=False) or None

    lab.wait("the drill to wait for the fault", waiting, 40.0)


def result(lab: Lab, status: int) -> Any:
    """The document of a drill once it has ended, which must be with this exit status."""

    def ended() -> int | None:
        text = lab.guest.run(f"cat {STATUS}", check=False).strip()
        return int(text) if text else None

    got = lab.wait("the end of the drill", ended, 120.0)
    for line in lab.guest.run(f"cat {LINES}").splitlines():
        lab.say(f"ours: {line}")
    lab.check(got == status, f"the drill ended with {got}, expected {status}")
    return json.loads(lab.guest.read_file(OUTPUT))
