"""All disks of 512 maps through one of four SCSI hosts are set offline: `many_disks_offline` with 2,048 paths.

multipathd may be too busy to answer or to check a path in time, and the product may report that. The kernel scans each
disk that is set running, which takes about half a minute for all of them.
"""

from tests.lab.kit.san import MORE_MAPS
from tests.lab.kit.scenario import Lab
from tests.lab.scenarios import many_disks_offline

SAN = MORE_MAPS
ALERTS = many_disks_offline.ALERTS | {"source_down", "path_overdue"}


def run(lab: Lab) -> None:
    many_disks_offline.play(lab)
