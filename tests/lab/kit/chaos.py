"""Seeded chaos: a plan of random faults, played on a real kernel, and judged by the simulator's oracle.

The seed decides everything but time: what is done, in which order, how long after the beginning, for how long. When it
takes effect is up to the kernel. The seed is a fresh one, unless the environment has `LAB_SEED`.
"""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from random import Random

from tests.lab.kit.array import NUMBERS
from tests.lab.kit.errors import LabError
from tests.lab.kit.judge import DEEDS, EMULATED, STORY, Judge, Logs
from tests.lab.kit.scenario import SESSION_LOSS, Lab
from tests.sim.oracle.violation import Violation

SEED = "LAB_SEED"

ALERTS = SESSION_LOSS | {
    *("path_missing", "path_overdue", "path_flapping", "map_lost", "source_down", "config_finding"),
}
"""What may be reported of chaos at warning or worse. Whether it was right to report it is for the judge to say."""

SHORT, LONG = (1.0, 7.0), (9.0, 25.0)
"""Seconds of a fault: below what most timeouts need, and beyond."""
MULTIPATHD = 0
"""What a fault hits that hits no link."""
DAEMON_REST = 10.0
"""Seconds that multipathd is left alone after a fault, so that it checks paths, and its unit may start it again."""
REST = (0.5, 20.0)
"""Seconds that a link is left alone after a fault: it may not be up again by then."""
SETTLES = 60.0
"""Seconds after the last repair within which kernel and multipathd have put everything right."""
REPORTS = 20.0
"""Seconds after that within which the product has reported it. Together less than the 90 s of quiet time."""


@dataclass(frozen=True)
class Fault:
    """One fault: what, to which link (0: to none), when (seconds after the beginning), and for how long."""

    kind: str
    number: int
    at: float
    seconds: float

    def __str__(self) -> str:
        of = f" ({self.number})" if self.number else ""
        return f"{self.at:7.1f} {self.kind}{of} for {self.seconds:.1f} s"


@dataclass(frozen=True)
class Plan:
    """All that a seed decides. `busy`: I/O on the map meanwhile."""

    seed: str
    faults: tuple[Fault, ...]
    busy: bool

    @property
    def ends(self) -> float:
        """When the last fault has been repaired."""
        return max((fault.at + fault.seconds for fault in self.faults), default=0.0)


@dataclass(frozen=True)
class Kind:
    """How a fault is made and repaired; `weight`: how often it is drawn; `daemon`: multipathd must work meanwhile."""

    make: Callable[[Stage, Fault], object]
    repair: Callable[[Stage, Fault], object]
    weight: int = 2
    daemon: bool = False


class Stage:
    """Plays faults in a guest, and keeps what was done when. Several faults may be there at a time."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        self.faults = lab.faults
        self._filters: dict[int, str] = {}
        self._disks: dict[int, str] = {}

    def filter(self, number: int, state: str | None) -> float:
        """Give a link a filter, or none, and leave that of the other one."""
        self._filters.pop(number, None)
        if state:
            self._filters[number] = state
        return self.faults.filter(self._filters)

    def disk(self, fault: Fault) -> str:
        """The disk behind a portal: the same for a fault and its repair."""
        if fault.number not in self._disks:
            self._disks[fault.number] = self.lab.truth.device_name(self.lab.san.portals[fault.number])
        return self._disks[fault.number]

    def forget_disk(self, fault: Fault) -> None:
        """The next fault may find another disk there."""
        self._disks.pop(fault.number, None)


def _filtered(state: str) -> Kind:
    return Kind(
        lambda stage, fault: stage.filter(fault.number, state), lambda stage, fault: stage.filter(fault.number, None)
    )


def _disk_state(stage: Stage, fault: Fault) -> None:
    stage.faults.set_device_state(stage.disk(fault), "running")
    stage.forget_disk(fault)


def _reinstated(stage: Stage, fault: Fault) -> None:
    stage.faults.reinstate_path(stage.disk(fault))
    stage.forget_disk(fault)


def _nothing(_: Stage, __: Fault) -> None:
    """Nothing is to be repaired."""


KINDS: Mapping[str, Kind] = {
    "link down": Kind(
        lambda stage, fault: stage.faults.link_down(fault.number),
        lambda stage, fault: stage.faults.link_up(fault.number),
        3,
    ),
    "silent drop": _filtered("drop"),
    "silent drop to target": _filtered("drop to target"),
    "silent drop from target": _filtered("drop from target"),
    "reset": _filtered("reset"),
    "target killed": Kind(
        lambda stage, fault: stage.faults.kill_target(fault.number),
        lambda stage, fault: stage.faults.start_target(fault.number),
    ),
    "logout": Kind(
        lambda stage, fault: stage.faults.logout(fault.number),
        lambda stage, fault: stage.faults.login(fault.number),
        daemon=True,
    ),
    "device offline": Kind(
        lambda stage, fault: stage.faults.set_device_state(stage.disk(fault), "offline"), _disk_state
    ),
    "path failed by hand": Kind(
        lambda stage, fault: stage.faults.fail_path(stage.disk(fault)), _reinstated, daemon=True
    ),
    "LUN not ready": Kind(
        lambda stage, fault: stage.faults.lun_offline(fault.number),
        lambda stage, fault: stage.faults.lun_online(fault.number),
    ),
    "multipathd frozen": Kind(
        lambda stage, _: stage.faults.freeze_multipathd(), lambda stage, _: stage.faults.thaw_multipathd()
    ),
    "multipathd killed": Kind(
        lambda stage, _: stage.faults.kill_multipathd(), lambda stage, _: stage.faults.start_multipathd()
    ),
    "multipathd reconfigured": Kind(lambda stage, _: stage.faults.reconfigure_multipathd(), _nothing, 1),
}
OF_MULTIPATHD = tuple(kind for kind in KINDS if kind.startswith("multipathd"))
OF_A_LINK = tuple(kind for kind in KINDS if kind not in OF_MULTIPATHD)
FLAPS = "link down"
"""What a link does that flaps."""


def seed() -> str:
    """The seed of the environment, or a fresh one."""
    return os.environ.get(SEED) or secrets.token_hex(4)


@dataclass
class _Draw:
    """A plan in the making: which link, or multipathd, is free when."""

    random: Random
    end: float
    faults: list[Fault] = field(default_factory=list)
    free: dict[int, float] = field(default_factory=lambda: dict.fromkeys((MULTIPATHD, *NUMBERS), 0.0))

    def kind(self, kinds: Iterable[str]) -> str:
        """One of these kinds."""
        chosen = tuple(kinds)
        return self.random.choices(chosen, [KINDS[kind].weight for kind in chosen])[0]

    def seconds(self, at: float) -> float:
        """How long a fault lasts."""
        drawn = self.random.uniform(*(SHORT if self.random.random() < 0.4 else LONG))
        return round(max(1.0, min(drawn, self.end - at)), 1)

    def add(self, at: float, number: int) -> None:
        """Add a fault to a link or to multipathd, if it is free."""
        at = round(at, 1)
        if self.free[number] > at:
            return
        if number == MULTIPATHD:
            fault = Fault(self.kind(OF_MULTIPATHD), number, at, self.seconds(at))
            if fault.kind == "multipathd reconfigured":
                fault = Fault(fault.kind, number, at, 0.0)
            self.take(fault, DAEMON_REST)
            return
        if self.random.random() < 0.15:
            self.flap(at, number)
            return
        fault = Fault(self.kind(OF_A_LINK), number, at, self.seconds(at))
        if KINDS[fault.kind].daemon:
            if self.free[MULTIPATHD] > at:
                return
            self.free[MULTIPATHD] = fault.at + fault.seconds + 1.0
        self.take(fault, self.random.uniform(*REST))

    def flap(self, at: float, number: int) -> None:
        """A link goes down and up again, several times."""
        for _ in range(self.random.randint(2, 4)):
            fault = Fault(FLAPS, number, round(at, 1), round(self.random.uniform(0.5, 4.0), 1))
            if fault.at + fault.seconds > self.end:
                break
            self.take(fault, 0.0)
            at = fault.at + fault.seconds + self.random.uniform(1.0, 5.0)
        self.free[number] = max(self.free[number], at)

    def take(self, fault: Fault, rest: float) -> None:
        """Put a fault into the plan."""
        self.faults.append(fault)
        self.free[fault.number] = fault.at + fault.seconds + rest


def drawn(of: str, end: float, pause: float, count: int | None = None) -> Plan:
    """The plan of a seed: faults up to `end` seconds after the beginning, `pause` seconds apart on average.

    `count`: how many faults there are; those of a flapping link count each. They must find room.
    """
    random = Random(of)  # noqa: S311  # faults, not secrets
    faults = _faults(random, end, pause, count)
    while count is not None and len(faults) < count:
        faults = _faults(random, end, pause, count)
    return Plan(of, faults, busy=random.random() < 0.5)


def _faults(random: Random, end: float, pause: float, most: int | None) -> tuple[Fault, ...]:
    draw, at = _Draw(random, end), 3.0
    while at < end - 2.0 and (most is None or len(draw.faults) < most):
        numbers = [random.choices((MULTIPATHD, *NUMBERS), (1, 3, 3))[0]]
        if random.random() < 0.25:
            # Several at once.
            numbers.append(random.choice([each for each in (MULTIPATHD, *NUMBERS) if each != numbers[0]]))
        for number in numbers:
            draw.add(at, number)
        at += random.expovariate(1 / pause)
    return tuple(sorted(draw.faults[:most], key=lambda fault: fault.at))


def play(lab: Lab, plan: Plan, name: str) -> None:
    """Play a plan, wait until the kernel has put everything right, and note what the judge finds."""
    lab.say(f"seed {plan.seed}: {SEED}={plan.seed} repeats it")
    for fault in plan.faults:
        lab.say(f"  {fault}")
    if plan.busy:
        lab.load.io(on=0.2, off=0.8)
    stage, began = Stage(lab), lab.guest.now()
    deeds = _play(stage, plan, began)
    (lab.logs / DEEDS).write_text("".join(json.dumps(deed) + "\n" for deed in deeds), encoding="utf-8")
    repaired = lab.guest.now()
    _settle(lab, repaired)
    if not lab.watch.present:
        return
    settled = lab.guest.now()
    lab.say(f"truth: all is well {settled - repaired:.1f} s after the last repair")
    for portal in lab.san.portals.values():
        lab.expect_state("path_health", "up", timeout=REPORTS, map=lab.san.map_name(1), path=portal)
    lab.expect_state("map_health", "healthy", timeout=REPORTS, map=lab.san.map_name(1))
    lab.expect_metric("source_up", 1, timeout=REPORTS, source="multipathd")
    # What was reported last has its time to be wrong.
    lab.pause_until(lab.guest.now() + EMULATED)
    lab.truth.store(lab.logs)
    lab.watch.store(lab.logs)
    judge = Judge(Logs.read(lab.logs))
    violations = judge.judge()
    lab.say(f"{len(judge.outages)} outages, {judge.judged} healths compared, {len(violations)} violations")
    for line in told(judge, plan, began, name):
        lab.say(line)
    for violation in violations:
        lab.check(False, f"({violation.rule}) {violation.text} (at {violation.at - began:.1f} s; seed {plan.seed})")


def told(judge: Judge, plan: Plan, began: float, name: str, shown: int = 3) -> list[str]:
    """What is wrong, as the simulator prints it: for the first violations, what to repeat, and the story."""
    lines: list[str] = []
    for violation in judge.violations[:shown]:
        lines += _told(judge, plan, violation, began, name)
    return lines


def _told(judge: Judge, plan: Plan, violation: Violation, began: float, name: str) -> list[str]:
    at = violation.at - began
    return [
        f"--- {plan.seed}: rule ({violation.rule}) does not hold at {at:.1f} s: {violation.text}",
        f"repeat it: {SEED}={plan.seed} python -m tests.lab test {name}",
        f"faults ({len(plan.faults)}; the beginning is {began:.2f} s in the story):",
        *(f"  {fault}" for fault in plan.faults),
        *judge.story(violation.at, STORY, 5.0),
    ]


def _play(stage: Stage, plan: Plan, began: float) -> list[dict[str, object]]:
    """Make and repair all faults in time; return what was done when, by the guest's clock."""
    lab = stage.lab
    deeds: list[dict[str, object]] = [{"seed": plan.seed, "began": began}]
    steps: list[tuple[float, int, int]] = []
    for position, fault in enumerate(plan.faults):
        steps += [(fault.at, 1, position), (fault.at + fault.seconds, 2, position)]
    open_: dict[int, dict[str, object]] = {}
    again: list[tuple[Fault, dict[str, object]]] = []
    for at, part, position in sorted(steps):
        fault = plan.faults[position]
        lab.pause_until(began + at)
        if part == 1:
            deed: dict[str, object] = {
                "kind": fault.kind,
                "number": fault.number,
                "begin": lab.guest.now(),
                "end": None,
            }
            open_[position] = deed
            deeds.append(deed)
            _try(stage, fault, KINDS[fault.kind].make)
            continue
        deed = open_.pop(position)
        if _try(stage, fault, KINDS[fault.kind].repair):
            deed["end"] = lab.guest.now()
        else:
            again.append((fault, deed))
    for fault, deed in again:
        _try(stage, fault, KINDS[fault.kind].repair)
        deed["end"] = lab.guest.now()
    return deeds


def _try(stage: Stage, fault: Fault, act: Callable[[Stage, Fault], object]) -> bool:
    """Make or repair a fault. What does not work in the middle of other faults is no failure of the product."""
    try:
        act(stage, fault)
    except LabError as error:
        stage.lab.say(f"could not be done: {fault.kind} ({fault.number}): {str(error).splitlines()[0]}")
        return False
    return True


def _settle(lab: Lab, since: float) -> None:
    """Wait until the truth has nothing wrong: sessions are logged in, disks run, dm uses every path."""

    def well() -> bool | None:
        for portal in lab.san.portals.values():
            session, device, said = lab.truth.session(portal), lab.truth.device(portal), lab.truth.dm_verdicts(portal)
            right = session and session.values["state"] == "LOGGED_IN"
            if not (right and device and device.values["state"] == "running" and said and said[-1][1] == "A"):
                return None
        return True

    try:
        lab.wait("kernel and multipathd to put everything right", well, SETTLES)
    except LabError:
        lab.say(f"truth: not all is well {lab.guest.now() - since:.1f} s after the last repair")
        lab.say(lab.guest.run("multipathd show paths; iscsiadm -m session -P 1 | grep -i state", check=False))
        raise
