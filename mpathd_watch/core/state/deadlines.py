"""What is to be looked at again, when, and whose it is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, MutableMapping
from enum import StrEnum
from itertools import chain
from math import inf
from typing import Any, Final, NamedTuple, Self, TypeVar, overload

Default = TypeVar("Default")


class Wait(StrEnum):
    """What a deadline of the core is for."""

    SETTLE = "settle"
    CAUSE = "cause"
    OVERDUE = "overdue"
    AUDIT = "audit"
    SCAN = "scan"
    NEXUSES = "nexuses"
    SILENCE = "silence"
    LOOK = "look"
    STEADY = "steady"
    SLOW_PATHS = "slow_paths"
    WATCH = "watch"
    ACCESS = "access"
    ATTENTIONS = "attentions"
    LUNS = "luns"
    MOVES = "moves"
    RESIZES = "resizes"
    LEARN = "learn"
    GRACE = "grace"
    REMOVED = "removed"
    INCIDENT = "incident"
    QUEUEING = "queueing"


_OF_A_MAP: Final = frozenset({Wait.SETTLE, Wait.WATCH, Wait.REMOVED, Wait.QUEUEING})


class Due(NamedTuple):
    """Whose deadline: of a path, of a map (no ``path``), or of all there is (no ``wwid`` either).

    ``wwid`` of a wait for an incident is the incident's id.
    """

    wait: Wait
    wwid: str = ""
    path: str = ""


SHELVES: Final = 128
"""Parts of the deadlines, by the map. A change copies one of them, and looks for its earliest moment."""

_NONE: Final[dict[Due, float]] = {}


class _Shelves(Mapping[Due, float]):
    """What can be read of deadlines, in no order."""

    __slots__ = ("_shelves", "_soonest")

    def __init__(self, shelves: list[dict[Due, float]], soonest: list[float]) -> None:
        self._shelves = shelves
        self._soonest = soonest
        """The earliest moment of each shelf, infinite of an empty one."""

    def __getitem__(self, due: Due) -> float:
        return self._shelves[_shelf(due.wwid)][due]

    @overload
    def get(self, due: Due, /) -> float | None: ...
    @overload
    def get(self, due: Due, /, default: float | Default) -> float | Default: ...
    def get(self, due: Due, /, default: Any = None) -> Any:
        """When it is due, or else ``default``."""
        return self._shelves[_shelf(due.wwid)].get(due, default)

    def __contains__(self, due: object) -> bool:
        return isinstance(due, Due) and due in self._shelves[_shelf(due.wwid)]

    def __len__(self) -> int:
        return sum(map(len, self._shelves))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({dict(sorted(self.items()))!r})"

    def __iter__(self) -> Iterator[Due]:
        return chain.from_iterable(self._shelves)


class Deadlines(_Shelves):
    """When each is due (CLOCK_MONOTONIC seconds). Those that are made of it (``draft``) share what is the same."""

    __slots__ = ()

    @classmethod
    def of(cls, deadlines: Mapping[Due, float]) -> Self:
        """The same deadlines; the same object if it is one of these already."""
        if isinstance(deadlines, cls):
            return deadlines
        shelves = [_NONE] * SHELVES
        for due, moment in deadlines.items():
            place = _shelf(due.wwid)
            shelves[place] = {**shelves[place], due: moment}
        return cls(shelves, [min(shelf.values(), default=inf) for shelf in shelves])

    @property
    def next(self) -> float | None:
        """The earliest moment."""
        soonest = min(self._soonest)
        return None if soonest == inf else soonest

    def draft(self) -> DeadlinesDraft:
        """A copy that can be changed."""
        return DeadlinesDraft(self)


class DeadlinesDraft(_Shelves, MutableMapping[Due, float]):
    """A copy of ``before`` in the making: a shelf that is written to is copied first, once."""

    __slots__ = ("_before", "_fresh")

    def __init__(self, before: Deadlines) -> None:
        super().__init__(before._shelves, before._soonest)  # the two share them
        self._before = before
        self._fresh: set[int] = set()

    def __setitem__(self, due: Due, moment: float) -> None:
        self._copied(_shelf(due.wwid))[due] = moment

    def __delitem__(self, due: Due) -> None:
        if due not in self:
            raise KeyError(due)
        del self._copied(_shelf(due.wwid))[due]

    def drop(self, due: Due) -> None:
        """Forget a deadline, if it is set."""
        place = _shelf(due.wwid)
        if due in self._shelves[place]:
            del self._copied(place)[due]

    def come(self, now: float) -> list[Due]:
        """Those whose moment has come, the earliest first."""
        shelves = (
            shelf
            for place, (shelf, soonest) in enumerate(zip(self._shelves, self._soonest, strict=True))
            if soonest <= now or place in self._fresh
        )
        come = [(moment, due) for shelf in shelves for due, moment in shelf.items() if moment <= now]
        return [due for _, due in sorted(come)]

    def drop_map(self, wwid: str) -> None:
        """Forget the deadlines of a map and its paths; those of all there is are not of a map that has no WWID."""
        for due in [due for due in self._shelves[_shelf(wwid)] if due.wwid == wwid]:
            if wwid or due.path or due.wait in _OF_A_MAP:
                del self[due]

    def finished(self) -> Deadlines:
        """The copy; ``before`` itself if nothing was written. The draft must not be written to any more."""
        if not self._fresh:
            return self._before
        soonest = self._soonest.copy()
        for place in self._fresh:
            soonest[place] = min(self._shelves[place].values(), default=inf)
        return Deadlines(self._shelves, soonest)

    def _copied(self, place: int) -> dict[Due, float]:
        """A shelf that is ours to write to."""
        if place not in self._fresh:
            if not self._fresh:
                self._shelves = self._shelves.copy()
            self._shelves[place] = self._shelves[place].copy()
            self._fresh.add(place)
        return self._shelves[place]


def _shelf(wwid: str) -> int:
    return hash(wwid) % SHELVES
