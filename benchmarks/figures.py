"""What a measurement returns, and the statistics that it uses."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Figure:
    """One row of a table: what was measured, and what each peer took for the same in the same run.

    ``at`` is the size of what was measured, such as a number of paths.
    """

    name: str
    unit: str
    at: int
    ours: float
    peers: Mapping[str, float] = field(default_factory=dict)
    note: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a plot through its points, which are in order."""

    name: str
    points: tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class Plot:
    """Lines over one axis, which is logarithmic, or else has its points at even distances; the other is logarithmic."""

    key: str
    title: str
    across: str
    up: str
    lines: tuple[Line, ...]
    logarithmic: bool = True


@dataclass(frozen=True, slots=True)
class Section:
    """A part of the page; ``at`` is the noun for the sizes of its figures."""

    key: str
    title: str
    text: str
    figures: tuple[Figure, ...]
    at: str = "paths"
    plots: tuple[Plot, ...] = ()
    headlines: tuple[str, ...] = ()
    """The names of the figures that the page has at its top as well."""
    grows: bool = False
    """Whether it has figures of hosts of all sizes."""


def quantile(values: Sequence[float], share: float) -> float:
    """The least of the values that is not exceeded by this share of them (nearest rank)."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def by_size(figures: Sequence[Figure], name: str, key: str, title: str, *, across: str = "paths") -> tuple[Plot, ...]:
    """The plot of one figure over its sizes; none if there is only one size."""
    rows = sorted((each for each in figures if each.name == name), key=lambda each: each.at)
    if len(rows) < 2:
        return ()
    lines = [Line("mpathd-watch", tuple((row.at, row.ours) for row in rows))]
    lines += [
        Line(peer, tuple((row.at, row.peers[peer]) for row in rows if peer in row.peers)) for peer in rows[-1].peers
    ]
    return (Plot(key, title, across, rows[0].unit, tuple(lines)),)
