"""Immutable classes that are quick to define: a command defines two hundred of them when it starts.

``dataclass(frozen=True, slots=True)`` of Python 3.11 compiles seven methods for each class. That takes 0.4 ms, and it
was 80 of the 230 ms that ``check`` took. Only ``__init__`` has to be compiled to be fast, and only of a class of which
there are objects. The other methods can be functions that know the names of the fields. So a class takes 0.05 ms.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import MISSING, Field, FrozenInstanceError, dataclass, field, fields
from operator import attrgetter
from types import FunctionType
from typing import Any, TypeVar, dataclass_transform

Made = TypeVar("Made")


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def immutable(plain: type[Made]) -> type[Made]:
    """A class like that of ``dataclass(frozen=True, slots=True)``, which ``dataclasses`` treats as one of its own.

    Of the parameters of ``field`` it heeds ``default``, ``default_factory``, ``compare`` and ``repr``.
    """
    # A class without a docstring would get one from inspect.signature(), which takes longer than all the rest.
    plain.__doc__ = plain.__doc__ or plain.__name__
    # Without these methods ``dataclass`` compiles nothing; it collects the fields, and makes the slots.
    made: type[Any] = dataclass(init=False, repr=False, eq=False, slots=True)(plain)
    made.__init__ = _Init(made)
    for method in (*_comparison(made), *_description(made), *_protection()):
        method.__qualname__ = f"{made.__qualname__}.{method.__name__}"
        setattr(made, method.__name__, method)
    return made


class _Init:
    """``__init__`` until it is first used. Then it is compiled and takes this place: few commands use all classes."""

    def __init__(self, made: type[Any]) -> None:
        self._made = made

    def __get__(self, instance: object, owner: type) -> Callable[..., None]:
        init = _init(self._made)
        init.__qualname__ = f"{self._made.__qualname__}.__init__"
        self._made.__init__ = init
        bound: Callable[..., None] = init.__get__(instance, owner)
        return bound


def _init(made: type) -> FunctionType:
    """``__init__``. It writes into the slots directly, since ``setattr`` refuses to write."""
    names: dict[str, Any] = {"missing": MISSING}
    parameters, lines = ["self"], []
    for each in fields(made):
        name = each.name
        names[f"set_{name}"] = getattr(made, name).__set__
        if each.default_factory is not MISSING:
            names[f"new_{name}"] = each.default_factory
            parameters.append(f"{name}=missing")
            lines.append(f"set_{name}(self, new_{name}() if {name} is missing else {name})")
        else:
            names[f"default_{name}"] = each.default
            parameters.append(name if each.default is MISSING else f"{name}=default_{name}")
            lines.append(f"set_{name}(self, {name})")
    body = "\n  ".join(lines or ["pass"])
    text = f"def within({', '.join(names)}):\n def __init__({', '.join(parameters)}):\n  {body}\n return __init__"
    defined: dict[str, Any] = {}
    exec(text, vars(sys.modules[made.__module__]), defined)  # noqa: S102  # as dataclasses does; all names are the fields'
    init: FunctionType = defined["within"](**names)
    init.__annotations__ = {**{each.name: each.type for each in fields(made)}, "return": None}
    return init


def _comparison(made: type) -> Iterator[Callable[..., Any]]:
    """``__eq__`` and ``__hash__``: objects of the same class are equal if the fields that count are."""
    values = _values([each for each in fields(made) if each.compare])

    def __eq__(self: object, other: object) -> bool:  # noqa: N807  # here and below: it becomes a method of the class
        if other.__class__ is not self.__class__:
            return NotImplemented
        return self is other or bool(values(self) == values(other))

    def __hash__(self: object) -> int:  # noqa: N807
        return hash(values(self))

    yield from (__eq__, __hash__)


def _description(made: type) -> Iterator[Callable[..., Any]]:
    """``__repr__`` as that of a dataclass, and ``__reduce__`` for copies and pickles."""
    everything = [each.name for each in fields(made)]
    shown = [each.name for each in fields(made) if each.repr]

    def __repr__(self: object) -> str:  # noqa: N807
        return f"{type(self).__qualname__}({', '.join(f'{name}={getattr(self, name)!r}' for name in shown)})"

    def __reduce__(self: object) -> tuple[type, tuple[Any, ...]]:  # noqa: N807
        return type(self), tuple(getattr(self, name) for name in everything)

    yield from (__repr__, __reduce__)


def _protection() -> Iterator[Callable[..., None]]:
    """``__setattr__`` and ``__delattr__``, which refuse."""

    def __setattr__(_self: object, name: str, _value: object) -> None:  # noqa: N807
        raise FrozenInstanceError(f"cannot assign to field {name!r}")

    def __delattr__(_self: object, name: str) -> None:  # noqa: N807
        raise FrozenInstanceError(f"cannot delete field {name!r}")

    yield from (__setattr__, __delattr__)


def _values(counted: list[Field[Any]]) -> Callable[[object], object]:
    """A function that returns the values of these fields."""
    if not counted:
        return lambda _: ()
    return attrgetter(*(each.name for each in counted))
