"""Read-only queries of what the store has recorded. They need neither root nor a running daemon.

What the database holds is not trusted: a row may have been edited by hand. A value that can't be read counts as not
known, and a row without a readable id or beginning is left out and counted.
"""

from __future__ import annotations

import json
import sqlite3
import stat
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from itertools import chain
from math import inf, isfinite
from pathlib import Path
from typing import Any, Final

from mpathd_watch.core.model.outage import PathStates, Span
from mpathd_watch.core.model.text import clean
from mpathd_watch.immutable import immutable, replace
from mpathd_watch.store.database import BUSY, NAME
from mpathd_watch.store.drills import read_drills
from mpathd_watch.store.past import DaemonRun, MapRisk, PastDrill, PastOutage, ProvenPath, RawChange
from mpathd_watch.store.schema import STAGES, VERSION

STILL_RUNS: Final = 60.0
"""Seconds since a daemon last wrote for which it is taken to run; it writes every 10 s."""
_MICRO: Final = 1e6
_KEPT_BUDGET: Final = "within_budget"


_BYTES: Final = "CAST(? AS TEXT)"
"""Bytes as text: what is not UTF-8 can't be passed as text."""


class HistoryError(Exception):
    """The history can't be read. The text is one line with the remedy."""


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
        if not stat.S_ISREG(path.stat().st_mode):
            raise HistoryError(f"{path} is not a regular file")
    except FileNotFoundError:
        raise HistoryError(f"there is no history in {directory}: mpathd-watch.service has not run yet") from None
    except OSError as error:
        raise HistoryError(f"{path}: {error.strerror}; run this as root or as a user who may read it") from None
    try:
        with _connected(path) as connection:
            _check(connection, path)
            yield History(connection)
    except sqlite3.Error as error:
        raise HistoryError(f"{path}: {_remedy(error)}") from None


class History:
    """What is recorded. ``unreadable`` counts the rows that were left out."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._database = connection
        self.unreadable = 0

    def outages(self, filters: Filters, limit: int = 0) -> list[PastOutage]:
        """The newest outages, at most ``limit`` unless it is 0, the oldest first, without their raw states."""
        where, values = self._where(filters)
        text = f"SELECT {_LISTED} FROM outages{where} ORDER BY began DESC, id DESC"  # noqa: S608  # constants
        rows = self._database.execute(f"{text} LIMIT ?", (*values, limit or -1))
        return list(self._outages(rows))[::-1]

    def by_id(self, wanted: str) -> list[PastOutage]:
        """The outage with this id, otherwise up to two whose ids begin with it, with their raw states."""
        columns, begin = f"SELECT {_LISTED}, states FROM outages", _bytes(wanted)  # noqa: S608  # constants
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
        return {_text(verdict): count for verdict, count in counted}

    def longest_failover(self, filters: Filters, since: float) -> PastOutage | None:
        """The outage since then whose failover took longest for certain."""
        later = since if filters.since is None else max(since, filters.since)
        where, values = self._where(replace(filters, since=later))
        took = "CASE WHEN json_valid(phases) THEN json_extract(phases, '$.failover[0]') END"
        text = f"SELECT {_LISTED} FROM outages{where} AND {took} IS NOT NULL ORDER BY {took} DESC LIMIT 1"  # noqa: S608
        return next(self._outages(self._database.execute(text, values)), None)

    def runs(self, now: float) -> list[DaemonRun]:
        """The runs of the daemon, the oldest first. The last one may still go on."""
        rows = self._database.execute("SELECT began, alive, clean FROM runs ORDER BY began, id").fetchall()
        runs = [DaemonRun(_seconds(began), _seconds(alive), bool(clean)) for began, alive, clean in rows]
        if runs and not runs[-1].clean and runs[-1].ended is not None and now - runs[-1].ended < STILL_RUNS:
            runs[-1] = DaemonRun(runs[-1].began, None)
        return runs

    def risks(self, filters: Filters, now: float) -> list[MapRisk]:
        """How long each map was at risk and lost within the times of ``filters``."""
        begin = -inf if filters.since is None else filters.since * _MICRO
        end = (now if filters.until is None else min(filters.until, now)) * _MICRO
        ends = [run.ended * _MICRO for run in self.runs(now) if run.ended is not None]
        # As bytes: there may be hundreds of thousands, of few maps.
        self._database.text_factory = bytes
        try:
            changes = self._database.execute("SELECT wwid, map, at, health FROM map_changes ORDER BY id")
            watch = _watched(changes, ends, begin, end)
        finally:
            self._database.text_factory = _decoded
        names = {wwid: _text(name) for wwid, name in watch.names.items()}
        wanted = filters.map
        return [
            MapRisk(name, watch.seconds(wwid, b"at_risk"), watch.seconds(wwid, b"lost"))
            for wwid, name in sorted(names.items(), key=lambda item: (item[1], item[0]))
            if wanted is None or wanted in (clean(name), clean(_text(wwid)))
        ]

    def drills(self, filters: Filters) -> list[PastDrill]:
        """The drills that began within the times of ``filters``, of its map and path, the oldest first."""
        times = (-1e12 if filters.since is None else filters.since, 1e12 if filters.until is None else filters.until)
        since, until = (min(max(each, -1e12), 1e12) * _MICRO for each in times)
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
        return next(iter(read_drills(self._database, f"id = {_BYTES}", (_bytes(wanted),))), None)

    def unproven(self, filters: Filters) -> list[ProvenPath]:
        """The expected paths that have not kept a failover budget since ``filters.since``, or never."""
        proofs = {
            (_text(wwid), _text(path)): _seconds(began)
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
            if filters.map is not None and filters.map not in (clean(_text(name)), clean(_text(wwid))):
                continue
            for path, proven in _expected(expected):
                proof, drill = proofs.get((_text(wwid), path)), drilled.get((clean(_text(wwid)), clean(path)))
                moments = [each for each in (proven, proof, drill) if each is not None]
                last = max(moments, default=None)
                if filters.path is not None and filters.path != clean(path):
                    continue
                if last is None or (filters.since is not None and last < filters.since):
                    found.append(ProvenPath(_text(name), path, last))
        return found

    def _outages(self, rows: Iterable[tuple[Any, ...]]) -> Iterator[PastOutage]:
        for row in rows:
            outage = _outage(row)
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
                values.append(min(max(moment, -1e12), 1e12) * _MICRO)
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
        return [_bytes(name) for (name,) in names if isinstance(name, str) and clean(name) == wanted]


_SHOWN: Final = frozenset({b"at_risk", b"lost"})


class _Watch:
    """How long maps were in which health; by WWID, in microseconds within a stretch of time."""

    def __init__(self, begin: float, end: float) -> None:
        self.names: dict[bytes, Any] = {}
        self._begin, self._end = begin, end
        self._added: dict[tuple[bytes, Any], float] = {}

    def add(self, wwid: bytes, health: Any, since: float, until: float) -> None:
        """The map was in this health from ``since`` to ``until``."""
        since = since if since > self._begin else self._begin  # noqa: FURB136  # max() takes three times as long
        until = until if until < self._end else self._end  # noqa: FURB136
        if until > since:
            self._added[wwid, health] = self._added.get((wwid, health), 0.0) + until - since

    def seconds(self, wwid: bytes, health: bytes) -> float:
        """The seconds for which the map was in this health."""
        return self._added.get((wwid, health), 0.0) / _MICRO


def _watched(changes: Iterable[tuple[Any, ...]], ends: Iterable[float], begin: float, end: float) -> _Watch:
    """What the changes add up to. From each moment in ``ends`` to the next change of a map, nobody watched."""
    watch, now = _Watch(begin, end), dict[bytes, tuple[Any, float]]()
    unwatched = iter(ends)
    ended = next(unwatched, inf)
    for wwid, name, at, health in changes:
        if not isinstance(at, int) or not isinstance(wwid, bytes):
            continue
        while at >= ended:
            _stop(watch, now, ended)
            ended = next(unwatched, inf)
        before = now.get(wwid)
        if before is None:
            watch.names[wwid] = name
        elif before[0] in _SHOWN:
            watch.add(wwid, *before, at)
        now[wwid] = (health, at)
    _stop(watch, now, min(ended, end))
    return watch


def _stop(watch: _Watch, now: dict[bytes, tuple[Any, float]], at: float) -> None:
    for wwid, before in now.items():
        if before[0] in _SHOWN:
            watch.add(wwid, *before, at)
    now.clear()


_STAGE_COLUMNS: Final = ", ".join(f"{stage}_least, {stage}_most" for stage in STAGES)
_COLUMNS: Final = (
    *("id", "wwid", "map", "path", "began", "began_earliest", "inherited", "cause", "evidence", "timeouts"),
    *("bounds", "phases", "verdict", "broken", "incident", "drill"),
)
_LISTED: Final = f"{', '.join(_COLUMNS)}, {_STAGE_COLUMNS}"


def _outage(row: tuple[Any, ...]) -> PastOutage | None:
    """The outage of one row; ``None`` if it has no id or no beginning."""
    fields = dict(zip(_COLUMNS, row, strict=False))
    name, began = fields["id"], _number(fields["began"])
    if not isinstance(name, str | bytes) or began is None:
        return None
    rest = row[len(_COLUMNS) :]
    pairs = zip(rest[0 : 2 * len(STAGES) : 2], rest[1 : 2 * len(STAGES) : 2], strict=True)
    instants = {
        stage: found
        for stage, (least, most) in zip(STAGES, pairs, strict=True)
        if (found := _span(least, most, _MICRO)) is not None
    }
    earliest, timeouts = _number(fields["began_earliest"]), _object(fields["timeouts"])
    return PastOutage(
        id=_text(name),
        wwid=_text(fields["wwid"]),
        map=_text(fields["map"]),
        path=_text(fields["path"]),
        began=began / _MICRO,
        earliest=None if earliest is None else earliest / _MICRO,
        inherited=bool(fields["inherited"]),
        cause=_text(fields["cause"]),
        evidence=_text(fields["evidence"]),
        verdict=_text(fields["verdict"]),
        broken=_text(fields["broken"]),
        incident=_text(fields["incident"]),
        drill=_text(fields["drill"]),
        instants=instants,
        phases={
            name: found
            for name, pair in (_object(fields["phases"]) or {}).items()
            if isinstance(pair, list) and len(pair) == 2 and (found := _span(pair[0], pair[1], 1.0)) is not None
        },
        bounds=_bounds(_object(fields["bounds"]) or {}),
        timeouts=None if timeouts is None else _bounds(timeouts),
        states=_states(rest[2 * len(STAGES)]) if len(rest) > 2 * len(STAGES) else (),
    )


def _bounds(found: Mapping[str, Any]) -> Mapping[str, float | None]:
    return {name: None if value is None else _number(value) for name, value in found.items()}


def _states(text: object) -> tuple[RawChange, ...]:
    rows = _json(text)
    if not isinstance(rows, list):
        return ()
    usable = [row for row in rows if isinstance(row, list) and len(row) == 7 and _number(row[0]) is not None]
    changes = (RawChange(row[0] / _MICRO, PathStates(*map(_text, row[1:]))) for row in usable)
    return tuple(sorted(changes, key=lambda change: change.at))


def _span(least: object, most: object, unit: float) -> Span | None:
    """From ``least`` to ``most``, which is infinite if it is not known; ``None`` without either."""
    begin, end = _number(least), _number(most)
    if begin is None:
        return None
    return Span(begin / unit, inf if end is None else max(begin, end) / unit)


def _expected(text: object) -> Iterator[tuple[str, float | None]]:
    """The labels of the paths that are expected of one map, and when each last kept its budget."""
    paths = (_object(text) or {}).get("paths")
    if isinstance(paths, list):
        yield from ((path, None) for path in paths if isinstance(path, str))
    elif isinstance(paths, dict):
        for path, known in paths.items():
            yield path, _number(known.get("proven")) if isinstance(known, dict) else None


def _object(text: object) -> dict[str, Any] | None:
    found = _json(text)
    return found if isinstance(found, dict) else None


def _json(text: object) -> Any:
    with suppress(ValueError, RecursionError):
        return json.loads(text) if isinstance(text, str) else None
    return None


def _number(value: object) -> float | None:
    usable = isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value)
    return float(value) if usable else None  # type: ignore[arg-type]


def _seconds(value: object) -> float:
    return (_number(value) or 0.0) / _MICRO


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def _text(value: object) -> str:
    if isinstance(value, bytes):
        return value.decode("utf-8", "surrogateescape")
    return value if isinstance(value, str) else "" if value is None else str(value)


@contextmanager
def _connected(path: Path) -> Iterator[sqlite3.Connection]:
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
    connection.text_factory = _decoded
    connection.execute("PRAGMA query_only = 1")
    return connection


_decoded: Final[Callable[[bytes], str]] = lambda raw: raw.decode("utf-8", "surrogateescape")  # noqa: E731


def _check(connection: sqlite3.Connection, path: Path) -> None:
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version > VERSION:
        raise HistoryError(f"{path} is of a newer mpathd-watch (version {version} of the tables); use that one")
    if version < 1:
        raise HistoryError(f"{path} holds no history yet; the daemon makes it when it starts")


def _code(error: sqlite3.Error) -> int:
    """The primary result code; 0 for an error of the library that has none."""
    return (getattr(error, "sqlite_errorcode", None) or 0) & 0xFF


_NO_ACCESS: Final = frozenset({sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM})


def _remedy(error: sqlite3.Error) -> str:
    code = _code(error)
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return "another process has locked it; try again"
    if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
        return "it is damaged; the daemon moves it aside and begins another one when it starts again"
    if code in _NO_ACCESS:
        return "this user can't open it; run this as root or as a user who may read its directory"
    return f"it can't be read ({error}); if this lasts, restart mpathd-watch.service"
