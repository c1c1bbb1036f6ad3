"""A map loses two of its four paths, and then one more, as disks are taken from the host and never come back.

Re-scans that go wrong do that: each time the map is loaded with fewer paths, without any failure. Each step is an
alert, and the next daemon still misses the paths.
"""

from tests.lab.kit import exposition, many_maps
from tests.lab.kit.accounts import Account
from tests.lab.kit.san import MANY_MAPS
from tests.lab.kit.scenario import Lab

SAN = MANY_MAPS
ALERTS = frozenset({"path_missing", "map_degraded", "map_at_risk", "path_failed", "config_finding"})

STEPS = ((2, "degraded"), (1, "at_risk"))
"""How many paths of the map are left, and its health."""
SEEN = 60.0
KNOWN = 90.0
LEARN = 70.0


def run(lab: Lab) -> None:
    account = Account(lab)
    name, paths = next(iter(account.before.items()))
    if lab.watch.present:
        account.expect_healths(KNOWN)
        lab.pause_until(lab.guest.now() + LEARN)
    left = sorted(paths)
    for count, health in STEPS:
        gone, left = left[count:], left[:count]
        began = lab.guest.now()
        for dev_t in gone:
            lab.guest.run(f"echo 1 > /sys/block/{account.disks[dev_t].name}/device/delete")
        lab.say(f"{len(gone)} disks of {name} are gone")
        san_has = f"{name} with {count} paths"
        lab.wait(san_has, lambda: len(many_maps.status(lab.guest)[name]) == len(left) or None, SEEN)  # noqa: B023
        if not lab.watch.present:
            continue
        for dev_t in gone:
            lab.expect_event("path_missing", SEEN, began, MAP=name, PATH=account.label(dev_t))
        lab.expect_event(f"map_{health}", SEEN, began, MAP=name)
    if not lab.watch.present:
        return
    lab.watch.restart()
    lab.wait("the next daemon", lambda: _expected(lab, name) == len(paths) or None, SEEN)
    found = exposition.scrape(lab.guest, "path_health", "map_health")
    healths = found.states("path_health")
    missing = sorted(path for (map_, path), state in healths.items() if map_ == name and state == "missing")
    wanted = sorted(account.label(dev_t) for dev_t in paths if dev_t not in left)
    lab.check(missing == wanted, f"after a restart {missing} are missing, expected {wanted}")
    lab.check(found.states("map_health")[name, ""] == "at_risk", "after a restart the map is not at risk")


def _expected(lab: Lab, name: str) -> float:
    try:
        return exposition.scrape(lab.guest, "map_paths_expected").value("map_paths_expected", map=name)
    except OSError:
        return 0.0
