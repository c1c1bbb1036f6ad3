"""What a daemon reads of its store when it starts."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from mpathd_watch.core.model.instant import Instant
from mpathd_watch.core.model.mappings import frozen
from mpathd_watch.core.model.memory import ExpectedMap, KeptMap, Memory, by_path
from mpathd_watch.immutable import immutable
from mpathd_watch.store.database import errors
from mpathd_watch.store.opening import open_to_write
from mpathd_watch.store.pending import Contents, NamedMap
from mpathd_watch.store.rows import (
    KeptIncident,
    Row,
    instant,
    read_expected,
    read_findings,
    read_incident,
    read_map,
    read_open,
    readable,
)

_LAST_WATCHED = "SELECT alive_mono, alive, boot FROM runs WHERE alive_mono > 0 ORDER BY id DESC LIMIT 1"
"""A daemon that ended before it knew the present has seen nothing: the one before it was the last to watch."""


@immutable
class Opened:
    """A database that is open: what it holds of the present, the same for the core, and what to log about it.

    ``inode``: that of the file. ``skipped``: how many rows made no sense.
    """

    connection: sqlite3.Connection
    inode: int
    contents: Contents
    memory: Memory
    note: str
    skipped: int


def open_store(path: Path, boot: str) -> Opened:
    """Open the database in this file, or make it, and read it. ``boot`` names the present boot.

    Raises ``StoreError``. It may block for as long as the file system does.
    """
    connection, note = open_to_write(path)
    try:
        with errors(path):
            return _read(connection, path.stat().st_ino, note, boot)
    except BaseException:
        connection.close()
        raise


def _read(connection: sqlite3.Connection, inode: int, note: str, boot: str) -> Opened:
    skipped = 0

    def skip() -> None:
        nonlocal skipped
        skipped += 1

    def rows(query: str) -> list[Row]:
        return connection.execute(query).fetchall()

    outages = list(
        readable(rows("SELECT resume, states, evidence FROM outages WHERE resume IS NOT NULL"), read_open, skip)
    )
    incidents = list(
        readable(rows("SELECT resume FROM incidents WHERE resume IS NOT NULL ORDER BY began"), read_incident, skip)
    )
    maps = dict(readable(rows("SELECT wwid, map, resume FROM maps"), _map, skip))
    expected = dict(readable(rows("SELECT wwid, map FROM expected"), _expected, skip))
    lost = dict(readable(rows("SELECT label, shared FROM lost_nexuses"), _texts, skip))
    findings = list(readable(rows("SELECT value FROM meta WHERE key = 'findings'"), read_findings, skip))
    alive = list(readable(rows(_LAST_WATCHED), _alive, skip))
    moment, its_boot = alive[0] if alive else (None, "")
    memory = Memory(
        frozen(expected),
        by_path(known.open for known in outages if known.open is not None),
        frozen({wwid: named.kept for wwid, named in maps.items()}),
        frozen(lost),
        frozen({each.id: each for each in incidents}),
        findings[0] if findings else frozenset(),
        alive=moment,
        same_boot=its_boot == boot != "",
    )
    contents = Contents(
        {known.outage.id: known for known in outages},
        {each.id: KeptIncident(each) for each in incidents},
        dict(maps),
        dict(expected),
        dict(lost),
        [],
        findings=findings[0] if findings else None,
    )
    return Opened(connection, inode, contents, memory, note, skipped)


def _map(row: Row) -> tuple[str, NamedMap]:
    kept: KeptMap = read_map(row[2])
    wwid, label = _texts(row[:2])
    return wwid, NamedMap(label, kept)


def _expected(row: Row) -> tuple[str, ExpectedMap]:
    if not isinstance(row[0], str):
        raise ValueError("wwid")  # noqa: TRY004  # one kind of error for whatever is wrong with a row
    return row[0], read_expected(row[1])


def _texts(row: Row) -> tuple[str, str]:
    if not all(isinstance(value, str) for value in row):
        raise ValueError("a text")
    return row[0], row[1]


def _alive(row: Row) -> tuple[Instant, str]:
    if not isinstance(row[2], str):
        raise ValueError("boot")  # noqa: TRY004
    return instant(row[0], row[1]), row[2]
