"""What ``check`` and ``status`` see without a daemon: this host, read once, or a support bundle."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

from mpathd_watch.cli import core_dumps
from mpathd_watch.cli.collector import collector_paused
from mpathd_watch.cli.places import state_directory
from mpathd_watch.config import Config
from mpathd_watch.core.configuration import Configuration
from mpathd_watch.core.model.memory import Memory
from mpathd_watch.daemon.once import look_once
from mpathd_watch.sinks.view import View
from mpathd_watch.store.expected import StoreError, read_expected


class Look(NamedTuple):
    """What was seen, and what is shown with it, above all of a bundle: ``lines`` for people, ``keys`` in JSON."""

    view: View
    lines: tuple[str, ...] = ()
    keys: Mapping[str, Any] = MappingProxyType({})


def look_at_host(config: Config, configuration: Configuration | None = None) -> Look:
    """Read this host once, and by what the daemon has kept, what is missing of it.

    Where that can't be read, a line says so: something may be missing of which nothing is known.
    """
    with collector_paused():
        note: tuple[str, ...] = ()
        memory = Memory()
        try:
            memory = Memory(read_expected(state_directory()))
        except StoreError as error:
            note = (f"What is expected is not known: {error}",)
        return Look(look_once(config, configuration, memory), note)


def look_at_bundle(config: Config, root: Path) -> Look | None:
    """Read the support bundle in the directory ``root``; ``None`` if it is none. It may hold passwords."""
    core_dumps.forbid()
    # Imported only now: what reads bundles takes a good part of the time that a check of this host takes.
    with collector_paused():
        from mpathd_watch.daemon import bundles  # noqa: PLC0415
        from mpathd_watch.sources import bundle  # noqa: PLC0415

    found = bundle.read(root)
    if found is None:
        return None
    return Look(bundles.look_at_bundle(config, found), found.lines, {"bundle": found.document})
