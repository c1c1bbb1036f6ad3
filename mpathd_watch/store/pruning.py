"""The bounds of the store: what is too old goes, and the oldest of what is too much."""

from __future__ import annotations

import sqlite3
import time
from typing import Final

from mpathd_watch.immutable import immutable
from mpathd_watch.store.rows import microseconds

DAY: Final = 86_400.0
AT_ONCE: Final = 200
"""Outages that are removed in one transaction. Each changes pages of its own, which need room in SQLite's log."""
PAGES_AT_ONCE: Final = 500
"""Pages that are given back to the file system at once."""
AT_A_TIME: Final = 1.0
"""Seconds for which the thread that writes may remove what is old."""
LEFT: Final = 0.9
"""The part of the largest size that is left when there is too much."""
_OLDEST: Final = """SELECT max(began), count(*) FROM
  (SELECT began FROM outages WHERE resume IS NULL AND began < ? ORDER BY began LIMIT ?)"""
_FUTURE: Final = 2**62


@immutable
class Limits:
    """What is kept of the past: for so many days, and so many MiB."""

    days: int
    mebibytes: int


def prune(
    connection: sqlite3.Connection, limits: Limits, today: float, run: int | None, seconds: float = AT_A_TIME
) -> bool:
    """Remove what is beyond the limits; ``today`` in seconds since 1970, ``run`` is the row of the present run.

    Outages that go on stay. Returns whether all of it was removed within about so many ``seconds``; what is new has to
    be written in between. Raises ``sqlite3.Error``.
    """
    until = time.monotonic() + seconds
    oldest = microseconds(today - limits.days * DAY)
    while _removed(connection, oldest):
        if time.monotonic() > until:
            return False
    connection.execute("DELETE FROM incidents WHERE resume IS NULL AND began < ?", (oldest,))
    connection.execute("DELETE FROM map_changes WHERE at < ?", (oldest,))
    connection.execute("DELETE FROM runs WHERE alive < ? AND id <> ?", (oldest, run))
    connection.execute("DELETE FROM drills WHERE began < ?", (oldest,))
    most = limits.mebibytes << 20
    if size(connection) > most:
        while size(connection) > LEFT * most and (_removed(connection, _FUTURE) or _removed_changes(connection)):
            if time.monotonic() > until:
                return False
    free, before = _free(connection), -1
    while free not in (0, before):  # the file of another program may not be able to shrink
        connection.execute(f"PRAGMA incremental_vacuum({PAGES_AT_ONCE})").fetchall()
        free, before = _free(connection), free
        if free not in (0, before) and time.monotonic() > until:
            return False
    return True


def size(connection: sqlite3.Connection) -> int:
    """Bytes that are used."""
    pages, free, each = (
        connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "freelist_count", "page_size")
    )
    return int((pages - free) * each)


def _free(connection: sqlite3.Connection) -> int:
    """Pages that the file has and does not use."""
    return int(connection.execute("PRAGMA freelist_count").fetchone()[0])


def _removed(connection: sqlite3.Connection, before: int) -> bool:
    """Remove the oldest outages before this moment, and changes of maps as old. Returns whether there were any."""
    last, count = connection.execute(_OLDEST, (before, AT_ONCE)).fetchone()
    if not count:
        return False
    connection.execute("BEGIN IMMEDIATE")
    connection.execute("DELETE FROM outages WHERE resume IS NULL AND began <= ?", (last,))
    connection.execute("DELETE FROM incidents WHERE resume IS NULL AND began <= ?", (last,))
    connection.execute("DELETE FROM map_changes WHERE at <= ?", (last,))
    connection.execute("COMMIT")
    return True


def _removed_changes(connection: sqlite3.Connection) -> bool:
    """Remove the oldest changes of maps. Returns whether there were any."""
    removed = connection.execute(
        "DELETE FROM map_changes WHERE id IN (SELECT id FROM map_changes ORDER BY id LIMIT ?)", (AT_ONCE,)
    )
    return removed.rowcount > 0
