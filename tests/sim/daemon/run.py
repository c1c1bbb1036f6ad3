"""One run: a host, a plan of faults, the daemon with its real sources, and the oracle, from a seed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from random import Random

from tests.sim.clock import Clock
from tests.sim.daemon import faults
from tests.sim.daemon.faults import DaemonStage
from tests.sim.daemon.loop import VirtualLoop
from tests.sim.daemon.product import DaemonProduct
from tests.sim.daemon.rules import Rules
from tests.sim.faults import Fault
from tests.sim.run import BEGIN, END, Performance, Plan, Result
from tests.sim.world.host import World

UNSURE = frozenset({"ends_hang", "tcp_hangs", "network_hangs"})
"""The faults of this layer that keep from the daemon what the oracle takes for known."""
UNSURE_FOR = 75.0
"""Seconds after such a fault in which the oracle of health may be wrong."""
OF_HEALTH = frozenset({"a", "b", "e"})


@dataclass(slots=True)
class DaemonResult(Result):
    """What came of a run. ``ended``: how many daemons have ended."""

    turns: int = 0
    most_turns: int = 0
    ended: int = 0


def drawn(seed: str) -> Plan:
    """The plan of a seed: that of the first layer without its reboot, and faults around the daemon."""
    plan = Plan.drawn(seed)
    random = Random(f"{seed} daemon")  # noqa: S311  # a simulation, not a secret
    both = tuple(sorted((*plan.faults, *faults.drawn(random, BEGIN, END)), key=lambda fault: fault.at))
    return replace(plan, faults=both, reboot=None)


class DaemonRun(Performance):
    """A plan being played to the daemon with its real sources."""

    def __init__(self, plan: Plan, *, told: bool = False) -> None:
        clock = Clock()
        self.loop = VirtualLoop(clock)
        world = World(clock, Random(f"{plan.seed} world"), plan.shape)  # noqa: S311  # a simulation, not a secret
        random = Random(f"{plan.seed} sources")  # noqa: S311
        product = DaemonProduct(self.loop, random, world, self.accuse)
        super().__init__(DaemonResult(plan), world, product, told=told)
        self.daemon = product
        self.rules = Rules(self.loop, world, product, self.accuse)
        self.stage = DaemonStage(world, product, Random(f"{plan.seed} stage"), self.restarted, self.tell)  # noqa: S311
        self._unsure_until = 0.0

    def play(self) -> DaemonResult:
        """Play it, and return what came of it."""
        try:
            self.perform()
        finally:
            self.loop.close()
        result = self.result
        assert isinstance(result, DaemonResult)
        result.turns = self.loop.turns
        result.most_turns = self.rules.most_turns
        result.ended = self.daemon.ended
        return result

    def accuse(self, rule: str, text: str) -> None:
        if rule not in OF_HEALTH or self.clock.now >= self._unsure_until:
            super().accuse(rule, text)

    def begin(self, fault: Fault) -> None:
        super().begin(fault)
        if fault.kind in UNSURE:
            self._unsure_until = max(self._unsure_until, self.clock.now + fault.seconds + UNSURE_FOR)

    def run_to(self, moment: float) -> None:
        self.loop.run_to(moment)

    def close(self) -> None:
        self.daemon.close()


def play(plan: Plan, *, told: bool = False) -> DaemonResult:
    """Play a plan; ``told``: and keep the story of it."""
    return DaemonRun(plan, told=told).play()


def play_seed(seed: str) -> DaemonResult:
    """Play the plan of a seed. A process of a campaign finds this function by its name, for which it needs a module."""
    return play(drawn(seed))
