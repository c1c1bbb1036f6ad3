"""All nineteen path failures of `timeouts_matrix`."""

from tests.lab.kit.scenario import Lab
from tests.lab.scenarios import timeouts_matrix

SAN = timeouts_matrix.SAN
ALERTS = timeouts_matrix.ALERTS


def run(lab: Lab) -> None:
    timeouts_matrix.play(lab, None)
