"""What an outage of a session really took, phase by phase, and what was promised: from the truth alone.

The bounds are written down here a second time on purpose: the product's are what is measured.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import inf

from tests.lab.kit.truth import Record, Truth

PHASES = ("detection", "replacement", "failover", "reinstatement")
VERDICTS = ("within_budget", "over_budget", "no_budget")

SLACK = 2.0
"""Seconds beyond its bound that a phase may take and still be called within it: the product's default."""

TIMER_LATENESS = 1.0
CHECK_LATENESS = 2.0
CHECKS = 2
"""The first check after the return may take up the answer of a TUR that was under way when the session was lost."""


@dataclass(frozen=True)
class TrueOutage:
    """One outage of a path whose session was lost. Instants are the guest's CLOCK_MONOTONIC in seconds.

    `alive` is the last word from the target, `stalled` the session's FAILED, `failed` the first of: disk
    transport-offline, session FREE, dm's F. `back`: session LOGGED_IN and disk running again; `up`: dm's A.
    `bounds` are the seconds that each phase may take by the timeouts in force when it was stalled, infinite where there
    is no bound.
    """

    alive: float | None
    stalled: float
    failed: float | None
    back: float
    up: float
    bounds: Mapping[str, float]

    @property
    def phases(self) -> dict[str, float]:
        """The seconds that each phase took which there was."""
        taken: dict[str, float] = {}
        if self.alive is not None:
            taken["detection"] = self.stalled - self.alive
        if self.failed is not None:
            taken["replacement"] = self.failed - self.stalled
            taken["reinstatement"] = self.up - self.back
            if self.alive is not None:
                taken["failover"] = self.failed - self.alive
        return taken

    @property
    def verdict(self) -> str:
        """Whether the promise was kept."""
        taken = self.phases
        if self.failed is None:
            taken["replacement"] = self.back - self.stalled
        if any(seconds > self.bounds[phase] + SLACK for phase, seconds in taken.items()):
            return "over_budget"
        return "no_budget" if self.bounds["failover"] == inf else "within_budget"

    def __str__(self) -> str:
        taken = self.phases
        return ", ".join(
            f"{phase} {taken[phase]:.1f} of {self.bounds[phase]:g} s" for phase in PHASES if phase in taken
        )


def find(truth: Truth, portal: str, since: float, recheck: int) -> TrueOutage | None:
    """Return the first outage later than `since` of the path through `portal`; None unless it has come to its end.

    `recheck` is the seconds between multipathd's checks of a failed path.
    """
    lost = truth.find("session", since, portal=portal, state="FAILED")
    if lost is None:
        return None
    login = truth.find("session", lost.at, portal=portal, state="LOGGED_IN")
    back = _running(truth, portal, login.at) if login else None
    up = _active(truth, portal, back) if back else None
    if back is None or up is None:
        return None
    alive = truth.last_alive(portal, lost.at)
    return TrueOutage(alive, lost.at, _failed(truth, portal, lost.at, back), back, up, _bounds(lost, recheck))


def _running(truth: Truth, portal: str, login: float) -> float | None:
    """Return when the disk behind `portal` was running, from the login on."""
    disk = [each for each in truth.records("device") if each.values["portal"] == portal]
    before = [each for each in disk if each.at <= login]
    if before and before[-1].values["state"] == "running":
        return login
    return next((each.at for each in disk if each.at > login and each.values["state"] == "running"), None)


def _failed(truth: Truth, portal: str, after: float, before: float) -> float | None:
    free = truth.find("session", after, portal=portal, state="FREE")
    instants = (
        truth.device_instant(portal, "transport-offline", after=after),
        free.at if free else None,
        truth.dm_verdict(portal, "F", after=after),
    )
    return min((at for at in instants if at is not None and at < before), default=None)


def _active(truth: Truth, portal: str, back: float) -> float | None:
    """Return when dm called the path active, from `back` on: at once if it never had failed it."""
    said = truth.dm_verdicts(portal)
    before = [verdict for at, verdict in said if at <= back]
    if before and before[-1] == "A":
        return back
    return next((at for at, verdict in said if at > back and verdict == "A"), None)


def _bounds(session: Record, recheck: int) -> dict[str, float]:
    interval, timeout = float(session.values["recv_tmo"]), float(session.values["ping_tmo"])
    recovery = session.values["recovery_tmo"]
    replacement = inf if recovery == "off" else float(recovery)
    detection = interval + timeout + TIMER_LATENESS if interval and timeout else inf
    return {
        "detection": detection,
        "replacement": replacement,
        "failover": detection + replacement,
        "reinstatement": CHECKS * recheck + CHECK_LATENESS,
    }
