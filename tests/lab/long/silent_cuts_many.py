"""The cuts of `silent_cuts`, 24 of them: four with each of the timeouts, idle and under load."""

from tests.lab.kit.scenario import Lab
from tests.lab.scenarios import silent_cuts

SAN = silent_cuts.SAN
ALERTS = silent_cuts.ALERTS


def run(lab: Lab) -> None:
    silent_cuts.cut_again_and_again(lab, 4)
