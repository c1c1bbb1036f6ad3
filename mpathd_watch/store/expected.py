"""What is expected, read by commands that run without the daemon. It is loaded in a few milliseconds."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Mapping
from pathlib import Path

from mpathd_watch.core.model.mappings import frozen
from mpathd_watch.core.model.memory import ExpectedMap
from mpathd_watch.store import database
from mpathd_watch.store.database import BUSY, StoreError, errors
from mpathd_watch.store.rows import Row, readable
from mpathd_watch.store.rows import read_expected as parsed
from mpathd_watch.store.schema import APPLICATION, VERSION

__all__ = ["StoreError", "read_expected"]


def read_expected(directory: Path) -> Mapping[str, ExpectedMap]:
    """What is expected by the store in ``directory``, by WWID; nothing if there is none.

    Raises ``StoreError``. Rows that make no sense are skipped.
    """
    path = directory / database.NAME
    with errors(path):
        if not path.exists():
            return {}
        with contextlib.closing(_to_read(path)) as connection:
            marks = [connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("application_id", "user_version")]
            if marks[0] != APPLICATION or not 0 < marks[1] <= VERSION:
                raise StoreError("newer", f"{path}: it is not a store of this version")
            rows = connection.execute("SELECT wwid, map FROM expected").fetchall()
    return frozen(dict(readable(rows, _expected, lambda: None)))


def _to_read(path: Path) -> sqlite3.Connection:
    """The database, which may be in a directory that can't be written; then no daemon has it open."""
    connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", timeout=BUSY, uri=True)
    try:
        connection.execute("SELECT count(*) FROM sqlite_master")
    except sqlite3.OperationalError as error:
        connection.close()
        # What another process has locked may be half written.
        if getattr(error, "sqlite_errorname", "").startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
            raise
        return sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro&immutable=1", timeout=BUSY, uri=True)
    return connection


def _expected(row: Row) -> tuple[str, ExpectedMap]:
    if not isinstance(row[0], str):
        raise ValueError("wwid")  # noqa: TRY004  # one kind of error for whatever is wrong with a row
    return row[0], parsed(row[1])
