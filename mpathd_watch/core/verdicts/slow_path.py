"""Slow paths: one path of a map is slow while its siblings are not.

Only siblings are compared: what is slow for the disk is slow on all its paths, and is not the path's fault. There are
two measures. The I/O latency (``io_latency``) is what users notice, but needs I/O on the path and on a sibling, which
an active/passive map does not have. The round trip is measured by TCP on any connection, even if only the kernel's
pings use it; paths that share a session share it.

Every ``INTERVAL`` seconds the round trip of each path is compared with the median of the other sessions'. It is worse
if it takes ``WORSE`` times as long as they do and is ``EXCESS`` above them. It is well if it is below ``WELL`` times or
half that excess. ``STREAK`` comparisons in a row that find it worse make it slow, and as many that find it well end
that. A result in between ends a streak and changes nothing else.

A verdict is dropped at once when the path is no longer usable: that has alerts of its own, and the connection that
comes back is another one. Where there is nothing to compare for five minutes (``FORGET``), because the path or all of
its siblings have no data, it is dropped as well. A shorter lull changes nothing.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import field
from math import isfinite

from mpathd_watch.core.verdicts.comparison import Comparison, Measure
from mpathd_watch.core.verdicts.io_latency import Latency
from mpathd_watch.immutable import immutable, replace

INTERVAL = 10.0
"""Seconds between comparisons of the round trip."""

STREAK = 6
"""Comparisons in a row that change the verdict, a minute of them. The kernel smooths the round trip: a new sample has a
weight of 1/8 (tcp_rtt_estimator() in net/ipv4/tcp_input.c). On a connection that only pings use, one late answer among
them shows for three quarters of a minute."""

WORSE = 3.0
WELL = 2.0
"""Clearly below ``WORSE``, so that a path on the edge is not slow and well by turns."""

EXCESS = 0.045
"""Seconds. A round trip may take 40 ms more on the session that does the work without any fault of the network, while
that of an idle one takes none: a target sends its acknowledgement with the answer to the command, or after
TCP_DELACK_MIN if that takes longer (include/net/tcp.h), and whose load it is can't be seen from one map's I/O."""

FORGET = 30
"""Comparisons without data after which a verdict is dropped: five minutes."""


@immutable
class Reading:
    """What is known of one path of a map at the moment of a comparison.

    ``usable``: it is up or suspect. ``rtt``: the round trip of its session's connection in seconds. ``nexus``: the
    label of the nexus, empty where there is none.
    """

    label: str
    usable: bool
    rtt: float | None
    nexus: str


@immutable
class Trend:
    """The verdict on a path by its round trip.

    ``streak``: how many comparisons in a row contradict the verdict. ``blank``: how many there have been since one had
    data. ``compared``: the last one of a slow path, or the one that has just found it well.
    """

    slow: bool = False
    streak: int = 0
    blank: int = 0
    compared: Comparison | None = None


NOTHING = Trend()
"""Nothing stands out, and nothing has begun to."""


@immutable
class Slowness:
    """Whether a path is slower than its siblings, and what was measured."""

    by_latency: Latency = field(default=Latency())
    by_round_trip: Trend = NOTHING

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


def alike(round_trips: Iterable[float | None]) -> bool:
    """Whether no session with one of these can be worse than others, which spares most hosts all comparisons."""
    known = [value for value in round_trips if value is not None and isfinite(value)]
    return not known or max(known) - min(known) < EXCESS


def compare_round_trips(before: Mapping[str, Trend], readings: Iterable[Reading]) -> dict[str, Trend]:
    """The verdict on each path of one map, by label, after a comparison; ``before`` is the result of the last one.

    To be called every ``INTERVAL`` seconds.
    """
    paths = tuple(readings)
    usable = {reading.label: reading for reading in paths if reading.usable}
    round_trips = _round_trips(usable.values())
    ranked = sorted(round_trips.values())
    found = dict.fromkeys((reading.label for reading in paths), NOTHING)
    for label, reading in usable.items():
        found[label] = _advanced(before.get(label, NOTHING), _compared(round_trips.get(reading.nexus), ranked))
    return found


def _round_trips(readings: Iterable[Reading]) -> dict[str, float]:
    """The round trip of each session: one vote for each, however many paths go through it."""
    found: dict[str, float] = {}
    for reading in readings:
        if reading.nexus and reading.rtt is not None and isfinite(reading.rtt):
            found[reading.nexus] = max(reading.rtt, found.get(reading.nexus, reading.rtt))
    return found


def _compared(value: float | None, ranked: Sequence[float]) -> Comparison | None:
    """The path's value against the others'; it is among ``ranked`` itself."""
    if value is None or len(ranked) < 2:
        return None
    siblings = _median_without(ranked, bisect_left(ranked, value))
    return Comparison(Measure.ROUND_TRIP, value, siblings, STREAK * INTERVAL)


def _median_without(ranked: Sequence[float], place: int) -> float:
    """The median of the sorted values but for the one at ``place``, at no cost for each of many paths."""
    count = len(ranked) - 1
    low, high = (ranked[at + (at >= place)] for at in ((count - 1) // 2, count // 2))
    return (low + high) / 2


def _worse(seen: Comparison) -> bool:
    return _above(seen, WORSE, EXCESS)


def _well(seen: Comparison) -> bool:
    return not _above(seen, WELL, EXCESS / 2)


def _above(seen: Comparison, factor: float, excess: float) -> bool:
    return seen.value >= factor * seen.siblings and seen.value - seen.siblings >= excess


def _advanced(before: Trend, seen: Comparison | None) -> Trend:
    """The verdict after a comparison, or after one without data."""
    if seen is None:
        if before.blank + 1 >= FORGET or not (before.slow or before.streak):
            return NOTHING
        return replace(before, blank=before.blank + 1)
    against = _well(seen) if before.slow else _worse(seen)
    streak = before.streak + 1 if against else 0
    if streak == STREAK:
        return Trend(slow=not before.slow, compared=seen)
    if before.slow:
        return Trend(slow=True, streak=streak, compared=seen)
    return Trend(streak=streak) if streak else NOTHING
