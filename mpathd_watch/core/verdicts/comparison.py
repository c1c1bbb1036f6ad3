"""A path compared with its siblings: what is measured, and with what result."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

from mpathd_watch.immutable import immutable


class Measure(StrEnum):
    """What a path is slow in."""

    LATENCY = "latency"
    ROUND_TRIP = "round_trip"


@immutable
class Comparison:
    """A path's ``value`` in a measure, and the median of its ``siblings``', both in seconds.

    ``seconds``: the time that it covers. ``ios``: the path's I/Os in it, ``None`` if they were not counted.
    """

    measure: Measure
    value: float
    siblings: float
    seconds: float
    ios: int | None = None


def median(ranked: Sequence[float]) -> float:
    """The median of sorted values, of which there is at least one."""
    return (ranked[(len(ranked) - 1) // 2] + ranked[len(ranked) // 2]) / 2
