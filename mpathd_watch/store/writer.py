"""Writes the store. Each method blocks for as long as the disk does, so the loop never calls one.

What can't be written waits in ``Pending``, and is tried again at the next ``write``. A database that is gone, with its
directory or without, is made again, with all of the present in it.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
from pathlib import Path
from typing import Final

from mpathd_watch.core.model.instant import Instant
from mpathd_watch.core.model.memory import ExpectedMap
from mpathd_watch.immutable import immutable
from mpathd_watch.store import database
from mpathd_watch.store.database import StoreError, errors
from mpathd_watch.store.drills import SHARE, put_drill
from mpathd_watch.store.merging import forget_the_present
from mpathd_watch.store.opening import open_to_write
from mpathd_watch.store.pending import AT_ONCE, Contents, Pending
from mpathd_watch.store.pruning import Limits, prune, size
from mpathd_watch.store.reopening import Opened
from mpathd_watch.store.rows import (
    INCIDENT_COLUMNS,
    OUTAGE_COLUMNS,
    expected_text,
    findings_text,
    incident_row,
    map_text,
    microseconds,
    outage_row,
    plain,
)

PRUNED_EVERY: Final = 3600.0
"""Seconds between two looks at what is too old or too much."""
SIZED_EVERY: Final = 60.0
"""Seconds between two looks at what is too much only, which costs next to nothing."""
SIZED_AFTER: Final = AT_ONCE
"""Outages and changes after which to look sooner: about 1 MiB."""
LEAPT: Final = 31 * 86_400.0
"""Seconds by which the clock may be ahead of the last sign of life of an earlier daemon before it may have been set
wrong: nothing is taken for old by it then."""

_OUTAGE = (
    f"INSERT INTO outages ({', '.join(OUTAGE_COLUMNS)}) VALUES ({', '.join('?' * len(OUTAGE_COLUMNS))}) "  # noqa: S608  # names of ours
    f"ON CONFLICT (id) DO UPDATE SET {', '.join(f'{name} = excluded.{name}' for name in OUTAGE_COLUMNS[1:])}"
)
"""It leaves the other columns of a row as they are, such as the drill that the outage belongs to."""
_INCIDENT = f"INSERT OR REPLACE INTO incidents VALUES ({', '.join('?' * len(INCIDENT_COLUMNS))})"  # noqa: S608  # no text


@immutable
class Run:
    """This run of the daemon: ``boot`` names the boot, ``began`` is its start."""

    version: str
    boot: str
    began: Instant


class Writer:
    """Writes what waits in ``pending`` into the database of a directory."""

    def __init__(self, directory: Path, pending: Pending, run: Run, limits: Limits) -> None:
        self.path = directory / database.NAME
        self._pending = pending
        self._run = run
        self._limits = limits
        self.outages: int | None = None
        """How many outages the database holds; ``None`` before the first write."""
        self._connection: sqlite3.Connection | None = None
        self._row: int | None = None
        self._inode: int | None = None
        self._pruned_at = self._sized_at = float("-inf")
        self._unsized = 0
        self._was_full = False
        self._trusted_until = run.began.wall
        self._watches = False

    def begin(self, opened: Opened) -> None:
        """Use a database that was just opened. It does not block: the first ``write`` notes that this daemon runs."""
        if opened.memory.alive is not None:
            self._trusted_until = opened.memory.alive.wall + LEAPT
        self._connection = opened.connection
        self._inode = opened.inode

    def watch(self) -> None:
        """Note signs of life from now on: this daemon knows the present.

        Before that it has seen nothing, and what it has not seen may have happened since an earlier one watched.
        """
        self._watches = True

    def write(self, now: Instant) -> str:
        """Write what waits, as much as one transaction takes, and a sign of life.

        Returns a line about a database that was moved aside. Raises ``StoreError``.
        """
        note = self._reopened()
        taken = self._pending.take()
        try:
            with errors(self.path):
                if self._was_full:
                    self._prune(now)  # what is too much makes room for what is new
                self._transact(taken, now, clean=False)
                self._was_full = False
                self._unsized += len(taken.outages) + len(taken.changes)
                if self._is_too_much(now) or now.monotonic - self._pruned_at > PRUNED_EVERY:
                    self._prune(now)
                if self.outages is None or taken.outages:
                    (self.outages,) = self._connected().execute("SELECT count(*) FROM outages").fetchone()
        except StoreError as error:
            self._pending.give_back(taken)
            self._was_full = error.reason == "disk_full"
            self._abandon()  # this frees the log, too
            raise
        return note

    def end(self, now: Instant) -> None:
        """Write the rest, note that the daemon ended in order, and close. Raises ``StoreError``."""
        self._reopened()
        with errors(self.path):
            try:
                while True:
                    taken = self._pending.take()
                    last = not self._pending.waiting
                    self._transact(taken, now, clean=last)
                    if last:
                        break
            finally:
                self._abandon()

    def _reopened(self) -> str:
        if self._connection is not None and self._is_still_there():
            return ""
        self._abandon()
        with errors(self.path):
            self.path.parent.mkdir(mode=0o755, exist_ok=True)
        connection, note = open_to_write(self.path)
        try:
            with errors(self.path):
                connection.execute("BEGIN IMMEDIATE")
                forget_the_present(connection)
                connection.execute("COMMIT")
                self._inode = os.stat(self.path).st_ino  # noqa: PTH116  # as in _is_still_there()
                self._note_run(connection)
        except StoreError:
            connection.close()
            raise
        self._connection = connection
        self._pending.write_all_again()
        return note

    def _is_still_there(self) -> bool:
        with contextlib.suppress(OSError):
            return os.stat(self.path).st_ino == self._inode  # noqa: PTH116  # five times as fast as Path.stat()
        return False

    def _note_run(self, connection: sqlite3.Connection) -> None:
        run, wall, monotonic = self._run, *_both(self._run.began)
        self._row = connection.execute(
            "INSERT INTO runs (version, boot, began, began_mono, alive, alive_mono) VALUES (?, ?, ?, ?, ?, ?)",
            (run.version, run.boot, wall, monotonic, wall, 0),
        ).lastrowid

    def _is_too_much(self, now: Instant) -> bool:
        """Whether the history has become larger than it may be, if it is time to look."""
        if now.monotonic - self._sized_at <= SIZED_EVERY and self._unsized < SIZED_AFTER:
            return False
        self._sized_at, self._unsized = now.monotonic, 0
        return size(self._connected()) > self._limits.mebibytes << 20

    def _prune(self, now: Instant) -> None:
        complete = prune(self._connected(), self._limits, self._today(now), self._row)
        self._pruned_at = now.monotonic if complete else float("-inf")
        self.outages = None

    def _today(self, now: Instant) -> float:
        """The wall clock, or a guess if that may have been set wrong."""
        return min(now.wall, self._trusted_until + now.since(self._run.began))

    def _connected(self) -> sqlite3.Connection:
        if self._connection is None:
            raise StoreError("error", f"{self.path}: it is not open")
        return self._connection

    def _transact(self, taken: Contents, now: Instant, *, clean: bool) -> None:
        connection = self._connected()
        # A sign of life need not survive a loss of power.
        connection.execute(f"PRAGMA synchronous = {'NORMAL' if taken.is_empty() and not clean else 'FULL'}")
        connection.execute("BEGIN IMMEDIATE")
        try:
            if self._row is None:
                self._note_run(connection)
            _put(connection, taken)
            for drill in taken.drills:  # after their outages
                put_drill(connection, drill, SHARE * (self._limits.mebibytes << 20))
            connection.execute("UPDATE runs SET clean = ? WHERE id = ?", (int(clean), self._row))
            if self._watches:
                alive = (*_both(now), self._row)
                connection.execute("UPDATE runs SET alive = ?, alive_mono = ? WHERE id = ?", alive)
            connection.execute("COMMIT")
        except BaseException:
            with contextlib.suppress(sqlite3.Error):
                connection.execute("ROLLBACK")
            raise

    def _abandon(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with contextlib.suppress(sqlite3.Error):
                connection.close()


def _put(connection: sqlite3.Connection, taken: Contents) -> None:
    dropped = [(key,) for key, kept in taken.outages.items() if kept is None]
    connection.executemany("DELETE FROM outages WHERE id = ?", dropped)
    connection.executemany(_OUTAGE, [outage_row(kept) for kept in taken.outages.values() if kept is not None])
    connection.executemany(_INCIDENT, [incident_row(kept) for kept in taken.incidents.values()])
    connection.executemany(
        "DELETE FROM maps WHERE wwid = ?", [(wwid,) for wwid, map_ in taken.maps.items() if not map_]
    )
    maps = [(plain(wwid), plain(map_.label), map_text(map_.kept)) for wwid, map_ in taken.maps.items() if map_]
    connection.executemany("INSERT OR REPLACE INTO maps VALUES (?, ?, ?)", maps)
    for wwid, expected in taken.expected.items():
        put_expected(connection, wwid, expected)
    for label, shared in taken.lost.items():
        if shared is None:
            connection.execute("DELETE FROM lost_nexuses WHERE label = ?", (label,))
        else:
            connection.execute("INSERT OR REPLACE INTO lost_nexuses VALUES (?, ?)", (plain(label), plain(shared)))
    if taken.findings is not None:
        connection.execute("INSERT OR REPLACE INTO meta VALUES ('findings', ?)", (findings_text(taken.findings),))
    rows = [
        (plain(each.wwid), plain(each.map), microseconds(each.at.wall), each.was.value, each.now.health.value)
        for each in taken.changes
    ]
    connection.executemany("INSERT INTO map_changes (wwid, map, at, was, health) VALUES (?, ?, ?, ?, ?)", rows)


def put_expected(connection: sqlite3.Connection, wwid: str, expected: ExpectedMap | None) -> None:
    """Write what is expected of a map; ``None``: nothing any more."""
    if expected is None:
        connection.execute("DELETE FROM expected WHERE wwid = ?", (wwid,))
    else:
        row = (plain(wwid), plain(expected.name), expected_text(expected))
        connection.execute("INSERT OR REPLACE INTO expected VALUES (?, ?, ?)", row)


def _both(moment: Instant) -> tuple[int, int]:
    return microseconds(moment.wall), microseconds(moment.monotonic)
