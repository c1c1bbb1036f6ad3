"""Debian 12 becomes Debian 13 by apt full-upgrade, while the daemon runs.

Of the image's packages all are upgraded but the kernel, which QEMU loads, the guest's agent, and the target. The daemon
runs through all of it, with the Python that it was started with, and reports the next outage. The service is restarted
in that, as a reboot would. It runs under the new Python then, goes on with the same outage, and has the whole history.
`check`, `status` and a reload work.

No path is down meanwhile: the package open-iscsi can't be configured while a session is in a failed state. The upgrade
takes ten minutes on an emulated guest: 198 packages.
"""

import tempfile
from pathlib import Path

from tests.lab.kit import packages
from tests.lab.kit.san import PORTALS, QUICK
from tests.lab.kit.scenario import SESSION_LOSS, Lab

SAN = QUICK
SUITES = ("bookworm",)
# multipathd restarts meanwhile, and the new one of another version has other defaults. So does iscsid, which loses both
# sessions for two or three seconds, one soon after the other. An emulated guest that upgrades answers late, so that the
# path without I/O may look slow beside the other one.
ALERTS = SESSION_LOSS | {"config_finding", "source_down", "path_overdue", "daemon", "map_lost", "path_slow"}

TO = "trixie"
HELD = ("qemu-guest-agent", "tgt")
"""The lab would lose the guest, or the array, with these."""
LOG = "/root/full-upgrade.log"
UPGRADED_WITHIN = 5400.0
"""Seconds that the upgrade may take."""
PATIENCE = 180.0
ONCE = ("path_failed", "session_lost", "map_at_risk", "incident_began")


def run(lab: Lab) -> None:
    if not lab.watch.present:
        return
    path = PORTALS[2]
    past = _one_outage(lab, path)

    before = lab.watch.service()
    lab.check("python3.11" in before["program"], f"the daemon runs {before['program']}")

    lab.guest.run(f"apt-mark hold {' '.join(HELD)}")
    with tempfile.TemporaryDirectory(prefix="mpathd-watch-lab-upgrade-") as work:
        brought = packages.provide(lab.guest, TO, ("full-upgrade",), Path(work))
    lab.say(f"{len(brought)} packages for Debian 13")
    lab.check(
        {"python3.13", "systemd", "multipath-tools", "open-iscsi"} <= set(brought), "the main packages are missing"
    )
    began = lab.guest.now()
    try:
        packages.apt(lab.guest, ("full-upgrade",), LOG, UPGRADED_WITHIN)
    finally:
        (lab.logs / "full-upgrade.log").write_bytes(lab.guest.read_file(LOG))
    took = lab.guest.now() - began
    lab.say(f"Debian {lab.guest.run('cat /etc/debian_version').strip()} after {took:.0f} s of the guest's clock")
    lab.say(lab.guest.run("dpkg --list mpathd-watch python3 systemd multipath-tools open-iscsi | tail -n 5"))
    lab.check(lab.guest.run("cat /etc/debian_version").startswith("13"), "it is not Debian 13")
    lab.check(not lab.guest.run("dpkg --audit").strip(), "packages are not configured")

    _expect_undisturbed(lab, before, began)
    cut = lab.faults.link_down(2)
    lab.see_dm(path, "F", cut, timeout=PATIENCE)
    lab.expect_state("path_health", "failed", map="mpio", path=path, timeout=PATIENCE)
    lab.expect_event("path_failed", after=cut, MAP="mpio", PATH=path)
    going_on = lab.wait("the outage in the store", lambda: lab.watch.open_outage(path), PATIENCE)
    lab.guest.run("systemctl reload mpathd-watch", timeout=120)
    _expect_undisturbed(lab, before, began)

    restarted = lab.watch.restart()
    after = lab.watch.service()
    lab.say(f"restarted: {after}")
    lab.check("python3.13" in after["program"], f"the daemon runs {after['program']}")
    lab.expect_state("path_health", "failed", map="mpio", path=path, timeout=PATIENCE)
    found = lab.wait("the outage in the store", lambda: lab.watch.open_outage(path), 60)
    lab.check(found == going_on, f"after the restart the outage is {found}, before it was {going_on}")
    lab.check({past, going_on} <= set(lab.watch.outages()), f"the history has {set(lab.watch.outages())}")
    lab.check(lab.watch.check()["status"] != "UNKNOWN", "check does not know the state")
    lab.check(bool(lab.watch.status()["maps"]), "status has no map")

    plugged = lab.faults.link_up(2)
    lab.see_dm(path, "A", plugged, timeout=PATIENCE)
    entry = lab.expect_event("path_reinstated", 60.0, plugged, MAP="mpio", PATH=path)
    lab.check(entry is None or entry.fields.get("OUTAGE") == going_on, f"its end has another outage: {entry}")
    lab.expect_state("map_health", "healthy", map="mpio", timeout=PATIENCE)
    for event in ONCE:
        entries = [each for each in lab.watch.entries(cut, event) if each.at < plugged]
        lab.check(len(entries) <= 1, f"{event} was reported {len(entries)} times: {[str(each) for each in entries]}")
    lab.check(restarted > began, "the daemon was not restarted after the upgrade")
    lab.say(lab.guest.run("mpathd-watch history"))


def _one_outage(lab: Lab, path: str) -> str:
    """Let an outage begin and end, and return its id."""
    cut = lab.faults.link_down(2)
    lab.see_dm(path, "F", cut, timeout=60)
    plugged = lab.faults.link_up(2)
    lab.see_dm(path, "A", plugged, timeout=60)
    entry = lab.expect_event("path_reinstated", 30.0, plugged, MAP="mpio", PATH=path)
    lab.expect_state("map_health", "healthy", map="mpio", timeout=60)
    lab.wait("the outage in the history", lambda: lab.watch.outages() or None, 60)
    return entry.fields["OUTAGE"] if entry else ""


def _expect_undisturbed(lab: Lab, before: dict[str, str], since: float) -> None:
    """Expect the process of before the upgrade, which took every scrape.

    A scrape may have come too late: the emulated guest is busy.
    """
    now = lab.watch.service()
    lab.check(now == before, f"the service is {now}, before it was {before}")
    failed = [each for each in lab.watch.scrapes(since) if each.error]
    lab.say(f"{len(failed)} scrapes failed: {[each.error for each in failed[:3]]}")
    refused = [each for each in failed if "timed out" not in each.error]
    lab.check(not refused, f"{len(refused)} scrapes were refused: {[each.error for each in refused[:3]]}")
