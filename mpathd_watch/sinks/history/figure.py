"""What a plot shows: rows of states, marks and phases. All moments are seconds of its time axis."""

from __future__ import annotations

from enum import StrEnum

from mpathd_watch.immutable import immutable


class Look(StrEnum):
    """What a state means for I/O, which is the colour that it is drawn in."""

    GOOD = "good"
    HELD = "held"
    BAD = "bad"
    BACK = "back"
    DULL = "dull"


@immutable
class Bar:
    """A state that lasted from ``begin`` to ``end``, in seconds of the plot's axis."""

    begin: float
    end: float
    word: str
    look: Look


@immutable
class Row:
    """One layer: its states, the oldest first."""

    name: str
    bars: tuple[Bar, ...]


@immutable
class Mark:
    """A moment. Of one that nobody watched only a range is known, which ends at ``latest``."""

    at: float
    text: str
    latest: float | None = None
    deadline: bool = False


@immutable
class Phase:
    """A phase that began at ``begin`` and took ``seconds``, or where that is a range at most ``most`` seconds.

    ``allowed``: the seconds that it may take, ``None`` where nothing bounds it. ``over``: it took longer.
    """

    name: str
    begin: float
    seconds: float
    most: float | None = None
    allowed: float | None = None
    over: bool = False
