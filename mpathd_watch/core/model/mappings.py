"""Mappings that nobody can write to."""

from __future__ import annotations

from collections.abc import ItemsView, Iterator, Mapping, MutableMapping, ValuesView
from itertools import chain
from types import MappingProxyType
from typing import Any, Final, Self, TypeVar, overload

Key = TypeVar("Key")
Value = TypeVar("Value")
Default = TypeVar("Default")

CHUNK: Final = 64
"""Items of a chunk. A change copies one chunk and the list of all of them: with 2,500 items, 40 and 64 references."""


def frozen(items: Mapping[Key, Value]) -> Mapping[Key, Value]:
    """A read-only view of ``items``, which nobody else may hold."""
    return MappingProxyType(items if isinstance(items, dict) else dict(items))


def empty() -> Mapping[Any, Any]:
    """A read-only mapping without any item: the default of a field."""
    return MappingProxyType({})


class _Chunks(Mapping[Key, Value]):
    """What can be read of items in chunks. They keep the order in which they came, as those of a dictionary do.

    ``_places``: the number of each key's chunk.
    """

    __slots__ = ("_chunks", "_places")

    def __init__(self, chunks: list[dict[Key, Value]], places: dict[Key, int]) -> None:
        self._chunks = chunks
        self._places = places

    def __getitem__(self, key: Key) -> Value:
        return self._chunks[self._places[key]][key]

    @overload
    def get(self, key: Key, /) -> Value | None: ...
    @overload
    def get(self, key: Key, /, default: Value | Default) -> Value | Default: ...
    def get(self, key: Key, /, default: Any = None) -> Any:
        """The value of ``key``, or else ``default``."""
        place = self._places.get(key)
        return default if place is None else self._chunks[place][key]

    def __contains__(self, key: object) -> bool:
        return key in self._places

    def __len__(self) -> int:
        return len(self._places)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({dict(self.items())!r})"

    def __iter__(self) -> Iterator[Key]:
        return chain.from_iterable(self._chunks)

    def items(self) -> ItemsView[Key, Value]:
        """The keys with their values."""
        return _Items(self)

    def values(self) -> ValuesView[Value]:
        """The values."""
        return _Values(self)

    @property
    def chunks(self) -> list[dict[Key, Value]]:
        """The items, chunk by chunk. Only to be read."""
        return self._chunks


class Chunked(_Chunks[Key, Value]):
    """A read-only mapping. Another one that was made of it (``draft``) shares each chunk in which nothing differs."""

    __slots__ = ()

    @classmethod
    def of(cls, items: Mapping[Key, Value]) -> Self:
        """The items of any mapping, in its order; the same object if it is one of these already."""
        if isinstance(items, cls):
            return items
        pairs = list(items.items())
        chunks = [dict(pairs[start : start + CHUNK]) for start in range(0, len(pairs), CHUNK)]
        return cls(chunks, {key: number for number, chunk in enumerate(chunks) for key in chunk})

    def draft(self) -> ChunkedDraft[Key, Value]:
        """A copy that can be changed."""
        return ChunkedDraft(self)


class ChunkedDraft(_Chunks[Key, Value], MutableMapping[Key, Value]):
    """A copy of ``before`` in the making: what is written to is copied first, once."""

    __slots__ = ("_before", "_fresh", "_moved")

    def __init__(self, before: Chunked[Key, Value]) -> None:
        super().__init__(before._chunks, before._places)  # the two share them
        self._before = before
        self._fresh: set[int] = set()
        self._moved = False

    def __setitem__(self, key: Key, value: Value) -> None:
        place = self._places.get(key)
        if place is None:
            self._move()
            if not self._chunks or len(self._chunks[-1]) >= CHUNK:
                self._chunks = [*self._chunks, {}]
            place = self._places[key] = len(self._chunks) - 1
        elif self._chunks[place][key] is value:
            return
        self._copied(place)[key] = value

    def __delitem__(self, key: Key) -> None:
        place = self._places[key]
        self._move()
        del self._copied(place)[key], self._places[key]

    @property
    def changed(self) -> bool:
        """Whether anything differs from ``before``: a value that is another object, a key that came or went."""
        return bool(self._fresh)

    def finished(self) -> Chunked[Key, Value]:
        """The copy; ``before`` itself if nothing was written. The draft must not be written to any more."""
        if not self._fresh:
            return self._before
        if self._moved and len(self._chunks) > 2 * (1 + len(self) // CHUNK):
            return Chunked.of(dict(self.items()))
        return Chunked(self._chunks, self._places)

    def _copied(self, place: int) -> dict[Key, Value]:
        """A chunk that is ours to write to."""
        if place not in self._fresh:
            if not self._fresh:
                self._chunks = self._chunks.copy()
            self._chunks[place] = self._chunks[place].copy()
            self._fresh.add(place)
        return self._chunks[place]

    def _move(self) -> None:
        """Keys come or go: the places are ours to write to."""
        if not self._moved:
            self._places, self._moved = self._places.copy(), True


class _Items(ItemsView[Key, Value]):
    """Without a look-up for each key."""

    _mapping: _Chunks[Key, Value]

    def __iter__(self) -> Iterator[tuple[Key, Value]]:
        return chain.from_iterable(chunk.items() for chunk in self._mapping.chunks)


class _Values(ValuesView[Value]):
    """Without a look-up for each key."""

    _mapping: _Chunks[Any, Value]

    def __iter__(self) -> Iterator[Value]:
        return chain.from_iterable(chunk.values() for chunk in self._mapping.chunks)
