"""A few random faults, as the seed has them; the product's reports are judged by the simulator's oracle.

Expected: the kernel and multipathd put everything right again, whatever was done; the product reports all that
happened, in time, once, with its cause, and nothing else. `LAB_SEED=SEED` repeats a run (`tests.lab.kit.chaos`).

`python -m tests.lab test --long chaos` goes on for 20 minutes.
"""

from tests.lab.kit import chaos
from tests.lab.kit.san import QUICK
from tests.lab.kit.scenario import Lab

SAN = QUICK
LONG_SUITES = ("bookworm",)
ALERTS = chaos.ALERTS

SECONDS, PAUSE = 75.0, 9.0
FAULTS = 6


def run(lab: Lab) -> None:
    chaos.play(lab, chaos.drawn(chaos.seed(), SECONDS, PAUSE, FAULTS), "chaos_short")
