"""Where the texts of a plot's marks stand: above the rows, on as few levels as possible, none over another one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Final

from mpathd_watch.core.model.text import clean
from mpathd_watch.immutable import immutable
from mpathd_watch.sinks.history.figure import Mark
from mpathd_watch.sinks.history.time_axis import clock

LETTER: Final = 7.4
"""Pixels that a character takes at most, on average, in the sans-serif fonts that readers have."""
_GAP: Final = 6.0


@immutable
class Label:
    """The text of one mark: its level from the top, the mark's place, and what it covers from left to right."""

    mark: Mark
    text: str
    level: int
    x: float
    begin: float
    end: float

    @property
    def leftwards(self) -> bool:
        """Whether it stands to the left of its mark."""
        return self.begin < self.x


def labels(marks: Iterable[Mark], place: Callable[[float], float], width: float) -> list[Label]:
    """The labels of ``marks`` in a plot of this width. From each, a line goes down to the rows."""
    rightwards: list[Label] = []
    leftwards: list[Label] = []
    for mark in sorted(marks, key=lambda mark: mark.at):
        moment = clock(mark.at) if mark.latest is None else f"{clock(mark.at)} to {clock(mark.latest)}"
        text, x = f"{clean(mark.text)} {moment}", place(mark.at)
        room = 4 + LETTER * len(text)
        fits = x + room < width
        label = Label(mark, text, 0, x, x if fits else x - room, x + room if fits else x)
        (rightwards if fits else leftwards).append(label)
    placed: list[Label] = []
    # In these orders, a line that comes later begins below the texts before it, and crosses none of them.
    for label in (*rightwards, *reversed(leftwards)):
        placed.append(_at_free_level(label, placed))
    return placed


def _at_free_level(label: Label, placed: Sequence[Label]) -> Label:
    levels = [Label(label.mark, label.text, level, label.x, label.begin, label.end) for level in range(len(placed) + 1)]
    free = [each for each in levels if not any(_covers(each, other) for other in placed)]
    # Where it can't be helped, a line crosses the text.
    return next((each for each in free if not any(_crosses(each, other) for other in placed)), free[0])


def _covers(one: Label, other: Label) -> bool:
    return one.level == other.level and one.begin < other.end + _GAP and other.begin < one.end + _GAP


def _crosses(one: Label, other: Label) -> bool:
    """Whether the line that begins at the upper of the two runs through the text of the lower one."""
    upper, lower = sorted((one, other), key=lambda label: label.level)
    return lower.begin < upper.x < lower.end
