"""Volumes are staged and unstaged as a CSI driver does it, one of them while a path of it is down.

A driver has the initiator scan for a LUN, uses its map, flushes the map while its paths are up, deletes the disks, and
logs out when no volume is left. The maps were taken away on purpose: each is forgotten with an entry of priority info,
and none of that is an alert. So is the one of which a path had failed: the other one was usable.

`python -m tests.lab test --long volumes_staged_20` does this with twenty volumes.
"""

from tests.lab.kit import san
from tests.lab.kit.san import PORTALS, QUICK, wait_for_paths
from tests.lab.kit.scenario import Lab

SAN = QUICK
ALERTS = frozenset({"path_failed", "map_at_risk", "config_finding"})

VOLUMES = range(2, 8)
GONE = 60.0
LOSSES = ("path_missing", "map_lost", "map_at_risk", "path_failed", "session_lost")


def run(lab: Lab) -> None:
    play(lab, VOLUMES)


def play(lab: Lab, volumes: range) -> None:
    """Stage these LUNs, take a path from the last one, and unstage them."""
    lab.writes.start()
    staged = lab.guest.now()
    lab.say(f"{len(volumes)} volumes staged")
    lab.guest.run("\n".join(line for lun in volumes for line in SAN.array.export(lun)), timeout=120)
    lab.guest.run(san.RESCAN, timeout=120)
    for lun in volumes:
        wait_for_paths(lab.guest, SAN.map_name(lun), 2)
    for lun in volumes:
        lab.expect_state("map_health", "healthy", map=SAN.map_name(lun), timeout=60)
    lab.guest.run("udevadm settle -t 240", timeout=260)

    broken = SAN.map_name(volumes[-1])
    lab.faults.lun_offline(2, volumes[-1])
    lab.expect_state("path_health", "failed", map=broken, path=PORTALS[2], timeout=60)
    # That is true, and is reported after the spread of an outage: before the map is taken away, or not at all.
    lab.expect_event("map_at_risk", after=staged, MAP=broken)

    unstaged = lab.guest.now()
    for lun in volumes:
        lab.guest.run(
            f"multipath -f {SAN.map_name(lun)} && for disk in "
            f"/sys/class/iscsi_session/session*/device/target*/*:{lun}/delete; do echo 1 > $disk; done",
            timeout=120,
        )
    lab.say(f"{len(volumes)} volumes unstaged within {lab.guest.now() - unstaged:.0f} s")
    if not lab.watch.present:
        return
    for lun in volumes:
        name = SAN.map_name(lun)
        lab.wait(f"{name} forgotten", lambda: lab.watch.state("map_health", map=name) is None or None, GONE)  # noqa: B023
    lab.guest.run("multipath -f mpio || true")
    for event in LOSSES:
        for entry in lab.watch.entries(unstaged, event):
            lab.check(False, f"a volume that was unstaged is reported: {entry}")
    for entry in lab.watch.entries(staged):
        if entry.priority <= 4 and entry.fields.get("MAP") not in (broken, None):
            lab.check(False, f"a staged volume is reported: {entry}")
    lab.expect_state("map_health", "healthy", map="mpio")
