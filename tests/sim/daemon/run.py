"""One run: a host, a plan of faults, the daemon with its real sources, and the oracle, from a seed."""

from __future__ import annotations

import traceback
from dataclasses import dataclass, field, replace
from functools import partial
from random import Random

from tests.sim.chronicle import Chronicle
from tests.sim.clock import MONOTONIC_AT_START, Clock
from tests.sim.daemon import faults
from tests.sim.daemon.faults import DaemonStage
from tests.sim.daemon.loop import VirtualLoop
from tests.sim.daemon.product import DaemonProduct
from tests.sim.daemon.rules import Rules
from tests.sim.oracle.cost import CostOracle
from tests.sim.oracle.counters import CountersOracle
from tests.sim.oracle.health import HealthOracle
from tests.sim.oracle.outages import OutageOracle
from tests.sim.oracle.peace import PeaceOracle
from tests.sim.oracle.violation import Violation
from tests.sim.run import BEGIN, END, MOST, SECONDS, Plan
from tests.sim.world.host import World

UNSURE = frozenset({"ends_hang", "tcp_hangs", "network_hangs"})
"""The faults of this layer that keep from the daemon what the oracle takes for known."""
UNSURE_FOR = 75.0
"""Seconds after such a fault in which the oracle of health may be wrong."""
OF_HEALTH = frozenset({"a", "b", "e"})


@dataclass(slots=True)
class Result:
    """What came of a run."""

    plan: Plan
    violations: list[Violation] = field(default_factory=list)
    seconds: float = 0.0
    turns: int = 0
    most_turns: int = 0
    steps: int = 0
    outages: int = 0
    ended: int = 0
    chronicle: Chronicle | None = None


def drawn(seed: str) -> Plan:
    """The plan of a seed: that of the first layer, and faults around the daemon."""
    plan = Plan.drawn(seed)
    random = Random(f"{seed} daemon")  # noqa: S311  # a simulation, not a secret
    return replace(plan, faults=tuple(sorted((*plan.faults, *faults.drawn(random, BEGIN, END)), key=lambda f: f.at)))


class DaemonRun:
    """A plan being played."""

    def __init__(self, plan: Plan, *, told: bool = False) -> None:
        self.plan = plan
        self.result = Result(plan)
        self.clock = Clock()
        self.loop = VirtualLoop(self.clock)
        self.world = World(self.clock, Random(f"{plan.seed} world"), plan.shape)  # noqa: S311
        random = Random(f"{plan.seed} sources")  # noqa: S311
        self.product = DaemonProduct(self.loop, random, self.world, self.accuse)
        self.health = HealthOracle(self.world, self.product, self.accuse)
        self.outages = OutageOracle(self.world, self.product, self.health, self.accuse)
        self.peace = PeaceOracle(self.world, self.product, self.accuse)
        CountersOracle(self.clock, self.product, self.accuse)
        CostOracle(self.clock, self.product, self.accuse)
        self.rules = Rules(self.loop, self.world, self.product, self.accuse)
        chronicle = Chronicle(self.world, self.product) if told else None
        self.result.chronicle = chronicle
        tell = chronicle.write if chronicle else _say_nothing
        self.stage = DaemonStage(
            self.world,
            self.product,
            Random(f"{plan.seed} stage"),  # noqa: S311
            self._restarted,
            lambda text: tell("FAULT", text),
        )
        self._unsure_until = 0.0

    def play(self) -> Result:
        """Play it to its end, or until too much is wrong."""
        result, start = self.result, self.clock.now
        self.product.start()
        self._restarted()
        if self.plan.faults:
            self.clock.at(start + self.plan.faults[0].at, self._first_fault)
        for fault in self.plan.faults:
            self.clock.at(start + fault.at, partial(self.stage.play, fault))
            if fault.kind in UNSURE:
                self.clock.at(start + fault.at, partial(self._be_unsure, fault.seconds + UNSURE_FOR))
        self.clock.at(start + END + 0.5, self._repair)
        try:
            while self.clock.now < start + SECONDS and len(result.violations) < MOST:
                self.loop.run_to(min(self.clock.now + 30.0, start + SECONDS))
            if len(result.violations) < MOST:
                self.peace.check_quiet()
            self.product.close()
        except Exception:  # noqa: BLE001  # whatever is raised is a violation
            self.accuse("crash", traceback.format_exc(limit=-6))
        finally:
            self.loop.close()
        result.seconds = self.clock.now - start
        result.turns = self.loop.turns
        result.most_turns = self.rules.most_turns
        result.steps = self.product.steps
        result.outages = self.outages.reported
        result.ended = self.product.ended
        return result

    def accuse(self, rule: str, text: str) -> None:
        """Report a violation."""
        if rule in OF_HEALTH and self.clock.now < self._unsure_until:
            return
        at = self.clock.now - MONOTONIC_AT_START
        if not any(each.rule == rule and each.text == text for each in self.result.violations):
            self.result.violations.append(Violation(rule, at, text))

    def _be_unsure(self, seconds: float) -> None:
        self._unsure_until = max(self._unsure_until, self.clock.now + seconds)

    def _first_fault(self) -> None:
        self.peace.healthy = False

    def _repair(self) -> None:
        self.stage.tell("everything is repaired")
        self.stage.repair_all()

    def _restarted(self) -> None:
        self.health.restarted()
        self.outages.restarted()


def _say_nothing(_: str, __: str) -> None:
    """Nobody reads the story."""


def play(plan: Plan, *, told: bool = False) -> Result:
    """Play a plan; ``told``: and keep the story of it."""
    return DaemonRun(plan, told=told).play()
