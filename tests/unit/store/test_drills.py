"""Drills in the store: which reports are taken, and which outages belong to them."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mpathd_watch.core.model.mappings import frozen
from mpathd_watch.core.model.memory import ExpectedMap, ExpectedPath
from mpathd_watch.store.database import NAME, StoreError
from mpathd_watch.store.directly import keep_drill, replace_expected
from mpathd_watch.store.drills import AHEAD, kept_drill, put_drill, read_drills
from mpathd_watch.store.expected import read_expected
from mpathd_watch.store.lock import Lock
from mpathd_watch.store.opening import open_to_write
from mpathd_watch.store.past import DrilledPath, PastDrill
from tests.histories import BEGAN, add, drill_report, outage

LATER = BEGAN + 60
PATH = drill_report()["paths"][0]
KEPT = kept_drill(drill_report(), LATER)


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    opened, _ = open_to_write(tmp_path / NAME)
    with closing(opened):
        yield opened


def tags(connection: sqlite3.Connection) -> dict[int, str | None]:
    """The drill of each outage, by the outage's number."""
    return {int(key, 16): drill for key, drill in connection.execute("SELECT id, drill FROM outages")}


def test_what_is_kept_of_a_report_is_read_again(connection: sqlite3.Connection) -> None:
    put_drill(connection, KEPT)
    paths = (DrilledPath("wwid0", "lun0", "192.168.0.1:3260", proven=True),)
    expected = PastDrill("d" * 16, "interface", "p2", "passed", BEGAN - 60, BEGAN + 60, (), paths)
    assert read_drills(connection) == [expected] == [KEPT.drill]
    assert connection.execute("SELECT began, ended, passed FROM drills").fetchall() == [
        ((BEGAN - 60) * 1_000_000, (BEGAN + 60) * 1_000_000, 1)
    ]
    # Nobody can replace it.
    put_drill(connection, kept_drill(drill_report(outcome="failed"), LATER))
    assert [drill.outcome for drill in read_drills(connection)] == ["passed"]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"id": "d" * 15}, "16 hexadecimal digits"),
        ({"id": "D" * 16}, "16 hexadecimal digits"),
        ({"id": 1}, "id must be a text"),
        ({"target": "p2"}, "target must be an object"),
        ({"target": {"kind": "host", "name": "a"}}, "kind must be one of interface, map, portal"),
        ({"target": {"kind": "map"}}, "name must be a text"),
        ({"outcome": "refused"}, "outcome must be one of failed, interrupted, passed"),
        ({"began": "yesterday"}, "began must be a date"),
        ({"began": "2026-11-18T11:05:40"}, "began must have a time zone"),
        ({"ended": None}, "ended must be a date"),
        ({"began": "2026-11-19T11:05:40Z"}, "must end after it began"),
        ({"began": "0001-01-01T00:00:00Z"}, "within two days"),
        ({"paths": {}}, "paths must be a list"),
        ({"paths": [1]}, "a path must be an object"),
        ({"paths": [PATH | {"proven": 1}]}, "proven must be true or false"),
        ({"paths": [PATH | {"wwid": None}]}, "wwid must be a text"),
        ({"more": float("nan")}, "not JSON compliant"),
    ],
)
def test_a_report_that_makes_no_sense_is_refused_with_the_reason(changes: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        kept_drill(drill_report(**changes), LATER)


def test_a_drill_may_end_a_little_in_the_future_only() -> None:
    assert kept_drill(drill_report(), LATER - AHEAD)
    with pytest.raises(ValueError, match="future"):
        kept_drill(drill_report(), LATER - AHEAD - 1)
    with pytest.raises(ValueError, match="report must be an object"):
        kept_drill([], LATER)


@pytest.mark.parametrize(
    ("changes", "belongs"),
    [
        ({}, True),
        ({"began": (BEGAN + 60) * 1_000_000}, True),
        ({"began": (BEGAN + 61) * 1_000_000}, False),
        # It lasts for 55.4 s.
        ({"began": (BEGAN - 115) * 1_000_000}, True),
        ({"began": (BEGAN - 116) * 1_000_000}, False),
        ({"began": (BEGAN - 5000) * 1_000_000, "resume": "{}", "reinstated_most": None}, True),
        ({"began": (BEGAN - 5000) * 1_000_000, "reinstated_most": None}, False),
        ({"path": "192.168.1.1:3260"}, False),
        ({"wwid": "another"}, False),
        ({"drill": "e" * 16}, False),
    ],
)
def test_the_outages_of_its_paths_that_overlap_it_belong_to_a_drill(
    connection: sqlite3.Connection, changes: dict[str, Any], belongs: bool
) -> None:
    add(connection, (outage(0, **changes),))
    before = tags(connection)[0]
    put_drill(connection, KEPT)
    assert tags(connection)[0] == ("d" * 16 if belongs else before)


def test_names_of_any_bytes_are_compared_as_they_are_printed(connection: sqlite3.Connection) -> None:
    add(connection, (outage(0, path=" a\x07b "),))
    put_drill(connection, kept_drill(drill_report(paths=[PATH | {"path": "a\\x07b"}]), LATER))
    assert tags(connection)[0] == "d" * 16


def test_the_oldest_reports_go_if_they_are_too_much(connection: sqlite3.Connection) -> None:
    for number in range(10):
        report = drill_report(BEGAN + number, id=f"{number:016x}", more="x" * 1000)
        put_drill(connection, kept_drill(report, BEGAN + 1000), 5000)
    assert [int(drill.id, 16) for drill in read_drills(connection)] == [7, 8, 9]


@given(st.one_of(st.none(), st.integers(), st.binary(), st.text(), st.just("[" * 100_000), st.just('{"id": 1}')))
def test_a_row_that_was_edited_by_hand_is_left_out(report: object) -> None:
    with closing(sqlite3.connect(":memory:")) as database:
        database.execute("CREATE TABLE drills (id, began, report)")
        rows = [("a", 1, _storable(report)), ("b", 2, json.dumps(drill_report()))]
        database.executemany("INSERT INTO drills VALUES (?, ?, ?)", rows)
        assert read_drills(database) == [KEPT.drill]


def _storable(value: object) -> object:
    if isinstance(value, int):
        return value % 2**31
    return value.encode("utf-8", "replace").decode() if isinstance(value, str) else value


def test_without_a_daemon_what_a_drill_has_proven_is_noted_of_the_expected_paths(tmp_path: Path) -> None:
    label, other = "192.168.0.1:3260", "192.168.1.1:3260"
    known = frozen({label: ExpectedPath(proven=5.0), other: ExpectedPath()})
    replace_expected(tmp_path, "wwid0", ExpectedMap("lun0", known))
    replace_expected(tmp_path, "wwid1", ExpectedMap("lun1", known))
    keep_drill(tmp_path, kept_drill(drill_report(id="a" * 16, outcome="failed"), LATER))
    assert read_expected(tmp_path)["wwid0"].paths == known
    keep_drill(tmp_path, KEPT)
    assert read_expected(tmp_path)["wwid0"].paths == {label: ExpectedPath(proven=LATER), other: ExpectedPath()}
    assert read_expected(tmp_path)["wwid1"].paths == known


def test_a_store_that_a_daemon_uses_or_that_is_newer_is_left_as_it_is(tmp_path: Path) -> None:
    lock = Lock(tmp_path)
    with pytest.raises(StoreError, match="a daemon uses it"):
        keep_drill(tmp_path, KEPT)
    lock.release()
    keep_drill(tmp_path, KEPT)
    with closing(sqlite3.connect(tmp_path / NAME)) as database:
        database.execute("PRAGMA user_version = 99")
    with pytest.raises(StoreError, match="not a store of this version"):
        keep_drill(tmp_path, KEPT)
    assert [file.name for file in tmp_path.iterdir() if file.name.startswith("state.db.")] == []
