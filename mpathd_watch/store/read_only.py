"""A connection to the database that can't write, and what to do where there is none."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from mpathd_watch.store.database import BUSY
from mpathd_watch.store.schema import VERSION


class HistoryError(Exception):
    """The history can't be read. The text is one line with the remedy."""


@contextmanager
def connected(path: Path) -> Iterator[sqlite3.Connection]:
    """A connection that can't write.

    A reader of a database with a write-ahead log must write to the file beside it that the processes share. Where this
    user can't and no daemon has left such a log, the database can't change either.
    """
    connection = _connection(path, "mode=ro")
    try:
        connection.execute("SELECT 1 FROM sqlite_schema LIMIT 1").fetchone()
    except sqlite3.OperationalError as error:
        connection.close()
        log = path.with_name(f"{path.name}-wal")
        if _code(error) not in _NO_ACCESS or (log.exists() and log.stat().st_size > 0):
            raise
        connection = _connection(path, "mode=ro&immutable=1")
    try:
        yield connection
    finally:
        connection.close()


def _connection(path: Path, how: str) -> sqlite3.Connection:
    connection = sqlite3.connect(f"{path.absolute().as_uri()}?{how}", uri=True, timeout=BUSY)
    connection.text_factory = decoded
    connection.execute("PRAGMA query_only = 1")
    return connection


decoded: Final[Callable[[bytes], str]] = lambda raw: raw.decode("utf-8", "surrogateescape")  # noqa: E731


def check(connection: sqlite3.Connection, path: Path) -> None:
    """Raise ``HistoryError`` unless the tables are of this version."""
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version > VERSION:
        raise HistoryError(f"{path} is of a newer mpathd-watch (version {version} of the tables); use that one")
    if version < 1:
        raise HistoryError(f"{path} holds no history yet; the daemon makes it when it starts")


def _code(error: sqlite3.Error) -> int:
    """The primary result code; 0 for an error of the library that has none."""
    return (getattr(error, "sqlite_errorcode", None) or 0) & 0xFF


_NO_ACCESS: Final = frozenset({sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM})


def remedy(error: sqlite3.Error) -> str:
    """What to do about an error, a clause."""
    code = _code(error)
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return "another process has locked it; try again"
    if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
        return "it is damaged; the daemon moves it aside and begins another one when it starts again"
    if code in _NO_ACCESS:
        return "this user can't open it; run this as root or as a user who may read its directory"
    return f"it can't be read ({error}); if this lasts, restart mpathd-watch.service"
