"""What outlives the daemon as a process: restarts, kills, and a state directory that is broken in all ways."""

from __future__ import annotations

import os
import resource
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.component.process import PATIENCE, Daemon, until
from tests.fakes.journald import Journald
from tests.fakes.multipathd import FakeMultipathd
from tests.fakes.sysfs import FakeSysfs, healthy_san

STORE_UP = 'mpathd_watch_source_up{source="store"} 1.0'
STORE_DOWN = 'mpathd_watch_source_up{source="store"} 0.0'
HEALTH = 'mpathd_watch_path_health{map="mpio",path="192.168.2.1:3260",state="%s"} 1.0'


@pytest.fixture
def san(tmp_path: Path) -> FakeSysfs:
    return healthy_san(tmp_path / "sys")


@pytest.fixture
def start(tmp_path: Path, san: FakeSysfs) -> Iterator[Callable[..., Daemon]]:  # noqa: ARG001  # the SAN must be there
    started: list[Daemon] = []

    def starter(*options: str, **places: Any) -> Daemon:
        (tmp_path / "notify").unlink(missing_ok=True)
        started.append(Daemon(tmp_path, *options, **places))
        return started[-1]

    yield starter
    for daemon in started:
        daemon.close()


@pytest.fixture
def state(tmp_path: Path) -> Path:
    return tmp_path / "state"


def rows(state: Path, query: str) -> list[tuple[object, ...]]:
    if not (state / "state.db").exists():
        return []
    try:
        with closing(sqlite3.connect(state / "state.db", timeout=5)) as database:
            return database.execute(query).fetchall()
    except sqlite3.DatabaseError:
        return []


def wait_rows(state: Path, query: str, wanted: Callable[[list[tuple[object, ...]]], bool]) -> list[tuple[object, ...]]:
    def look() -> list[tuple[object, ...]] | None:
        found = rows(state, query)
        return found if wanted(found) else None

    return until(look, lambda: f"{query}: {rows(state, query)}")


OPEN = "SELECT id, began, stalled_most, failed_most, verdict FROM outages"


PROGRAM = """
import sys
from functools import partial
from pathlib import Path
from mpathd_watch import cli
from mpathd_watch.daemon import reporters
from mpathd_watch.sources.multipathd import client
from mpathd_watch.sources.reading.presence import Daemon
pidfile, proc, journal = (Path(sys.argv.pop(1)) for _ in range(3))
client.multipathd = lambda: Daemon("multipathd", pidfile, proc, lambda _: False)
reporters.SOCKET, reporters.JournalSink = journal, partial(reporters.JournalSink, journal)
sys.exit(cli.main())
"""
"""The daemon, with the multipathd and the journald of a test in place of those of this host."""


@pytest.fixture
def multipathd(tmp_path: Path, san: FakeSysfs) -> Iterator[FakeMultipathd]:
    with FakeMultipathd(tmp_path / "multipathd") as fake:
        fake.list_map(san.maps[0], san.disks)
        yield fake


@pytest.fixture
def journald(tmp_path: Path) -> Iterator[Journald]:
    made = Journald(tmp_path / "journal")
    yield made
    made.close()


def _collect(journald: Journald, entries: list[dict[str, bytes]], over: threading.Event) -> None:
    """Read entries until there are no more and it is over."""
    while (entry := journald.read(0.1)) is not None or not over.is_set():
        if entry is not None:
            entries.append(dict(entry))


def test_an_outage_goes_on_over_four_kills_under_the_same_id(
    start: Callable[..., Daemon], san: FakeSysfs, state: Path, multipathd: FakeMultipathd, journald: Journald
) -> None:
    program = ("-c", PROGRAM, str(multipathd.pidfile), str(multipathd.proc), str(journald.path))

    def begun() -> Daemon:
        daemon = start("--multipathd-socket", multipathd.socket_name, program=program)
        daemon.wait_notified(r"^READY=1$")
        return daemon

    def restarted(change: Callable[[], object]) -> Daemon:
        daemon.process.send_signal(signal.SIGKILL)
        daemon.process.wait(PATIENCE)
        change()
        return begun()

    def fails() -> None:
        session.expire()
        multipathd.list_map(san.maps[0], san.disks, {san.disks[1].name})

    def recovers() -> None:
        session.recover()
        multipathd.list_map(san.maps[0], san.disks)

    # While it runs: the kernel queues few entries, and those of a daemon that is killed are lost with it.
    entries: list[dict[str, bytes]] = []
    over = threading.Event()
    reading = threading.Thread(target=_collect, args=(journald, entries, over))
    reading.start()
    session = san.sessions[1]
    daemon = begun()
    daemon.wait_scraped(HEALTH % "up")
    session.fail()
    first = wait_rows(state, OPEN, lambda found: len(found) == 1)[0]
    daemon = restarted(lambda: None)
    daemon.wait_scraped(HEALTH % "stalled")
    daemon = restarted(fails)
    daemon.wait_scraped(HEALTH % "failed")
    wait_rows(state, OPEN, lambda found: found[0][3] is not None)
    daemon = restarted(lambda: None)
    daemon.wait_scraped(HEALTH % "failed")
    assert rows(state, OPEN)[0][4] is None
    daemon = restarted(recovers)
    daemon.wait_scraped(HEALTH % "up")
    last = wait_rows(state, OPEN, lambda found: found[0][4] is not None)
    assert [row[:2] for row in last] == [first[:2]]
    assert daemon.stop() == 0
    over.set()
    reading.join()
    outage = [
        (entry["MPATHD_WATCH_EVENT"], entry["MPATHD_WATCH_OUTAGE"])
        for entry in entries
        if entry.get("MPATHD_WATCH_EVENT") in (b"path_failed", b"path_reinstated")
    ]
    key = str(first[0]).encode()
    assert outage == [(b"path_failed", key), (b"path_reinstated", key)]
    assert not [entry["MESSAGE"] for entry in entries if b"Internal error" in entry["MESSAGE"]]
    runs = rows(state, "SELECT clean, version FROM runs ORDER BY id")
    assert [row[0] for row in runs] == [0, 0, 0, 0, 1]
    assert "Traceback" not in daemon.said()


def test_a_second_daemon_on_one_directory_says_so_in_one_line_and_leaves(
    start: Callable[..., Daemon], tmp_path: Path
) -> None:
    daemon = start()
    daemon.wait_notified(r"^READY=1$")
    command = [sys.executable, "-m", "mpathd_watch", "run", "--web.listen-address", "127.0.0.1:0"]
    command += ["--sysfs", str(tmp_path / "sys"), "--state-dir", str(tmp_path / "state")]
    environ = {key: value for key, value in daemon.environ.items() if key != "NOTIFY_SOCKET"}
    done = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=PATIENCE, check=False)  # noqa: S603  # our own program
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "another mpathd-watch uses" in done.stderr
    assert daemon.process.poll() is None


def garbage(path: Path) -> None:
    path.write_bytes(b"This is no database. " * 500)


def truncated(path: Path) -> None:
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size // 2 + 100)


def newer(path: Path) -> None:
    with closing(sqlite3.connect(path)) as database:
        database.execute("PRAGMA user_version = 99")


def without_a_table(path: Path) -> None:
    with closing(sqlite3.connect(path)) as database:
        database.execute("DROP TABLE outages")


def foreign(path: Path) -> None:
    path.unlink()
    with closing(sqlite3.connect(path)) as database:
        database.execute("CREATE TABLE books (title TEXT)")


@pytest.mark.parametrize("damage", [garbage, truncated, newer, without_a_table, foreign])
def test_a_database_that_is_of_no_use_is_moved_aside_and_the_daemon_goes_on(
    start: Callable[..., Daemon], state: Path, damage: Callable[[Path], None]
) -> None:
    daemon = start()
    daemon.wait_notified(r"^READY=1$")
    wait_rows(state, "SELECT * FROM maps", lambda found: len(found) == 1)
    daemon.stop()
    damage(state / "state.db")
    daemon = start()
    daemon.wait_notified(r"^READY=1$")
    daemon.wait_scraped(STORE_UP)
    assert daemon.said().count("it was moved to") == 1
    assert [path for path in state.iterdir() if path.name.startswith("state.db.")]
    wait_rows(state, "SELECT * FROM maps", lambda found: len(found) == 1)
    assert "Traceback" not in daemon.said()


NEWER = """
import sys
from mpathd_watch.store import schema
schema.VERSION += 1
schema.MIGRATIONS += (("ALTER TABLE outages ADD COLUMN colour TEXT",),)
schema.TABLES += (schema.TABLES[-1],)
from mpathd_watch import cli
sys.exit(cli.main())
"""
"""The daemon of a release to come, whose tables have another column."""


def test_a_store_of_a_newer_daemon_waits_beside_and_comes_back_with_it(
    start: Callable[..., Daemon], san: FakeSysfs, state: Path
) -> None:
    def outage_in(daemon: Daemon, number: int) -> None:
        daemon.wait_notified(r"^READY=1$")
        daemon.wait_scraped(HEALTH % "up")
        san.sessions[1].fail()
        wait_rows(state, OPEN, lambda found: len(found) == number)
        san.sessions[1].recover()
        wait_rows(state, OPEN, lambda found: len(found) == number and None not in [row[4] for row in found])
        assert daemon.stop() == 0

    newer = start(program=("-c", NEWER))
    outage_in(newer, 1)
    older = start()
    outage_in(older, 1)
    assert older.said().count("was written by a newer version: it was moved to") == 1
    (aside,) = state.glob("state.db.newer*")
    assert aside.name == "state.db.newer"
    back = start(program=("-c", NEWER))
    back.wait_notified(r"^READY=1$")
    assert back.said().count(f"{aside} was put back") == 1
    assert len(rows(state, OPEN)) == 2
    assert not list(state.glob("state.db.*"))
    outage_in(back, 3)
    assert [row[0] for row in rows(state, "SELECT clean FROM runs ORDER BY id")] == [1, 1, 1]
    assert "Traceback" not in newer.said() + older.said() + back.said()


@pytest.mark.parametrize(
    "name", ["state.db", "state.db-wal", "state.db-shm", "state.db.newer", "lock", "notified-hooks.json"]
)
@pytest.mark.parametrize("kind", ["link", "empty", "dangling", "fifo"])
def test_what_was_laid_in_place_of_a_file_of_the_state_is_never_followed(
    start: Callable[..., Daemon], tmp_path: Path, state: Path, name: str, kind: str
) -> None:
    """A hook runs as the daemon's user, and may put there what it likes."""
    state.mkdir()
    victim, text = tmp_path / "victim", "precious\n" if kind == "link" else ""
    if kind in ("link", "empty"):
        victim.write_text(text)
    if kind == "fifo":
        os.mkfifo(state / name)
    else:
        (state / name).symlink_to(victim)
    (tmp_path / "config.toml").write_text('[[hook]]\ncommand = ["/bin/true"]\n')
    daemon = start()
    daemon.wait_notified(r"^READY=1$")
    daemon.wait_scraped(HEALTH % "up")
    assert daemon.stop() == 0
    assert victim.exists() == (kind in ("link", "empty"))
    if victim.exists():
        assert victim.read_text() == text
    assert "Traceback" not in daemon.said()
    if name == "state.db":
        assert daemon.said().count("it was moved to") == 1
        assert len(rows(state, "SELECT * FROM maps")) == 1


@pytest.mark.parametrize(
    "edit",
    [
        "UPDATE outages SET resume = 'no JSON'",
        "UPDATE outages SET resume = '{}', states = '[[1]]'",
        "UPDATE outages SET states = '[[\"x\", 1]]'",
        "UPDATE maps SET resume = x'ff00'",
        "INSERT INTO expected VALUES ('w', 'm', '[]'); INSERT INTO lost_nexuses VALUES (x'01', 'y')",
        "UPDATE runs SET alive = 'soon'",
    ],
)
def test_rows_that_somebody_has_edited_are_skipped(
    start: Callable[..., Daemon], san: FakeSysfs, state: Path, edit: str
) -> None:
    daemon = start()
    daemon.wait_notified(r"^READY=1$")
    san.sessions[1].fail()
    wait_rows(state, OPEN, lambda found: len(found) == 1)
    daemon.stop()
    with closing(sqlite3.connect(state / "state.db")) as database:
        database.execute("PRAGMA ignore_check_constraints = ON")
        try:
            database.executescript(edit)
        except sqlite3.IntegrityError:
            pytest.skip("SQLite refuses it")
    daemon = start()
    daemon.wait_notified(r"^READY=1$")
    daemon.wait_scraped(STORE_UP)
    daemon.wait_scraped(HEALTH % "stalled")
    assert "rows make no sense" in daemon.said()
    assert "Traceback" not in daemon.said()


def test_a_state_directory_that_is_a_file_is_said_once_and_recovers(start: Callable[..., Daemon], state: Path) -> None:
    state.touch()
    daemon = start()
    daemon.wait_notified(r"^READY=1$")
    daemon.wait_scraped(STORE_DOWN)
    state.unlink()
    daemon.wait_scraped(STORE_UP)
    wait_rows(state, "SELECT * FROM maps", lambda found: len(found) == 1)
    assert daemon.said().count("Cannot read or write the stored state") == 1
    assert daemon.said().count("Can read or write the stored state again") == 1


def test_a_state_directory_that_is_deleted_is_made_again_with_all_that_goes_on(
    start: Callable[..., Daemon], san: FakeSysfs, state: Path
) -> None:
    daemon = start()
    daemon.wait_notified(r"^READY=1$")
    san.sessions[1].fail()
    before = wait_rows(state, OPEN, lambda found: len(found) == 1)
    shutil.rmtree(state)
    san.sessions[1].expire()
    after = wait_rows(state, OPEN, lambda found: len(found) == 1 and found[0][3] is not None)
    assert before[0][:2] == after[0][:2]
    wait_rows(state, "SELECT * FROM maps", lambda found: len(found) == 1)
    assert daemon.stop() == 0


def test_a_full_disk_makes_nothing_else_wait_and_all_is_written_afterwards(
    start: Callable[..., Daemon], san: FakeSysfs, state: Path
) -> None:
    daemon = start()
    daemon.wait_notified(r"^READY=1$")
    wait_rows(state, "SELECT * FROM maps", lambda found: len(found) == 1)
    # Every write beyond the first bytes of a file fails, as on a disk that is full.
    resource.prlimit(daemon.process.pid, resource.RLIMIT_FSIZE, (100, resource.RLIM_INFINITY))
    san.sessions[1].fail()
    daemon.wait_scraped(HEALTH % "stalled")
    daemon.wait_scraped(STORE_DOWN)
    san.sessions[1].expire()
    daemon.wait_scraped(HEALTH % "failed")
    resource.prlimit(daemon.process.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    daemon.wait_scraped(STORE_UP)
    wait_rows(state, OPEN, lambda found: len(found) == 1 and found[0][3] is not None)
    assert daemon.process.poll() is None
