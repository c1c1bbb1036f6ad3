"""Slow paths: one path of a map is slow while its siblings are not.

Only siblings are compared: what is slow for the disk is slow on all its paths, and is not the path's fault. There are
two measures. The I/O latency is what users notice, but needs I/O on the path and on a sibling, which an active/passive
map does not have. The round trip is measured by TCP on any connection, even if only the kernel's pings use it; paths
that share a session share it.

Every ``INTERVAL`` seconds each path is compared with the median of its usable siblings in both measures. It is worse
in a measure if it takes ``WORSE`` times as long as they do and is ``EXCESS`` above them. It is well if it is below
``WELL`` times or half that excess. ``STREAK`` comparisons in a row that find it worse make it slow, and as many that
find it well end that. A result in between ends a streak and changes nothing else. A window with too little I/O has no
result.

A verdict is dropped at once when the path is no longer usable: that has alerts of its own, and the connection that
comes back is another one. Where there is no result for ``FORGET`` comparisons, because the path or all of its siblings
have nothing to compare, it is dropped as well: an alert about last night's load must not stand through an idle weekend.
A shorter lull changes nothing.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from enum import StrEnum
from math import isfinite

from mpathd_watch.core.model.facts import IoFacts
from mpathd_watch.immutable import immutable


class Measure(StrEnum):
    """What a path is slow in."""

    LATENCY = "latency"
    ROUND_TRIP = "round_trip"


INTERVAL = 10.0
"""Seconds between comparisons: long enough for ``ENOUGH`` I/Os on a disk that is in use at all."""

STREAK = 6
"""Comparisons in a row that change the verdict, a minute of them: one failover, backup or burst of retransmissions on
one path fills a window or two, and does not make the path slow."""

WORSE = 3.0
"""Path selectors and caches make paths of one disk differ by a factor of two in either direction now and then, by three
for a whole minute only when something is wrong."""

WELL = 2.0
"""Clearly below ``WORSE``, so that a path on the edge is not slow and well by turns."""

EXCESS: Mapping[Measure, float] = {Measure.LATENCY: 0.005, Measure.ROUND_TRIP: 0.045}
"""Seconds that a slow path is above its siblings at least; 0.6 ms are three times 0.2 ms, and nobody's trouble.

5 ms is a seek of a disk. The round trip has 40 ms on top, for without any fault of the network it may take these on the
session that does the work, while that of an idle one takes none: a target sends its acknowledgement with the answer to
the command, or after TCP_DELACK_MIN if that takes longer (include/net/tcp.h), and whose load it is can't be seen from
one map's I/O."""

ENOUGH = 20
"""I/Os in a window for a mean that one odd I/O can't make: 100 ms among 20 of 1 ms are a mean of 6 ms, and not
``STREAK`` times in a row."""

FORGET = 30
"""Comparisons without data after which a verdict is dropped: five minutes."""

_LONGEST = 1 << 33
"""Milliseconds: two counters of 32 bits (part_stat_show() in block/genhd.c). A window with more is none."""


@immutable
class Reading:
    """What is known of one path of a map at the moment of a comparison.

    ``usable``: it is up or suspect. ``io``: the totals of its disk. ``rtt``: the round trip of its session's connection
    in seconds. ``nexus``: the label of the nexus, empty where there is none.
    """

    label: str
    usable: bool
    io: IoFacts | None
    rtt: float | None
    nexus: str


@immutable
class Comparison:
    """A path's ``value`` in a measure, and the median of its ``siblings``', both in seconds."""

    measure: Measure
    value: float
    siblings: float

    @property
    def worse(self) -> bool:
        """Whether the path stands out."""
        return self._above(WORSE, EXCESS[self.measure])

    @property
    def well(self) -> bool:
        """Whether it is about as good as its siblings."""
        return not self._above(WELL, EXCESS[self.measure] / 2)

    def _above(self, factor: float, excess: float) -> bool:
        return self.value >= factor * self.siblings and self.value - self.siblings >= excess


@immutable
class Trend:
    """The verdict on a path in one measure.

    ``streak``: how many comparisons in a row contradict the verdict. ``blank``: how many there have been since one had
    data. ``compared``: the last one of a slow path, or the one that has just found it well.
    """

    slow: bool = False
    streak: int = 0
    blank: int = 0
    compared: Comparison | None = None


_NOTHING = Trend()


@immutable
class Slowness:
    """Whether a path is slower than its siblings, and what was measured.

    ``io``: the totals at the last comparison.
    """

    io: IoFacts | None = None
    by_latency: Trend = _NOTHING
    by_round_trip: Trend = _NOTHING

    @property
    def slow(self) -> bool:
        """Whether it stands out from its siblings."""
        return self.by_latency.slow or self.by_round_trip.slow

    @property
    def compared(self) -> Comparison | None:
        """What a slow path is slow in, the latency first, as that is what users notice.

        Of a path that is slow no longer, the comparison that found it well; ``None`` if there was nothing to compare.
        """
        standings = (self.by_latency, self.by_round_trip)
        return next((found.compared for found in standings if found.compared and found.slow is self.slow), None)


_UNUSABLE = Slowness()


def evaluate(before: Mapping[str, Slowness], readings: Iterable[Reading]) -> dict[str, Slowness]:
    """The slowness of each path of one map, by label, after a comparison; ``before`` is the result of the last one.

    To be called every ``INTERVAL`` seconds. A disk's counters that stepped back, as those of a new disk or one that
    wrapped have, give no result for that window.
    """
    paths = tuple(readings)
    usable = {reading.label: reading for reading in paths if reading.usable}
    windows = {label: in_window(before.get(label, _UNUSABLE).io, reading.io) for label, reading in usable.items()}
    latencies = {label: seconds for label, (ios, seconds) in windows.items() if seconds is not None and ios >= ENOUGH}
    round_trips = _round_trips(usable.values())
    by_latency, by_round_trip = sorted(latencies.values()), sorted(round_trips.values())
    found = dict.fromkeys((reading.label for reading in paths), _UNUSABLE)
    for label, reading in usable.items():
        was = before.get(label, _UNUSABLE)
        latency = _compared(Measure.LATENCY, latencies.get(label), by_latency)
        round_trip = _compared(Measure.ROUND_TRIP, round_trips.get(reading.nexus), by_round_trip)
        found[label] = Slowness(
            io=reading.io or was.io,
            by_latency=_advanced(was.by_latency, latency),
            by_round_trip=_advanced(was.by_round_trip, round_trip),
        )
    return found


def _round_trips(readings: Iterable[Reading]) -> dict[str, float]:
    """The round trip of each session: one vote for each, however many paths go through it."""
    found: dict[str, float] = {}
    for reading in readings:
        if reading.nexus and reading.rtt is not None and isfinite(reading.rtt):
            found[reading.nexus] = max(reading.rtt, found.get(reading.nexus, reading.rtt))
    return found


def in_window(before: IoFacts | None, now: IoFacts | None) -> tuple[int, float | None]:
    """The I/Os between two readings of a disk's totals, and the seconds that one took; 0 and ``None`` without data."""
    if before is None or now is None:
        return 0, None
    ios = (now.reads - before.reads, now.writes - before.writes)
    milliseconds = (now.read_ms - before.read_ms, now.write_ms - before.write_ms)
    count, took = sum(ios), sum(milliseconds)
    if min(*ios, *milliseconds) < 0 or count == 0 or took > _LONGEST:
        return 0, None
    return count, took / count / 1000


def _compared(measure: Measure, value: float | None, ranked: Sequence[float]) -> Comparison | None:
    """The path's value against the others'; it is among ``ranked`` itself."""
    if value is None or len(ranked) < 2:
        return None
    return Comparison(measure, value, _median_without(ranked, bisect_left(ranked, value)))


def _median_without(ranked: Sequence[float], place: int) -> float:
    """The median of the sorted values but for the one at ``place``, at no cost for each of many paths."""
    count = len(ranked) - 1
    low, high = (ranked[at + (at >= place)] for at in ((count - 1) // 2, count // 2))
    return (low + high) / 2


def _advanced(before: Trend, seen: Comparison | None) -> Trend:
    """The verdict after a comparison, or after one without data."""
    if seen is None:
        if before.blank + 1 >= FORGET or not (before.slow or before.streak):
            return _NOTHING
        return replace(before, blank=before.blank + 1)
    against = seen.well if before.slow else seen.worse
    streak = before.streak + 1 if against else 0
    if streak == STREAK:
        return Trend(slow=not before.slow, compared=seen)
    if before.slow:
        return Trend(slow=True, streak=streak, compared=seen)
    return Trend(streak=streak) if streak else _NOTHING
