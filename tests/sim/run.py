"""One run: a host, a plan of faults, the product and the oracle, from a seed."""

from __future__ import annotations

import traceback
from dataclasses import dataclass, field, replace
from functools import partial
from random import Random

from mpathd_watch.core.folding import sysfs
from tests.sim import faults
from tests.sim.chronicle import Chronicle
from tests.sim.clock import MONOTONIC_AT_START, Clock
from tests.sim.faults import Fault, Stage
from tests.sim.oracle.cost import CostOracle
from tests.sim.oracle.counters import CountersOracle
from tests.sim.oracle.health import HealthOracle
from tests.sim.oracle.incidents import IncidentOracle
from tests.sim.oracle.outages import OutageOracle
from tests.sim.oracle.peace import PeaceOracle
from tests.sim.oracle.restarts import RestartOracle
from tests.sim.oracle.violation import Violation
from tests.sim.product import Product
from tests.sim.world.host import World
from tests.sim.world.links import Portal
from tests.sim.world.shape import Shape

BEGIN, END, QUIET = 60.0, 1200.0, 300.0
"""Seconds of a run: faults begin and end, and the world is left alone after that."""
SECONDS = END + QUIET
REBOOTED = 0.08
"""The share of runs in which the host is booted once."""
DOWN = (15.0, 4000.0)
"""Seconds from the end of the daemon to the boot."""
BACK = (2.0, 200.0)
"""Seconds after the boot at which a portal that was dead is there, and logged in to."""
MOST = 5
"""Violations after which a run is given up."""


@dataclass(frozen=True, slots=True)
class Plan:
    """All that decides a run. ``reboot``: at which second of it the host is booted, if it is."""

    seed: str
    shape: Shape
    faults: tuple[Fault, ...]
    reboot: float | None = None

    @classmethod
    def drawn(cls, seed: str) -> Plan:
        """The plan of a seed."""
        random = Random(seed)  # noqa: S311  # a simulation, not a secret
        booting = Random(f"{seed} reboot")  # noqa: S311
        reboot = round(booting.uniform(200.0, END - 200.0), 3) if booting.random() < REBOOTED else None
        return cls(seed, Shape.drawn(random), faults.drawn(random, BEGIN, END), reboot)


@dataclass(slots=True)
class Result:
    """What came of a run."""

    plan: Plan
    violations: list[Violation] = field(default_factory=list)
    seconds: float = SECONDS
    steps: int = 0
    outages: int = 0
    alerts: int = 0
    restarts: int = 0
    chronicle: Chronicle | None = None


class Performance:
    """A plan being played to a product of either layer: the faults of its stage, and the oracle.

    A layer makes its ``stage`` last, with ``tell`` for what it does. ``booted``: the second of the run at which its
    world begins. ``end``: the second of that world at which faults end.
    """

    stage: Stage
    end = END

    def __init__(self, result: Result, world: World, product: Product, *, told: bool, booted: float = 0.0) -> None:
        self.result = result
        self.booted = booted
        self.plan = result.plan
        self.clock = world.clock
        self.world = world
        self.product = product
        self.health = HealthOracle(world, product, self.accuse)
        self.outages = OutageOracle(world, product, self.health, self.accuse)
        self.peace = PeaceOracle(world, product, self.accuse)
        self.restarts = RestartOracle(world, product, self.health, self.outages, self.accuse)
        IncidentOracle(product, self.accuse)
        CountersOracle(self.clock, product, self.accuse)
        self.cost = CostOracle(self.clock, product, self.accuse)
        result.chronicle = Chronicle(world, product, booted=booted) if told else None

    def perform(self) -> None:
        """Play it to its end, or until too much is wrong."""
        result, start = self.result, self.clock.now
        self.product.start()
        self.restarted()
        self.restarts.restarts = 0
        if self.plan.faults:
            first = start + self.plan.faults[0].at
            self.clock.at(first, self._first_fault)
        for fault in self.plan.faults:
            self.clock.at(start + fault.at, partial(self.begin, fault))
        self.clock.at(start + self.end + 0.5, self._repair)
        try:
            self._let_pass(start + (self.plan.reboot or self.end + QUIET))
            if len(result.violations) < MOST and self.plan.reboot is None:
                self.peace.check_quiet()
            self.close()
        except Exception:  # noqa: BLE001  # whatever the product raises is a violation
            self.accuse("crash", traceback.format_exc(limit=-6))
        result.seconds = self.clock.now - start
        result.steps = self.product.steps
        result.outages = self.outages.reported
        result.alerts = self.cost.alerts
        result.restarts = self.restarts.restarts

    def _let_pass(self, end: float) -> None:
        while self.clock.now < end and len(self.result.violations) < MOST:
            self.run_to(min(self.clock.now + 30.0, end))

    def accuse(self, rule: str, text: str) -> None:
        """Report a violation."""
        at = self.booted + self.clock.now - MONOTONIC_AT_START
        if not any(each.rule == rule and each.text == text for each in self.result.violations):
            self.result.violations.append(Violation(rule, at, text))

    def tell(self, text: str) -> None:
        """Write what the stage does into the story, if that is kept."""
        if self.result.chronicle is not None:
            self.result.chronicle.write("FAULT", text)

    def restarted(self) -> None:
        """The product has started."""
        self.health.restarted()
        self.outages.restarted()
        self.restarts.restarted()

    # --- what the layers do differently -------------------------------------------------------------------------------

    def begin(self, fault: Fault) -> None:
        """A fault begins."""
        self.stage.play(fault)

    def run_to(self, moment: float) -> None:
        """Let time pass."""
        self.clock.run(moment)

    def close(self) -> None:
        """The run is over."""

    # --- the course of a run ------------------------------------------------------------------------------------------

    def _first_fault(self) -> None:
        self.peace.healthy = False

    def _repair(self) -> None:
        self.stage.tell("everything is repaired")
        self.stage.repair_all()


class Run(Performance):
    """A plan being played to the core, behind modelled sources: to its end, or until the host is booted."""

    def __init__(self, plan: Plan, *, told: bool = False) -> None:
        clock = Clock()
        random = Random(f"{plan.seed} world")  # noqa: S311  # a simulation, not a secret
        world = World(clock, random, plan.shape)
        super().__init__(Result(plan), world, Product(clock, random, world), told=told)
        self.stage = Stage(world, self.product, random, self.restarted, self.tell)

    def play(self) -> Result:
        """Play it, and return what came of it."""
        self.perform()
        return self.result


class Rebooted(Performance):
    """What is left of a plan, after the boot: a new world with the maps of the one before, and what is on disk.

    Some portals are not there at first. The wall clock may have been set, and a map may have gone.
    """

    def __init__(self, plan: Plan, before: Run, *, told: bool = False) -> None:
        booted = plan.reboot or 0.0
        random = Random(f"{plan.seed} boot")  # noqa: S311  # a simulation, not a secret
        clock = Clock()
        clock.wall_ahead = before.clock.instant.wall + random.uniform(*DOWN) + random.choice((0.0, 0.0, -7200.0, 864e3))
        luns = [(map_.number, map_.name) for map_ in before.world.maps]
        portals = range(1, plan.shape.portals + 1)
        dead = random.sample(portals, random.choice((0, 1, 1, plan.shape.portals - 1)))
        world = World(clock, random, plan.shape, luns=luns[: len(luns) - (random.random() < 0.2)] or luns, dead=dead)
        world.maps_ever = before.world.maps_ever
        store = before.product.store
        store.booted(clock)
        later = tuple(replace(fault, at=fault.at - booted) for fault in plan.faults if fault.at >= booted)
        rest = replace(plan, faults=later, reboot=None)
        product = Product(clock, random, world, store)
        super().__init__(Result(rest), world, product, told=told, booted=booted)
        self.end = END - booted
        self.peace.healthy = False
        self.stage = Stage(world, product, random, self.restarted, self.tell)
        for portal in world.portals:
            if not portal.listening:
                clock.after(min(random.uniform(*BACK), self.end), partial(self._is_there, portal))

    def play(self) -> Result:
        """Play it, and return what came of it."""
        self.perform()
        return self.result

    def _is_there(self, portal: Portal) -> None:
        self.tell(f"portal {portal.label} is there")
        self.world.revive_portal(portal)
        self.stage.log_in(portal)


def play(plan: Plan, *, told: bool = False) -> Result:
    """Play a plan; ``told``: and keep the story of it. Full scans are folded map by map, as on a large host."""
    at_once, sysfs.PATHS_AT_ONCE = sysfs.PATHS_AT_ONCE, 1
    try:
        return _played(plan, told=told)
    finally:
        sysfs.PATHS_AT_ONCE = at_once


def _played(plan: Plan, *, told: bool) -> Result:
    if plan.reboot is None:
        return Run(plan, told=told).play()
    before = tuple(fault for fault in plan.faults if fault.at < plan.reboot)
    first = Run(replace(plan, faults=before), told=told)
    whole = first.play()
    if whole.violations:
        return replace(whole, plan=plan)
    if first.product.runs:
        first.product.end()
    return _together(plan, whole, Rebooted(plan, first, told=told).play())


def _together(plan: Plan, first: Result, second: Result) -> Result:
    """What came of both boots of a run."""
    if first.chronicle is not None and second.chronicle is not None:
        second.chronicle.lines[:0] = first.chronicle.lines
    return Result(
        plan,
        second.violations,
        first.seconds + second.seconds,
        first.steps + second.steps,
        first.outages + second.outages,
        first.alerts + second.alerts,
        first.restarts + second.restarts + 1,
        second.chronicle,
    )


def seeds(seed: str, hours: float) -> list[str]:
    """The seeds of the runs that make up so many simulated hours."""
    return [f"{seed}-{number}" for number in range(max(1, round(hours * 3600 / SECONDS)))]
