"""The rooms of ``sources``: which of them may use which."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

SOURCES = Path(__file__).parents[3] / "mpathd_watch/sources"
PACKAGE = "mpathd_watch.sources"

MAY_USE = {
    "reading": set[str](),
    "netlink": set[str](),
    "network": {"netlink", "reading"},
    "uevent": {"netlink", "reading"},
    "multipathd": {"reading"},
    "configuration": {"reading"},
    "recording": set[str](),
    "journal": set[str](),
    "iscsi": {"netlink", "network", "reading"},
    "sysfs": {"iscsi", "reading"},
    # What a bundle has of a host's files and of /sys means what it means on the host.
    "bundle": {"configuration", "sysfs"},
}
"""A full scan of sysfs reads the sessions, too; iSCSI does not use maps or disks. The room of another transport will be
beside ``iscsi``, and use ``reading`` and perhaps ``netlink``."""

FILES = {path.relative_to(SOURCES): ast.parse(path.read_text()) for path in sorted(SOURCES.rglob("*.py"))}


def room_of(path: Path) -> str:
    return path.parts[0].removesuffix(".py")


def rooms_used(tree: ast.Module) -> set[str]:
    names = {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    names |= {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    return {name.split(".")[2] for name in names if name.startswith(f"{PACKAGE}.")}


@pytest.mark.parametrize("path", [path for path in FILES if path != Path("__init__.py")], ids=str)
def test_a_room_uses_only_those_below_it(path: Path) -> None:
    room = room_of(path)
    assert rooms_used(FILES[path]) <= {room, *MAY_USE[room]}
