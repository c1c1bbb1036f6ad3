"""A histogram that is a value: observing gives another one."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from itertools import accumulate
from math import inf

from mpathd_watch.immutable import immutable, replace

BOUNDS = (0.5, 1.0, 2.0, 5.0, 10.0, 15.0, 20.0, 30.0, 45.0, 60.0, 90.0, 120.0, 180.0, 300.0, 600.0)
"""Seconds: around what noop and replacement timeouts are usually set to, their sums, and the default of 120 s."""


@immutable
class Histogram:
    """How many observations came to lie in each bucket (the last one is beyond all ``BOUNDS``), and their sum."""

    counts: tuple[int, ...] = (0,) * (len(BOUNDS) + 1)
    sum: float = 0.0

    def observed(self, value: float) -> Histogram:
        """With one more observation."""
        at = bisect_left(BOUNDS, value)
        counts = (*self.counts[:at], self.counts[at] + 1, *self.counts[at + 1 :])
        return replace(self, counts=counts, sum=self.sum + value)

    @property
    def count(self) -> int:
        """How many observations there are."""
        return sum(self.counts)

    def buckets(self) -> Iterator[tuple[float, int]]:
        """Each upper bound with the number of observations up to it, as Prometheus counts them."""
        return zip((*BOUNDS, inf), accumulate(self.counts), strict=True)
