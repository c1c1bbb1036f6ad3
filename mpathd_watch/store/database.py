"""The database file: opened, checked, and brought to this version."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import stat
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from mpathd_watch.store.schema import APPLICATION, MIGRATIONS, TABLES, VERSION

NAME: Final = "state.db"
BUSY: Final = 2.0
"""Seconds to wait for a reader that holds the database."""
_SPARE: Final = 64 << 10
LOG_PAGES: Final = 256
"""Pages of SQLite's log after which they are written to the database, 1 MiB, and not SQLite's own 1000. On a disk that
becomes full meanwhile there is no room to do that, and the log keeps the room that it has."""
_STEPS: Final = 20_000
"""Steps of SQLite's virtual machine between two looks at the clock."""


class StoreError(Exception):
    """The store can't be used now. ``reason`` is a word for a label; the text is one line."""

    def __init__(self, reason: str, text: str) -> None:
        super().__init__(text)
        self.reason = reason


@contextlib.contextmanager
def errors(path: Path) -> Iterator[None]:
    """Raise what goes wrong inside the block as ``StoreError``."""
    try:
        yield
    except OSError as error:
        raise StoreError(_word(error.errno), f"{error.filename or path}: {error.strerror}") from error
    except sqlite3.Error as error:
        reason = _of_sqlite(error, path)
        raise StoreError(reason, f"{path}: {'the disk is full' if reason == 'disk_full' else error}") from error


def opened(path: Path) -> sqlite3.Connection:
    """The database in this file, brought to this version; a new one if there is none.

    Raises ``sqlite3.Error`` and ``OSError``.
    """
    _create(path)
    connection = sqlite3.connect(path, timeout=BUSY, isolation_level=None, check_same_thread=False)
    try:
        connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute(f"PRAGMA wal_autocheckpoint = {LOG_PAGES}")
        connection.execute("PRAGMA journal_size_limit = 4194304")
        connection.execute("PRAGMA trusted_schema = OFF")
        _migrate(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def _create(path: Path) -> None:
    """Make an empty file, unless there is one, that everybody may read, as ``mpathd-watch history`` does.

    SQLite would leave the mode to the umask, which the unit sets to 0077. Its log gets the mode of the database.
    """
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        descriptor = os.open(path, flags, 0o600)
    except FileExistsError:
        return
    try:
        os.fchmod(descriptor, 0o644)
    finally:
        os.close(descriptor)


def _migrate(connection: sqlite3.Connection) -> None:
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    for number in range(version, VERSION):
        connection.execute("BEGIN IMMEDIATE")
        try:
            for statement in MIGRATIONS[number]:
                connection.execute(statement)
            connection.execute(f"PRAGMA application_id = {APPLICATION}")
            connection.execute(f"PRAGMA user_version = {number + 1}")
            connection.execute("COMMIT")
        except BaseException:
            with contextlib.suppress(sqlite3.Error):
                connection.execute("ROLLBACK")
            raise


def fault(path: Path, until: float) -> str:
    """Why the file can't be used: ``corrupt``, ``newer`` or ``foreign``; empty if it can, or is not there.

    ``until``: when the check for damage ends at the latest, by ``time.monotonic``; what is left is not checked.
    """
    try:
        found = path.lstat()
    except FileNotFoundError:
        return ""
    if not stat.S_ISREG(found.st_mode) and not stat.S_ISDIR(found.st_mode):
        return "foreign"  # a link is not followed: what it leads to may be anything
    if found.st_size == 0:
        return ""
    connection = sqlite3.connect(path, timeout=BUSY, isolation_level=None)
    try:
        application = connection.execute("PRAGMA application_id").fetchone()[0]
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        if application != APPLICATION and (application or tables_of(connection)):
            return "foreign"
        if version > VERSION:
            return "newer"
        whole = version >= 0 and tables_of(connection) >= TABLES[version]
        return "" if whole and _is_sound(connection, until) else "corrupt"
    except sqlite3.OperationalError:
        raise  # it can't be opened, or the disk fails: that is no fault of the file
    except sqlite3.DatabaseError:
        return "corrupt"
    finally:
        connection.close()


def tables_of(connection: sqlite3.Connection) -> frozenset[str]:
    """The names of the tables."""
    return frozenset(name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'"))


def _is_sound(connection: sqlite3.Connection, until: float) -> bool:
    """Whether a check finds no damage within the time that it has."""
    connection.set_progress_handler(lambda: time.monotonic() > until, _STEPS)
    try:
        return bool(connection.execute("PRAGMA quick_check(1)").fetchone()[0] == "ok")
    except sqlite3.OperationalError as error:
        if getattr(error, "sqlite_errorname", "") == "SQLITE_INTERRUPT":
            return True
        raise
    finally:
        connection.set_progress_handler(None, 0)


def _is_full(path: Path) -> bool:
    """Whether the disk has no room for the index of SQLite's log, which is enlarged by 32 KiB (wal.c).

    SQLite calls that an error of the disk.
    """
    with contextlib.suppress(OSError):
        found = os.statvfs(path.parent)
        return found.f_bavail * found.f_frsize < _SPARE
    return False


def _word(number: int | None) -> str:
    return {30: "read_only", 28: "disk_full", 13: "not_permitted", 1: "not_permitted", 2: "no_directory"}.get(
        number or 0, "error"
    )


def _of_sqlite(error: sqlite3.Error, path: Path) -> str:
    name = getattr(error, "sqlite_errorname", "") or ""
    if name.startswith("SQLITE_IOERR") and _is_full(path):
        return "disk_full"
    words = {"SQLITE_FULL": "disk_full", "SQLITE_READONLY": "read_only", "SQLITE_BUSY": "busy"}
    return next((word for prefix, word in words.items() if name.startswith(prefix)), "error")
