"""What the store has recorded of the health of the maps in the last hours: read-only, and at most so much."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from dataclasses import field
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

from mpathd_watch.core.model.mappings import empty, frozen
from mpathd_watch.core.model.text import clean
from mpathd_watch.immutable import immutable
from mpathd_watch.store.database import NAME
from mpathd_watch.store.read_only import HistoryError, check, connected, remedy
from mpathd_watch.store.schema import MICRO

MOST_CHANGES: Final = 20_000
"""Changes that are read, within the time and before it each. Of more only the newest count."""
MOST_RUNS: Final = 100


@immutable
class Change:
    """From ``at`` (seconds since 1970) on the map had this health."""

    at: float
    health: str


@immutable
class Day:
    """The changes of each map by its WWID as it is printed, the oldest first, and the times at which no daemon ran.

    The first change of a map may be before ``begin``: it is the health that the map had then. Before ``known`` there
    may be more changes than were read. ``end`` is when this was read.
    """

    begin: float
    end: float
    known: float
    changes: Mapping[str, tuple[Change, ...]] = field(default_factory=empty)
    unwatched: tuple[tuple[float, float], ...] = ()


def read_day(directory: Path, begin: float, end: float) -> Day:
    """The health of all maps from ``begin`` to ``end``. Raises ``HistoryError``."""
    path = directory / NAME
    try:
        with connected(path) as connection:
            check(connection, path)
            return _read(connection, begin, end)
    except sqlite3.Error as error:
        raise HistoryError(f"{path}: {remedy(error)}") from None


def _read(connection: sqlite3.Connection, begin: float, end: float) -> Day:
    columns = "SELECT wwid, at, health FROM map_changes"
    newest = connection.execute(
        f"{columns} WHERE at >= ? AND at <= ? ORDER BY at DESC, id DESC LIMIT ?",  # constants
        (begin * MICRO, end * MICRO, MOST_CHANGES),
    ).fetchall()
    before = connection.execute(
        f"{columns} WHERE at < ? ORDER BY at DESC, id DESC LIMIT ?",  # constants
        (begin * MICRO, MOST_CHANGES),
    )
    found: dict[str, list[Change]] = {}
    for row in newest:
        if (known := _change(row)) is not None:
            found.setdefault(known[0], []).append(known[1])
    full = len(newest) == MOST_CHANGES
    if not full:
        settled = set[str]()
        for row in before:
            if (known := _change(row)) is not None and known[0] not in settled:
                settled.add(known[0])
                found.setdefault(known[0], []).append(known[1])
    changes = {wwid: tuple(reversed(of_map)) for wwid, of_map in found.items()}
    oldest = min((of_map[0].at for of_map in changes.values()), default=begin)
    return Day(begin, end, oldest if full else begin, frozen(changes), _unwatched(connection, begin))


def _change(row: tuple[Any, ...]) -> tuple[str, Change] | None:
    """A row; ``None`` for one that somebody has edited by hand."""
    wwid, at, health = row
    if not (isinstance(wwid, str) and isinstance(at, int) and isinstance(health, str)):
        return None
    return clean(wwid), Change(at / MICRO, health)


def _unwatched(connection: sqlite3.Connection, begin: float) -> tuple[tuple[float, float], ...]:
    """The times between the runs of the daemon. Its present run is the last one."""
    rows = connection.execute(
        "SELECT began, alive FROM runs WHERE alive >= ? ORDER BY began DESC LIMIT ?", (begin * MICRO, MOST_RUNS)
    ).fetchall()
    whole = (row for row in rows if all(isinstance(moment, int) for moment in row))
    runs = [(began / MICRO, alive / MICRO) for began, alive in whole]
    return tuple((before[1], after[0]) for before, after in pairwise(reversed(runs)) if after[0] > before[1])
