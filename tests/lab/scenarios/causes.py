"""Ways in which a path fails, each reported and counted with its own cause.

Here are those that no other scenario has: a portal that resets its connections (`connection_closed`), and a target that
is not ready while it answers pings as ever, so that only multipathd's checker finds out (`checker`).

`python -m tests.lab test --long causes_thrice` does all there are, three times each.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from tests.lab.kit import san
from tests.lab.kit.san import QUICK
from tests.lab.kit.scenario import SESSION_LOSS, Lab

SAN = QUICK
QUICK_SUITES = ("trixie",)
ALERTS = SESSION_LOSS | {"path_missing", "path_flapping", "session_restored"}

PATIENCE = 40.0
APART = 4.0

Fault = Callable[[Lab, int], float]
See = Callable[[Lab, str, float], float]


@dataclass(frozen=True)
class Kind:
    """A way to break a path and to repair it; how the truth shows that the path has failed; the cause."""

    cause: str
    break_it: Fault
    mend: Fault
    see: See


def see_dm(lab: Lab, path: str, since: float) -> float:
    """Wait until dm has failed the path."""
    return lab.see_dm(path, "F", since, PATIENCE)


def see_gone(lab: Lab, path: str, since: float) -> float:
    """Wait until the disk is gone."""
    return lab.truth.wait_device(path, None, after=since, timeout=PATIENCE)


def set_state(state: str) -> Fault:
    """Return the fault that sets the disk behind a portal `state`."""
    return lambda lab, number: lab.faults.set_device_state(disk(lab, number), state)


def disk(lab: Lab, number: int) -> str:
    """Return the name of the disk behind a portal."""
    return lab.truth.device_name(lab.san.portals[number])


KINDS: Mapping[str, Kind] = {
    "link down": Kind(
        "carrier_lost",
        lambda lab, number: lab.faults.link_down(number),
        lambda lab, number: lab.faults.link_up(number),
        see_dm,
    ),
    "silent drop": Kind(
        "nop_timeout",
        lambda lab, number: lab.faults.drop_silently(number),
        lambda lab, _: lab.faults.drop_nothing(),
        see_dm,
    ),
    "reset": Kind(
        "connection_closed",
        lambda lab, number: lab.faults.reset(number),
        lambda lab, _: lab.faults.reset_nothing(),
        see_dm,
    ),
    "target killed": Kind(
        "connection_closed",
        lambda lab, number: lab.faults.kill_target(number),
        lambda lab, number: lab.faults.start_target(number),
        see_dm,
    ),
    "logout": Kind(
        "logout", lambda lab, number: lab.faults.logout(number), lambda lab, number: lab.faults.login(number), see_gone
    ),
    "device offline": Kind("device_offline", set_state("offline"), set_state("running"), see_dm),
    "multipathd fail path": Kind(
        "administrator",
        lambda lab, number: lab.faults.fail_path(disk(lab, number)),
        lambda lab, number: lab.faults.reinstate_path(disk(lab, number)),
        see_dm,
    ),
    "LUN not ready": Kind(
        "checker",
        lambda lab, number: lab.faults.lun_offline(number),
        lambda lab, number: lab.faults.lun_online(number),
        see_dm,
    ),
}


def run(lab: Lab) -> None:
    fail(lab, "reset", 2)
    fail(lab, "LUN not ready", 1)


def fail(lab: Lab, name: str, number: int) -> None:
    """Break a path in one of the ways, repair it once it has failed, and wait until it is up."""
    kind, path = KINDS[name], lab.san.portals[number]
    broken = kind.break_it(lab, number)
    failed = kind.see(lab, path, broken)
    lab.say(f"truth: {name}: {path} failed at {failed - broken:+.1f} s")
    lab.expect_cause("mpio", path, kind.cause, broken)
    kind.mend(lab, number)
    san.wait_for_paths(lab.guest, "mpio", 2)
    lab.expect_event("path_reinstated", timeout=30, after=failed, MAP="mpio", PATH=path)
    lab.expect_one_outage("mpio", path, {kind.cause}, broken)
    # What the disk counts in one outage must not be taken for the next one's.
    lab.pause_until(lab.guest.now() + APART)
