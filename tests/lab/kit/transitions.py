"""What happened to many paths and maps, and what was reported of them, compared. Nothing here reads a clock or a guest.

The truth are the kernel's uevents, as the recorder has written them. A path that dm has failed is `failed`, one that it
has reinstated is `up`; the healths of a map follow from those of its paths.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from tests.lab.kit.truth import Record
from tests.lab.kit.watch import Entry

Subject = tuple[str, str]
"""The name of a map, and the label of one of its paths; an empty label stands for the map itself."""

States = Mapping[str, Mapping[str, str]]
"""Map -> device number of a path -> "A" or "F", as dm's status has it."""

FAILED, UP = "failed", "up"
OF_ACTION = {"PATH_FAILED": FAILED, "PATH_REINSTATED": UP}
OF_STATUS = {"F": FAILED, "A": UP}

EARLY = 0.5
"""Seconds by which the recorder may have written a uevent later than it was reported."""

EXAMPLES = 3
"""Transitions of a kind that are named, of those that are not as they should be."""


@dataclass(frozen=True)
class Transition:
    """A path or map came into a health. `at` is the guest's CLOCK_MONOTONIC in seconds."""

    at: float
    subject: Subject
    health: str

    def __str__(self) -> str:
        return f"{' '.join(self.subject).strip()} {self.health} at {self.at:.2f}"


@dataclass(frozen=True)
class Comparison:
    """What was reported, compared with the truth.

    `missing` was never reported, `invented` never happened, `early` was reported before it happened; of the subjects
    in `disordered` the same healths came in another order. `lateness` has the seconds from each transition to its
    report, `settled` those from the last transition to the last report.
    """

    missing: tuple[Transition, ...] = ()
    invented: tuple[Transition, ...] = ()
    early: tuple[Transition, ...] = ()
    disordered: tuple[Subject, ...] = ()
    lateness: tuple[float, ...] = ()
    settled: float = 0.0

    def problems(self) -> list[str]:
        """Return a line for each kind of difference there is, with a few examples."""
        kinds: tuple[tuple[str, Collection[object]], ...] = (
            ("transitions were not reported", self.missing),
            ("reported transitions never happened", self.invented),
            ("transitions were reported before they happened", self.early),
            ("stories are in another order", [" ".join(each).strip() for each in self.disordered]),
        )
        return [f"{len(found)} {what}: {_some(found)}" for what, found in kinds if found]


def of_kernel(records: Iterable[Record], labels: Mapping[str, str]) -> list[Transition]:
    """Return the transitions of paths in uevents, those of each map in the order in which dm made them.

    The kernel may send what has piled up newest first (dm_uevent_add() in drivers/md/dm-uevent.c); DM_SEQNUM has the
    order. `labels`: device number -> what the path is called.
    """
    events = [each.values for each in records if each.source == "uevent" and each.values.get("DM_ACTION") in OF_ACTION]
    events.sort(key=lambda values: (values["DM_NAME"], int(values["DM_SEQNUM"])))
    return [
        Transition(
            values["mono"],
            (values["DM_NAME"], labels.get(values["DM_PATH"], values["DM_PATH"])),
            OF_ACTION[values["DM_ACTION"]],
        )
        for values in events
    ]


def of_maps(transitions: Iterable[Transition], paths: Mapping[str, int]) -> list[Transition]:
    """Return the transitions of maps that follow from those of their paths, given as by `of_kernel`.

    At first all paths are up. `paths`: map -> how many it has.
    """
    failed: dict[str, set[str]] = {name: set() for name in paths}
    healths = dict.fromkeys(paths, "healthy")
    found: list[Transition] = []
    for each in transitions:
        name, label = each.subject
        if each.health == FAILED:
            failed[name].add(label)
        else:
            failed[name].discard(label)
        health = map_health(paths[name], len(failed[name]))
        if health != healths[name]:
            healths[name] = health
            found.append(Transition(each.at, (name, ""), health))
    return found


def map_health(paths: int, failed: int) -> str:
    """Return the health of a map with so many paths, of which so many have failed."""
    usable = paths - failed
    if not failed:
        return "healthy"
    return "lost" if not usable else "at_risk" if usable == 1 else "degraded"


def of_journal(entries: Iterable[Entry]) -> list[Transition]:
    """Return the transitions of paths and maps that the product has reported. An entry may repeat a health."""
    found: list[Transition] = []
    latest: dict[Subject, str] = {}
    for each in entries:
        subject = (each.fields.get("MAP", ""), each.fields.get("PATH", ""))
        health = each.fields.get("HEALTH")
        of_subject = (each.event or "").startswith("path_" if subject[1] else "map_")
        if health is None or not of_subject or each.fields.get("PREVIOUS_HEALTH") == health:
            continue
        if latest.get(subject) != health:
            latest[subject] = health
            found.append(Transition(each.at, subject, health))
    return found


def compare(true: Iterable[Transition], reported: Iterable[Transition]) -> Comparison:
    """Compare what was reported with the truth, subject by subject."""
    happened, reports = _by_subject(true), _by_subject(reported)
    missing: list[Transition] = []
    invented: list[Transition] = []
    early: list[Transition] = []
    disordered: list[Subject] = []
    lateness: list[float] = []
    for subject in sorted(happened.keys() | reports.keys()):
        ours, theirs = reports.get(subject, []), happened.get(subject, [])
        if [each.health for each in ours] == [each.health for each in theirs]:
            late = [our.at - their.at for our, their in zip(ours, theirs, strict=True)]
            early += [our for our, seconds in zip(ours, late, strict=True) if seconds < -EARLY]
            lateness += late
            continue
        lacking, added = _without(theirs, ours), _without(ours, theirs)
        missing += lacking
        invented += added
        if not lacking and not added:
            disordered.append(subject)
    ends = [max((each.at for each in _all(group)), default=None) for group in (happened, reports)]
    settled = ends[1] - ends[0] if ends[0] is not None and ends[1] is not None else 0.0
    return Comparison(tuple(missing), tuple(invented), tuple(early), tuple(disordered), tuple(lateness), settled)


def unrecorded(
    before: States, transitions: Iterable[Transition], after: States, labels: Mapping[str, str]
) -> list[str]:
    """Return the paths whose state in dm the recorded transitions do not lead to: the record is not the whole truth."""
    expected = healths(before, labels)
    expected.update({each.subject: each.health for each in transitions})
    found = healths(after, labels)
    return [
        f"{' '.join(subject)}: {found.get(subject)} in dm, {expected.get(subject)} by the uevents"
        for subject in sorted(expected.keys() | found.keys())
        if found.get(subject) != expected.get(subject)
    ]


def healths(states: States, labels: Mapping[str, str]) -> dict[Subject, str]:
    """Return the health of each path that follows from dm's status."""
    return {
        (name, labels.get(dev_t, dev_t)): OF_STATUS[state]
        for name, paths in states.items()
        for dev_t, state in paths.items()
    }


def map_healths(states: States) -> dict[Subject, str]:
    """Return the health of each map that follows from dm's status."""
    return {
        (name, ""): map_health(len(paths), sum(state == "F" for state in paths.values()))
        for name, paths in states.items()
    }


def differences(expected: Mapping[Subject, str], found: Mapping[Subject, str | None]) -> list[str]:
    """Return what has not the health that it should have, one line for each."""
    return [
        f"{' '.join(subject).strip()} is {found.get(subject)}, not {expected.get(subject)}"
        for subject in sorted(expected.keys() | found.keys())
        if expected.get(subject) != found.get(subject)
    ]


def _by_subject(transitions: Iterable[Transition]) -> dict[Subject, list[Transition]]:
    found: dict[Subject, list[Transition]] = {}
    for each in transitions:
        found.setdefault(each.subject, []).append(each)
    return found


def _all(grouped: Mapping[Subject, list[Transition]]) -> Iterable[Transition]:
    return (each for group in grouped.values() for each in group)


def _without(some: Iterable[Transition], others: Iterable[Transition]) -> list[Transition]:
    """Return those of `some` that have no counterpart among `others`, by their healths."""
    left = Counter(each.health for each in others)
    found: list[Transition] = []
    for each in some:
        if left[each.health]:
            left[each.health] -= 1
        else:
            found.append(each)
    return found


def _some(found: Collection[object]) -> str:
    shown = "; ".join(str(each) for each in list(found)[:EXAMPLES])
    return f"{shown}; and {len(found) - EXAMPLES} more" if len(found) > EXAMPLES else shown
