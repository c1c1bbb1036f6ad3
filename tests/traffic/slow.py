"""How soon a path that becomes slow is found, at many loads."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass

from tests.traffic.host import Host
from tests.traffic.model import Load, Path, Selector, Traffic

BEGINS = 100.0
"""Seconds of healthy traffic before, and as many that the path may take to be found."""


@dataclass(frozen=True)
class Case:
    """A path that takes ``delay`` seconds longer an I/O, or ``times`` as long. ``rate``: I/Os a second of the map.

    ``depth``: I/Os under way at most, 0 for any number.
    """

    base: float
    rate: float
    delay: float = 0.0
    times: float = 1.0
    depth: int = 0
    paths: int = 2

    @property
    def excess(self) -> float:
        """Seconds that an I/O takes longer."""
        return self.delay + self.base * (self.times - 1)


def detection(case: Case, seed: int) -> tuple[float | None, float | None]:
    """Seconds until ``path_slow`` and, after the end of the fault, until ``path_steady``; ``None`` without."""
    chance = random.Random(f"{seed} {case}")  # noqa: S311
    load = Load(rate=case.rate, base=case.base, depth=case.depth)
    traffic = Traffic(chance, [Path() for _ in range(case.paths)], load, Selector())
    host = Host(traffic, phase=chance.uniform(0, 5))
    begins = BEGINS + chance.uniform(0, 5)
    host.run(begins)
    traffic.paths[0].delay, traffic.paths[0].slowdown = case.delay, case.times
    host.run(begins + BEGINS)
    # The first I/O that is late ends later than the fault begins.
    slow = next((said.at - begins + case.excess for said in host.said if said.event == "path_slow"), None)
    ends = begins + BEGINS
    traffic.paths[0].delay, traffic.paths[0].slowdown = 0.0, 1.0
    host.run(ends + 2 * BEGINS)
    steady = next((said.at - ends for said in host.said if said.event == "path_steady"), None)
    return slow, steady


LOADS = {
    "10/s": (10.0, 0),
    "40/s": (40.0, 0),
    "400/s": (400.0, 0),
    "4,000/s": (4000.0, 0),
    "2 under way": (4000.0, 2),
    "32 under way": (4000.0, 32),
}
"""I/Os a second of the map, and how many are under way at most (0: any number)."""


def faults() -> Iterator[tuple[str, Case]]:
    """The rows of the table in docs/measured.md."""
    for delay in (0.1, 0.15):
        for base in (0.0005, 0.003, 0.01, 0.03):
            yield f"+{delay * 1000:g} ms on {base * 1000:g} ms", Case(base, 0.0, delay=delay)
    for times, bases in ((3.0, (0.01, 0.03)), (10.0, (0.001, 0.005, 0.01, 0.03))):
        for base in bases:
            yield f"{times:g} times {base * 1000:g} ms", Case(base, 0.0, times=times)
