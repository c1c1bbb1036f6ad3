"""An immutable class is what ``dataclass(frozen=True, slots=True)`` makes, compared with it here."""

from __future__ import annotations

import ast
import copy
import inspect
import pickle
from collections.abc import Callable
from dataclasses import FrozenInstanceError, dataclass, field, fields, is_dataclass, replace
from typing import Any, get_type_hints

import pytest

from mpathd_watch.immutable import immutable
from mpathd_watch.immutable import replace as changed
from tools.structure import Structure


@immutable
class Disk:
    """One of ours, with every kind of field that we use."""

    name: str
    size: int = 0
    paths: list[str] = field(default_factory=list)
    counted: int | None = field(default=None, compare=False)
    hidden: str = field(default="", repr=False)

    @property
    def title(self) -> str:
        """A method stays."""
        return f"{self.name} of {self.size}"


@immutable
class Stacked(Disk):
    """A field more."""

    level: int = 1


@immutable
class Nothing:
    """Without fields."""


@immutable
class One:
    """With one field."""

    value: object


@dataclass(frozen=True, slots=True)
class Standard:
    """The same fields as those of ``Disk``, by the standard library."""

    name: str
    size: int = 0
    paths: list[str] = field(default_factory=list)
    counted: int | None = field(default=None, compare=False)
    hidden: str = field(default="", repr=False)


def test_its_constructor_takes_what_that_of_a_dataclass_takes() -> None:
    ours, theirs = inspect.signature(Disk), inspect.signature(Standard)
    assert list(ours.parameters) == list(theirs.parameters)
    assert [each.kind for each in ours.parameters.values()] == [each.kind for each in theirs.parameters.values()]
    assert get_type_hints(Disk.__init__) == get_type_hints(Standard.__init__)
    assert Disk("sda", 5, counted=2, hidden="x") == Disk(name="sda", size=5, paths=[], counted=2, hidden="x")
    assert (Disk("sda").size, Disk("sda").paths, Disk("sda").counted) == (0, [], None)
    with pytest.raises(TypeError, match="name"):
        Disk()  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="other"):
        Disk("sda", other=1)  # type: ignore[call-arg]


def test_each_object_has_a_default_of_its_own() -> None:
    first, second = Disk("sda"), Disk("sdb")
    first.paths.append("10.0.0.1:3260")
    assert second.paths == []


def test_objects_are_equal_if_the_fields_that_count_are() -> None:
    assert Disk("sda", 5) == Disk("sda", 5)
    assert Disk("sda", 5) != Disk("sda", 6)
    assert Disk("sda", counted=1) == Disk("sda", counted=2)
    assert Nothing() == Nothing()
    assert One(3) == One(3) != One(4)


def test_objects_of_different_classes_are_never_equal() -> None:
    disk: object = Disk("sda")
    one: object = One(())
    assert disk != Stacked("sda")
    assert disk != Standard("sda")
    assert one != ()
    assert one != Nothing()


def test_equal_objects_have_the_same_hash() -> None:
    values: list[Callable[[], object]] = [Nothing, lambda: One((1, 2)), lambda: One("a")]
    for make in values:
        assert hash(make()) == hash(make())
    assert len({One(1), One(1), One(2)}) == 2
    with pytest.raises(TypeError, match="unhashable"):
        hash(Disk("sda"))


def test_it_is_shown_as_a_dataclass_is() -> None:
    ours, theirs = repr(Disk("sda", hidden="x")), repr(Standard("sda", hidden="x"))
    assert ours == theirs.replace("Standard", "Disk")
    assert (repr(Nothing()), repr(One("a"))) == ("Nothing()", "One(value='a')")


def test_nothing_can_be_changed() -> None:
    disk: Any = Disk("sda")
    with pytest.raises(FrozenInstanceError, match="size"):
        disk.size = 1
    with pytest.raises(FrozenInstanceError, match="other"):
        disk.other = 1
    with pytest.raises(FrozenInstanceError, match="size"):
        del disk.size
    assert not hasattr(disk, "__dict__")


def test_dataclasses_treats_it_as_one_of_its_own() -> None:
    assert all(map(is_dataclass, (Disk, Stacked, Nothing)))
    assert [each.name for each in fields(Stacked)] == ["name", "size", "paths", "counted", "hidden", "level"]
    assert replace(Disk("sda", 5), size=6) == Disk("sda", 6)


def test_a_subclass_has_the_fields_of_both() -> None:
    stacked = Stacked("sda", 5, level=2)
    assert (stacked.title, stacked.level) == ("sda of 5", 2)
    assert stacked == Stacked("sda", 5, level=2) != Stacked("sda", 5, level=3)
    assert repr(stacked).startswith("Stacked(name='sda', size=5,")


def test_it_can_be_matched_copied_and_pickled() -> None:
    disk = Stacked("sda", 5, ["a"], 7, "x", 2)
    match disk:
        case Disk(name, size):
            assert (name, size) == ("sda", 5)
    for other in (copy.copy(disk), copy.deepcopy(disk), pickle.loads(pickle.dumps(disk))):  # noqa: S301  # our own bytes
        assert (other, other.counted, other.hidden) == (disk, 7, "x")
    assert copy.deepcopy(disk).paths is not disk.paths


def test_every_frozen_class_is_made_the_quick_way() -> None:
    slow = [
        f"{module}.{node.name}"
        for module, tree in Structure().trees.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef)
        and "dataclass(frozen=True, slots=True)" in {ast.unparse(each) for each in node.decorator_list}
    ]
    assert not slow, f"{slow}: write @immutable (mpathd_watch/immutable.py)"


def test_a_record_with_changes_is_a_new_one_of_its_class_that_can_not_be_changed_either() -> None:
    before = Stacked("sda", 5, ["a"], 7, "x", 2)
    after = changed(before, size=6, counted=8)
    assert (type(after), after) == (Stacked, Stacked("sda", 6, ["a"], 8, "x", 2))
    assert (before.size, before.counted, after.counted, after.hidden) == (5, 7, 8, "x")
    assert after.paths is before.paths
    with pytest.raises(FrozenInstanceError, match="size"):
        after.size = 7  # type: ignore[misc]
    assert changed(Nothing()) == Nothing()


def test_a_change_of_no_field_is_refused() -> None:
    with pytest.raises(AttributeError, match="other"):
        changed(One(1), other=2)  # type: ignore[call-arg]


def test_fields_may_have_any_name() -> None:
    @immutable
    class Odd:
        made: int
        new: int = 1
        copied: int = 2
        missing: list[int] = field(default_factory=list)

    assert changed(Odd(5), new=6) == Odd(5, 6, 2, [])
