"""Who may import whom: ``cli -> daemon -> {sources, sinks, store, config} -> core``, read off the source text.

A new module needs no entry here. A new third-party import, a new standard module in the core or a new room of the core
needs one line in the tables below, and a reason.
"""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest

from tools.structure import Structure, cycle

PACKAGE = "mpathd_watch"
GROUND = {"", "immutable"}
"""The package itself, and what every layer stands on."""
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

CORE_ROOMS = (
    "model",
    "catalog",
    "formats",
    "configuration",
    "audit_report",
    "layers",
    "events",
    "recording",
    "transports",
    "verdicts",
    "effects",
    "state",
    "drill",
    "draft",
    "alerting",
    "judging",
    "audit",
    "folding",
    "step",
)
"""The rooms of the core from the ground up: each imports only from those before it."""

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
    # For formats/printed: patterns of our own, on lines of a bounded length.
    "re",
    # For drill/commands: a name as a shell must be given it.
    "shlex",
    "types",
    "typing",
}
"""Pure modules only: none that opens, sleeps, looks at a clock, logs, starts anything or rolls dice."""

ADAPTERS = {
    "pyudev": {"mpathd_watch.sources.uevent.source"},
    "prometheus_client": {"mpathd_watch.sinks.metrics.exposition", "mpathd_watch.sinks.metrics.text"},
    "h11": {"mpathd_watch.sinks.http.dialogue"},
    "structlog": {"mpathd_watch.sinks.console"},
    "systemd": {"mpathd_watch.sources.journal"},
    # Both optional: only a web configuration needs them.
    "yaml": {"mpathd_watch.config.web.document"},
    "bcrypt": {"mpathd_watch.sinks.http.passwords"},
}
"""Each third-party library, and the modules or packages that may import it."""

TYPES_ONLY = {"_typeshed"}
"""Not there when the program runs."""


STRUCTURE = Structure()
MODULES = STRUCTURE.imports


def layer_of(name: str) -> str:
    """The part of the package that a module belongs to, ``""`` for the package itself."""
    return name.removeprefix(PACKAGE).lstrip(".").partition(".")[0]


def within(name: str, package: str) -> bool:
    """Whether the module is the package or inside it."""
    return name == package or name.startswith(f"{package}.")


@pytest.mark.parametrize("name", [name for name in MODULES if layer_of(name) in LAYERS])
def test_a_module_imports_only_from_its_own_layer_and_those_below(name: str) -> None:
    allowed = LAYERS[layer_of(name)]
    above = {found for found in MODULES[name] if within(found, PACKAGE) and layer_of(found) not in {*allowed, *GROUND}}
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


def test_a_room_of_the_core_imports_only_from_those_below() -> None:
    rooms = STRUCTURE.rooms()
    assert set(CORE_ROOMS) == rooms.keys()
    for height, name in enumerate(CORE_ROOMS):
        assert rooms[name] <= set(CORE_ROOMS[:height]), f"{name} imports from a room above it"


@pytest.mark.parametrize(("room", "shared"), [("transports", {"row", "table"}), ("layers", {"row", "table"})])
def test_a_concrete_row_is_imported_only_by_the_table(room: str, shared: set[str]) -> None:
    package = f"{PACKAGE}.core.{room}"
    concrete = {f"{package}.{name}" for name in STRUCTURE.rooms(package).keys() - shared}
    assert concrete
    importers = {name for name, found in MODULES.items() if found & concrete}
    assert importers == {f"{package}.table"}


def test_the_structure_stays_small_enough_to_see() -> None:
    rooms = STRUCTURE.rooms()
    assert len(rooms) <= 20
    assert sum(map(len, rooms.values())) <= 95
    assert STRUCTURE.records()[0].count <= 20, STRUCTURE.records()[0].name
    assert STRUCTURE.classes()[0].count <= 15, STRUCTURE.classes()[0].name


def test_no_two_modules_import_each_other_in_a_circle() -> None:
    # A package's own __init__ only re-exports; its modules may name each other through it.
    modules = {name: {each for each in found if each in MODULES} for name, found in MODULES.items()}
    leaves = {name for name in modules if not any(other.startswith(f"{name}.") for other in modules)}
    assert cycle({name: found & leaves for name, found in modules.items() if name in leaves}) == []
    for package in (PACKAGE, f"{PACKAGE}.core", f"{PACKAGE}.sources", f"{PACKAGE}.sinks"):
        assert cycle(STRUCTURE.rooms(package)) == []


def test_the_figures_show_a_large_record_and_a_circle(tmp_path: Path) -> None:
    core = tmp_path / PACKAGE / "core"
    core.mkdir(parents=True)
    (core / "one.py").write_text(
        "from dataclasses import dataclass\nfrom mpathd_watch.core.two import Two\n"
        "@dataclass(frozen=True)\nclass One:\n    a: int\n    b: int\n"
    )
    (core / "two.py").write_text(
        "from mpathd_watch.core import one\nclass Two:\n    def __init__(self):\n        self.a = self.b = one\n"
    )
    made_up = Structure(tmp_path)
    assert made_up.rooms() == {"one": {"two"}, "two": {"one"}}
    assert set(cycle(made_up.rooms())) == {"one", "two"}
    assert (made_up.records()[0].count, made_up.classes()[0].count) == (2, 2)


def test_every_adapter_named_here_is_there() -> None:
    for library, adapters in ADAPTERS.items():
        for adapter in adapters:
            assert any(within(name, adapter) for name in MODULES), f"{adapter}, which may import {library}, is gone"


def test_every_module_of_the_core_is_used() -> None:
    imported = set().union(*MODULES.values())
    packages = {name.rpartition(".")[0] for name in MODULES}
    unused = {name for name in MODULES if layer_of(name) == "core"} - imported - packages
    assert not unused
