"""All paths of 512 maps through one of four SCSI hosts fail at once: `many_paths_fail` with 2,048 paths.

multipathd may be too busy to answer in time, and the product may report that.
"""

from tests.lab.kit.san import MORE_MAPS
from tests.lab.kit.scenario import Lab
from tests.lab.scenarios import many_paths_fail

SAN = MORE_MAPS
ALERTS = many_paths_fail.ALERTS | {"source_down"}


def run(lab: Lab) -> None:
    many_paths_fail.play(lab)
