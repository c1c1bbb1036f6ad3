"""One database added to another: what an older version wrote while that of a newer one was aside."""

from __future__ import annotations

import sqlite3
from contextlib import closing, suppress
from pathlib import Path
from typing import Final

from mpathd_watch.core.model.mappings import frozen
from mpathd_watch.core.model.memory import ExpectedPath
from mpathd_watch.immutable import replace
from mpathd_watch.store.database import opened
from mpathd_watch.store.rows import expected_text, read_expected

BY_KEY: Final = ("meta", "outages", "incidents", "drills")
"""Tables whose rows have a key that means the same in each database."""
BY_MOMENT: Final = ("runs", "map_changes")
"""Tables whose rows have a number, in the order in which they were written."""
PRESENT: Final = ("maps", "lost_nexuses")
"""Tables of what is so now: only the latest database knows it."""


def forget_the_present(connection: sqlite3.Connection) -> None:
    """Within a transaction: all of the present is going to be written; nobody has seen the end of what is not in it."""
    connection.execute("UPDATE main.outages SET resume = NULL, verdict = 'unobserved' WHERE resume IS NOT NULL")
    connection.execute("UPDATE main.incidents SET resume = NULL WHERE resume IS NOT NULL")
    for table in PRESENT:
        connection.execute(f"DELETE FROM main.{table}")  # noqa: S608  # a name of ours


def add(path: Path, later: Path) -> None:
    """Add to the database in ``path`` all that is in ``later``, which was written after it.

    Done twice, it changes nothing more. Raises ``sqlite3.Error``; nothing is added then.
    """
    opened(later).close()  # the tables of both are of this version then
    with closing(opened(path)) as connection:
        connection.execute("ATTACH ? AS later", (str(later),))
        connection.execute("BEGIN IMMEDIATE")
        try:
            forget_the_present(connection)
            for table in (*BY_KEY, *PRESENT):
                names = ", ".join(_columns(connection, table))
                connection.execute(
                    f"INSERT OR REPLACE INTO main.{table} ({names}) SELECT {names} FROM later.{table}"  # noqa: S608  # names of ours
                )
            for table in BY_MOMENT:
                _append(connection, table)
            _expect(connection)
            connection.execute("COMMIT")
        except BaseException:
            with suppress(sqlite3.Error):
                connection.execute("ROLLBACK")
            raise


def _columns(connection: sqlite3.Connection, table: str) -> list[str]:
    return [name for (name,) in connection.execute("SELECT name FROM pragma_table_info(?)", (table,))]


def _append(connection: sqlite3.Connection, table: str) -> None:
    """Append the rows that are not there yet; they get the next numbers."""
    columns = [name for name in _columns(connection, table) if name != "id"]
    names, same = ", ".join(columns), " AND ".join(f"known.{name} IS new.{name}" for name in columns)
    connection.execute(
        f"INSERT INTO main.{table} ({names}) SELECT {names} FROM later.{table} AS new "  # noqa: S608  # names of ours
        f"WHERE NOT EXISTS (SELECT 1 FROM main.{table} AS known WHERE {same}) ORDER BY new.id"
    )


def _expect(connection: sqlite3.Connection) -> None:
    """What is expected: all that either database knows, but for what the later one has had and expects no more."""
    connection.execute(
        "DELETE FROM main.expected WHERE wwid IN (SELECT wwid FROM later.map_changes) "
        "AND wwid NOT IN (SELECT wwid FROM later.expected)"
    )
    for wwid, name, text in connection.execute("SELECT wwid, name, map FROM later.expected").fetchall():
        known = connection.execute("SELECT map FROM main.expected WHERE wwid = ?", (wwid,)).fetchone()
        left = {path for (path,) in connection.execute("SELECT path FROM later.outages WHERE wwid = ?", (wwid,))}
        row = (wwid, name, text if known is None else _both(known[0], text, left))
        connection.execute("INSERT OR REPLACE INTO main.expected VALUES (?, ?, ?)", row)


def _both(known: object, later: object, left: set[object]) -> object:
    """What is expected of a map by both rows, without paths of the first one that the later one has seen leave."""
    try:
        before, now = read_expected(known), read_expected(later)
    except (ValueError, TypeError, RecursionError):
        return later
    paths: dict[str, ExpectedPath] = {name: path for name, path in before.paths.items() if name not in left}
    for name, path in now.paths.items():
        same = before.paths.get(name, path)
        proven = [each.proven for each in (path, same) if each.proven is not None]
        paths[name] = replace(path, proven=max(proven, default=None))
    return expected_text(replace(now, paths=frozen(paths)))
