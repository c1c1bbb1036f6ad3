"""The list of all trees."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from tests.field.host import Host

Builder = Callable[[Host], None]


@dataclass(frozen=True)
class Tree:
    """A sound host. ``warns``: the findings above info, by code, each with the reason why it is defended."""

    title: str
    build: Builder
    version: str
    iscsi: bool
    warns: Mapping[str, str]


TREES: list[Tree] = []


def tree(
    title: str,
    *,
    version: str = "0.9.4-3+deb12u2",
    iscsi: bool = True,
    warns: Mapping[str, str] | None = None,
) -> Callable[[Builder], Builder]:
    """Add a tree; ``version`` and ``iscsi`` as in ``Host``."""

    def keep(build: Builder) -> Builder:
        TREES.append(Tree(title, build, version, iscsi, warns or {}))
        return build

    return keep
