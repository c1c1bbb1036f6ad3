"""What scenarios see and expect when an array gives its port groups other states (ALUA), and of unit attentions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from functools import partial

from tests.lab.kit.errors import LabError
from tests.lab.kit.lio import OPTIMIZED, TRANSITIONING
from tests.lab.kit.scenario import Lab
from tests.lab.kit.watch import Entry

INFO = 6
"""Journal priority; smaller is worse."""

PATIENCE = 10.0
"""Seconds until the kernel knows of a state: the next check of each path, and up to 2 s more after a transition."""

ATTEMPTS = 3
"""Transitions at most until the kernel asks for the states."""

ACCESS_STATE = "ASYMMETRIC_ACCESS_STATE_CHANGED"
CAPACITY = "CAPACITY_DATA_HAS_CHANGED"
REPORTED_LUNS = "REPORTED_LUNS_DATA_HAS_CHANGED"
KINDS = (
    *(ACCESS_STATE, CAPACITY, REPORTED_LUNS, "INQUIRY_DATA_HAS_CHANGED", "MODE_PARAMETERS_CHANGED"),
    *("THIN_PROVISIONING_SOFT_THRESHOLD_REACHED", "POWER_ON_RESET_OCCURRED"),
)
"""Every SDEV_UA of the kernel (scsi_evt_emit(), scsi_lib.c)."""

GROUP_LOSS = frozenset({"path_stalled", "path_failed", "port_group_down", "map_at_risk", "map_degraded"})
"""ALERTS of a story in which one of two port groups takes no I/O."""


def see(lab: Lab, number: int, state: str, since: float, luns: Iterable[int] = ()) -> float:
    """Wait until the kernel knows of this state of a port group, for these LUNs or all; return the last instant."""
    portal = lab.san.portals[number]
    instants = [
        lab.wait(
            f"access_state {state} of LUN {lun} at {portal}",
            partial(lab.truth.access_instant, portal, state, after=since, lun=lun),
            PATIENCE,
        )
        for lun in luns or lab.san.luns
    ]
    at = max(instants)
    lab.say(f"truth: port group {number} {state} by the kernel at {at - since:+.1f} s")
    return at


def begin_transition(lab: Lab, number: int) -> tuple[float, float]:
    """Have a port group be transitioning; return when that began, and when the kernel knew it of LUN 1, which is used.

    Now and then the kernel repeats a command of LUN 1 that was refused, and never asks the array for the states of that
    LUN. Then the group is made optimized again, for another attempt.
    """
    for _ in range(ATTEMPTS - 1):
        began = lab.faults.port_group(number, TRANSITIONING)
        try:
            return began, see(lab, number, TRANSITIONING, began, luns=(1,))
        except LabError:
            lab.say("truth: the kernel has not asked for the states of LUN 1; once more")
        ended = lab.faults.port_group(number, OPTIMIZED)
        lab.writes.wait_through(after=ended, timeout=20)
    began = lab.faults.port_group(number, TRANSITIONING)
    return began, see(lab, number, TRANSITIONING, began, luns=(1,))


def see_path_groups(lab: Lab, count: int, timeout: float = 15.0) -> None:
    """Wait until multipathd has put the paths of every map into so many path groups."""
    for lun in lab.san.luns:
        name = lab.san.map_name(lun)
        lab.wait(f"{count} path groups of {name}", partial(_has_groups, lab, name, count), timeout)


def expect_access(lab: Lab, number: int, state: str, luns: Iterable[int] = ()) -> None:
    """Expect that the metrics have this state of the paths through a portal, of these LUNs or all."""
    for lun in luns or lab.san.luns:
        of = {"map": lab.san.map_name(lun), "path": lab.san.portals[number]}
        lab.expect_info("path_state_info", of=of, access=state)


def expect_optimized(lab: Lab, count: int) -> None:
    """Expect that the metrics have so many optimized paths of every map."""
    for lun in lab.san.luns:
        lab.expect_metric("map_paths_optimized", count, map=lab.san.map_name(lun))


def expect_group_down(lab: Lab, number: int, word: str, since: float) -> Entry | None:
    """Expect one entry for a port group of which all paths are unusable, and of priority info what single paths say.

    `word` names the state in the message. Before that entry the first paths may have had entries of their own.
    """
    entry = lab.expect_event("port_group_down", 15.0, since)
    if entry is None:
        return None
    lab.say(f"ours: {entry.message}")
    entries = lab.watch.entries(since, "port_group_down")
    lab.check(len(entries) == 1, f"port_group_down was logged {len(entries)} times")
    for part in (f"port group {number}", word):
        lab.check(part in entry.message, f"no {part!r} in: {entry.message}")
    for event in ("path_failed", "path_stalled"):
        for each in lab.watch.entries(entry.at, event):
            lab.check(each.priority >= INFO, f"an entry of its own: {each}")
    return entry


def expect_array_cause(lab: Lab, number: int, word: str, since: float, luns: Iterable[int] = ()) -> None:
    """Expect that the paths through a portal have failed with the cause `array_WORD`, and that an entry says why."""
    path = lab.san.portals[number]
    for lun in luns or lab.san.luns:
        failures = len(lab.truth.failures(path, since, lun))
        lab.expect_cause(lab.san.map_name(lun), path, f"array_{word}", since, failures)
    evidence = (
        f"port group {number}",
        "changing the state" if word == "transitioning" else word,
        "its transport works",
    )
    said = [each.message for each in lab.watch.entries(since, PATH=path) if each.fields.get("CAUSE") == f"array_{word}"]
    found = any(all(text in each for text in evidence) for each in said)
    lab.check(found or not lab.watch.present, f"{path}: no evidence in: {'; '.join(said) or 'nothing'}")


def expect_attentions(lab: Lab, name: str, since: float, *kinds: str) -> None:
    """Expect the product to count a map's unit attentions later than `since` as the truth does; these kinds came."""
    addresses = lab.truth.addresses(name)

    def true() -> dict[str, int]:
        return dict(Counter(each.kind for each in lab.truth.attentions(since) if each.hctl in addresses))

    def counted() -> dict[str, int]:
        rise = {kind: int(lab.watch.rise("unit_attentions_total", since, map=name, kind=kind)) for kind in KINDS}
        return {kind: count for kind, count in rise.items() if count}

    if lab.watch.present:
        try:
            lab.wait(f"the count of unit attentions of {name}", lambda: true() == counted() or None, 10.0)
        except LabError:
            lab.check(False, f"{name}: unit_attentions_total rose by {counted()}, the kernel reported {true()}")
    lab.say(f"truth: unit attentions of {name}: {true()}")
    lab.check(set(kinds) <= true().keys(), f"{name}: unit attentions {true()}, expected {', '.join(kinds)}")


def _has_groups(lab: Lab, name: str, count: int) -> bool | None:
    return len(lab.truth.path_groups(name)) == count or None
