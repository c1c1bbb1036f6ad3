"""As `volumes_staged`, with twenty volumes."""

from tests.lab.kit.scenario import Lab
from tests.lab.scenarios import volumes_staged

SAN = volumes_staged.SAN
ALERTS = volumes_staged.ALERTS

VOLUMES = range(2, 22)


def run(lab: Lab) -> None:
    volumes_staged.play(lab, VOLUMES)
