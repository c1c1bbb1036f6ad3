"""Immutable classes that are quick to define: a command defines two hundred of them when it starts.

``dataclass(frozen=True, slots=True)`` of Python 3.11 compiles seven methods for each class. That takes 0.4 ms, and it
was 80 of the 230 ms that ``check`` took. Only what makes objects has to be compiled to be fast, and only of a class of
which there are objects. The other methods can be functions that know the names of the fields. So a class takes 0.05 ms.

Their objects are quick to make, too: one event replaces twenty. While an object is filled, it is one of a subclass that
can be written to; then it becomes one of its own class. So ``replace`` takes 0.4 us for 18 fields, and that of
``dataclasses`` 2.5 us.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import MISSING, Field, FrozenInstanceError, dataclass, field, fields
from operator import attrgetter
from typing import TYPE_CHECKING, Any, TypeVar, dataclass_transform

__all__ = ["immutable", "replace"]

Made = TypeVar("Made")

if TYPE_CHECKING:
    # By this name mypy knows that the changes are fields, and of which types.
    from dataclasses import replace
else:

    def replace(record: Made, /, **changes: Any) -> Made:
        """A record like this one but for ``changes``. Only for what ``immutable`` has made."""
        copied = record.__unlocked__()
        for name, value in changes.items():
            setattr(copied, name, value)
        copied.__class__ = record.__class__
        return copied


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def immutable(plain: type[Made]) -> type[Made]:
    """A class like that of ``dataclass(frozen=True, slots=True)``, which ``dataclasses`` treats as one of its own.

    Of the parameters of ``field`` it heeds ``default``, ``default_factory``, ``compare`` and ``repr``. A subclass is
    made in the same way.
    """
    # A class without a docstring would get one from inspect.signature(), which takes longer than all the rest.
    plain.__doc__ = plain.__doc__ or plain.__name__
    # Without these methods ``dataclass`` compiles nothing; it collects the fields, and makes the slots.
    made: type[Any] = dataclass(init=False, repr=False, eq=False, slots=True)(plain)
    for name in ("__init__", "__unlocked__"):
        setattr(made, name, _Uncompiled(made, name))
    for method in (*_comparison(made), *_description(made), *_protection()):
        method.__qualname__ = f"{made.__qualname__}.{method.__name__}"
        setattr(made, method.__name__, method)
    return made


class _Uncompiled:
    """A method until it is first used. Then it is compiled and takes this place: few commands use all classes."""

    def __init__(self, made: type[Any], name: str) -> None:
        self._made = made
        self._name = name

    def __get__(self, instance: object, owner: type) -> Callable[..., Any]:
        for method in _compiled(self._made):
            method.__qualname__ = f"{self._made.__qualname__}.{method.__name__}"
            setattr(self._made, method.__name__, method)
        found: Callable[..., Any] = getattr(self._made, self._name).__get__(instance, owner)
        return found


def _compiled(made: type) -> tuple[Callable[..., Any], ...]:
    """``__init__``, and ``__unlocked__``, which returns a copy that can be written to."""
    names: dict[str, Any] = {
        "_missing": MISSING,
        "_made": made,
        "_unlocked": _unlocked(made),
        "_become": object.__dict__["__class__"].__set__,
        "_new": object.__new__,
    }
    parameters, lines = ["self"], []
    for each in fields(made):
        name = each.name
        if each.default_factory is not MISSING:
            names[f"new_{name}"] = each.default_factory
            parameters.append(f"{name}=_missing")
            lines.append(f"self.{name} = new_{name}() if {name} is _missing else {name}")
        else:
            names[f"default_{name}"] = each.default
            parameters.append(name if each.default is MISSING else f"{name}=default_{name}")
            lines.append(f"self.{name} = {name}")
    text = "\n  ".join(
        (
            f"def within({', '.join(names)}):\n def __init__({', '.join(parameters)}):",
            "_become(self, _unlocked)",
            *lines,
            "self.__class__ = _made\n def __unlocked__(self):",
            "copied = _new(_unlocked)",
            *(f"copied.{each.name} = self.{each.name}" for each in fields(made)),
            "return copied\n return __init__, __unlocked__",
        )
    )
    defined: dict[str, Any] = {}
    exec(text, vars(sys.modules[made.__module__]), defined)  # noqa: S102  # as dataclasses does; all names are the fields'
    init, copy = defined["within"](**names)
    init.__annotations__ = {**{each.name: each.type for each in fields(made)}, "return": None}
    return init, copy


def _unlocked(made: type) -> type:
    """The class with the same slots whose objects can be written to."""
    # Both: otherwise the interpreter does not know that writing is nothing special, and is ten times as slow.
    methods = {"__setattr__": object.__setattr__, "__delattr__": object.__delattr__}
    return type(made.__name__, (made,), {"__slots__": (), "__module__": made.__module__, **methods})


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
