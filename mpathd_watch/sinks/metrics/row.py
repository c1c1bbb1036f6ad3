"""A metric is a row: its name, type, labels and HELP text, how it is read, and a query that shows what it is for.

A block is the rows about objects of one kind, with how these objects are found in the state. What a row writes of an
object is written again only when what it reads of the object has changed: see ``Row.part`` and ``Units``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from math import inf
from typing import Any, Final, Generic, TypeAlias, TypeVar

from mpathd_watch.core.catalog.words import Vocabulary
from mpathd_watch.core.model.histogram import Histogram
from mpathd_watch.core.model.identity import in_order
from mpathd_watch.core.model.text import clean
from mpathd_watch.immutable import immutable, replace
from mpathd_watch.sinks.metrics.labelled import labelled
from mpathd_watch.sinks.view import View

PREFIX: Final = "mpathd_watch_"

Thing = TypeVar("Thing")
Word = TypeVar("Word", bound=str)
Labels: TypeAlias = dict[str, str]
Point: TypeAlias = tuple[str, Labels, float]
"""One sample: what comes after the metric's name (empty but for a histogram), its labels and its value."""
Value: TypeAlias = tuple[Labels, float | Histogram]
"""A row's own labels, beside those that name the object, and the number there."""
Reader: TypeAlias = Callable[[Thing, View], Iterable[Value]]
"""What a row reads of one object; nothing where there is no series."""


class Kind(StrEnum):
    """The Prometheus types in use."""

    GAUGE = "gauge"
    COUNTER = "counter"
    HISTOGRAM = "histogram"


@dataclass(frozen=True, slots=True, eq=False)
class Label:
    """A label: its name, what it holds, and the words that it may hold where these are known beforehand."""

    name: str
    meaning: str
    words: Vocabulary | None = None


@immutable
class Example:
    """A PromQL query, and what it answers."""

    answers: str
    query: str


ALWAYS: Final = object()
"""As the part that a row reads: its samples of the object depend on more, such as the time of the scrape."""


def whole(thing: object) -> object:
    """All of an object, as the part of it that a row reads."""
    return thing


@immutable
class Row(Generic[Thing]):
    """One metric. ``labels`` are those beside the labels that name the object.

    ``absent`` says when there is no series although the object exists. ``part`` returns what the row reads of an
    object, or ``ALWAYS``: while that stays the same, so do its samples. ``others`` are samples about none of the
    objects, with all of the labels. ``numbers``: the same as ``read`` where an object always has the labels of
    ``series``, one number for each, ``None`` where there is none now.
    """

    name: str
    kind: Kind
    labels: tuple[Label, ...]
    help: str
    read: Reader[Thing]
    example: Example
    absent: str = ""
    part: Callable[[Thing], object] = whole
    others: Callable[[View], Iterable[Value]] | None = None
    series: tuple[Labels, ...] = ({},)
    numbers: Callable[[Thing], Sequence[float | None]] | None = None

    @property
    def metric(self) -> str:
        """The full name, as queries write it."""
        return PREFIX + self.name

    def points(self, objects: Iterable[tuple[Labels, Thing]], view: View) -> Iterator[Point]:
        """All samples: of others, and of all ``objects``, each under its own labels and the row's."""
        yield from self.other_points(view)
        yield from self.points_of(objects, view)

    def points_of(self, objects: Iterable[tuple[Labels, Thing]], view: View) -> Iterator[Point]:
        """The samples of these objects."""
        for labels, thing in objects:
            for own, value in self.read(thing, view):
                yield from _points({**labels, **own} if own else labels, value)

    def other_points(self, view: View) -> Iterator[Point]:
        """The samples about none of the objects."""
        for labels, value in self.others(view) if self.others else ():
            yield from _points(labels, value)


def reading(part: Callable[[Thing], object], rows: Iterable[Row[Thing]]) -> Iterator[Row[Thing]]:
    """The rows, which all read this part of an object."""
    return (replace(row, part=part) for row in rows)


@immutable
class Units(Generic[Thing]):
    """Immutable pieces of the state, by which the objects of a block are found: a map, for the paths of a map.

    ``all`` returns them by a key that lasts. ``objects`` takes a label that no two of them share.
    """

    all: Callable[[View], Mapping[str, Any]]
    objects: Callable[[str, Any], Iterable[tuple[Labels, Thing]]]

    def found(self, view: View) -> Iterator[tuple[Labels, Thing]]:
        """The objects of all of them."""
        for label, unit in labelled(self.all(view).values()):
            yield from self.objects(label, unit)


@immutable
class Block(Generic[Thing]):
    """The metrics of objects of one kind. ``labels`` name an object, in every row; ``title`` names them all.

    The objects are found in ``units``, or all at once by a function where there are few.
    """

    title: str
    labels: tuple[Label, ...]
    objects: Callable[[View], Iterable[tuple[Labels, Thing]]] | Units[Thing]
    rows: tuple[Row[Thing], ...]

    def families(self, view: View) -> Iterator[tuple[Row[Thing], Iterator[Point]]]:
        """Each row with its samples."""
        objects = list(self.found(view))
        for row in self.rows:
            yield row, row.points(objects, view)

    def found(self, view: View) -> Iterable[tuple[Labels, Thing]]:
        """All objects, under their labels."""
        return self.objects.found(view) if isinstance(self.objects, Units) else self.objects(view)


def _points(labels: Labels, value: float | Histogram) -> Iterator[Point]:
    if isinstance(value, Histogram):
        yield from _buckets(labels, value)
    else:
        yield "", labels, value


def _buckets(labels: Labels, histogram: Histogram) -> Iterator[Point]:
    for edge, count in histogram.buckets():
        yield "_bucket", {**labels, "le": "+Inf" if edge == inf else str(edge)}, count
    yield "_sum", labels, histogram.sum
    yield "_count", labels, histogram.count


# --- rows of one kind or another --------------------------------------------------------------------------------------


def gauge(
    name: str, text: str, read: Callable[[Thing], float | None], example: Example, *, absent: str = ""
) -> Row[Thing]:
    """One number for each object, absent where ``read`` knows none."""
    return _fixed(Row(name, Kind.GAUGE, (), text, _nothing, example, absent), ({},), lambda thing: (read(thing),))


def counter(
    name: str, text: str, read: Callable[[Thing], float | None], example: Example, *, absent: str = ""
) -> Row[Thing]:
    """One count for each object, absent where ``read`` knows none."""
    return _fixed(Row(name, Kind.COUNTER, (), text, _nothing, example, absent), ({},), lambda thing: (read(thing),))


def by_each(
    name: str,
    text: str,
    label: Label,
    read: Callable[[Thing], Sequence[float | None]],
    example: Example,
    *,
    absent: str = "",
) -> Row[Thing]:
    """One count for each word of the label's vocabulary, in its order, absent where ``read`` knows none."""
    own = tuple(labels for _, labels in _each_word(label))
    return _fixed(Row(name, Kind.COUNTER, (label,), text, _nothing, example, absent), own, read)


def info(name: str, text: str, labels: Mapping[Label, Callable[[Thing], str]], example: Example) -> Row[Thing]:
    """Always 1, with labels that are read from the object and made printable."""

    def series(thing: Thing, _: View) -> Iterable[Value]:
        return (({label.name: clean(read(thing)) for label, read in labels.items()}, 1.0),)

    return Row(name, Kind.GAUGE, tuple(labels), text, series, example)


def states(name: str, text: str, words: Vocabulary, read: Callable[[Thing], str], example: Example) -> Row[Thing]:
    """A state set: one series for every word of the vocabulary, 1 for the word that holds and 0 for the others."""
    label = Label("state", "The word that the series stands for.", words)
    own = _each_word(label)

    def series(thing: Thing, _: View) -> Iterable[Value]:
        holds = read(thing)
        for word, labels in own:
            yield labels, 1.0 if word == holds else 0.0

    return Row(name, Kind.GAUGE, (label,), text, series, example)


def counts(
    name: str, text: str, label: Label, read: Callable[[Thing], Mapping[str, int]], example: Example
) -> Row[Thing]:
    """One count for each entry of a mapping. Its keys, made printable, become the values of ``label``."""

    def series(thing: Thing, _: View) -> Iterable[Value]:
        merged: dict[str, int] = {}
        for key, count in read(thing).items():
            merged[clean(key)] = merged.get(clean(key), 0) + count
        for key in sorted(merged, key=in_order):
            yield {label.name: key}, merged[key]

    return Row(name, Kind.COUNTER, (label,), text, series, example)


def by_word(
    name: str, text: str, label: Label, read: Callable[[Thing], Mapping[Word, int]], example: Example
) -> Row[Thing]:
    """One count for each word of the label's vocabulary, from 0 on."""
    own = _each_word(label)

    def series(thing: Thing, _: View) -> Iterable[Value]:
        found: dict[str, int] = dict(read(thing).items())
        for word, labels in own:
            yield labels, found.get(word, 0)

    return Row(name, Kind.COUNTER, (label,), text, series, example)


def _each_word(label: Label) -> tuple[tuple[str, Labels], ...]:
    return tuple((word, {label.name: str(word)}) for word in (label.words.meanings if label.words else ()))


def _fixed(row: Row[Thing], own: tuple[Labels, ...], numbers: Callable[[Thing], Sequence[float | None]]) -> Row[Thing]:
    """The row, which always has these series."""

    def read(thing: Thing, _: View) -> Iterable[Value]:
        return [(labels, value) for labels, value in zip(own, numbers(thing), strict=True) if value is not None]

    return replace(row, read=read, series=own, numbers=numbers)


def _nothing(_thing: object, _view: View) -> Iterable[Value]:
    """What a row reads until it has its reader."""
    return ()
