"""Uevents overflow the daemon's buffer on a host with 512 maps: `uevents_lost` with 2,048 paths."""

from tests.lab.kit.san import MORE_MAPS
from tests.lab.kit.scenario import Lab
from tests.lab.scenarios import uevents_lost

SAN = MORE_MAPS
ALERTS = uevents_lost.ALERTS


def run(lab: Lab) -> None:
    uevents_lost.play(lab)
