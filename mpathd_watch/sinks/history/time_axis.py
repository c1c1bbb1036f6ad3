"""The time axis of a plot: where a moment is, which stretches are left out, and where the numbers stand."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import Final

from mpathd_watch.immutable import immutable

_SHORT: Final = 60.0
"""Seconds without an event that are always drawn to scale."""
_STEPS: Final = (
    *(0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30),
    *(60, 120, 300, 600, 1200, 1800),
    *(3600, 7200, 14400, 28800, 43200, 86400, 172800, 604800, 2592000),
)
"""Seconds from one number on the axis to the next, to choose from."""

_LEAST: Final = 1e-6
"""Seconds that an axis spans at least: the store counts in microseconds."""


@immutable
class Break:
    """A stretch of time in which nothing happened and which is drawn shorter than it was."""

    begin: float
    end: float


class TimeAxis:
    """Seconds from ``left`` to ``right``, in pixels.

    A failover takes seconds, and an outage may take days. So of a long stretch between two ``moments`` only as much is
    drawn as the busy stretches take twice.
    """

    def __init__(self, moments: Iterable[float], left: float, right: float) -> None:
        found = sorted(set(moments)) or [0.0]
        if found[-1] - found[0] < _LEAST:
            found = [found[0], found[0] + 1.0]
        busy = sum(until - at for at, until in pairwise(found) if until - at <= _SHORT)
        longest = max(_SHORT, 2 * busy)
        lengths = [min(until - at, longest) for at, until in pairwise(found)]
        self._scale = (right - left) / sum(lengths)
        self._places = [left]
        for length in lengths:
            self._places.append(self._places[-1] + length * self._scale)
        self._moments = found
        self.breaks = tuple(Break(at, until) for at, until in pairwise(found) if until - at > longest)

    @property
    def begin(self) -> float:
        """The first moment."""
        return self._moments[0]

    @property
    def end(self) -> float:
        """The last moment."""
        return self._moments[-1]

    def place(self, moment: float) -> float:
        """Where ``moment`` is; what is outside the axis is at its end."""
        for (at, until), (left, right) in zip(pairwise(self._moments), pairwise(self._places), strict=True):
            if moment <= until:
                return round(left + max(0.0, moment - at) / (until - at) * (right - left), 1)
        return round(self._places[-1], 1)

    def middle(self, left_out: Break) -> float:
        """Where the middle of a stretch is that is drawn shorter."""
        return round((self.place(left_out.begin) + self.place(left_out.end)) / 2, 1)

    def ticks(self, room: float) -> Iterator[float]:
        """The moments to write a number at, at least ``room`` pixels apart."""
        step = next((step for step in _STEPS if step * self._scale >= room), _STEPS[-1])
        last = -room
        for at, until in pairwise(self._moments):
            if Break(at, until) in self.breaks:
                continue
            number = -(-at // step)
            while number * step <= until:
                place = self.place(number * step)
                if place - last >= room:
                    yield number * step
                    last = place
                number += 1


def clock(seconds: float) -> str:
    """A moment of the axis: ``12.5``, ``2:05``, ``1:02:05``, ``3 d 1:02:05``; before the zero with a minus sign."""
    sign, seconds = ("\N{MINUS SIGN}", -seconds) if seconds < 0 else ("", seconds)
    if seconds < 60:
        return f"{sign}{round(seconds, 1) or 0:g}"
    whole = round(seconds)
    days, hours, minutes = whole // 86400, whole // 3600 % 24, whole // 60 % 60
    if whole < 3600:
        return f"{sign}{minutes}:{whole % 60:02}"
    return f"{sign}{f'{days} d ' if days else ''}{hours}:{minutes:02}:{whole % 60:02}"
