"""Events as JSON-ready dictionaries and back, by the events' own type hints.

A recording is read from a file that anybody may have cut or edited: whatever does not fit raises ``CodecError``.
"""

from __future__ import annotations

import types
from collections.abc import Hashable, Mapping
from dataclasses import fields, is_dataclass
from enum import StrEnum
from functools import cache
from math import inf, isfinite
from typing import Any, TypeVar, Union, cast, get_args, get_origin, get_type_hints

from mpathd_watch.core.events import Event
from mpathd_watch.core.model.outage import Outage
from mpathd_watch.core.model.text import clean

Record = TypeVar("Record")
_ENDLESS = "endless"
"""What stands for an infinite number in a mapping: that of a timeout that is switched off."""
_RETIRED: Mapping[type, frozenset[str]] = {Outage: frozenset({"shared"})}
"""Fields that records had in an older version. What that has written is read without them."""
_AS_IT_IS = frozenset({str, int, float, bool, type(None)})
"""The types whose values are JSON's own."""
_TOO_LARGE = 10**20
"""No source reads more than 20 digits, and with them every whole number fits into a float."""
_EVENTS: Mapping[str, type] = {kind.__name__: kind for kind in get_args(Event)}


class CodecError(ValueError):
    """A value that is not what its place asks for; the message names both."""


def encode_event(event: Event) -> dict[str, Any]:
    """``event`` with its type's name under ``event``."""
    return {"event": type(event).__name__, **encode(event)}


def decode_event(record: object) -> Event:
    """The event that ``encode_event`` made ``record`` from. Raises ``CodecError``."""
    if not isinstance(record, Mapping):
        raise CodecError("an event is a JSON object")
    name = record.get("event")
    kind = _EVENTS.get(name) if isinstance(name, str) else None
    if kind is None:
        raise CodecError(f"no event is called {str(name)[:40]!r}")
    event: Event = decode(kind, {key: value for key, value in record.items() if key != "event"})
    return event


def encode(value: Any) -> Any:
    """Dataclasses and mappings as objects, tuples and sets as lists, words as text, the rest as it is.

    A field that is infinite is left out: JSON has no such number, and it is the default of each field that may be.
    """
    kind: Any = type(value)
    if kind in _AS_IT_IS:
        return value
    if (names := _names(kind)) is not None:
        return _encoded_fields(value, names)
    if isinstance(value, tuple):
        return [encode(item) for item in value]
    if isinstance(value, frozenset):
        return sorted(encode(item) for item in value)
    if isinstance(value, Mapping):
        return {key: _ENDLESS if item == inf else encode(item) for key, item in value.items()}
    return str(value) if isinstance(value, StrEnum) else value


def _encoded_fields(record: Any, names: tuple[str, ...]) -> dict[str, Any]:
    # Most fields are numbers and text. In a storm hundreds of outages are encoded, and this loop is most of that.
    found = {}
    for name in names:
        value = getattr(record, name)
        if type(value) not in _AS_IT_IS:
            found[name] = encode(value)
        elif value != inf:
            found[name] = value
    return found


@cache
def _names(kind: type) -> tuple[str, ...] | None:
    """The names of a dataclass's fields."""
    return tuple(field.name for field in fields(kind)) if is_dataclass(kind) else None


def decode(kind: type[Record], record: object) -> Record:
    """An instance of the dataclass ``kind`` from a dictionary of its fields. Raises ``CodecError``.

    A field that is missing takes its default; one that ``kind`` does not have is an error.
    """
    if not isinstance(record, Mapping):
        raise CodecError(f"{kind.__name__} is a JSON object")
    hints = _hints(cast("Hashable", kind))
    if retired := _RETIRED.get(kind):
        record = {name: value for name, value in record.items() if name not in retired}
    unknown = [clean(str(name)[:40]) for name in record if name not in hints]
    if unknown:
        raise CodecError(f"{kind.__name__} has no {', '.join(sorted(unknown))}")
    try:
        return kind(**{name: _value(hints[name], value, f"{kind.__name__}.{name}") for name, value in record.items()})
    except TypeError as error:
        raise CodecError(f"{kind.__name__} lacks a field") from error
    except RecursionError as error:
        raise CodecError(f"{kind.__name__} is nested too deeply") from error


@cache
def _hints(kind: Hashable) -> Mapping[str, Any]:
    return get_type_hints(kind)


def _value(hint: Any, value: object, place: str) -> Any:
    origin = get_origin(hint)
    if origin in (types.UnionType, Union):
        return _one_of(get_args(hint), value, place)
    if origin in (tuple, frozenset):
        return origin(_items(get_args(hint), value, place))
    if origin is Mapping:
        return _mapping(get_args(hint)[1], value, place)
    if isinstance(hint, type) and is_dataclass(hint):
        return decode(hint, value)
    if issubclass(hint, StrEnum):
        try:
            return hint(value)
        except ValueError as error:
            raise CodecError(f"{place} can't be {str(value)[:40]!r}") from error
    return _scalar(hint, value, place)


def _items(hints: tuple[Any, ...], value: object, place: str) -> list[Any]:
    """The items of a list; as many as there are ``hints``, unless these are the one of ``tuple[X, ...]``."""
    if not isinstance(value, list):
        raise CodecError(f"{place} is a list")
    if len(hints) == 1 or hints[1] is Ellipsis:
        return [_value(hints[0], item, place) for item in value]
    if len(value) != len(hints):
        raise CodecError(f"{place} is a list of {len(hints)}")
    return [_value(hint, item, place) for hint, item in zip(hints, value, strict=True)]


def _mapping(hint: Any, value: object, place: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise CodecError(f"{place} is a JSON object")
    numbers = float in get_args(hint)
    return types.MappingProxyType(
        {
            _scalar(str, key, place): inf if numbers and item == _ENDLESS else _value(hint, item, place)
            for key, item in value.items()
        }
    )


def _one_of(hints: tuple[Any, ...], value: object, place: str) -> Any:
    """A value of a union: of scalars the one of its type, of anything else and ``None`` whichever it is."""
    if value is None and type(None) in hints:
        return None
    others = [hint for hint in hints if hint is not type(None)]
    return _value(next((hint for hint in others if type(value) is hint), others[0]), value, place)


def _scalar(hint: type, value: object, place: str) -> Any:
    if hint is float:
        return seconds(value, place)
    if type(value) is not hint:
        raise CodecError(f"{place} is of type {hint.__name__}, not {type(value).__name__}")
    if isinstance(value, str) and not value.isprintable():
        return clean(value)  # no source of ours wrote that, so nothing else has made it harmless
    if isinstance(value, int) and abs(value) >= _TOO_LARGE:
        raise CodecError(f"{place} is too large")
    return value


def seconds(value: object, place: str) -> float:
    """A finite number from JSON, where ``json`` also takes NaN, Infinity and 1e999. Raises ``CodecError``."""
    if type(value) not in (int, float):
        raise CodecError(f"{place} is of type float, not {type(value).__name__}")
    try:
        number = float(value)  # type: ignore[arg-type]  # mypy does not narrow by type()
    except OverflowError:
        number = inf
    if not isfinite(number):
        raise CodecError(f"{place} is not a finite number")
    return number
