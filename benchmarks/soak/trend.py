"""Whether a measured quantity grows: a slope that outliers do not move, and how certain it is. Pure."""

from __future__ import annotations

import random
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

HOUR = 3600.0
BINS = 40
"""Bins that the samples are divided into; each counts by its median."""
BLOCK = 8
"""The part of a series that a block of the bootstrap has is one in so many: neighbours resemble each other, and so
whole pieces are drawn, not single samples."""
ROUNDS = 400
LEVEL = 0.95
FEWEST = 8
"""With fewer samples no slope is given."""

Points = Sequence[tuple[float, float]]
"""Seconds and a quantity, in the order of time."""


@dataclass(frozen=True, slots=True)
class Trend:
    """By how much something grows in an hour: the slope, and the interval that has it with 95 % certainty."""

    slope: float
    low: float
    high: float


def slope(points: Points) -> float:
    """The median of the slopes between all pairs of points (Theil and Sen), an hour; 0 for fewer than two moments."""
    return _slope([at for at, _ in points], [value for _, value in points])


def trend(points: Points, seed: int = 1) -> Trend:
    """The slope of the points and its interval, by a moving block bootstrap of what is left beside the slope.

    Raises ``ValueError`` if there are fewer than ``FEWEST`` points.
    """
    if len(points) < FEWEST:
        raise ValueError(f"{len(points)} samples are too few for a slope")
    binned = list(_binned(points))
    times = [at for at, _ in binned]
    found = slope(binned)
    rest = [value - found * at / HOUR for at, value in binned]
    dice = random.Random(seed)  # noqa: S311  # no secret; the same samples give the same interval
    slopes = sorted(found + _slope(times, drawn) for drawn in (_drawn(rest, dice) for _ in range(ROUNDS)))
    edge = round((1 - LEVEL) / 2 * ROUNDS)
    return Trend(found, slopes[edge], slopes[-1 - edge])


def _slope(times: Sequence[float], values: Sequence[float]) -> float:
    slopes = [
        (values[later] - values[earlier]) / (times[later] - times[earlier])
        for later in range(len(times))
        for earlier in range(later)
        if times[later] > times[earlier]
    ]
    return statistics.median(slopes) * HOUR if slopes else 0.0


def _binned(points: Points) -> Iterator[tuple[float, float]]:
    count = min(BINS, len(points))
    for number in range(count):
        here = points[number * len(points) // count : (number + 1) * len(points) // count]
        yield statistics.median(at for at, _ in here), statistics.median(value for _, value in here)


def _drawn(rest: Sequence[float], dice: random.Random) -> list[float]:
    """A series like this one, of blocks of it in any order."""
    length = max(2, len(rest) // BLOCK)
    drawn = list[float]()
    while len(drawn) < len(rest):
        begin = dice.randrange(len(rest) - length + 1)
        drawn += rest[begin : begin + length]
    return drawn[: len(rest)]
