"""A host without dm-multipath: no multipathd, no module, no SAN.

The daemon is ready and stays so. It says once that multipathd does not answer, and goes on waiting in silence,
without loading a kernel module by looking.
"""

from tests.lab.kit.san import NO_MULTIPATH
from tests.lab.kit.scenario import Lab

SAN = NO_MULTIPATH
ALERTS = ("source_down",)

WATCHED = 20.0


def run(lab: Lab) -> None:
    began = lab.guest.now()
    if lab.watch.present:
        lab.watch.stop()
        lab.watch.start()
        state = lab.guest.run("systemctl show mpathd-watch.service -p ActiveState -p NRestarts")
        lab.check("ActiveState=active" in state and "NRestarts=0" in state, f"the service is not well: {state}")
    lab.expect_metric("source_up", 0, source="multipathd")
    lab.pause_until(began + WATCHED)

    loaded = lab.guest.run("grep -c '^dm_multipath ' /proc/modules", check=False).strip()
    lab.check(loaded == "0", "dm_multipath was loaded")
    said = [entry for entry in lab.watch.entries() if not entry.from_systemd]
    lab.check(len(said) <= 3, f"{len(said)} entries in {WATCHED:g} s: {'; '.join(map(str, said[:5]))}")
