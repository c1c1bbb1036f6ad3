"""Writes the store for commands, while no daemon runs."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from mpathd_watch.core.model.mappings import frozen
from mpathd_watch.core.model.memory import ExpectedMap
from mpathd_watch.core.model.text import clean
from mpathd_watch.immutable import replace
from mpathd_watch.store import database
from mpathd_watch.store.database import StoreError, errors
from mpathd_watch.store.drills import KeptDrill, put_drill
from mpathd_watch.store.expected import read_expected
from mpathd_watch.store.lock import Lock, TakenError
from mpathd_watch.store.opening import open_to_write
from mpathd_watch.store.writer import put_expected


def replace_expected(directory: Path, wwid: str, expected: ExpectedMap | None) -> None:
    """Replace what is expected of a map; ``None``: nothing any more. Raises ``StoreError``."""
    with _alone(directory) as connection:
        put_expected(connection, wwid, expected)


def keep_drill(directory: Path, kept: KeptDrill) -> None:
    """Write a drill, and of the expected paths that it has proven when that was. Raises ``StoreError``."""
    expected = read_expected(directory)  # a store of another version is left as it is
    drill = kept.drill
    proven = {(path.wwid, path.path) for path in drill.paths if path.proven and drill.passed}
    with _alone(directory) as connection:
        connection.execute("BEGIN IMMEDIATE")
        put_drill(connection, kept)
        for wwid, map_ in expected.items():
            paths = {
                name: replace(path, proven=max(path.proven or 0.0, drill.ended))
                for name, path in map_.paths.items()
                if (clean(wwid), clean(name)) in proven
            }
            if paths:
                put_expected(connection, wwid, replace(map_, paths=frozen({**map_.paths, **paths})))
        connection.execute("COMMIT")


@contextlib.contextmanager
def _alone(directory: Path) -> Iterator[sqlite3.Connection]:
    """The database, which no daemon can use meanwhile. What goes wrong inside the block is raised as ``StoreError``."""
    path = directory / database.NAME
    with errors(path):
        try:
            lock = Lock(directory)
        except TakenError:
            raise StoreError("busy", f"{path}: a daemon uses it") from None
        try:
            connection, _ = open_to_write(path)
            with contextlib.closing(connection):
                yield connection
        finally:
            lock.release()
