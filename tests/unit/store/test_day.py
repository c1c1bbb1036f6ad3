"""The last hours of all maps, as the page reads them: bounded, read-only, and whatever somebody has edited."""

from __future__ import annotations

from pathlib import Path

import pytest

from mpathd_watch.store import day as module
from mpathd_watch.store.database import NAME
from mpathd_watch.store.day import Change, read_day
from mpathd_watch.store.read_only import HistoryError
from tests.histories import BEGAN, change, database, run

NOW = BEGAN + 86400.0
BEGIN = float(BEGAN)


def test_each_map_has_its_changes_and_the_health_that_it_had_at_the_beginning(tmp_path: Path) -> None:
    with database(tmp_path) as connection:
        change(connection, BEGIN - 900, "unknown")
        change(connection, BEGIN - 800, "healthy")
        change(connection, BEGIN + 100, "at_risk")
        change(connection, BEGIN + 200, "healthy")
        change(connection, BEGIN - 700, "lost", name="quiet")
        change(connection, NOW + 5, "lost")
    found = read_day(tmp_path, BEGIN, NOW)
    assert dict(found.changes) == {
        "wwid-lun0": (Change(BEGIN - 800, "healthy"), Change(BEGIN + 100, "at_risk"), Change(BEGIN + 200, "healthy")),
        "wwid-quiet": (Change(BEGIN - 700, "lost"),),
    }
    assert (found.begin, found.end, found.known) == (BEGIN, NOW, BEGIN)


def test_nobody_watched_between_two_runs(tmp_path: Path) -> None:
    with database(tmp_path) as connection:
        run(connection, BEGIN - 9000, BEGIN - 5000)
        run(connection, BEGIN - 4000, BEGIN + 100)
        run(connection, BEGIN + 300, BEGIN + 400, clean=False)
        run(connection, BEGIN + 350, NOW)
    assert read_day(tmp_path, BEGIN, NOW).unwatched == ((BEGIN + 100, BEGIN + 300),)


def test_of_more_changes_than_are_read_the_newest_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_CHANGES", 4)
    with database(tmp_path) as connection:
        change(connection, BEGIN - 10, "lost", name="old")
        for number in range(6):
            change(connection, BEGIN + number, "lost" if number % 2 else "healthy")
    found = read_day(tmp_path, BEGIN, NOW)
    assert found.known == BEGIN + 2
    assert [each.at - BEGIN for each in found.changes["wwid-lun0"]] == [2, 3, 4, 5]
    assert "wwid-old" not in found.changes


def test_rows_that_make_no_sense_are_left_out_and_names_are_as_they_are_printed(tmp_path: Path) -> None:
    with database(tmp_path) as connection:
        change(connection, BEGIN + 1, "healthy", name="\x1b<b>")
        connection.execute("UPDATE map_changes SET health = 'odd'")
        change(connection, BEGIN + 2, "healthy", name="bad")
        connection.execute("UPDATE map_changes SET at = 'soon' WHERE map = 'bad'")
        run(connection, BEGIN, BEGIN)
        connection.execute("UPDATE runs SET began = 'x'")
    found = read_day(tmp_path, BEGIN, NOW)
    assert dict(found.changes) == {"wwid-\\x1b<b>": (Change(BEGIN + 1, "odd"),)}
    assert found.unwatched == ()


@pytest.mark.parametrize("content", [None, b"", b"no database at all, but some text of a certain length" * 40])
def test_what_cannot_be_read_is_one_line(tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / NAME).write_bytes(content)
    with pytest.raises(HistoryError, match=r"^[^\n]+$"):
        read_day(tmp_path, BEGIN, NOW)


def test_nothing_is_written(tmp_path: Path) -> None:
    with database(tmp_path) as connection:
        change(connection, BEGIN, "healthy")
    before = (tmp_path / NAME).read_bytes()
    read_day(tmp_path, BEGIN, NOW)
    assert (tmp_path / NAME).read_bytes() == before


def test_the_queries_use_the_index(tmp_path: Path) -> None:
    with database(tmp_path) as connection:
        for where in ("at >= 1 AND at <= 2", "at < 1"):
            text = f"SELECT health FROM map_changes WHERE {where} ORDER BY at DESC, id DESC LIMIT 9"  # noqa: S608
            plan = connection.execute(f"EXPLAIN QUERY PLAN {text}").fetchall()
            assert any("map_changes_by_time" in row[3] for row in plan)
            assert not any("TEMP B-TREE" in row[3] for row in plan)
