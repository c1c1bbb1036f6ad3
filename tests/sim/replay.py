"""The faults that the lab recorded, played in the model's world alone, and the comparison of both.

``python -m tests.sim.replay`` prints the tables of ``docs/simulator.md``.
"""

from __future__ import annotations

import math
import sys
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from random import Random
from typing import Any

from mpathd_watch.core.events import BlockEvent, DmPathEvent
from mpathd_watch.core.model.vocabulary import AccessState, DeviceState, DmAction
from tests.sim import lab
from tests.sim.clock import Clock
from tests.sim.lab import ACCESS, Fault, Mark, Record
from tests.sim.laws import Laws
from tests.sim.world.changes import What
from tests.sim.world.disks import Disk
from tests.sim.world.dm import Map
from tests.sim.world.host import World
from tests.sim.world.links import Link, Portal
from tests.sim.world.sessions import Session

LEAST_SEEDS, MOST_SEEDS, SIMULATED = 200, 600, 60_000.0
"""Times that the model plays a record, for the extremes of each random phase; seconds that it simulates for that."""

APART = 40.0
"""Seconds that the model plays the faults further apart, so that each one's consequences end before the next."""

WARM_UP = (7.0, 12.0)
"""Seconds that the world has run before the record begins: in the lab, it begins when a guest has just been set up."""

ACT_LATE = {"logout": 1.2}
"""Seconds from the agent's log to the effect of a command, at most; by the kind of a fault. iscsiadm takes longer.

The model acts as late at random."""
ACT_LATE_MOST = 0.7
ACT_EARLY = 0.15
"""Seconds that the journal may be late with the agent's log."""
POLL_LATE = 0.4
"""Seconds that the recorder is late where it polls: every 0.1 s, on two emulated processors."""
EVENT_LATE = 0.15
"""Seconds that it is late with what the kernel reports to it: uevents and kernel messages."""

BEGIN, END = "fault", "repair"

Key = tuple[int, int, str]
Do = Callable[[World, Portal, Fault], None]


@dataclass(frozen=True, slots=True)
class Phase:
    """From one mark, or from what was done, to the next: which, and how many seconds it took."""

    fault: int
    portal: int
    lun: int
    what: str
    after: str
    number: int
    """Of the times that this has happened in the fault, from 0."""

    @property
    def name(self) -> str:
        """As the tables have it."""
        return f"{self.after} to {self.what}"


@dataclass(frozen=True, slots=True)
class Verdict:
    """A phase as the lab measured it, and the model's range for it."""

    phase: Phase
    kind: str
    measured: float
    least: float
    most: float
    early: float
    late: float

    @property
    def holds(self) -> bool:
        """Whether the lab's value is one that the model may have, as far as the recorder's pace lets it be known."""
        return self.least - self.early <= self.measured <= self.most + self.late


# --- the model --------------------------------------------------------------------------------------------------------


def play(record: Record, seed: str, laws: Laws | None = None) -> list[list[Mark]]:
    """Play the faults of a record in the model, and return the marks of each in the same form."""
    clock, random = Clock(), Random(seed)  # noqa: S311  # a simulation, not a secret
    world = World(clock, random, record.shape, laws)
    world.set_busy(busy=True, maps=world.maps[: record.busy])
    start = clock.now + random.uniform(*WARM_UP)
    clock.run(start - 1.0)
    watcher = Watcher(world, start)
    for number, fault in enumerate(record.faults):
        _plan(world, fault, start + number * APART)
    played = list[list[Mark]]()
    for number in range(len(record.faults)):
        later = start + number * APART
        watcher.begin(later)
        clock.run(later + APART + record.window(number)[1] - 0.01)
        played.append(watcher.marks)
    return played


def _plan(world: World, fault: Fault, start: float) -> None:
    portal = world.portals[fault.portal - 1]
    begin, end = DEEDS[ACCESS if fault.kind.startswith(ACCESS) else fault.kind]
    late = ACT_LATE.get(fault.kind, ACT_LATE_MOST)
    world.clock.at(start + fault.begin + world.random.uniform(0.0, late), lambda: begin(world, portal, fault))
    if fault.ready > fault.end:
        late = 0.0
    world.clock.at(start + fault.end + world.random.uniform(0.0, late), lambda: end(world, portal, fault))


def _disk(world: World, portal: Portal) -> Disk:
    session = world.session_to(portal)
    assert session is not None
    return session.disks[0]


def _starts(world: World, fault: Fault) -> float:
    """How long a target takes to serve its LUN: systemd calls it started when all that comes after that is done."""
    return max(0.01, fault.ready - fault.end - world.random.uniform(0.0, ACT_LATE_MOST))


DEEDS: Mapping[str, tuple[Do, Do]] = {
    "link down": (
        lambda world, portal, _: world.set_link(portal.link, carrier=False),
        lambda world, portal, _: world.set_link(portal.link, carrier=True),
    ),
    "silent drop": (
        lambda world, portal, _: world.set_link(portal.link, inbound=False, outbound=False),
        lambda world, portal, _: world.set_link(portal.link),
    ),
    "reset": (
        lambda world, portal, _: world.refuse(portal),
        lambda world, portal, _: world.revive_portal(portal),
    ),
    "target killed": (
        lambda world, portal, _: world.kill_portal(portal),
        lambda world, portal, fault: world.revive_portal(portal, _starts(world, fault)),
    ),
    "logout": (
        lambda world, portal, _: world.log_out(portal),
        lambda world, portal, _: world.log_in(portal),
    ),
    "device offline": (
        lambda world, portal, _: world.set_device_state(_disk(world, portal), DeviceState.OFFLINE),
        lambda world, portal, _: world.set_device_state(_disk(world, portal), DeviceState.RUNNING),
    ),
    "multipathd fail path": (
        lambda world, portal, _: world.multipathd.fail_path(_disk(world, portal)),
        lambda world, portal, _: world.multipathd.reinstate_path(_disk(world, portal)),
    ),
    "LUN not ready": (
        lambda world, portal, _: world.set_ready(portal, 0, ready=False),
        lambda world, portal, _: world.set_ready(portal, 0, ready=True),
    ),
    ACCESS: (
        lambda world, portal, fault: world.set_access(portal, AccessState(fault.kind.removeprefix(ACCESS))),
        lambda world, portal, _: world.set_access(portal, AccessState.OPTIMIZED),
    ),
}
"""What a fault does to the world, and what its repair does."""


class Watcher:
    """Makes marks of the changes of a world. LUNs count from 1, as in the lab."""

    def __init__(self, world: World, start: float) -> None:
        self.marks: list[Mark] = []
        self._world = world
        self._start = start
        self._sessions = set(world.sessions)
        self._members = {map_: set(map_.members) for map_ in world.maps}
        self._states = {disk: (disk.state, disk.access) for disk in world.disks()}
        world.changes.listen(self._changed)

    def begin(self, start: float) -> None:
        """Begin a new list of marks, whose moments count from ``start``."""
        self.marks, self._start = [], start

    def _mark(self, portal: Portal, lun: int, kind: str, state: object) -> None:
        self.marks.append(Mark(self._world.clock.now - self._start, portal.number, lun, kind, str(state)))

    def _changed(self, what: What, thing: Any) -> None:
        match what, thing:
            case What.LINK, Link():
                for portal in self._world.portals:
                    if portal.link is thing:
                        self._mark(portal, 0, "carrier", int(thing.carrier))
            case What.ERROR, (Session() as session, error):
                self._mark(session.portal, 0, "error", error)
            case What.SESSION, Session():
                self._mark(thing.portal, 0, "session", thing.state.value)
            case What.MEMBERS, Session():
                self._come_or_gone(thing)
            case What.MEMBERS, Map():
                self._loaded(thing)
            case What.DISK, Disk():
                self._disk(thing)
            case What.UEVENT, DmPathEvent():
                disk = next(disk for map_ in self._world.maps for disk in map_.members if disk.dev_t == thing.dev_t)
                self._mark(disk.session.portal, disk.lun + 1, "dm", _DM[thing.action])
            case What.UEVENT, BlockEvent(action="add"):
                self._disk(next(disk for disk in self._world.disks() if disk.name == thing.sysfs_name))
            case _:
                pass

    def _come_or_gone(self, session: Session) -> None:
        here = session in self._world.sessions
        if here is (session not in self._sessions):
            self._mark(session.portal, 0, "session", session.state.value if here else "gone")
        self._sessions = set(self._world.sessions)

    def _loaded(self, map_: Map) -> None:
        before, now = self._members.get(map_, set()), set(map_.members)
        self._members[map_] = now
        for disk in sorted(before ^ now, key=lambda disk: disk.name):
            self._mark(disk.session.portal, disk.lun + 1, "member", "in" if disk in now else "out")

    def _disk(self, disk: Disk) -> None:
        before = self._states.get(disk)
        self._states[disk] = disk.state, disk.access
        if before is None or before[0] is not disk.state:
            state = "gone" if disk.state is DeviceState.DELETED else disk.state.value
            self._mark(disk.session.portal, disk.lun + 1, "disk", state)
        if before is not None and before[1] is not disk.access and disk.access is not None:
            self._mark(disk.session.portal, disk.lun + 1, "access", disk.access.value)


_DM = {DmAction.PATH_FAILED: "F", DmAction.PATH_REINSTATED: "A"}


# --- the comparison ---------------------------------------------------------------------------------------------------


def sequences(marks: Iterable[Mark]) -> frozenset[tuple[Key, tuple[str, ...]]]:
    """What happened to each thing in a fault, in order."""
    found: dict[Key, list[str]] = defaultdict(list)
    for mark in marks:
        found[mark.portal, mark.lun, mark.kind].append(mark.state)
    return frozenset((key, tuple(states)) for key, states in found.items())


def of_fault(record: Record, number: int) -> list[Mark]:
    """The lab's marks of a fault."""
    begin, end = record.window(number)
    return [mark for mark in record.marks if begin <= mark.moment < end]


AFTER: Mapping[str, tuple[str, ...]] = {
    "carrier 0": (BEGIN,),
    "carrier 1": (END,),
    "session FAILED": ("error", BEGIN),
    "session FREE": ("session FAILED",),
    "session LOGGED_IN": (END,),
    "session gone": (BEGIN,),
    "disk blocked": ("session FAILED",),
    "disk transport-offline": ("session FREE",),
    "disk running": ("session LOGGED_IN", END),
    "disk offline": (BEGIN,),
    "disk gone": (BEGIN,),
    "dm F": ("disk transport-offline", "disk offline", BEGIN),
    "dm A": ("session LOGGED_IN", "disk running", END),
    "member out": ("disk gone",),
    "member in": ("session LOGGED_IN",),
}
"""What each change follows: the first of these that there was in the fault."""


def phases(window: list[Mark], record: Record, number: int) -> Iterator[tuple[Phase, float, tuple[float, float]]]:
    """What took how long in a fault, and how much earlier and later the lab may have seen it."""
    fault = record.faults[number]
    counted: dict[tuple[Key, str], int] = defaultdict(int)
    for mark in window:
        what = "error" if mark.kind == "error" else f"{mark.kind} {mark.state}"
        before = {END: fault.ready} if mark.moment >= fault.end else {BEGIN: fault.begin}
        for other in window:
            if other is mark or other.portal != mark.portal or other.lun not in (0, mark.lun):
                continue
            if other.moment <= mark.moment + POLL_LATE:
                before["error" if other.kind == "error" else f"{other.kind} {other.state}"] = other.moment
        after = next((each for each in AFTER.get(what, ()) if each in before), next(iter(before)))
        key = (mark.portal, mark.lun, mark.kind), what
        phase = Phase(number, mark.portal, mark.lun, what, after, counted[key])
        counted[key] += 1
        early = ACT_EARLY if after in (BEGIN, END) else _late(after)
        yield phase, mark.moment - before[after], (early, _late(what))


def _late(what: str) -> float:
    return EVENT_LATE if what.partition(" ")[0] in ("dm", "error") else POLL_LATE


@dataclass(frozen=True, slots=True)
class Comparison:
    """A record beside what the model makes of it. ``alike``: in what share of the plays each fault took its course."""

    record: Record
    alike: tuple[float, ...]
    verdicts: tuple[Verdict, ...]

    @property
    def wrong(self) -> list[Verdict]:
        """Where the lab's value is not one of the model's."""
        return [verdict for verdict in self.verdicts if not verdict.holds]


@cache
def compared(name: str) -> Comparison:
    """Compare a record with the model."""
    return compare(lab.load(name))


def compare(record: Record, laws: Laws | None = None, seeds: int | None = None) -> Comparison:
    """Compare a record with the model, or with one of other laws.

    A phase counts where the fault took the same course as in the lab.
    """
    if seeds is None:
        seconds = WARM_UP[1] + record.seconds + APART * len(record.faults)
        seeds = max(LEAST_SEEDS, min(MOST_SEEDS, int(SIMULATED / seconds)))
    played = [play(record, f"{record.scenario} {seed}", laws) for seed in range(seeds)]
    alike, verdicts = list[float](), list[Verdict]()
    for number, fault in enumerate(record.faults):
        marks = of_fault(record, number)
        wanted = sequences(marks)
        same = [of_model[number] for of_model in played if sequences(of_model[number]) == wanted]
        alike.append(len(same) / seeds)
        ranges: dict[Phase, list[float]] = defaultdict(list)
        for of_model in same:
            for phase, seconds, _ in phases(of_model, record, number):
                ranges[phase].append(seconds)
        for phase, measured, (early, late) in phases(marks, record, number):
            found = ranges.get(phase, [math.inf, -math.inf])
            verdicts.append(Verdict(phase, fault.kind, measured, min(found), max(found), early, late))
    return Comparison(record, tuple(alike), tuple(verdicts))


# --- the tables -------------------------------------------------------------------------------------------------------

SHOWN = ("error", "session", "dm", "member", "access")
"""Kinds that the tables have. What is left out follows one of these within a fraction of a second."""
WIDE = 0.12
"""Seconds by which the model's times of a phase must differ for the tables to have it."""


def rows(name: str) -> Iterator[tuple[str, str, str, str]]:
    """Fault, phase, the lab's values and the model's range, for each phase of a record."""
    together: dict[tuple[str, str], list[Verdict]] = defaultdict(list)
    for verdict in compared(name).verdicts:
        if verdict.phase.what.partition(" ")[0] in SHOWN:
            together[verdict.kind, verdict.phase.name].append(verdict)
    for (kind, phase), verdicts in together.items():
        values = ", ".join(f"{verdict.measured:.1f}" for verdict in verdicts)
        least, most = min(verdict.least for verdict in verdicts), max(verdict.most for verdict in verdicts)
        if most - least > WIDE:
            yield kind, phase, values, f"{least:.1f} to {most:.1f}"


def main() -> int:
    """Print the tables; the exit status is 1 if a value of the lab is not one of the model's."""
    long, *others = sorted(lab.names(), key=lambda name: -len(lab.load(name).faults))
    print(f"`{long}`:\n\n| fault | phase | lab, seconds | model |\n|---|---|---|---|")
    for row in rows(long):
        print("| " + " | ".join(row) + " |")
    print("\n| scenario | fault | phase | lab, seconds | model |\n|---|---|---|---|---|")
    for name in sorted(others):
        for row in rows(name):
            print(f"| `{name}` | " + " | ".join(row) + " |")
    return int(any(compared(name).wrong for name in lab.names()))


if __name__ == "__main__":
    sys.exit(main())
