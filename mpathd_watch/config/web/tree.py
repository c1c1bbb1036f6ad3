"""What a YAML file holds, before its keys are known: texts, lists and tables, each with its line."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

from mpathd_watch.immutable import immutable


@immutable
class Scalar:
    """A text. ``plain``: without quotes, so that it may also stand for a number, true, false or nothing."""

    text: str
    plain: bool
    line: int

    @property
    def is_nothing(self) -> bool:
        """Whether it stands for a value that is not set."""
        return self.plain and self.text in ("", "~", "null", "Null", "NULL")


@immutable
class Items:
    """A list."""

    items: tuple[Node, ...]
    line: int


@immutable
class Table:
    """Values by their keys."""

    entries: Mapping[str, Node]
    line: int


Node: TypeAlias = Scalar | Items | Table
