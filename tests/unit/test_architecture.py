"""Who may import whom: ``cli -> daemon -> {sources, sinks, config} -> core``, read off the source text.

A new module needs no entry here. A new third-party import, or a new standard module in the core, needs one line in the
tables below, and a reason.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = "mpathd_watch"
ROOT = Path(__file__).parents[2] / PACKAGE

LAYERS = {
    "core": {"core"},
    "store": {"core", "store"},
    "config": {"core", "config"},
    "sources": {"core", "store", "config", "sources"},
    "sinks": {"core", "store", "config", "sinks"},
    "daemon": {"core", "store", "config", "sources", "sinks", "daemon"},
}
"""What each layer may import of the package. Whatever is not named here (the command line) may import everything."""

CORE_MAY_IMPORT = {
    "__future__",
    "bisect",
    "collections",
    "dataclasses",
    "enum",
    "functools",
    "hashlib",
    "ipaddress",
    "itertools",
    "json",
    "math",
    "types",
    "typing",
}
"""Pure modules only: none that opens, sleeps, looks at a clock, logs, starts anything or rolls dice."""

ADAPTERS = {
    "pyudev": {"mpathd_watch.sources.uevent.source"},
    "prometheus_client": {"mpathd_watch.sinks.metrics.exposition"},
    "structlog": {"mpathd_watch.sinks.console"},
    "systemd": {"mpathd_watch.sinks.journal", "mpathd_watch.sinks.notify"},
}
"""Each third-party library, and the modules or packages that may import it."""

TYPES_ONLY = {"_typeshed"}
"""Not there when the program runs."""


def is_module(name: str) -> bool:
    """Whether this is a module of ours, rather than something in one."""
    path = ROOT.parent.joinpath(*name.split("."))
    return path.is_dir() or path.with_suffix(".py").is_file()


def imports_of(path: Path) -> set[str]:
    """The full names of the modules that the file imports, wherever in it."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative imports hide who imports whom"
            found.add(str(node.module))
            found.update(name for alias in node.names if is_module(name := f"{node.module}.{alias.name}"))
    return found


def modules() -> Iterator[tuple[str, set[str]]]:
    """Every module of the package by its full name, with its imports."""
    for path in sorted(ROOT.rglob("*.py")):
        parts = path.relative_to(ROOT.parent).with_suffix("").parts
        yield ".".join(parts[:-1] if parts[-1] == "__init__" else parts), imports_of(path)


MODULES = dict(modules())


def layer_of(name: str) -> str:
    """The part of the package that a module belongs to, ``""`` for the package itself."""
    return name.removeprefix(PACKAGE).lstrip(".").partition(".")[0]


def within(name: str, package: str) -> bool:
    """Whether the module is the package or inside it."""
    return name == package or name.startswith(f"{package}.")


@pytest.mark.parametrize("name", [name for name in MODULES if layer_of(name) in LAYERS])
def test_a_module_imports_only_from_its_own_layer_and_those_below(name: str) -> None:
    allowed = LAYERS[layer_of(name)]
    above = {found for found in MODULES[name] if within(found, PACKAGE) and layer_of(found) not in {*allowed, ""}}
    assert not above, f"{name} ({layer_of(name)}) must not import {sorted(above)}"


@pytest.mark.parametrize("name", [name for name in MODULES if layer_of(name) == "core"])
def test_the_core_is_pure(name: str) -> None:
    outside = {found.partition(".")[0] for found in MODULES[name] if not within(found, PACKAGE)}
    assert outside <= CORE_MAY_IMPORT, f"{name} imports {sorted(outside - CORE_MAY_IMPORT)}"


@pytest.mark.parametrize("name", [name for name in MODULES if layer_of(name) == "core"])
def test_the_core_calls_nothing_that_reads_or_writes(name: str) -> None:
    path = ROOT.parent.joinpath(*name.split("."))
    source = (path / "__init__.py" if path.is_dir() else path.with_suffix(".py")).read_text(encoding="utf-8")
    called = {
        node.func.id
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    }
    assert called.isdisjoint({"open", "print", "input", "exec", "eval", "__import__"})


@pytest.mark.parametrize("name", MODULES)
def test_a_third_party_library_stays_behind_its_adapter(name: str) -> None:
    for found in MODULES[name]:
        library = found.partition(".")[0]
        if library in {PACKAGE, *TYPES_ONLY} or library in sys.stdlib_module_names:
            continue
        allowed = ADAPTERS.get(library, set())
        assert any(within(name, adapter) for adapter in allowed), f"{name} must not import {library}"


def test_every_adapter_named_here_is_there() -> None:
    for library, adapters in ADAPTERS.items():
        for adapter in adapters:
            assert any(within(name, adapter) for name in MODULES), f"{adapter}, which may import {library}, is gone"


def test_every_module_of_the_core_is_used() -> None:
    imported = set().union(*MODULES.values())
    packages = {name.rpartition(".")[0] for name in MODULES}
    unused = {name for name in MODULES if layer_of(name) == "core"} - imported - packages
    assert not unused
