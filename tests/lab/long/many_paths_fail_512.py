"""All paths of 512 maps through one of four SCSI hosts fail at once: `many_paths_fail` with 2,048 paths.

multipathd may be too busy to answer in time, and the product may report that.
"""

from tests.lab.kit.san import MORE_MAPS
from tests.lab.kit.scenario import Lab
from tests.lab.scenarios import many_paths_fail

SAN = MORE_MAPS
ALERTS = many_paths_fail.ALERTS | {"source_down"}

SETTLED = 10.0
"""Seconds from the last uevent to the last report. A step takes 11 ms on the emulated processors, which multipathd's
checks and udev use at the same time, and 0.2 ms on real ones: `make bench` measures the same storm there."""


def run(lab: Lab) -> None:
    many_paths_fail.play(lab, SETTLED)
