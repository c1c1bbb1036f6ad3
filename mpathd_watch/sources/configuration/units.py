"""Whether systemd starts what maps and sessions need: the links by which units are enabled, and those that mask them.

A unit is enabled by a link with its name in a directory ``*.wants`` or ``*.requires`` (systemd.unit(5)).
multipath-tools itself looks for multipathd in this way (systemd_service_enabled() in libmultipath/util.c). A preset
enables nothing by itself. A unit may also be started by another one, or by its socket.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from mpathd_watch.core.model.system import ISCSID, LOGIN_UNITS, MULTIPATHD_UNITS, Unit
from mpathd_watch.sources.reading.tree import Tree

NAMES = (*MULTIPATHD_UNITS, *LOGIN_UNITS, ISCSID)
"""The units that are looked for."""

LASTING = (
    *("etc/systemd/system", "usr/local/lib/systemd/system", "usr/lib/systemd/system"),
    "lib/systemd/system",
)
"""Where units are that are still there after a reboot; the first has precedence."""
_GENERATED = ("run/systemd/generator.early", "run/systemd/generator", "run/systemd/generator.late")
"""Where the generators put theirs, at each boot."""
_BOOTED = "run/systemd/system"
"""This directory exists where systemd is process 1 (sd_booted(3))."""
_FIRST = "proc/1/comm"
_CONTAINER = ("run/systemd/container", "run/.containerenv", ".dockerenv")
_CGROUPS = ("sys/fs/cgroup/system.slice", "sys/fs/cgroup/systemd/system.slice")
_LOCAL_SCRIPTS = ("etc/rc.local", "etc/rc.d/rc.local", "etc/init.d/boot.local")
_STARTING = (".wants", ".requires", ".upholds")

MAX_DIRECTORIES = 512
"""Directories with enabling links that are read in each place."""
MAX_FILES = 2048
"""Unit files in which a reference is looked for."""
MAX_UNIT = 1 << 16
"""Bytes of a unit file."""
_STARTS = re.compile(
    rb"^[ \t]*(?:(?:Wants|Requires|Requisite|BindsTo|Upholds|Unit|Service|OnSuccess)[ \t]*=|"
    rb"(?P<command>Exec\w+)[ \t]*=)(?P<rest>.*)",
    re.MULTILINE | re.ASCII,
)
"""A line of a unit that may start another one; ``After=`` and ``Also=`` do not."""
_SYSTEMCTL = re.compile(rb"\bsystemctl\b", re.ASCII)


def directories(tree: Tree) -> list[str]:
    """The directories whose links enable or mask units of this host, apart from those of packages."""
    base = LASTING[0]
    return [base, *(f"{base}/{name}" for name in tree.names(base) if name.endswith(_STARTING))]


def read(tree: Tree) -> tuple[Unit, ...] | None:
    """Those of ``NAMES`` that are installed; ``None`` if systemd does not start this host, or in a container."""
    booted = tree.exists(_BOOTED) or tree.content(_FIRST, MAX_UNIT) == b"systemd\n"
    if not booted or any(map(tree.exists, _CONTAINER)):
        return None
    started = linked(tree)
    for alternatives in (MULTIPATHD_UNITS, LOGIN_UNITS):
        if started.isdisjoint(alternatives):
            started |= _referenced(tree, alternatives)
    return tuple(
        Unit(name, name in started, _mask(tree, name), _active(tree, name)) for name in NAMES if _installed(tree, name)
    )


def linked(tree: Tree) -> frozenset[str]:
    """The names of all links that enable a unit."""
    found: set[str] = set()
    for base in (*LASTING, *_GENERATED, _BOOTED):
        starting = [name for name in tree.names(base) if name.endswith(_STARTING)]
        for directory in starting[:MAX_DIRECTORIES]:
            found.update(tree.names(f"{base}/{directory}"))
    return frozenset(found)


def _installed(tree: Tree, name: str) -> bool:
    """Whether a package brings it, or the administrator has written it."""
    return any(tree.content(f"{base}/{name}", MAX_UNIT) for base in LASTING)


def _mask(tree: Tree, name: str) -> str:
    """The link to /dev/null that masks it, or the empty file. One in /run is gone after a reboot."""
    path = f"{LASTING[0]}/{name}"
    return f"/{path}" if tree.link(path) == "/dev/null" or tree.content(path, MAX_UNIT) == b"" else ""


def _active(tree: Tree, name: str) -> bool | None:
    """Whether it has processes now, by its control group."""
    visible = [base for base in _CGROUPS if tree.exists(base)]
    return any(tree.exists(f"{base}/{name}") for base in visible) if visible else None


def referenced_in(unit: bytes, names: Iterable[str]) -> frozenset[str]:
    """Those of ``names`` that a unit file with this content may start."""
    wanted = {name: _reference(name) for name in names}
    found: set[str] = set()
    for line in _STARTS.finditer(unit):
        begin = line.start("rest")
        if line["command"]:
            # Not one expression with both: that takes time that grows with the square of a long line.
            called = _SYSTEMCTL.search(unit, begin, line.end())
            if called is None:
                continue
            begin = called.end()
        found.update(name for name, reference in wanted.items() if reference.search(unit, begin, line.end()))
    return frozenset(found)


def called_in(script: bytes, names: Iterable[str]) -> frozenset[str]:
    """Those of ``names`` that a script with this content mentions."""
    return frozenset(name for name in names if re.search(rb"\b%s\b" % _named(name).encode(), script, re.ASCII))


def _referenced(tree: Tree, names: tuple[str, ...]) -> frozenset[str]:
    """Those of ``names`` that another unit or a script of the boot may start; all if there are too many files."""
    found: set[str] = set()
    for count, path in enumerate(_others(tree)):
        if count == MAX_FILES:
            return frozenset(names)
        found |= referenced_in(tree.content(path, MAX_UNIT) or b"", names)
    for path in _LOCAL_SCRIPTS:
        found |= called_in(tree.content(path, MAX_UNIT) or b"", names)
    return frozenset(found)


def _reference(name: str) -> re.Pattern[bytes]:
    return re.compile(rf"(?<![\w-]){_named(name)}(?![\w-])".encode(), re.ASCII)


def _named(name: str) -> str:
    """A pattern of the name; systemctl takes one without its ``.service``."""
    stem = name.removesuffix(".service")
    return re.escape(name) if stem == name else rf"{re.escape(stem)}(?:\.service)?(?!\.\w)"


def _others(tree: Tree) -> Iterator[str]:
    """The files of all other units, with what is added to them."""
    own = {*NAMES, *(f"{name}.d" for name in NAMES)}
    for base in LASTING:
        for file in tree.names(base):
            if file in own or file.endswith(_STARTING):
                continue
            if file.endswith(".d"):
                yield from (f"{base}/{file}/{each}" for each in tree.names(f"{base}/{file}"))
            else:
                yield f"{base}/{file}"
