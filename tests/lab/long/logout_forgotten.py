"""An administrator logs out of 192.168.2.1 for good, and says so with `mpathd-watch forget`.

The path is `missing` with the cause `logout`, and its one alert asks for `forget`. Once it is forgotten, the map is
healthy with one path less, also for the next daemon. After a login the path is there again, as one that is new.
"""

from tests.lab.kit.san import PORTALS, QUICK, wait_for_paths
from tests.lab.kit.scenario import SESSION_LOSS, Lab

SAN = QUICK
ALERTS = SESSION_LOSS | {"path_missing", "config_finding"}

LEARN = 70.0
"""Seconds until a path that stays in its map is expected over restarts, too."""


def run(lab: Lab) -> None:
    path = PORTALS[2]
    lab.pause_until(lab.guest.now() + LEARN)
    logout = lab.faults.logout(2)
    lab.truth.wait_device(path, None, after=logout, timeout=10)
    if not lab.watch.present:
        return
    lab.expect_state("path_health", "missing", map="mpio", path=path)
    entry = lab.expect_event("path_missing", after=logout, MAP="mpio", PATH=path)
    if entry is not None:
        lab.check(entry.fields.get("CAUSE") == "logout", f"the cause is {entry.fields.get('CAUSE')}")
        lab.check("mpathd-watch forget" in entry.message, f"it does not ask for forget: {entry.message}")
    lab.expect_metric("map_paths_expected", 2, map="mpio")
    lab.expect_event("incident_began", after=logout, MAP="mpio", PATH=path)
    lab.watch.restart()
    lab.expect_state("path_health", "missing", map="mpio", path=path)

    lab.say(lab.guest.run(f"mpathd-watch forget --map mpio --path {path}"))
    lab.expect_metric("map_paths_expected", 1, map="mpio")
    lab.wait("the path forgotten", lambda: lab.watch.state("path_health", map="mpio", path=path) is None or None, 20.0)
    lab.watch.restart()
    lab.expect_metric("map_paths_expected", 1, map="mpio")
    asked = [each for each in lab.watch.entries(logout) if "mpathd-watch forget" in each.message and each.priority <= 4]
    lab.check(len(asked) == 1, f"forget was asked for {len(asked)} times: {[str(each) for each in asked]}")

    lab.faults.login(2)
    wait_for_paths(lab.guest, "mpio", 2)
    lab.expect_state("path_health", "up", map="mpio", path=path, timeout=20)
    lab.expect_state("map_health", "healthy", map="mpio")
