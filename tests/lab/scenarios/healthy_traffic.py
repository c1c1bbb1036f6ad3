"""Nothing is wrong: idle, busy, bursty, over slow and lossy links, and with processes that want the processor.

No path is ever `suspect`. Each case prints the longest silence beyond noop_out_interval that there was:
what the grace has to cover.

`python -m tests.lab test --long healthy_hour` does this for forty minutes.
"""

from collections.abc import Callable, Mapping

from tests.lab.kit.san import ARTICLE, PORTALS
from tests.lab.kit.scenario import Lab

SAN = ARTICLE

SECONDS = 12.0
DELAY_MS = 100
LOSS_PERCENT = 1.0
BURST = (3.0, 7.0)


def run(lab: Lab) -> None:
    be_well(lab, SECONDS)


def be_well(lab: Lab, seconds: float) -> None:
    """Play each case for as long as that."""
    for name, begin in CASES.items():
        lab.say(f"{name}, for {seconds:g} s")
        began = lab.guest.now()
        begin(lab)
        lab.pause_until(began + seconds)
        lab.expect_no_suspect(began)
        for path in PORTALS.values():
            silence = lab.truth.longest_silence(path, began)
            lab.say(
                f"truth: {name}: {path} silent for {silence:.2f} s at most, "
                f"{silence - SAN.noop_out_interval:+.2f} s beyond noop_out_interval"
            )
            lab.check(0 < silence < SAN.noop_out_interval + SAN.noop_out_timeout, f"{name}: {path} was not well")
        lab.load.stop()
        if begin is slow_links:
            lab.faults.impair_nothing(*PORTALS)
    lab.expect_map_story("mpio", [])
    lab.check(lab.truth.find("session", state="FAILED") is None, "a session was lost")


def idle(_: Lab) -> None:
    """Nothing but pings."""


def busy(lab: Lab) -> None:
    """As much as goes through."""
    lab.load.io()


def bursty(lab: Lab) -> None:
    """As much as goes through, and then nothing, and so on."""
    lab.load.io(*BURST)


def slow_links(lab: Lab) -> None:
    """A long round trip, and one packet in a hundred lost each way."""
    lab.faults.impair(*PORTALS, delay_ms=DELAY_MS, loss_percent=LOSS_PERCENT)
    lab.load.io(*BURST)


def noise(lab: Lab) -> None:
    """The daemon and the targets have to wait for the processor."""
    lab.load.noise()
    lab.load.io(*BURST)


CASES: Mapping[str, Callable[[Lab], None]] = {
    "idle": idle,
    "busy": busy,
    "bursty": bursty,
    "slow, lossy links": slow_links,
    "busy processors": noise,
}
