"""The secrets of `secrets_kept` for ten minutes: outages, reloads, discoveries and bundles again and again."""

from tests.lab.kit import canary
from tests.lab.kit.san import LIO_CHAP
from tests.lab.kit.scenario import Lab

SAN = LIO_CHAP
SUITES = ("trixie", "bookworm")
ALERTS = canary.ALERTS


def run(lab: Lab) -> None:
    canary.play(lab, 600.0)
