"""Databases that a version can't use: an older one moves that of a newer one aside, and the next one puts it back."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from mpathd_watch.store import database, merging, schema
from mpathd_watch.store.database import NAME, StoreError
from mpathd_watch.store.opening import open_to_write
from tests.histories import BEGAN, change, outage, run

OUTAGE_COLOUR = "ALTER TABLE outages ADD COLUMN colour TEXT"
As = Callable[[int], None]


@pytest.fixture
def as_version(monkeypatch: pytest.MonkeyPatch) -> As:
    """Make this program one that is so many versions of the tables newer than it is. The first adds a column."""

    def become(newer: int) -> None:
        further = ((OUTAGE_COLOUR,), ("CREATE INDEX outages_by_colour ON outages (colour)",))[:newer]
        monkeypatch.setattr(database, "VERSION", schema.VERSION + newer)
        monkeypatch.setattr(database, "MIGRATIONS", (*schema.MIGRATIONS, *further))
        monkeypatch.setattr(database, "TABLES", (*schema.TABLES, *[schema.TABLES[-1]] * newer))

    return become


def written(path: Path, number: int, **present: str) -> str:
    """Open the store and write a past into it: a run with an outage, and what is so at its end. Returns the note."""
    connection, note = open_to_write(path)
    with closing(connection):
        connection.execute("BEGIN")
        row = outage(number, verdict=None, resume="{}", incident=f"i{number}")
        connection.execute(
            f"INSERT INTO outages ({', '.join(row)}) VALUES ({', '.join('?' * len(row))})",  # noqa: S608  # our own
            tuple(row.values()),
        )
        run(connection, BEGAN + number, BEGAN + number + 1, clean=False)
        change(connection, BEGAN + number, "at_risk")
        connection.execute(
            "INSERT INTO incidents VALUES (?, ?, NULL, 'session s', 'at_risk', '[]', 1, 1, 0, '{}')",
            (f"i{number}", BEGAN + number),
        )
        connection.execute("INSERT INTO drills VALUES (?, ?, NULL, NULL, '{}')", (f"d{number}", BEGAN))
        connection.execute("INSERT OR REPLACE INTO meta VALUES ('findings', ?)", (json.dumps([f"f{number}"]),))
        for table in ("maps", "lost_nexuses"):
            connection.execute(f"DELETE FROM {table}")  # noqa: S608  # our own
        connection.execute("INSERT INTO maps VALUES (?, 'm', '{}')", (f"w{number}",))
        connection.execute("INSERT INTO lost_nexuses VALUES (?, '')", (f"n{number}",))
        for wwid, paths in present.items():
            expected(connection, wwid, json.loads(paths))
        connection.execute("COMMIT")
    return note


def expected(connection: sqlite3.Connection, wwid: str, paths: Any) -> None:
    row = (wwid, wwid, json.dumps({"name": wwid, "paths": paths}))
    connection.execute("INSERT OR REPLACE INTO expected VALUES (?, ?, ?)", row)


def all_of(path: Path) -> dict[str, list[tuple[Any, ...]]]:
    """What the database holds, without the numbers of rows, but in their order."""
    queries = {
        "version": "PRAGMA user_version",
        "outages": "SELECT id, verdict, resume FROM outages ORDER BY id",
        "runs": "SELECT began / 1000000 - 1795000000, clean FROM runs ORDER BY id",
        "changes": "SELECT at / 1000000 - 1795000000 FROM map_changes ORDER BY id",
        "incidents": "SELECT id, resume FROM incidents ORDER BY id",
        "drills": "SELECT id FROM drills ORDER BY id",
        "meta": "SELECT key, value FROM meta",
        "maps": "SELECT wwid FROM maps",
        "lost": "SELECT label FROM lost_nexuses",
        "expected": "SELECT wwid, map FROM expected ORDER BY wwid",
    }
    with closing(sqlite3.connect(path)) as connection:
        return {name: connection.execute(query).fetchall() for name, query in queries.items()}


def opened_again(path: Path) -> str:
    connection, note = open_to_write(path)
    connection.close()
    return note


def files(path: Path) -> set[str]:
    return {each.name for each in path.parent.iterdir()}


MERGED = {
    "version": [(schema.VERSION + 1,)],
    "outages": [(f"{1:016x}", "unobserved", None), (f"{2:016x}", None, "{}")],
    "runs": [(1, 0), (2, 0)],
    "changes": [(1,), (2,)],
    "incidents": [("i1", None), ("i2", "{}")],
    "drills": [("d1",), ("d2",)],
    "meta": [("findings", '["f2"]')],
    "maps": [("w2",)],
    "lost": [("n2",)],
    "expected": [],
}
"""The first past was written by a newer version, the second one by this one while the first was aside."""


def test_every_table_is_merged_in_one_way() -> None:
    ways = (*merging.BY_KEY, *merging.BY_MOMENT, *merging.PRESENT, "expected")
    assert sorted(ways) == sorted(schema.TABLES[-1])


def test_that_of_a_newer_version_is_set_aside_and_put_back_with_what_was_written_meanwhile(
    tmp_path: Path, as_version: As
) -> None:
    path = tmp_path / NAME
    as_version(1)
    assert written(path, 1) == ""
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE outages SET colour = 'red'")
    as_version(0)
    note = written(path, 2)
    assert note == (
        f"{path} was written by a newer version: it was moved to {path}.newer, and an empty one was begun; "
        "a version that can read it puts it back."
    )
    assert files(path) == {NAME, f"{NAME}.newer"}
    assert opened_again(path) == ""
    as_version(1)
    assert opened_again(path) == (
        f"{path}.newer was put back as {path}, and what was written in the meantime was added to it."
    )
    assert files(path) == {NAME}
    assert all_of(path) == MERGED
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT colour FROM outages ORDER BY id").fetchall() == [("red",), (None,)]
    assert opened_again(path) == ""
    assert all_of(path) == MERGED


def test_two_newer_ones_replace_each_other_never_and_come_back_in_their_order(tmp_path: Path, as_version: As) -> None:
    path = tmp_path / NAME
    for number, version in enumerate((2, 1, 0), 1):
        as_version(version)
        written(path, number)
        os.utime(path, (BEGAN + number, BEGAN + number))
    assert files(path) == {NAME, f"{NAME}.newer", f"{NAME}.newer.1"}
    as_version(1)
    assert opened_again(path).startswith(f"{path}.newer.1 was put back")
    assert files(path) == {NAME, f"{NAME}.newer"}
    assert [began for began, _ in all_of(path)["runs"]] == [2, 3]
    as_version(2)
    assert opened_again(path).count("was put back") == 1
    assert files(path) == {NAME}
    found = all_of(path)
    assert [began for began, _ in found["runs"]] == [1, 2, 3]
    assert found["maps"] == [("w3",)]
    assert found["version"] == [(schema.VERSION + 2,)]


def test_two_that_can_be_read_come_back_at_once(tmp_path: Path, as_version: As) -> None:
    path = tmp_path / NAME
    for number, version in enumerate((2, 1, 0), 1):
        as_version(version)
        written(path, number)
        os.utime(path, (BEGAN + number, BEGAN + number))
    as_version(2)
    assert opened_again(path).count("was put back") == 2
    assert files(path) == {NAME}
    found = all_of(path)
    assert [began for began, _ in found["runs"]] == [1, 2, 3]
    assert (found["maps"], found["meta"]) == ([("w3",)], [("findings", '["f3"]')])
    assert [row[1:] for row in found["outages"]] == [("unobserved", None), ("unobserved", None), (None, "{}")]


class CrashError(Exception):
    """The host loses its power here."""


@pytest.fixture
def crash_at(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[int], None]]:
    """Let the change of a file name with this number, and all later ones, not happen. Both files are closed in time."""
    plain = {name: getattr(Path, name) for name in ("replace", "unlink")}

    def arm(number: int) -> None:
        counter = count()

        def changed(name: str) -> Callable[..., Any]:
            def instead(file: Path, *arguments: Any, **options: Any) -> Any:
                if not file.exists():  # nothing happens, and nothing can be between
                    return plain[name](file, *arguments, **options)
                if next(counter) >= number:
                    raise CrashError
                return plain[name](file, *arguments, **options)

            return instead

        for name in plain:
            monkeypatch.setattr(Path, name, changed(name))

    yield arm
    for name, function in plain.items():
        monkeypatch.setattr(Path, name, function)


@pytest.mark.parametrize("number", range(3))
def test_whatever_ends_it_in_between_the_next_start_completes_it(
    tmp_path: Path, as_version: As, crash_at: Callable[[int], None], number: int
) -> None:
    path = tmp_path / NAME
    as_version(1)
    written(path, 1)
    as_version(0)
    written(path, 2)
    as_version(1)
    crash_at(number)
    with pytest.raises(CrashError):
        open_to_write(path)
    crash_at(100)
    opened_again(path)
    assert files(path) == {NAME}
    assert all_of(path) == MERGED


@pytest.mark.parametrize("number", range(3))
def test_it_is_complete_even_if_the_older_version_runs_again_in_between(
    tmp_path: Path, as_version: As, crash_at: Callable[[int], None], number: int
) -> None:
    path = tmp_path / NAME
    as_version(1)
    written(path, 1)
    as_version(0)
    written(path, 2)
    as_version(1)
    crash_at(number)
    with pytest.raises(CrashError):
        open_to_write(path)
    crash_at(100)
    as_version(0)
    written(path, 3)
    as_version(1)
    opened_again(path)
    assert files(path) == {NAME}
    found = all_of(path)
    assert sorted(began for began, _ in found["runs"]) == [1, 2, 3]
    assert found["runs"][-1] == (3, 0)
    assert [row[0] for row in found["outages"]] == [f"{each:016x}" for each in (1, 2, 3)]
    assert found["maps"] == [("w3",)]


def test_what_can_not_be_added_stays_where_it_is_until_it_can(
    tmp_path: Path, as_version: As, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / NAME
    as_version(1)
    written(path, 1)
    as_version(0)
    written(path, 2)
    as_version(1)
    with monkeypatch.context() as patched:

        def full(*_: object) -> None:
            raise sqlite3.OperationalError("database or disk is full")

        patched.setattr(merging, "_expect", full)
        for _ in range(2):
            with pytest.raises(StoreError, match="full"):
                open_to_write(path)
            assert files(path) >= {NAME, f"{NAME}.older"}
    opened_again(path)
    assert files(path) == {NAME}
    assert all_of(path) == MERGED


@pytest.mark.parametrize("damaged", ["newer", "older"])
def test_one_that_is_damaged_meanwhile_is_given_up_and_the_other_used(
    tmp_path: Path, as_version: As, damaged: str
) -> None:
    path = tmp_path / NAME
    as_version(1)
    written(path, 1)
    as_version(0)
    written(path, 2)
    if damaged == "older":
        path.replace(f"{path}.older")
    Path(f"{path}.{damaged}").write_bytes(b"no database" * 1000)
    as_version(1)
    note = opened_again(path)
    assert f"{path}.{damaged} is damaged: it was moved to {path}.corrupt." in note
    assert files(path) == {NAME, f"{NAME}.corrupt"}
    assert all_of(path)["runs"] == [(2 if damaged == "newer" else 1, 0)]


@pytest.mark.parametrize("name", ["newer", "newer.1", "newer.x", "newer-wal", "older"])
@pytest.mark.parametrize("kind", ["link", "fifo"])
def test_what_is_no_file_is_neither_followed_nor_waited_for(tmp_path: Path, name: str, kind: str) -> None:
    path, place = tmp_path / "state" / NAME, tmp_path / "state" / f"{NAME}.{name}"
    path.parent.mkdir()
    victim = tmp_path / "victim.db"
    written(victim, 1)
    before = victim.read_bytes()
    if kind == "link":
        place.symlink_to(victim)
    else:
        os.mkfifo(place)
    written(path, 2)
    assert victim.read_bytes() == before
    assert all_of(path)["runs"] == [(2, 0)]
    moved = f"{NAME}.foreign" if name == "older" else place.name
    assert files(path) == {NAME, moved}


def test_what_is_expected_is_what_either_knows_but_for_what_the_later_one_saw_go(
    tmp_path: Path, as_version: As
) -> None:
    path = tmp_path / NAME
    as_version(1)
    written(
        path,
        1,
        both='{"kept": {"proven": 7.0}, "missing": {}, "forgotten": {}}',
        unseen='{"p": {}}',
        seen='{"p": {}}',
        odd='{"p": {}}',
    )
    as_version(0)
    written(path, 2, both='{"kept": {"proven": 5.0}, "new": {}}', odd="7", later='{"q": {}}')
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("UPDATE outages SET wwid = 'both', path = 'forgotten'")
        connection.execute("UPDATE map_changes SET wwid = 'seen'")
    as_version(1)
    opened_again(path)
    found = {wwid: json.loads(text)["paths"] for wwid, text in all_of(path)["expected"]}
    assert found.keys() == {"both", "unseen", "odd", "later"}
    assert found["both"].keys() == {"kept", "missing", "new"}
    assert found["both"]["kept"]["proven"] == 7.0
    assert found["odd"] == 7
    assert found["later"].keys() == {"q"}
