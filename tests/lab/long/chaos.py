"""Random faults for 20 minutes, as the seed has them; the product's reports are judged by the simulator's oracle.

As `chaos_short`, with some eighty faults. The kernel waits 5 s longer for the answer to a ping: a warning that does not
come is found then.
"""

from tests.lab.kit import chaos
from tests.lab.kit.san import QUICK
from tests.lab.kit.scenario import Lab

SAN = QUICK.with_pings(5, 10)
ALERTS = chaos.ALERTS

SECONDS, PAUSE = 1200.0, 12.0


def run(lab: Lab) -> None:
    chaos.play(lab, chaos.drawn(chaos.seed(), SECONDS, PAUSE), "chaos")
