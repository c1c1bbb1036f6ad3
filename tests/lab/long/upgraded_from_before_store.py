"""The package from before there was a store is upgraded to today's while a path is down, and downgraded again.

The configuration of the older one is accepted. The newer daemon takes up the outage where it stands, keeps it, and
reports its end; the older one does not mind what the newer one has left.
"""

import os
import subprocess
import tempfile
from pathlib import Path

from tests.lab.kit.san import PORTALS, QUICK
from tests.lab.kit.scenario import SESSION_LOSS, Lab

SAN = QUICK
SUITES = ("trixie", "bookworm")
ALERTS = SESSION_LOSS | {"config_finding"}

BEFORE = "5c9ad6f41fcd84ebbd60061dd2f3056c6f230d58"
ROOT = Path(__file__).parents[3]
OLD, NEW = "/root/old.deb", "/root/product.deb"


def run(lab: Lab) -> None:
    if not lab.watch.present:
        return
    path = PORTALS[2]
    lab.guest.write_file(OLD, _built())
    lab.watch.stop()
    _install(lab, OLD)
    lab.check("state.db" not in lab.guest.run("ls /var/lib/mpathd-watch"), "the older package has a store, too")

    lab.faults.link_down(2)
    lab.expect_state("path_health", "failed", map="mpio", path=path, timeout=60)
    upgraded = lab.guest.now()
    _install(lab, NEW)
    lab.expect_state("path_health", "failed", map="mpio", path=path, timeout=60)
    plugged = lab.faults.link_up(2)
    lab.see_dm(path, "A", plugged, timeout=60)
    lab.expect_event("path_reinstated", 20.0, upgraded, MAP="mpio", PATH=path)
    shown = lab.guest.run("mpathd-watch history")
    lab.say(shown)
    lab.check(path in shown, "the outage is not in the history")

    _install(lab, OLD)
    lab.expect_state("map_health", "healthy", map="mpio", timeout=60)
    _install(lab, NEW)
    lab.expect_state("map_health", "healthy", map="mpio", timeout=60)
    lab.check(path in lab.guest.run("mpathd-watch history"), "the history is gone")


def _install(lab: Lab, deb: str) -> None:
    lab.say(f"installing {deb}")
    lab.guest.run(
        f"DEBIAN_FRONTEND=noninteractive dpkg --force-confold -i {deb} && systemctl start mpathd-watch", timeout=240
    )


def _built() -> bytes:
    """The package of the commit before the store. Raises ``CalledProcessError`` where the history lacks it."""
    with tempfile.TemporaryDirectory() as name:
        subprocess.run(["git", "clone", "-q", "--no-checkout", ROOT, name], check=True)
        subprocess.run(["git", "-C", name, "checkout", "-q", BEFORE], check=True)
        environment = {**os.environ, "DEB_BUILD_OPTIONS": "nocheck"}
        subprocess.run(["tools/build-deb"], cwd=name, env=environment, check=True, stdout=subprocess.DEVNULL)
        return next(Path(name).glob("dist/mpathd-watch_*_all.deb")).read_bytes()
