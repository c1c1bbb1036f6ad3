"""Both sides of the SAN use CHAP, at discovery, too: no name and no password gets into the product.

Expected: after ten minutes of discoveries, reloads, outages and support bundles that hold all secrets, none of them is
in the memory of the daemon, in its core, in any file that it wrote, in the journal, the recording, the metrics, the
page, or in what any command printed.
"""

from tests.lab.kit import canary
from tests.lab.kit.san import LIO_CHAP
from tests.lab.kit.scenario import Lab

SAN = LIO_CHAP
SUITES = ("trixie", "bookworm")
ALERTS = canary.ALERTS


def run(lab: Lab) -> None:
    canary.play(lab, 600.0)
