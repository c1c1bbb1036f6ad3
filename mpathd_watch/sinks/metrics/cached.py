"""The text of a block, written again only where what it is about has changed since the last scrape.

The objects of a block come in units of the immutable state, a map for the paths of a map. ``GROUP`` units have one text
for each row. A unit that is the same object as at the last scrape is not looked at; of another one only those rows are
written again that read a part of it that differs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import chain
from operator import is_
from typing import Any, Final, Generic

from mpathd_watch.sinks.metrics.labelled import labelled
from mpathd_watch.sinks.metrics.pieces import Piece, Text
from mpathd_watch.sinks.metrics.row import ALWAYS, Block, Labels, Point, Row, Thing, Units, whole
from mpathd_watch.sinks.metrics.text import labelled as text_of
from mpathd_watch.sinks.metrics.text import lines
from mpathd_watch.sinks.metrics.text import number as number_of
from mpathd_watch.sinks.view import View

GROUP: Final = 32
"""Units of a group. Of a larger one more is written again for one change; smaller ones are more pieces to join."""

Pause = Callable[[], None]
"""Called after each piece of work of less than a millisecond or so."""


class CachedBlock(Generic[Thing]):
    """A block, and the text that it had when it was last updated."""

    def __init__(self, block: Block[Thing]) -> None:
        self.block = block
        self._units = block.objects if isinstance(block.objects, Units) else None
        self._groups: list[_Group[Thing]] = []
        self._pieces: list[list[Piece]] = [[Piece(b"")] for _ in block.rows]
        """For each row one about others than the objects, and one for each group."""
        self._texts: list[Text] = [Text(()) for _ in block.rows]

    def update(self, view: View, pause: Pause) -> None:
        """Write what has changed."""
        if self._units is None:
            objects = list(self.block.found(view))
            self._texts = [Text([_piece(row, row.points(objects, view))]) for row in self.block.rows]
            pause()
            return
        found = self._units.all(view)
        if not self._fit(found):
            self._arrange(self._units, found)
        changed: set[int] = set()
        for number, group in enumerate(self._groups, 1):
            for row, piece in group.update(view, pause):
                self._pieces[row][number] = piece
                changed.add(row)
        for row, of in enumerate(self.block.rows):
            if of.others is not None:
                self._pieces[row][0] = _piece(of, of.other_points(view))
                changed.add(row)
        for row in changed:
            self._texts[row] = Text(tuple(self._pieces[row]))

    def texts(self) -> Iterator[tuple[Row[Thing], Text]]:
        """Each row with its text. Pieces that have not changed are the same objects as before."""
        return zip(self.block.rows, self._texts, strict=True)

    def _fit(self, found: Mapping[str, Any]) -> bool:
        """Give each group its units as they are now; ``False`` if some have come, gone, or have other labels."""
        if len(found) != sum(group.size for group in self._groups):
            return False
        return all(group.take(found) for group in self._groups)

    def _arrange(self, units: Units[Thing], found: Mapping[str, Any]) -> None:
        keys = {id(unit): key for key, unit in found.items()}
        order = [(keys[id(unit)], label, unit) for label, unit in labelled(found.values())]
        parts = list(dict.fromkeys(row.part for row in self.block.rows))
        self._groups = [
            _Group(self.block.rows, parts, units.objects, order[start : start + GROUP])
            for start in range(0, len(order), GROUP)
        ]
        self._pieces = [[Piece(b"")] * (len(self._groups) + 1) for _ in self.block.rows]
        self._texts = [Text(()) for _ in self.block.rows]


class _Group(Generic[Thing]):
    """Some units, one after the other."""

    def __init__(
        self,
        rows: tuple[Row[Thing], ...],
        parts: list[Callable[[Thing], object]],
        objects: Callable[[str, Any], Iterable[tuple[Labels, Thing]]],
        units: list[tuple[str, str, Any]],
    ) -> None:
        self._rows = rows
        self._parts = parts
        self._rows_of = [[number for number, row in enumerate(rows) if row.part is part] for part in parts]
        self._objects = objects
        self._keys = [key for key, _, _ in units]
        self._labels = [label for _, label, _ in units]
        self._units = [unit for _, _, unit in units]
        self._things = [list(objects(label, unit)) for _, label, unit in units]
        self._read: list[list[object] | None] = [None for _ in parts]
        """For each part, what it is of all objects; the text of the rows that read it is of these."""
        self._heads: dict[int, _Heads] = {}
        self._changed = True

    @property
    def size(self) -> int:
        """How many units it has."""
        return len(self._keys)

    def take(self, found: Mapping[str, Any]) -> bool:
        """Take the units as they are now; ``False`` if they, or their objects, are others."""
        for place, key in enumerate(self._keys):
            unit = found.get(key)
            before = self._units[place]
            if unit is before:
                continue
            if unit is None or unit.label != before.label:
                return False
            things = list(self._objects(self._labels[place], unit))
            if [labels for labels, _ in things] != [labels for labels, _ in self._things[place]]:
                return False
            self._units[place], self._things[place], self._changed = unit, things, True
        return True

    def update(self, view: View, pause: Pause) -> Iterator[tuple[int, Piece]]:
        """Write the rows that have changed: the number of each, and its text."""
        things: list[tuple[Labels, Thing]] | None = None
        for number, part in enumerate(self._parts):
            before = self._read[number]
            if self._changed:
                now = [part(thing) for _, thing in chain.from_iterable(self._things)]
                self._read[number] = now
                if _same(part, now, before) and ALWAYS not in now:
                    continue
            elif before is not None and ALWAYS not in before:
                continue
            if things is None:
                things = list(chain.from_iterable(self._things))
            for row in self._rows_of[number]:
                yield row, self._piece(row, things, view)
                pause()
        self._changed = False

    def _piece(self, number: int, things: list[tuple[Labels, Thing]], view: View) -> Piece:
        """The text of a row. What comes before a number is kept, as long as the objects have the same labels."""
        row = self._rows[number]
        if row.numbers is None:
            return _piece(row, row.points_of(things, view))
        if number not in self._heads:
            self._heads[number] = _Heads(row, things)
        values = chain.from_iterable([row.numbers(thing) for _, thing in things])
        return Piece(self._heads[number].text(tuple(values)).encode())


class _Heads:
    """What comes before the numbers of a row, which always are as many."""

    def __init__(self, row: Row[Thing], things: list[tuple[Labels, Thing]]) -> None:
        self._heads = [f"{row.metric}{text_of({**labels, **own})} " for labels, _ in things for own in row.series]
        self._all = "".join(f"{head.replace('%', '%%')}%s\n" for head in self._heads)

    def text(self, values: tuple[float | None, ...]) -> str:
        """A line for each number that is known."""
        known = [number_of(value) for value in values if value is not None]
        if len(known) == len(values):
            return self._all % tuple(known)
        pairs = zip(self._heads, values, strict=True)
        return "".join([f"{head}{number_of(value)}\n" for head, value in pairs if value is not None])


def _same(part: Callable[[Any], object], now: list[object], before: list[object] | None) -> bool:
    """Whether a part is still the same. Whole objects may be equal and yet differ in what does not count for them."""
    if before is None or len(now) != len(before):
        return False
    return all(map(is_, now, before)) if part is whole else now == before


def _piece(row: Row[Any], points: Iterable[Point]) -> Piece:
    return Piece(lines(row.metric, points).encode())
