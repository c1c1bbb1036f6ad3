"""A statistical model of I/O on the paths of one map, as the counters of the disks show it.

The model counts I/Os and the time that they take together; it does not follow single I/Os through a network. Times are
in seconds, sizes in sectors of 512 bytes. What is drawn for a slice of time at most ``SLICE`` long: how many I/Os each
path completes, and what they took. The sum of many latencies is drawn as one, with the variance that they have.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

SLICE = 0.5

RTO = 0.2
"""TCP_RTO_MIN (include/net/tcp.h)."""

SMALL, LARGE = 16, 1024
"""Sectors of a small I/O (8 KiB) and of a large one (512 KiB)."""

LARGE_COSTS = 8.0
"""How many times as long a large I/O takes."""


@dataclass
class Path:
    """One path: its disk's counters, and what it adds to an I/O.

    ``factor``: by how much it is slower than the others, without any fault. ``delay``: seconds that each I/O takes
    longer. ``slowdown``: how many times as long each takes. ``loss``: the share of segments lost, each way.
    ``used``: dm sends I/O over it. ``direct``: large reads a second past the map.
    """

    factor: float = 1.0
    delay: float = 0.0
    slowdown: float = 1.0
    loss: float = 0.0
    used: bool = True
    direct: float = 0.0
    reads: int = 0
    read_time: float = 0.0
    read_sectors: int = 0
    writes: int = 0
    write_time: float = 0.0
    write_sectors: int = 0
    retransmits: int = 0
    drift: float = 0.0


@dataclass
class Load:
    """What applications ask of the map at a moment.

    ``rate``: I/Os a second, of which ``reads`` are reads and ``large`` are large. ``base``: seconds that a small one
    takes. ``spread``: the standard deviation of a latency over its mean. ``depth``: I/Os under way at most, 0 for any
    number: then the rate falls as latencies rise, as that of an application does that waits for its answers.
    """

    rate: float = 100.0
    reads: float = 0.7
    large: float = 0.0
    base: float = 0.002
    spread: float = 1.0
    depth: int = 0


@dataclass
class Selector:
    """How dm spreads I/O over the paths in use.

    ``run``: I/Os that go over one path before the next one has its turn (rr_min_io). ``by_time``: the faster path gets
    more (service-time), else all get as many (round-robin).
    """

    run: int = 1
    by_time: bool = False
    turn: int = 0
    left: int = 0

    def spread(self, ios: int, times: Sequence[float], chance: random.Random) -> list[int]:
        """How many of the I/Os each path gets, which take ``times`` there."""
        if self.run > 1:
            return self._in_runs(ios, len(times))
        weights = [1 / time if self.by_time else 1.0 for time in times]
        whole = sum(weights)
        shares = [ios * weight / whole for weight in weights]
        return [int(share) + (chance.random() < share % 1) for share in shares]

    def _in_runs(self, ios: int, paths: int) -> list[int]:
        found = [0] * paths
        while ios:
            if not self.left:
                self.turn, self.left = (self.turn + 1) % paths, self.run
            now = min(ios, self.left)
            found[self.turn % paths] += now
            self.left -= now
            ios -= now
        return found


Behaviour = Callable[["Traffic", float], None]
"""Changes the load or the paths at a moment of the traffic."""


@dataclass
class Traffic:
    """The I/O of one map. ``behave`` is called at the beginning of each slice."""

    chance: random.Random
    paths: list[Path]
    load: Load = field(default_factory=Load)
    selector: Selector = field(default_factory=Selector)
    behave: Behaviour = lambda _traffic, _now: None
    now: float = 0.0
    pressure: float = 0.0
    """The logarithm of what the disk itself takes longer now, on every path."""
    paused: float = 0.0
    """Until when the disk stands still."""

    def advance(self, until: float) -> None:
        """Go on to that moment."""
        while self.now < until - 1e-9:
            seconds = min(SLICE, until - self.now)
            self.behave(self, self.now)
            self._slice(seconds)
            self.now += seconds

    def _slice(self, seconds: float) -> None:
        pull = math.exp(-seconds / 20)
        self.pressure = self.pressure * pull + self.chance.gauss(0.0, 0.35 * math.sqrt(1 - pull * pull))
        for path in self.paths:
            path.drift = path.drift * pull + self.chance.gauss(0.0, 0.08 * math.sqrt(1 - pull * pull))
            if path.direct:
                self._do(path, _poisson(path.direct * seconds, self.chance), 1.0, 1.0)
        if self.now < self.paused:
            return
        used = [path for path in self.paths if path.used]
        times = [self.mean(path) for path in used]
        rate = self.load.rate
        if self.load.depth:
            each = sum(times) / len(times) if not self.selector.by_time else len(times) / sum(1 / t for t in times)
            rate = min(rate, self.load.depth / each)
        ios = _poisson(rate * seconds, self.chance)
        for path, share in zip(used, self.selector.spread(ios, times, self.chance), strict=True):
            self._do(path, share, self.load.reads, self.load.large)

    def mean(self, path: Path, large: float | None = None) -> float:
        """Seconds that an I/O takes on this path, on average."""
        share = self.load.large if large is None else large
        disk = self.load.base * math.exp(self.pressure) * (1 + share * (LARGE_COSTS - 1))
        lost = 2 * path.loss * RTO
        return disk * path.factor * math.exp(path.drift) * path.slowdown + path.delay + lost

    def _do(self, path: Path, ios: int, reads: float, large: float) -> None:
        if not ios:
            return
        reading = _binomial(ios, reads, self.chance)
        for count, is_read in ((reading, True), (ios - reading, False)):
            if not count:
                continue
            big = _binomial(count, large, self.chance)
            disk = self.load.base * math.exp(self.pressure + path.drift) * path.factor * path.slowdown
            took = self._sum(count - big, disk) + self._sum(big, disk * LARGE_COSTS) + count * path.delay
            took += self._lost(path, count)
            sectors = (count - big) * SMALL + big * LARGE
            if is_read:
                path.reads, path.read_time = path.reads + count, path.read_time + took
                path.read_sectors += sectors
            else:
                path.writes, path.write_time = path.writes + count, path.write_time + took
                path.write_sectors += sectors

    def _sum(self, count: int, mean: float) -> float:
        """What so many I/Os take together: by a gamma distribution each."""
        if not count:
            return 0.0
        shape = count / self.load.spread**2
        return self.chance.gammavariate(shape, mean * self.load.spread**2)

    def _lost(self, path: Path, count: int) -> float:
        """What retransmissions add: of the command or of the answer, of which this host counts the first."""
        if not path.loss:
            return 0.0
        took = 0.0
        for mine in (True, False):
            lost = _binomial(count, path.loss, self.chance)
            rto = RTO
            while lost:
                if mine:
                    path.retransmits += lost
                took += sum(rto + self.chance.uniform(0.0, 0.02) for _ in range(lost))
                lost, rto = _binomial(lost, path.loss, self.chance), 2 * rto
        return took

    def pause(self, seconds: float, *, depth: int) -> None:
        """The disk stands still from now on; so many I/Os are under way, and those that come meanwhile wait, too."""
        if self.now < self.paused:
            return
        self.paused = self.now + seconds
        used = [path for path in self.paths if path.used]
        depth = min(depth, self.load.depth or depth)
        waiting = depth + (0 if self.load.depth else _poisson(self.load.rate * seconds, self.chance))
        for path, ios in zip(used, self.selector.spread(waiting, [1.0] * len(used), self.chance), strict=True):
            self.stall(path, ios, seconds * self.chance.uniform(0.5, 1.0))

    def stall(self, path: Path, ios: int, seconds: float) -> None:
        """So many I/Os end now that have waited for so long."""
        path.reads += ios
        path.read_sectors += ios * SMALL
        path.read_time += ios * seconds


def _poisson(mean: float, chance: random.Random) -> int:
    if mean > 50:
        return max(0, round(chance.gauss(mean, math.sqrt(mean))))
    count, product, bound = 0, chance.random(), math.exp(-mean)
    while product > bound:
        count, product = count + 1, product * chance.random()
    return count


def _binomial(count: int, share: float, chance: random.Random) -> int:
    if share <= 0 or share >= 1:
        return count if share >= 1 else 0
    if count < 30:
        return sum(chance.random() < share for _ in range(count))
    mean = count * share
    if mean < 20:
        return min(count, _poisson(mean, chance))
    return min(count, max(0, round(chance.gauss(mean, math.sqrt(mean * (1 - share))))))
