"""The state directory is full, read-only, and deleted while the daemon runs.

The daemon runs on, reports it once each time, and `source_up{source="store"}` shows it. When the directory can be
written again, so does that.
"""

from tests.lab.kit.san import PORTALS, QUICK
from tests.lab.kit.scenario import SESSION_LOSS, Lab

SAN = QUICK
ALERTS = SESSION_LOSS | {"source_down", "config_finding"}

PLACE = "/var/lib/mpathd-watch"
NOTICED = 90.0
MOUNT = f"mount -t tmpfs -o size=512k,uid=mpathd-watch,gid=mpathd-watch,mode=755 lab {PLACE}"


def run(lab: Lab) -> None:
    if not lab.watch.present:
        return
    path = PORTALS[2]
    lab.watch.stop()
    # The recording has no place there.
    lab.guest.run(f"sed -i /record/d /etc/mpathd-watch/config.toml; {MOUNT}")
    lab.watch.start()
    lab.expect_metric("source_up", 1, source="store", timeout=NOTICED)

    full = lab.guest.timed(f"dd if=/dev/zero of={PLACE}/filler bs=4k 2>/dev/null || true")
    lab.say("the state directory is full")
    lab.faults.link_down(2)
    lab.expect_state("path_health", "failed", map="mpio", path=path, timeout=60)
    lab.expect_metric("source_up", 0, source="store", timeout=NOTICED)
    lab.faults.link_up(2)
    lab.expect_state("path_health", "up", map="mpio", path=path, timeout=60)
    _expect_reported_once(lab, full)
    lab.guest.run(f"rm {PLACE}/filler")
    lab.expect_metric("source_up", 1, source="store", timeout=NOTICED)

    gone = lab.guest.timed(f"rm -rf {PLACE}/*")
    lab.say("the state was deleted")
    lab.faults.lun_offline(2)
    lab.expect_state("path_health", "failed", map="mpio", path=path, timeout=60)
    lab.faults.lun_online(2)
    lab.expect_state("path_health", "up", map="mpio", path=path, timeout=60)
    lab.wait("a new database", lambda: "state.db" in lab.guest.run(f"ls {PLACE}") or None, NOTICED)
    lab.expect_metric("source_up", 1, source="store", timeout=NOTICED)
    lab.say("\n".join(str(each) for each in lab.watch.entries(gone) if "state" in each.message))

    lab.guest.run("systemctl stop mpathd-watch")
    lab.guest.run(f"mount -o remount,ro {PLACE}")
    lab.say("the state directory is read-only")
    began = lab.watch.start().began
    lab.expect_metric("source_up", 0, source="store", timeout=NOTICED)
    lab.expect_state("map_health", "healthy", map="mpio", timeout=30)
    _expect_reported_once(lab, began - 5.0)


def _expect_reported_once(lab: Lab, since: float) -> None:
    found = lab.watch.entries(since, "source_down", SOURCE="store")
    lab.check(len(found) == 1, f"the store was reported as down {len(found)} times: {[str(each) for each in found]}")
