"""Both sides of the SAN use CHAP, at discovery, too: no name and no password gets into the product.

Expected: after discovery, reloads, an outage and a support bundle that holds all secrets, none of them is in the memory
of the daemon, in its core, in any file that it wrote, in the journal, the recording, the metrics, the page, or in what
any command printed.

`python -m tests.lab test --long secrets_kept_ten_minutes` goes on for ten minutes.
"""

from tests.lab.kit import canary
from tests.lab.kit.san import LIO_CHAP
from tests.lab.kit.scenario import Lab

SAN = LIO_CHAP
LONG_SUITES = ("bookworm",)
ALERTS = canary.ALERTS


def run(lab: Lab) -> None:
    canary.play(lab, 0.0)
