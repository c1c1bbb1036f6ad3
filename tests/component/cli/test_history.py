"""``mpathd-watch history`` on real databases: what it shows, how fast, and what it makes of damaged ones."""

from __future__ import annotations

import json
import os
import re
import resource
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from xml.etree import ElementTree

import pytest

from mpathd_watch.cli import main
from mpathd_watch.store.database import NAME as DATABASE
from mpathd_watch.store.drills import kept_drill, put_drill
from mpathd_watch.store.reading import Filters, opened
from tests.histories import BEGAN, add, change, database, drill_report, expect, outage, run

MANY = 100_000
NOBODY = 65534
AS_NOBODY = f"""
import encodings.idna, locale, os, sys, mpathd_watch.cli.history
os.setgid({NOBODY})
os.setuid({NOBODY})
sys.exit(mpathd_watch.cli.main(sys.argv[1:]))
"""
"""Python's own files may be readable for root only, so everything is imported before."""


@pytest.fixture(autouse=True)
def utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.fixture(scope="session")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A hundred thousand outages, and twice as many changes of maps."""
    directory = tmp_path_factory.mktemp("large")
    with database(directory) as connection:
        add(connection, (outage(number, began=(BEGAN + 600 * number) * 1_000_000) for number in range(MANY)))
        connection.executemany(
            "INSERT INTO map_changes (wwid, map, at, was, health) VALUES (?, ?, ?, ?, ?)",
            (
                (f"wwid{number % 8}", f"lun{number % 8}", (BEGAN + 300 * number) * 1_000_000, "", health)
                for number in range(2 * MANY)
                for health in (("at_risk", "healthy")[number // 8 % 2],)
            ),
        )
        for number in range(1000):
            run(connection, BEGAN + 60_000 * number, BEGAN + 60_000 * number + 59_990)
    return directory


def shown(capsys: pytest.CaptureFixture[str], directory: Path, *arguments: str, status: int = 0) -> str:
    """What the command prints on standard output, after the expected exit status."""
    arguments = ("history", *arguments, "--state-dir", str(directory))
    assert main(arguments) == status
    return capsys.readouterr().out


def failed(capsys: pytest.CaptureFixture[str], directory: Path, *arguments: str, status: int = 3) -> str:
    """The one line that the command fails with."""
    assert main(("history", *arguments, "--state-dir", str(directory))) == status
    printed = capsys.readouterr()
    assert printed.out == ""
    (line,) = printed.err.splitlines()
    return line


def program(directory: Path, *arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
    """The command in a process of its own."""
    command = [sys.executable, "-m", "mpathd_watch", "history", *arguments, "--state-dir", str(directory)]
    return subprocess.run(command, capture_output=True, text=True, check=False, **options)  # noqa: S603  # our own program


def test_a_night_is_a_table_with_its_gap_and_its_summary(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with database(tmp_path) as connection:
        add(connection, (outage(0), outage(1, verdict="over_budget", broken="replacement", cause="nop_timeout")))
        add(connection, (outage(2, verdict=None, reinstated_least=None, reinstated_most=None, map="data"),))
        run(connection, BEGAN - 100, BEGAN + 1000)
        run(connection, BEGAN + 1120, BEGAN + 9000, clean=False)
        change(connection, BEGAN, "at_risk")
        change(connection, BEGAN + 60, "healthy")
        change(connection, BEGAN + 8990, "lost")
        expect(connection, "lun0", ["192.168.0.1:3260", "192.168.9.1:3260"])
    lines = shown(capsys, tmp_path).splitlines()
    assert [line.split()[0] for line in lines[:4]] == ["ID", "0" * 16, "--", "0" * 15 + "1"]
    assert "no daemon ran: 2026-11-18 11:23:20 to 2026-11-18 11:25:20 (2 min 0 s)" in lines[2]
    assert "over budget (replacement)  no answer to the initiator's ping" in lines[3]
    assert "open" in lines[4]
    assert lines[5:] == [
        "",
        "3 outages: 1 open, 1 over budget, 1 within budget",
        "lun0: 1 min 0 s at risk, 10.0 s lost",
        "longest failover within 90 days: 20.4 s of at most 21.0 s, lun0 192.168.0.1:3260, 2026-11-18 11:06:40 "
        f"({0:016x})",
        "failover never proven: 1 path (lun0 192.168.9.1:3260; see --unproven)",
    ]


@pytest.mark.parametrize(
    ("arguments", "ids"),
    [
        ((), {0, 1, 2, 3, 4, 5}),
        (("--since", f"@{BEGAN + 3600}"), {1, 2, 3, 4, 5}),
        (("--until", f"@{BEGAN + 3600}"), {0}),
        (("--map", "lun1"), {1}),
        (("--map", "wwid2"), {2}),
        (("--path", "192.168.0.1:3260"), {0, 4}),
        (("--path", "192.168.0.1:3260", "--map", "lun4"), {4}),
        (("--cause", "logout"), {3}),
        (("--verdict", "over_budget"), {4}),
        (("--verdict", "open"), {5}),
        (("--limit", "2"), {4, 5}),
        (("--map", "none"), set()),
    ],
)
def test_filters_choose(
    arguments: tuple[str, ...], ids: set[int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    changes: dict[int, dict[str, Any]] = {3: {"cause": "logout"}, 4: {"verdict": "over_budget"}, 5: {"verdict": None}}
    with database(tmp_path) as connection:
        add(connection, (outage(number, **changes.get(number, {})) for number in range(6)))
    found = json.loads(shown(capsys, tmp_path, "--json", *arguments))
    assert {int(each["id"], 16) for each in found["outages"]} == ids
    assert found["summary"]["outages"] == (6 if "--limit" in arguments else len(ids))
    text = shown(capsys, tmp_path, *arguments)
    assert {int(line.split()[0], 16) for line in text.splitlines() if re.match("[0-9a-f]{16} ", line)} == ids
    assert ("older outages are not listed" in text) == ("--limit" in arguments)


def test_paths_are_unproven_until_a_failover_has_kept_its_budget(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with database(tmp_path) as connection:
        add(connection, (outage(0), outage(1, verdict="no_budget")))
        expect(connection, "lun0", ["192.168.0.1:3260", "192.168.7.1:3260"])
        expect(connection, "lun1", {"192.168.1.1:3260": {"proven": None}, "b": {"proven": BEGAN + 9000}})
    assert shown(capsys, tmp_path, "--unproven").splitlines() == [
        "lun0  192.168.7.1:3260  never proven",
        "lun1  192.168.1.1:3260  never proven",
        "failover not proven: 2 expected paths",
    ]
    later = shown(capsys, tmp_path, "--unproven", "--since", f"@{BEGAN + 3600}", "--map", "lun0").splitlines()
    assert later[0] == "lun0  192.168.0.1:3260  last proven 2026-11-18 11:06:40"
    assert later[-1] == "failover not proven since 2026-11-18 12:06:40: 2 expected paths"
    found = json.loads(shown(capsys, tmp_path, "--unproven", "--json", "--path", "192.168.7.1:3260"))
    assert found["unproven"] == [{"map": "lun0", "path": "192.168.7.1:3260", "proven": None}]


def test_a_drill_that_has_passed_is_a_proof_and_named_with_its_outages(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with database(tmp_path) as connection:
        add(connection, (outage(0, verdict="unobserved"), outage(1)))
        expect(connection, "lun0", ["192.168.0.1:3260"])
        put_drill(connection, kept_drill(drill_report(BEGAN - 600, id="e" * 16, outcome="failed"), BEGAN))
        put_drill(connection, kept_drill(drill_report(), BEGAN + 600))
        connection.execute("COMMIT")
    assert shown(capsys, tmp_path, "--unproven") == "failover not proven: 0 expected paths\n"
    text = shown(capsys, tmp_path)
    assert "(drill)" in text.splitlines()[1]
    last = f"2 drills: 1 passed; the last one on interface p2 (passed), 2026-11-18 11:05:40 ({'d' * 16})"
    assert last in text.splitlines()
    found = json.loads(shown(capsys, tmp_path, "--json"))
    assert [(each["id"][0], each["outcome"]) for each in found["drills"]] == [("e", "failed"), ("d", "passed")]
    assert [each["drill"] for each in found["outages"]] == ["d" * 16, None]
    for options, number in (
        (("--map", "lun0"), 2),
        (("--map", "lun1"), 0),
        (("--path", "192.168.0.1:3260", "--map", "wwid0"), 2),
        (("--since", f"@{BEGAN - 100}"), 1),
        (("--until", f"@{BEGAN - 100}"), 1),
    ):
        assert len(json.loads(shown(capsys, tmp_path, "--json", *options))["drills"]) == number
    line = f"drill: {'d' * 16}, on interface p2 (passed), 2026-11-18 11:05:40"
    assert line in shown(capsys, tmp_path, "show", "0" * 16).splitlines()
    assert json.loads(shown(capsys, tmp_path, "show", "0" * 16, "--json"))["drill"] == found["drills"][1]
    assert json.loads(shown(capsys, tmp_path, "show", f"{1:016x}", "--json"))["drill"] is None


def test_one_outage_is_a_timeline_a_plot_and_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with database(tmp_path) as connection:
        add(connection, (outage(0x1F), outage(0x20)))
    plot = tmp_path / "outage.svg"
    text = shown(capsys, tmp_path, "show", "000000000000001f", "--plot", str(plot))
    assert "2026-11-19 18:07:00  +20.3 s  failed" in text
    assert "failover       20.4 s  21 s" in text
    words = [each.text for each in ElementTree.parse(plot).iter("{http://www.w3.org/2000/svg}text")]  # noqa: S314
    assert {"session", "disk", "dm", "transport-offline"} <= set(words)
    found = json.loads(shown(capsys, tmp_path, "show", "000000000000002", "--json"))
    assert found["outage"]["id"] == "0000000000000020"
    assert len(found["outage"]["states"]) == 5
    assert found["journal"] == []


def test_the_table_is_json_as_well_from_the_parent_option(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with database(tmp_path) as connection:
        add(connection, (outage(0),))
    assert main(("history", "--state-dir", str(tmp_path), "--json", "show", "0")) == 0
    assert json.loads(capsys.readouterr().out)["outage"]["id"] == "0" * 16


def test_wrong_usage_is_one_line_and_exit_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with database(tmp_path) as connection:
        add(connection, (outage(0), outage(1)))
    assert "there is no outage 'f'" in failed(capsys, tmp_path, "show", "f", status=2)
    assert "more than one outage begins with '0'" in failed(capsys, tmp_path, "show", "0", status=2)
    assert "--since must be a date" in failed(capsys, tmp_path, "--since", "soon", status=2)
    assert "--cause must be one of" in failed(capsys, tmp_path, "--cause", "rats", status=2)
    assert "--verdict must be one of" in failed(capsys, tmp_path, "--verdict", "guilty", status=2)
    assert "No such file" in failed(capsys, tmp_path, "show", "0" * 16, "--plot", "/nowhere/x.svg", status=1)


def test_no_history_yet_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "there is no history in" in failed(capsys, tmp_path)
    (tmp_path / DATABASE).touch()
    assert "holds no history yet" in failed(capsys, tmp_path)
    with database(_made(tmp_path / "fresh")):
        pass
    assert shown(capsys, tmp_path / "fresh") == "0 outages\n"


def test_a_database_of_a_newer_version_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with database(tmp_path) as connection:
        connection.execute("COMMIT")
        connection.execute("PRAGMA user_version = 99")
    assert "is of a newer mpathd-watch (version 99" in failed(capsys, tmp_path)


@pytest.mark.parametrize("damage", [b"", b"not a database at all, but long enough to be one" * 40])
def test_a_damaged_database_is_one_line(damage: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with database(tmp_path) as connection:
        add(connection, (outage(number) for number in range(1000)))
    path = tmp_path / DATABASE
    raw = path.read_bytes()
    path.write_bytes(damage or raw[: len(raw) // 2])
    assert "it is damaged; the daemon moves it aside" in failed(capsys, tmp_path)


def test_a_locked_database_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with database(tmp_path):
        pass
    with closing(sqlite3.connect(tmp_path / DATABASE, isolation_level=None)) as other:
        other.execute("PRAGMA locking_mode = EXCLUSIVE")
        other.execute("BEGIN EXCLUSIVE")
        assert "another process has locked it; try again" in failed(capsys, tmp_path)


def test_what_is_no_file_is_not_opened(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    os.mkfifo(tmp_path / DATABASE)
    assert "is not a regular file" in failed(capsys, tmp_path)


HOSTILE = "\x1b[31mred\x1b[0m\nforged line\x00"


def test_rows_that_were_edited_by_hand_are_shown_or_counted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    junk: list[Any] = [
        "{",
        "[]",
        "null",
        '{"failover": "x"}',
        '{"failover": [NaN, 1]}',
        '{"a": {"b": []}}',
        b"\xff\xfe",
        7,
        "[" * 9000,
    ]
    with database(tmp_path) as connection:
        add(
            connection,
            (outage(number, phases=each, bounds=each, states=each, timeouts=each) for number, each in enumerate(junk)),
        )
        add(connection, (outage(50, map=HOSTILE, path=HOSTILE, cause=HOSTILE, verdict=HOSTILE, evidence=HOSTILE),))
        add(connection, (outage(51, began="yesterday"), outage(52, began=2**62, failed_least="x", stalled_most=-5)))
        add(connection, (outage(53, map=b"caf\xe9", path=b"\xff"), outage(54, verdict=3, inherited="y")))
        connection.execute("INSERT INTO runs VALUES (1, '', '', 'x', 0, 'y', 0, 'z')")
        connection.execute("INSERT INTO map_changes (wwid, map, at, was, health) VALUES ('', '', 'x', '', X'ff')")
        connection.execute("INSERT INTO expected VALUES ('w', ?, '{')", (HOSTILE,))
    printed = shown(capsys, tmp_path)
    assert all(line.isprintable() for line in printed.splitlines())
    assert "\\x1b[31mred\\x1b[0m\\x0aforged line\\x00" in printed
    assert main(("history", "--state-dir", str(tmp_path))) == 0
    assert "1 stored outages can't be read" in capsys.readouterr().err
    for number in (*range(len(junk)), 50, 52, 54):
        text = shown(capsys, tmp_path, "show", f"{number:016x}", "--plot", str(tmp_path / "plot.svg"))
        assert all(line.isprintable() for line in text.splitlines())
        ElementTree.parse(tmp_path / "plot.svg")  # noqa: S314  # our own file
    json.loads(shown(capsys, tmp_path, "--json"))


def test_a_name_with_any_bytes_is_found_as_it_is_printed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with database(tmp_path) as connection:
        add(connection, (outage(0, map="a\x1bb"), outage(1)))
        connection.execute("UPDATE outages SET path = CAST(X'ff41' AS TEXT) WHERE id = ?", (f"{0:016x}",))
    text = shown(capsys, tmp_path, "--map", "a\\x1bb", "--path", "\\xffA")
    assert text.splitlines()[1].startswith("0" * 16)
    assert "1 outage:" in text


def test_the_pages_of_another_process_are_seen_while_it_writes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with database(tmp_path) as connection:
        add(connection, (outage(0),))
        connection.execute("COMMIT")
        connection.execute("BEGIN")
        add(connection, (outage(1),))
        assert "1 outage:" in shown(capsys, tmp_path)
    assert "2 outages:" in shown(capsys, tmp_path)


@pytest.fixture
def public() -> Iterator[Path]:
    """A directory that any user may enter."""
    with TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_a_user_who_may_only_read_reads_whether_or_not_a_daemon_runs(public: Path) -> None:
    def read() -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-c", AS_NOBODY, "history", "--state-dir", str(public)]
        return subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603  # our own program

    with database(public) as connection:
        add(connection, (outage(0),))
    (public / DATABASE).chmod(0o644)
    assert not list(public.glob("*-wal"))
    done = read()
    assert (done.returncode, done.stderr) == (0, "")
    assert "1 outage:" in done.stdout
    with closing(sqlite3.connect(public / DATABASE, isolation_level=None)) as daemon:
        add(daemon, (outage(1),))
        for each in public.glob("*-*"):
            each.chmod(0o644)
        assert "2 outages:" in read().stdout
        public.chmod(0o700)
        done = read()
        assert done.returncode == 3
        assert "Permission denied; run this as root" in done.stderr
        assert len(done.stderr.splitlines()) == 1


def test_a_reader_that_goes_away_is_no_error(large: Path) -> None:
    command = [sys.executable, "-m", "mpathd_watch", "history", "--limit", "0", "--state-dir", str(large)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:  # noqa: S603
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait() == 141


def test_a_hundred_thousand_outages_are_counted_and_the_newest_are_listed(large: Path) -> None:
    done = program(large)
    lines = done.stdout.splitlines()
    assert done.returncode == 0
    assert lines[-1].startswith("longest failover") or "100000 outages: 100000 within budget" in lines[-10:]
    assert f"{MANY - 100} older outages are not listed; see --limit and --since" in lines
    assert sum(line.startswith("0000") for line in lines) == 100


def test_the_answer_about_a_hundred_thousand_takes_a_second_of_the_processor(large: Path) -> None:
    # Ten times as long as it takes: this must not fail on a slow or busy host.
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert program(large).returncode == 0
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < 10


def test_the_time_at_risk_ends_with_the_run_that_watched(tmp_path: Path) -> None:
    with database(tmp_path) as connection:
        for began, alive in ((0, 100), (200, 300), (400, 500)):
            run(connection, BEGAN + began, BEGAN + alive)
        change(connection, BEGAN + 50, "at_risk")
        change(connection, BEGAN + 210, "lost", name="other")
        change(connection, BEGAN + 250, "at_risk")
        change(connection, BEGAN + 410, "healthy")
    with opened(tmp_path) as history:
        now = BEGAN + 1000.0
        found = {risk.map: (risk.at_risk, risk.lost) for risk in history.risks(Filters(), now)}
        assert found == {"lun0": (100.0, 0.0), "other": (0.0, 90.0)}
        late = Filters(since=BEGAN + 90, until=BEGAN + 260, map="lun0")
        assert [(risk.at_risk, risk.lost) for risk in history.risks(late, now)] == [(20.0, 0.0)]


def _made(directory: Path) -> Path:
    directory.mkdir()
    return directory
