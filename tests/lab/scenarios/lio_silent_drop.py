"""The link to LIO's portal 192.168.2.1 swallows every packet.

LIO answers pings as tgt does, and sends pings of its own every 15 s. As in `silent_cuts` the path is `suspect` before
the kernel gives up the session.

`python -m tests.lab test --long lio_silent_cuts` makes the six cuts of `silent_cuts`.
"""

from tests.lab.kit.san import LIO, PORTALS
from tests.lab.kit.scenario import Lab
from tests.lab.scenarios import silent_cuts

SAN = LIO
LONG_SUITES = ("bookworm",)
ALERTS = silent_cuts.ALERTS


def run(lab: Lab) -> None:
    began = lab.guest.now()
    silent_cuts.cut(lab, SAN.noop_out_interval, SAN.noop_out_timeout)
    lab.expect_no_suspect(began, PORTALS[1])
