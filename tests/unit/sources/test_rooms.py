"""The rooms of ``sources``: which may use which, and how much one class may hold."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

SOURCES = Path(__file__).parents[3] / "mpathd_watch/sources"
PACKAGE = "mpathd_watch.sources"
MAX_ATTRIBUTES = 15

MAY_USE = {
    "reading": set[str](),
    "netlink": set[str](),
    "network": {"netlink", "reading"},
    "uevent": {"netlink", "reading"},
    "multipathd": {"reading"},
    "configuration": {"reading"},
    "recording": set[str](),
    "iscsi": {"netlink", "network", "reading"},
    "sysfs": {"iscsi", "reading"},
}
"""A full scan of sysfs reads the sessions, too; nothing of iSCSI knows of maps and disks. A room of another transport
stands beside ``iscsi``: it needs ``reading``, and perhaps ``netlink``."""

FILES = {path.relative_to(SOURCES): ast.parse(path.read_text()) for path in sorted(SOURCES.rglob("*.py"))}


def room_of(path: Path) -> str:
    return path.parts[0].removesuffix(".py")


def rooms_used(tree: ast.Module) -> set[str]:
    names = {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    names |= {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    return {name.split(".")[2] for name in names if name.startswith(f"{PACKAGE}.")}


def attributes_of(kind: ast.ClassDef) -> set[str]:
    """What a class assigns on ``self``, and the fields it declares."""
    assigned = {
        node.attr
        for node in ast.walk(kind)
        if isinstance(node, ast.Attribute)
        and isinstance(node.ctx, ast.Store)
        and isinstance(node.value, ast.Name)
        and node.value.id == "self"
    }
    return assigned | {ast.unparse(node.target) for node in kind.body if isinstance(node, ast.AnnAssign)}


@pytest.mark.parametrize("path", [path for path in FILES if path != Path("__init__.py")], ids=str)
def test_a_room_uses_only_those_below_it(path: Path) -> None:
    room = room_of(path)
    assert rooms_used(FILES[path]) <= {room, *MAY_USE[room]}


def test_no_source_holds_too_much() -> None:
    sizes = {
        node.name: len(attributes_of(node))
        for tree in FILES.values()
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef)
    }
    assert {name: size for name, size in sizes.items() if size > MAX_ATTRIBUTES} == {}
    assert max(sizes.values()) > 5, "the attributes are not counted"
