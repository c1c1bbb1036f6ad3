"""A disk has grown, its target says so by a unit attention, and nobody scans its paths.

After a minute that is a warning, with the commands that would help.
"""

from tests.lab.kit import scsi_debug
from tests.lab.kit.scenario import Lab
from tests.lab.kit.watch import WARNING
from tests.lab.scenarios import capacity_changed

SAN = capacity_changed.SAN
SUITES = ("trixie", "bookworm")
ALERTS = ("lun_resized",)

PATIENCE = 90.0
EARLIEST = 55.0


def run(lab: Lab) -> None:
    grown = capacity_changed.grow(lab)
    entry = lab.expect_event("lun_resized", PATIENCE, grown, MAP=scsi_debug.WWID)
    if entry:
        lab.say(f"ours: {entry.at - grown:.0f} s after the change: {entry.message}")
        lab.check(entry.priority == WARNING, f"lun_resized has priority {entry.priority}")
        lab.check(entry.at - grown >= EARLIEST, "the warning came before the minute was over")
        lab.check("rescan" in entry.message, f"no command in: {entry.message}")
