"""What the administrator has declared that a map should have, and how the configuration file spells it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields

from mpathd_watch.core.model.declaration import Kind
from mpathd_watch.immutable import immutable

MOST_PATHS = 1024
"""Paths that may be declared of one map: more than any array has ports."""


@immutable
class Expectation:
    """A map, by name or WWID, should have these paths: a number of them, or each by its name."""

    map: str
    number: int = 0
    paths: frozenset[str] = frozenset()


_KEYS = tuple(sorted(each.name for each in fields(Expectation) if each.name != "number"))


def _fault(value: object) -> str:
    """What is wrong with the value of ``expect``, a clause; empty if nothing is."""
    if not isinstance(value, list) or not all(isinstance(entry, Mapping) for entry in value):
        return "it must be tables, each of them headed [[expect]]"
    for number, entry in enumerate(value, 1):
        for key in sorted(entry.keys() - set(_KEYS)):
            return f"table {number} has the unknown key {key!r:.40} (known: {', '.join(_KEYS)})"
        for key in _KEYS:
            if key not in entry:
                return f"table {number} has no {key}"
        if not _is_name(entry["map"]):
            return f"map of table {number} must be a text that is not empty"
        if not _are_paths(entry["paths"]):
            return f"paths of table {number} must be a whole number from 1 to {MOST_PATHS}, or a list of names"
    named = [entry["map"] for entry in value]
    twice = sorted({name for name in named if named.count(name) > 1})
    return f"map {twice[0]!r:.60} is in more than one table" if twice else ""


def _is_name(value: object) -> bool:
    return isinstance(value, str) and value.isprintable() and bool(value.strip())


def _are_paths(value: object) -> bool:
    if isinstance(value, list):
        return 0 < len(value) <= MOST_PATHS and all(map(_is_name, value))
    return isinstance(value, int) and not isinstance(value, bool) and 0 < value <= MOST_PATHS


def _read(value: object) -> tuple[Expectation, ...] | None:
    if _fault(value) or not isinstance(value, list):
        return None
    return tuple(_expectation(entry["map"], entry["paths"]) for entry in value)


def _expectation(name: str, paths: int | list[str]) -> Expectation:
    if isinstance(paths, int):
        return Expectation(name, number=paths)
    return Expectation(name, number=len(set(paths)), paths=frozenset(paths))


EXPECTATIONS = Kind("tables with map and paths", _read, _fault)
