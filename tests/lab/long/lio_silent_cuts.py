"""The cuts of `silent_cuts`, with LIO's answers."""

from tests.lab.kit.san import LIO
from tests.lab.kit.scenario import Lab
from tests.lab.scenarios import silent_cuts

SAN = LIO.with_pings(5, 10).with_iscsi(fast_io_fail_tmo="15")
SUITES = ("trixie", "bookworm")
ALERTS = silent_cuts.ALERTS


def run(lab: Lab) -> None:
    silent_cuts.cut_again_and_again(lab, 1)
