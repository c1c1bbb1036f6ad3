"""The link to 192.168.2.1 is pulled and plugged in again, and the daemon is killed or restarted in each phase.

It is one outage with one id and one beginning, whichever daemon reports it: killed while the path is suspect, restarted
while it is stalled, killed while it has failed, restarted while it is recovering. Nothing is reported twice. What
happened while no daemon ran is a range in the history.
"""

import json

from tests.lab.kit.san import PORTALS, QUICK_FAILOVER
from tests.lab.kit.scenario import SESSION_LOSS, Lab

SAN = QUICK_FAILOVER
LONG_SUITES = ("bookworm",)
# Each start also reports what is configured and not in force.
ALERTS = SESSION_LOSS | {"config_finding"}

ONCE = (
    "path_suspect",
    "path_stalled",
    "path_failed",
    "path_recovering",
    "path_reinstated",
    "map_at_risk",
    "map_healthy",
)
"""Events that one outage has once at most."""


def run(lab: Lab) -> None:
    path = PORTALS[2]
    lab.writes.start()

    cut = lab.faults.link_down(2)
    lab.expect_event("path_suspect", after=cut, MAP="mpio", PATH=path)
    killed = lab.watch.restart("KILL")
    lab.say("killed while the path was suspect")
    shown = lab.watch.state("path_health", map="mpio", path=path)
    lab.check(shown != "up", f"for the next daemon the path is {shown}")

    lab.see_stalled(path, cut)
    lab.watch.restart()
    lab.say("restarted while the path was stalled")
    lab.see_dm(path, "F", cut, timeout=60)
    lab.expect_state("path_health", "failed", map="mpio", path=path)
    lab.watch.restart("KILL")
    lab.say("killed while the path had failed")
    lab.expect_state("path_health", "failed", map="mpio", path=path)
    lab.expect_state("map_health", "at_risk", map="mpio")

    plugged = lab.faults.link_up(2)
    lab.see_logged_in(path, plugged)
    lab.watch.restart()
    lab.say("restarted while the path was recovering")
    lab.see_dm(path, "A", plugged, timeout=60)
    lab.expect_state("path_health", "up", map="mpio", path=path, timeout=20)
    lab.expect_state("map_health", "healthy", map="mpio")
    lab.expect_event("path_reinstated", after=plugged, MAP="mpio", PATH=path, timeout=20)
    lab.check(not lab.writes.errors(), "writes failed")
    if not lab.watch.present:
        return

    lab.expect_one_outage("mpio", path, since=cut)
    for event in ONCE:
        about = {"PATH": path} if event.startswith("path_") else {}
        found = lab.watch.entries(cut, event, MAP="mpio", **about)
        lab.check(len(found) <= 1, f"{event} was reported {len(found)} times: {[str(each) for each in found]}")
    entries = lab.watch.entries(cut, MAP="mpio", PATH=path)
    wanted = {each.fields["OUTAGE"] for each in entries if "OUTAGE" in each.fields}
    kept = json.loads(lab.guest.run("mpathd-watch history --json"))["outages"]
    mine = [each for each in kept if each["path"] == path]
    lab.check(
        {each["id"] for each in mine} == wanted,
        f"the history has {[each['id'] for each in mine]}, the journal {wanted}",
    )
    lab.say(lab.guest.run("mpathd-watch history"))
    for each in wanted:
        lab.say(lab.guest.run(f"mpathd-watch history show {each}"))
    lab.check(killed > cut, "the daemon was not killed after the cut")
