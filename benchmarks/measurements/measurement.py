"""What each module of this package has."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from benchmarks.effort import Effort
from benchmarks.figures import Figure, Plot
from benchmarks.host.host import Host


@dataclass(frozen=True, slots=True)
class Measurement:
    """A section of the page, and how its figures are found."""

    key: str
    title: str
    text: str
    sizes: Callable[[Effort], Sequence[int]]
    """The hosts to measure, by their number of paths."""
    measure: Callable[[Host, Effort], list[Figure]]
    plots: Callable[[Sequence[Figure]], tuple[Plot, ...]]
    headlines: tuple[str, ...]
    """The names of the figures that a reader wants first."""
    at: str = "paths"
    grows: bool = False
    """Whether it is about hosts of all sizes."""
