"""One run: a host, a plan of faults, the product and the oracle, from a seed."""

from __future__ import annotations

import traceback
from dataclasses import dataclass, field
from functools import partial
from random import Random

from tests.sim import faults
from tests.sim.chronicle import Chronicle
from tests.sim.clock import MONOTONIC_AT_START, Clock
from tests.sim.faults import Fault, Stage
from tests.sim.oracle.cost import CostOracle
from tests.sim.oracle.counters import CountersOracle
from tests.sim.oracle.health import HealthOracle
from tests.sim.oracle.outages import OutageOracle
from tests.sim.oracle.peace import PeaceOracle
from tests.sim.oracle.violation import Violation
from tests.sim.product import Product
from tests.sim.world.host import World
from tests.sim.world.shape import Shape

BEGIN, END, QUIET = 60.0, 1200.0, 300.0
"""Seconds of a run: faults begin and end, and the world is left alone after that."""
SECONDS = END + QUIET
MOST = 5
"""Violations after which a run is given up."""


@dataclass(frozen=True, slots=True)
class Plan:
    """All that decides a run."""

    seed: str
    shape: Shape
    faults: tuple[Fault, ...]

    @classmethod
    def drawn(cls, seed: str) -> Plan:
        """The plan of a seed."""
        random = Random(seed)  # noqa: S311  # a simulation, not a secret
        return cls(seed, Shape.drawn(random), faults.drawn(random, BEGIN, END))


@dataclass(slots=True)
class Result:
    """What came of a run."""

    plan: Plan
    violations: list[Violation] = field(default_factory=list)
    seconds: float = SECONDS
    steps: int = 0
    outages: int = 0
    alerts: int = 0
    chronicle: Chronicle | None = None


class Performance:
    """A plan being played to a product of either layer: the faults of its stage, and the oracle.

    A layer makes its ``stage`` last, with ``tell`` for what it does.
    """

    stage: Stage

    def __init__(self, result: Result, world: World, product: Product, *, told: bool) -> None:
        self.result = result
        self.plan = result.plan
        self.clock = world.clock
        self.world = world
        self.product = product
        self.health = HealthOracle(world, product, self.accuse)
        self.outages = OutageOracle(world, product, self.health, self.accuse)
        self.peace = PeaceOracle(world, product, self.accuse)
        CountersOracle(self.clock, product, self.accuse)
        self.cost = CostOracle(self.clock, product, self.accuse)
        result.chronicle = Chronicle(world, product) if told else None

    def perform(self) -> None:
        """Play it to its end, or until too much is wrong."""
        result, start = self.result, self.clock.now
        self.product.start()
        self.restarted()
        if self.plan.faults:
            first = start + self.plan.faults[0].at
            self.clock.at(first, self._first_fault)
        for fault in self.plan.faults:
            self.clock.at(start + fault.at, partial(self.begin, fault))
        self.clock.at(start + END + 0.5, self._repair)
        try:
            while self.clock.now < start + SECONDS and len(result.violations) < MOST:
                self.run_to(min(self.clock.now + 30.0, start + SECONDS))
            if len(result.violations) < MOST:
                self.peace.check_quiet()
            self.close()
        except Exception:  # noqa: BLE001  # whatever the product raises is a violation
            self.accuse("crash", traceback.format_exc(limit=-6))
        result.seconds = self.clock.now - start
        result.steps = self.product.steps
        result.outages = self.outages.reported
        result.alerts = self.cost.alerts

    def accuse(self, rule: str, text: str) -> None:
        """Report a violation."""
        at = self.clock.now - MONOTONIC_AT_START
        if not any(each.rule == rule and each.text == text for each in self.result.violations):
            self.result.violations.append(Violation(rule, at, text))

    def tell(self, text: str) -> None:
        """Write what the stage does into the story, if that is kept."""
        if self.result.chronicle is not None:
            self.result.chronicle.write("FAULT", text)

    def restarted(self) -> None:
        """The product has started, and knows nothing of what was before."""
        self.health.restarted()
        self.outages.restarted()

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
    """A plan being played to the core, behind modelled sources."""

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


def play(plan: Plan, *, told: bool = False) -> Result:
    """Play a plan; ``told``: and keep the story of it."""
    return Run(plan, told=told).play()


def seeds(seed: str, hours: float) -> list[str]:
    """The seeds of the runs that make up so many simulated hours."""
    return [f"{seed}-{number}" for number in range(max(1, round(hours * 3600 / SECONDS)))]
