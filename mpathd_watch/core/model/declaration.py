"""How a setting is declared: one dataclass field that carries its default, its check and its documentation.

The configuration file is read by these declarations, and ``tools/settings.py`` writes config.toml and the manual page
from them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import field, fields
from typing import Any, Generic, TypeVar

from mpathd_watch.immutable import immutable

Value = TypeVar("Value")
Example = tuple[tuple[str, str | int | tuple[str, ...]], ...]
"""The keys and values of a table."""


@immutable
class Kind(Generic[Value]):
    """What the value of a setting must be.

    ``wanted`` completes the sentence "it must be ...". ``read`` gives the value of what TOML holds, ``None`` for
    anything that does not fit. ``fault``: in a clause, what does not fit; empty where the value itself shows that.
    """

    wanted: str
    read: Callable[[object], Value | None]
    fault: Callable[[object], str] = field(default=lambda _: "")


@immutable
class Setting:
    """One declared setting. ``about`` is its documentation, in whole sentences.

    ``example`` is one table of a setting that TOML spells as ``[[key]]``, or as ``[key]`` if its default is no tuple.
    It is empty for any other setting.
    """

    key: str
    default: Any
    kind: Kind[Any]
    about: str
    example: Example = ()


def setting(default: Value, kind: Kind[Value], about: str, example: Example = ()) -> Value:
    """Declare a setting; to be used as ``dataclasses.field`` is."""
    metadata = {"kind": kind, "about": about, "example": example}
    declared: Value = field(default=default, metadata=metadata)
    return declared


def declared(owner: type) -> Mapping[str, Setting]:
    """The settings that the dataclass ``owner`` declares, by key, in their order."""
    return {
        each.name: Setting(each.name, each.default, **each.metadata)
        for each in fields(owner)
        if "kind" in each.metadata
    }


def _read_text(value: object) -> str | None:
    return value if isinstance(value, str) and value.isprintable() else None


def _read_texts(value: object) -> frozenset[str] | None:
    if not isinstance(value, list) or any(_read_text(item) is None for item in value):
        return None
    return frozenset(value)


def _read_seconds(value: object) -> float | None:
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 <= value <= 3600:
        return None
    return float(value)


def _read_yes_or_no(value: object) -> bool | None:
    return value if isinstance(value, bool) else None


def _whole(least: int, most: int) -> Kind[int]:
    """A whole number within these limits."""

    def read(value: object) -> int | None:
        return value if isinstance(value, int) and not isinstance(value, bool) and least <= value <= most else None

    return Kind(f"a whole number from {least} to {most}", read)


TEXT = Kind("a text", _read_text)
YES_OR_NO = Kind("true or false", _read_yes_or_no)
NAMES = Kind("a list of names or WWIDs", _read_texts)
SECONDS = Kind("a number of seconds from 0 to 3600", _read_seconds)
COUNT = _whole(0, 100)
DAYS = _whole(1, 36_500)
MEBIBYTES = _whole(1, 1_000_000)
