"""How a setting is declared, and what each kind of value accepts."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import inf, nan

import pytest

from mpathd_watch.core.model.declaration import COUNT, NAMES, SECONDS, TEXT, Kind, Setting, declared, setting


@dataclass(frozen=True, slots=True)
class Sample:
    """Two settings, and a field that is none."""

    name: str = setting("a", TEXT, "A name.")
    not_a_setting: int = field(default=1)
    times: int = setting(2, COUNT, "How many times.")


def test_what_is_declared_is_found_in_its_order_and_nothing_else_is() -> None:
    assert list(declared(Sample).values()) == [
        Setting("name", "a", TEXT, "A name."),
        Setting("times", 2, COUNT, "How many times."),
    ]


def test_a_declared_field_is_a_field_as_any_other() -> None:
    assert Sample() == Sample("a", 1, 2)
    assert Sample(times=3).times == 3


@pytest.mark.parametrize(
    ("kind", "value", "read"),
    [
        (TEXT, "", ""),
        (TEXT, "é", "é"),
        (NAMES, [], frozenset()),
        (NAMES, ["a", "b", "a"], frozenset({"a", "b"})),
        (SECONDS, 0, 0.0),
        (SECONDS, 3600, 3600.0),
        (COUNT, 0, 0),
        (COUNT, 100, 100),
    ],
)
def test_what_fits_is_read(kind: Kind[object], value: object, read: object) -> None:
    found = kind.read(value)
    assert found == read
    assert type(found) is type(read)


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        (TEXT, [1, True, ["a"], {}, "a\nb", "\u202e"]),
        (NAMES, ["a", 1, {"a": 1}, ["a", 1], ["a\nb"]]),
        (SECONDS, ["5", True, -0.1, 3600.1, nan, inf, [5]]),
        (COUNT, ["5", True, 1.0, -1, 101, [5]]),
    ],
)
def test_what_does_not_fit_is_not_read(kind: Kind[object], values: list[object]) -> None:
    assert [kind.read(value) for value in values] == [None] * len(values)
