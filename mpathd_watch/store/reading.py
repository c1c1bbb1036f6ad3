"""Read-only queries of what the store has recorded. They need neither root nor a running daemon.

A row without a readable id or beginning, which somebody has edited by hand, is left out and counted.
"""

from __future__ import annotations

import sqlite3
import stat
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from itertools import chain
from math import inf
from pathlib import Path
from typing import Any, Final

from mpathd_watch.core.model.text import clean
from mpathd_watch.immutable import immutable, replace
from mpathd_watch.store.database import NAME
from mpathd_watch.store.drills import read_drills
from mpathd_watch.store.past import DaemonRun, MapRisk, PastDrill, PastOutage, ProvenPath
from mpathd_watch.store.past_rows import LISTED, bytes_of, expected_paths, past_outage, seconds_of, text_of
from mpathd_watch.store.read_only import HistoryError, check, connected, decoded, remedy
from mpathd_watch.store.schema import MICRO
from mpathd_watch.store.time_at_risk import watched

__all__ = ["Filters", "History", "HistoryError", "opened"]

STILL_RUNS: Final = 60.0
"""Seconds since a daemon last wrote for which it is taken to run; it writes every 10 s."""
_KEPT_BUDGET: Final = "within_budget"
_BYTES: Final = "CAST(? AS TEXT)"
"""Bytes as text: what is not UTF-8 can't be passed as text."""


@immutable
class Filters:
    """Which outages are meant: those that began from ``since`` to ``until`` (seconds since 1970), of a map and so on.

    ``map`` is a name or a WWID. Names are compared as they are printed. ``verdict`` is ``open`` for those that go on.
    """

    since: float | None = None
    until: float | None = None
    map: str | None = None
    path: str | None = None
    cause: str | None = None
    verdict: str | None = None


@contextmanager
def opened(directory: Path) -> Iterator[History]:
    """The history in the daemon's state directory. Raises ``HistoryError``, also while it is read."""
    path = directory / NAME
    try:
        if not stat.S_ISREG(path.lstat().st_mode):
            raise HistoryError(f"{path} is not a regular file")
    except FileNotFoundError:
        raise HistoryError(f"there is no history in {directory}: mpathd-watch.service has not run yet") from None
    except OSError as error:
        raise HistoryError(f"{path}: {error.strerror}; run this as root or as a user who may read it") from None
    try:
        with connected(path) as connection:
            check(connection, path)
            yield History(connection)
    except sqlite3.Error as error:
        raise HistoryError(f"{path}: {remedy(error)}") from None


class History:
    """What is recorded. ``unreadable`` counts the rows that were left out."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._database = connection
        self.unreadable = 0

    def outages(self, filters: Filters, limit: int = 0) -> list[PastOutage]:
        """The newest outages, at most ``limit`` unless it is 0, the oldest first, without their raw states."""
        where, values = self._where(filters)
        text = f"SELECT {LISTED} FROM outages{where} ORDER BY began DESC, id DESC"  # noqa: S608  # constants
        rows = self._database.execute(f"{text} LIMIT ?", (*values, limit or -1))
        return list(self._outages(rows))[::-1]

    def by_id(self, wanted: str) -> list[PastOutage]:
        """The outage with this id, otherwise up to two whose ids begin with it, with their raw states."""
        columns, begin = f"SELECT {LISTED}, states FROM outages", bytes_of(wanted)  # noqa: S608  # constants
        rows = self._database.execute(f"{columns} WHERE id = {_BYTES}", (begin,)).fetchall()
        if not rows and wanted:
            # Not LIKE: the user's text is no pattern.
            text = f"{columns} WHERE id > {_BYTES} AND substr(id, 1, ?) = {_BYTES} ORDER BY id LIMIT 2"
            rows = self._database.execute(text, (begin, len(wanted), begin)).fetchall()
        return list(self._outages(rows))

    def verdicts(self, filters: Filters) -> Mapping[str, int]:
        """How many outages have which verdict; an empty word for those that go on."""
        where, values = self._where(filters)
        counted = self._database.execute(
            f"SELECT coalesce(verdict, ''), count(*) FROM outages{where} GROUP BY 1",  # noqa: S608  # constants
            values,
        )
        return {text_of(verdict): count for verdict, count in counted}

    def longest_failover(self, filters: Filters, since: float) -> PastOutage | None:
        """The outage since then whose failover took longest for certain."""
        later = since if filters.since is None else max(since, filters.since)
        where, values = self._where(replace(filters, since=later))
        took = "CASE WHEN json_valid(phases) THEN json_extract(phases, '$.failover[0]') END"
        text = f"SELECT {LISTED} FROM outages{where} AND {took} IS NOT NULL ORDER BY {took} DESC LIMIT 1"  # noqa: S608
        return next(self._outages(self._database.execute(text, values)), None)

    def runs(self, now: float) -> list[DaemonRun]:
        """The runs of the daemon, the oldest first. The last one may still go on."""
        rows = self._database.execute("SELECT began, alive, clean FROM runs ORDER BY began, id").fetchall()
        runs = [DaemonRun(seconds_of(began), seconds_of(alive), bool(clean)) for began, alive, clean in rows]
        if runs and not runs[-1].clean and runs[-1].ended is not None and now - runs[-1].ended < STILL_RUNS:
            runs[-1] = DaemonRun(runs[-1].began, None)
        return runs

    def risks(self, filters: Filters, now: float) -> list[MapRisk]:
        """How long each map was at risk and lost within the times of ``filters``."""
        begin = -inf if filters.since is None else filters.since * MICRO
        end = (now if filters.until is None else min(filters.until, now)) * MICRO
        ends = [run.ended * MICRO for run in self.runs(now) if run.ended is not None]
        # As bytes: there may be hundreds of thousands, of few maps.
        self._database.text_factory = bytes
        try:
            changes = self._database.execute("SELECT wwid, map, at, health FROM map_changes ORDER BY id")
            watch = watched(changes, ends, begin, end)
        finally:
            self._database.text_factory = decoded
        names = {wwid: text_of(name) for wwid, name in watch.names.items()}
        wanted = filters.map
        return [
            MapRisk(name, watch.seconds(wwid, b"at_risk"), watch.seconds(wwid, b"lost"))
            for wwid, name in sorted(names.items(), key=lambda item: (item[1], item[0]))
            if wanted is None or wanted in (clean(name), clean(text_of(wwid)))
        ]

    def drills(self, filters: Filters) -> list[PastDrill]:
        """The drills that began within the times of ``filters``, of its map and path, the oldest first."""
        times = (-1e12 if filters.since is None else filters.since, 1e12 if filters.until is None else filters.until)
        since, until = (min(max(each, -1e12), 1e12) * MICRO for each in times)
        return [
            drill
            for drill in read_drills(self._database, "began >= ? AND began < ?", (since, until))
            if (filters.map is None and filters.path is None)
            or any(
                filters.map in (None, path.map, path.wwid) and filters.path in (None, path.path) for path in drill.paths
            )
        ]

    def drill(self, wanted: str) -> PastDrill | None:
        """The drill with this id."""
        return next(iter(read_drills(self._database, f"id = {_BYTES}", (bytes_of(wanted),))), None)

    def unproven(self, filters: Filters) -> list[ProvenPath]:
        """The expected paths that have not kept a failover budget since ``filters.since``, or never."""
        proofs = {
            (text_of(wwid), text_of(path)): seconds_of(began)
            for wwid, path, began in self._database.execute(
                "SELECT wwid, path, max(began) FROM outages WHERE verdict = ? GROUP BY wwid, path", (_KEPT_BUDGET,)
            )
        }
        # The report of a drill has names as they are printed.
        drilled = {
            (path.wwid, path.path): drill.ended
            for drill in read_drills(self._database, "passed = 1")
            for path in drill.paths
            if path.proven
        }
        found = []
        for wwid, name, expected in self._database.execute("SELECT wwid, name, map FROM expected ORDER BY name, wwid"):
            if filters.map is not None and filters.map not in (clean(text_of(name)), clean(text_of(wwid))):
                continue
            for path, proven in expected_paths(expected):
                proof, drill = proofs.get((text_of(wwid), path)), drilled.get((clean(text_of(wwid)), clean(path)))
                moments = [each for each in (proven, proof, drill) if each is not None]
                last = max(moments, default=None)
                if filters.path is not None and filters.path != clean(path):
                    continue
                if last is None or (filters.since is not None and last < filters.since):
                    found.append(ProvenPath(text_of(name), path, last))
        return found

    def _outages(self, rows: Iterable[tuple[Any, ...]]) -> Iterator[PastOutage]:
        for row in rows:
            outage = past_outage(row)
            if outage is None:
                self.unreadable += 1
            else:
                yield outage

    def _where(self, filters: Filters) -> tuple[str, list[Any]]:
        """The filters as a condition, which is never empty, and its values."""
        parts: list[str] = ["1"]
        values: list[Any] = []
        for text, moment in (("began >= ?", filters.since), ("began < ?", filters.until)):
            if moment is not None:
                parts.append(text)
                values.append(min(max(moment, -1e12), 1e12) * MICRO)
        if filters.cause is not None:
            parts.append("cause = ?")
            values.append(filters.cause)
        if filters.verdict == "open":
            parts.append("verdict IS NULL")
        elif filters.verdict is not None:
            parts.append("verdict = ?")
            values.append(filters.verdict)
        for columns, wanted in ((("map", "wwid"), filters.map), (("path",), filters.path)):
            if wanted is not None:
                found = [(column, self._spelled(column, wanted)) for column in columns]
                texts = [f"{column} IN ({', '.join([_BYTES] * len(names))})" for column, names in found]
                parts.append(f"({' OR '.join(texts)})")
                values += chain.from_iterable(names for _, names in found)
        return f" WHERE {' AND '.join(parts)}", values

    def _spelled(self, column: str, wanted: str) -> list[bytes]:
        """The texts in ``column`` that are printed as ``wanted``; a name may hold bytes that are not printed."""
        names = self._database.execute(f"SELECT DISTINCT {column} FROM outages")  # noqa: S608  # a constant
        return [bytes_of(name) for (name,) in names if isinstance(name, str) and clean(name) == wanted]
