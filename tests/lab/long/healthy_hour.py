"""The healthy traffic of `healthy_traffic`, for eight minutes each: 80 minutes of a session without a false alarm."""

from tests.lab.kit.scenario import Lab
from tests.lab.scenarios import healthy_traffic

SAN = healthy_traffic.SAN


def run(lab: Lab) -> None:
    healthy_traffic.be_well(lab, 480.0)
