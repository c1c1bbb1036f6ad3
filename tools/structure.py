"""Measure the structure of the code: rooms, imports between them, cycles, the largest record and the largest class.

``python -m tools.structure [DIRECTORY]`` measures the package below DIRECTORY (default: this checkout). A room is a
file or folder directly in ``mpathd_watch/core``. docs/architecture.md has the figures to keep; a test enforces them.
"""

from __future__ import annotations

import argparse
import ast
from collections.abc import Iterator
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Final

PACKAGE: Final = "mpathd_watch"
ROOT: Final = Path(__file__).resolve().parent.parent


@dataclass(frozen=True, slots=True, order=True)
class Measured:
    """How many fields a record has, or how many attributes the methods of a class set."""

    count: int
    name: str


class Structure:
    """The package below ``root``, read as text: nothing of it runs."""

    def __init__(self, root: Path = ROOT) -> None:
        self._root = root
        files = sorted((root / PACKAGE).rglob("*.py"))
        self.trees = {self._module(path): ast.parse(path.read_text(encoding="utf-8")) for path in files}
        self.imports = {module: frozenset(self._imports(tree)) for module, tree in self.trees.items()}
        """Every module by its full name, with the full names of the modules that it imports, wherever in it."""

    def rooms(self, within: str = f"{PACKAGE}.core") -> dict[str, set[str]]:
        """The files and folders directly in a package, each with the ones that it imports."""
        found: dict[str, set[str]] = {}
        for module, imported in self.imports.items():
            room = _room(module, within)
            if room:
                others = {_room(other, within) for other in imported} - {"", room}
                found.setdefault(room, set()).update(others)
        return found

    def records(self) -> list[Measured]:
        """The dataclasses and named tuples with the number of their fields, largest first."""
        return sorted(
            (
                Measured(sum(isinstance(item, ast.AnnAssign) for item in node.body), f"{module}.{node.name}")
                for module, node in self._classes()
                if _is_record(node)
            ),
            reverse=True,
        )

    def classes(self) -> list[Measured]:
        """The other classes with the number of attributes that they set on themselves, largest first."""
        return sorted(
            (Measured(len(_attributes(node)), f"{module}.{node.name}") for module, node in self._classes()),
            reverse=True,
        )

    def is_module(self, name: str) -> bool:
        """Whether this is a module of the package, rather than something in one."""
        path = self._root.joinpath(*name.split("."))
        return path.is_dir() or path.with_suffix(".py").is_file()

    def _module(self, path: Path) -> str:
        parts = path.relative_to(self._root).with_suffix("").parts
        return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)

    def _imports(self, tree: ast.Module) -> Iterator[str]:
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                yield from (alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                yield str(node.module)
                names = (f"{node.module}.{alias.name}" for alias in node.names)
                yield from (name for name in names if self.is_module(name))

    def _classes(self) -> Iterator[tuple[str, ast.ClassDef]]:
        for module, tree in self.trees.items():
            yield from ((module, node) for node in ast.walk(tree) if isinstance(node, ast.ClassDef))


def cycle(rooms: dict[str, set[str]]) -> list[str]:
    """Rooms that import each other in a circle; empty if there is none."""
    try:
        TopologicalSorter(rooms).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def _room(module: str, within: str) -> str:
    return module.removeprefix(f"{within}.").partition(".")[0] if module.startswith(f"{within}.") else ""


def _is_record(node: ast.ClassDef) -> bool:
    bases = {base.id for base in node.bases if isinstance(base, ast.Name)}
    decorators = (each.func if isinstance(each, ast.Call) else each for each in node.decorator_list)
    return "NamedTuple" in bases or any(
        isinstance(each, ast.Name) and each.id in ("dataclass", "immutable") for each in decorators
    )


def _attributes(node: ast.ClassDef) -> set[str]:
    return {
        each.attr
        for each in ast.walk(node)
        if isinstance(each, ast.Attribute)
        and isinstance(each.ctx, ast.Store)
        and isinstance(each.value, ast.Name)
        and each.value.id == "self"
    }


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("directory", metavar="DIRECTORY", nargs="?", type=Path, default=ROOT)
    structure = Structure(parser.parse_args().directory.resolve())
    rooms = structure.rooms()
    record, class_ = structure.records()[0], structure.classes()[0]
    print(f"rooms in core: {len(rooms)}")
    print(f"imports between them: {sum(map(len, rooms.values()))}")
    print(f"cycle: {' -> '.join(cycle(rooms)) or 'none'}")
    print(f"largest record: {record.count} fields, {record.name}")
    print(f"largest class: {class_.count} attributes, {class_.name}")


if __name__ == "__main__":
    main()
