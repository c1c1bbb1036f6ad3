"""Five path failures, one after the other: pulled cables, silent drops, killed targets, with ever other timeouts.

The noop timeouts are changed in the node records and put into force by a new login, the replacement timeout by
fast_io_fail_tmo for iSCSI alone, polling_interval by a reconfiguration of multipathd. Some outages end before the
replacement timeout does: the path is `stalled` and `up` again, and no I/O ever leaves it.

Every phase that the daemon measures is that of the truth, to a second, and every outage is `within_budget`.

`python -m tests.lab test --long timeouts_matrix_whole` plays nineteen.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from tests.lab.kit.array import TARGET
from tests.lab.kit.san import PORTALS, QUICK, San
from tests.lab.kit.scenario import SESSION_LOSS, Lab

SAN = (
    QUICK.with_pings(2, 3)
    .with_multipath(polling_interval="2", max_polling_interval="2")
    .with_iscsi(fast_io_fail_tmo="2")
)
ALERTS = SESSION_LOSS | {"path_missing", "session_restored", "path_flapping", "config_finding"}

Fault = Callable[[Lab, int], float]


@dataclass(frozen=True)
class Kind:
    """A way to break a path, and to repair it."""

    break_it: Fault
    mend: Fault


CABLE = Kind(lambda lab, number: lab.faults.link_down(number), lambda lab, number: lab.faults.link_up(number))
SILENCE = Kind(lambda lab, number: lab.faults.drop_silently(number), lambda lab, _: lab.faults.drop_nothing())
DEATH = Kind(lambda lab, number: lab.faults.kill_target(number), lambda lab, number: lab.faults.start_target(number))

Failures = tuple[tuple[Kind, int], ...]


@dataclass(frozen=True)
class Stage:
    """Failures, each of a kind on a link, with the same timeouts. `pings`: those in the records, if other than before.

    `briefly`: each is repaired as soon as the session is FAILED.
    """

    failures: Failures
    san: San = SAN
    pings: tuple[int, int] | None = None
    briefly: bool = False


STAGES = (
    Stage(((CABLE, 1), (SILENCE, 2), (DEATH, 1), (CABLE, 2), (SILENCE, 1), (DEATH, 2), (CABLE, 1))),
    # Checks as far apart as they are by default: on Debian 13 those of a failed path too.
    Stage(
        ((DEATH, 1), (CABLE, 2), (DEATH, 2)),
        SAN.with_multipath(max_polling_interval="8").with_iscsi(fast_io_fail_tmo="3"),
    ),
    Stage(
        ((CABLE, 1), (DEATH, 2), (SILENCE, 1), (CABLE, 2)),
        SAN.with_multipath(polling_interval="5", max_polling_interval="5").with_iscsi(fast_io_fail_tmo="20"),
        briefly=True,
    ),
    Stage(
        ((CABLE, 1), (DEATH, 2), (SILENCE, 1)),
        SAN.with_multipath(polling_interval="10", max_polling_interval="10").with_iscsi(fast_io_fail_tmo="5"),
        pings=(5, 5),
    ),
    Stage(((SILENCE, 1), (DEATH, 2)), pings=(5, 10)),
)
OF_EACH = 1


def run(lab: Lab) -> None:
    play(lab, OF_EACH)


def play(lab: Lab, of_each: int | None) -> None:
    """Play as many failures of each stage, or all."""
    lab.writes.start()
    for stage in STAGES:
        if stage.san != lab.san:
            apply(lab, stage.san)
        if stage.pings:
            for number in PORTALS:
                lab.set_pings(number, *stage.pings)
        for kind, number in stage.failures[:of_each]:
            (fail_briefly if stage.briefly else fail)(lab, kind, number)
    lab.check(not lab.writes.errors(), "writes failed")


def apply(lab: Lab, san: San) -> None:
    """Put another multipath.conf into force, and wait until the daemon knows."""
    lab.reconfigure(san)
    if not lab.watch.present:
        return
    for portal in PORTALS.values():
        labels = {"session": f"{portal}/{TARGET}", "timeout": "replacement_timeout", "origin": "effective"}
        known = partial(lab.watch.metric, "session_timeout_seconds", **labels)
        lab.wait(f"{portal}: replacement_timeout in the metrics", lambda: known() == san.fast_io_fail_tmo or None, 20.0)  # noqa: B023


def fail(lab: Lab, kind: Kind, number: int) -> None:
    """Break a path, repair it once it has failed, and wait until it is up."""
    path = PORTALS[number]
    broken = kind.break_it(lab, number)
    lab.see_failed(path, broken, timeout=60)
    lab.see_dm(path, "F", broken, timeout=60)
    kind.mend(lab, number)
    lab.expect_outage("mpio", path, broken)


def fail_briefly(lab: Lab, kind: Kind, number: int) -> None:
    """Break a path, and repair it as soon as its session is FAILED."""
    path = PORTALS[number]
    broken = kind.break_it(lab, number)
    lab.see_stalled(path, broken)
    kind.mend(lab, number)
    lab.expect_outage("mpio", path, broken)
    lab.check(lab.truth.dm_verdict(path, "F", after=broken) is None, f"{path} failed")
