"""Databases with a past, written with the tables of the store."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from mpathd_watch.store.database import NAME as DATABASE
from mpathd_watch.store.opening import open_to_write

BEGAN = 1_795_000_000
"""Seconds since 1970 at which the first outage of these pasts began."""
PHASES = {"detection": [15.3, 15.3], "replacement": [5.1, 5.1], "failover": [20.4, 20.4], "reinstatement": [8.0, 8.0]}
BOUNDS = {"detection": 16.0, "replacement": 5.0, "failover": 21.0, "transition": None, "reinstatement": 82.0}
TIMEOUTS = {"noop_out_interval": 5.0, "noop_out_timeout": 10.0, "replacement_timeout": 5.0}
STATES = [
    [0, "suspect", "active", "ready", "running", "LOGGED_IN", ""],
    [15_200_000, "stalled", "active", "ready", "blocked", "FAILED", ""],
    [20_300_000, "failed", "failed", "ready", "transport-offline", "FREE", ""],
    [47_400_000, "recovering", "failed", "faulty", "running", "LOGGED_IN", ""],
    [55_400_000, "up", "active", "ready", "running", "LOGGED_IN", ""],
]
_INSTANTS = {
    "last_alive": -100_000,
    "suspected": 0,
    "stalled": 15_200_000,
    "failed": 20_300_000,
    "transport_up": 47_400_000,
    "reinstated": 55_400_000,
}


def outage(number: int = 0, **changes: Any) -> dict[str, Any]:
    """A row: an outage of 55 s that kept its budget, an hour after the one with the number before."""
    row = {
        "id": f"{number:016x}",
        "wwid": f"wwid{number % 8}",
        "map": f"lun{number % 8}",
        "path": f"192.168.{number % 4}.1:3260",
        "began": (BEGAN + 3600 * number) * 1_000_000,
        "began_earliest": None,
        "inherited": 0,
        "cause": "carrier_lost",
        "evidence": "NIC p2 has no carrier",
        "timeouts": json.dumps(TIMEOUTS),
        "bounds": json.dumps(BOUNDS),
        "phases": json.dumps(PHASES),
        "verdict": "within_budget",
        "broken": None,
        "incident": f"{number // 4:016x}",
        "drill": None,
        "states": json.dumps(STATES),
        "resume": None,
    }
    for stage, at in _INSTANTS.items():
        row |= {f"{stage}_least": at, f"{stage}_most": at}
    return row | changes


@contextmanager
def database(directory: Path) -> Iterator[sqlite3.Connection]:
    """A connection that writes, to a database without a past if there is none yet."""
    connection, _ = open_to_write(directory / DATABASE)
    with closing(connection):
        connection.execute("BEGIN")
        yield connection
        if connection.in_transaction:
            connection.execute("COMMIT")


def add(connection: sqlite3.Connection, outages: Iterable[dict[str, Any]]) -> None:
    """Store the outages."""
    rows = iter(outages)
    for row in rows:
        columns = ", ".join(row)
        text = f"INSERT INTO outages ({columns}) VALUES ({', '.join('?' * len(row))})"  # noqa: S608  # our own columns
        connection.execute(text, tuple(row.values()))
        connection.executemany(text, (tuple(each.values()) for each in rows))


def run(connection: sqlite3.Connection, began: float, alive: float, *, clean: bool = True) -> None:
    """Store a run of the daemon."""
    connection.execute(
        "INSERT INTO runs (version, boot, began, began_mono, alive, alive_mono, clean) "
        "VALUES ('0.1.0', 'b', ?, 0, ?, 0, ?)",
        (int(began * 1e6), int(alive * 1e6), clean),
    )


def change(connection: sqlite3.Connection, at: float, health: str, name: str = "lun0", was: str = "unknown") -> None:
    """Store a change of a map's health."""
    connection.execute(
        "INSERT INTO map_changes (wwid, map, at, was, health) VALUES (?, ?, ?, ?, ?)",
        (f"wwid-{name}", name, int(at * 1e6), was, health),
    )


def expect(connection: sqlite3.Connection, name: str, paths: Any) -> None:
    """Store what is expected of a map."""
    connection.execute("INSERT INTO expected VALUES (?, ?, ?)", (f"wwid{name[-1]}", name, json.dumps({"paths": paths})))


def drill_report(begin: float = BEGAN - 60, **changes: Any) -> dict[str, Any]:
    """The report of a drill of two minutes that passed: the path of ``outage()`` was lost."""
    moments = [datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds") for at in (begin, begin + 120)]
    path = {"map": "lun0", "wwid": "wwid0", "path": "192.168.0.1:3260", "expected": True, "proven": True}
    report: dict[str, Any] = {
        "version": 1,
        "target": {"kind": "interface", "name": "p2"},
        "outcome": "passed",
        "reasons": [],
        "id": "d" * 16,
        "began": moments[0],
        "ended": moments[1],
        "paths": [path],
    }
    return report | changes
