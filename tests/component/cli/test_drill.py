"""``mpathd-watch drill`` as a process: passed, refused, failed, stopped; on a terminal and without one."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path

import pytest

from mpathd_watch.core.model.mappings import frozen
from mpathd_watch.core.model.memory import ExpectedMap, ExpectedPath
from mpathd_watch.store.directly import replace_expected
from mpathd_watch.store.expected import read_expected
from tests.component.cli.drilling import PORTAL, DrillHost, Drilling
from tests.component.process import PATIENCE, Daemon, until
from tests.fakes.sysfs import WWID

OTHER = "192.168.1.1:3260"
WAITING = "Waiting for the fault."


def _stages(host: DrillHost) -> set[str]:
    """The stages that the only outage of the history has reached."""
    (outage,) = host.history()["outages"]
    return set(outage["instants"])


@pytest.fixture
def host(tmp_path: Path) -> Iterator[DrillHost]:
    with DrillHost(tmp_path) as host:
        yield host


def test_a_drill_whose_path_comes_back_in_time_passes_and_writes_a_report(host: DrillHost) -> None:
    report = host.directory / "report.md"
    with Drilling(host, "--portal", PORTAL, "--json", "--report", str(report)) as drill:
        drill.wait(WAITING, lambda: drill.errors)
        assert "noticed after 1 to 3 s, I/O moves after 2 to 4 s" in drill.errors
        assert "nft delete table" in drill.errors
        host.fail(2)
        drill.wait("has failed", lambda: drill.errors)
        host.recover(2)
        assert drill.ended() == 0, drill.errors
    found = drill.document()
    assert (found["outcome"], found["reasons"]) == ("passed", [])
    (path,) = found["paths"]
    assert (path["path"], path["map"], path["proven"]) == (PORTAL, "mpio", True)
    assert {name: phase["kept"] for name, phase in path["phases"].items()} == dict.fromkeys(
        ("detection", "replacement", "failover", "reinstatement"), True
    )
    assert found["slowest_io"] == {"map": "mpio", "path": PORTAL, "at_least_seconds": 3.0, "ios": 4}
    page = report.read_text(encoding="utf-8")
    assert page.startswith("# Drill on portal 192.168.2.1:3260: passed\n")
    assert "](report.svg)" in page
    assert ET.parse(report.with_suffix(".svg")).getroot().tag.endswith("svg")  # noqa: S314  # our own file


def test_without_a_daemon_the_drill_itself_is_written_to_the_history(host: DrillHost) -> None:
    state = host.directory / "state"
    state.mkdir()
    paths = frozen({label: ExpectedPath() for label in (PORTAL, OTHER)})
    replace_expected(state, WWID, ExpectedMap("mpio", paths))
    with Drilling(host, "--portal", PORTAL) as drill:
        drill.wait(WAITING)
        host.fail(2)
        drill.wait("has failed")
        host.recover(2)
        assert drill.ended() == 0, drill.output
    (kept,) = host.history()["drills"]
    assert f"Drill {kept['id']} is kept in the history.\n" in drill.output
    assert (kept["outcome"], kept["target"]) == ("passed", {"kind": "portal", "name": PORTAL})
    assert kept["paths"] == [{"map": "mpio", "wwid": WWID, "path": PORTAL, "proven": True}]
    assert [path["path"] for path in host.history("--unproven")["unproven"]] == [OTHER]
    # The next daemon knows it, too.
    proven = {label: path.proven is not None for label, path in read_expected(state)[WWID].paths.items()}
    assert proven == {PORTAL: True, OTHER: False}


def test_a_drill_that_can_not_be_kept_ends_as_any_other(host: DrillHost) -> None:
    with Drilling(host, "--portal", PORTAL, "--json") as drill:
        drill.wait(WAITING, lambda: drill.errors)
        drill.process.send_signal(signal.SIGINT)
        assert drill.ended() == 1
    assert drill.document()["outcome"] == "interrupted"
    state = host.directory / "state"
    reason = f"mpathd-watch: the drill is not in the history: {state}: No such file or directory"
    assert drill.errors.splitlines()[-1] == reason


def test_a_drill_whose_output_nobody_reads_writes_its_report_and_ends_at_ctrl_c(host: DrillHost) -> None:
    report = host.directory / "report.json"
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    with contextlib.suppress(BlockingIOError):
        while True:
            os.write(writer, b"x" * 4096)
    os.set_blocking(writer, True)
    command = host.command("--portal", PORTAL, "--limit", "1", "--report", str(report))
    with subprocess.Popen(command, env=host.environ, stdout=writer, stderr=writer) as drill:  # noqa: S603  # our own program
        os.close(writer)
        until(lambda: report.exists() or None, "the report")
        assert drill.poll() is None
        drill.send_signal(signal.SIGINT)
        assert drill.wait(PATIENCE) != 0
    os.close(reader)


def test_a_drill_is_refused_with_all_reasons_while_the_other_path_is_down(host: DrillHost) -> None:
    host.fail(1)
    with Drilling(host, "--portal", PORTAL, "--json") as drill:
        assert drill.ended() == 2
    found = drill.document()
    assert found["outcome"] == "refused"
    assert found["reasons"] == [
        f"path {OTHER} of mpio is failed already",
        f"map mpio has no healthy path that does not go through portal {PORTAL}",
    ]
    assert "is refused" in drill.errors


def test_a_drill_whose_path_is_never_reinstated_fails_at_its_limit(host: DrillHost) -> None:
    with Drilling(host, "--map", "mpio", "--limit", "14") as drill:
        drill.wait(WAITING)
        host.fail(2)
        drill.wait("has failed")
        # The next listing, at most 5 s later, shows it to be failed in dm, too: nothing sends a uevent here.
        host.wait_listed(2)
        host.recover(2, reinstated=False)
        assert drill.ended() == 1
    assert "FAILED after" in drill.output
    assert f"{PORTAL} of mpio did not come back: it is recovering" in drill.output
    assert "it had not ended after 14." in drill.output


def test_beside_a_daemon_the_outage_is_reported_as_any_other_and_belongs_to_the_drill(host: DrillHost) -> None:
    daemon = Daemon(host.directory)
    try:
        daemon.wait_notified(r"^READY=1$")
        with Drilling(host, "--portal", PORTAL) as drill:
            drill.wait(WAITING)
            host.sessions[1].fail()
            drill.wait(f"path {PORTAL} of mpio is stalled")
            daemon.wait_scraped(f'mpathd_watch_path_health{{map="mpio",path="{PORTAL}",state="stalled"}} 1.0')
            drill.process.send_signal(signal.SIGINT)
            assert drill.ended() == 1
            assert "is kept in the history." in drill.output
        (kept,) = until(lambda: host.history()["drills"] or None, "the drill in the history")
        assert (kept["outcome"], kept["target"]["name"]) == ("interrupted", PORTAL)
        (outage,) = host.history()["outages"]
        assert (outage["path"], outage["drill"], outage["verdict"]) == (PORTAL, kept["id"], None)
        # The daemon writes the whole outage again when it has changed.
        host.sessions[1].expire()
        until(lambda: _stages(host) >= {"stalled", "failed"} or None, "the next stage of the outage")
        assert host.history("show", outage["id"])["outage"]["drill"] == kept["id"]
        assert host.history("show", outage["id"])["drill"] == kept
    finally:
        daemon.close()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_a_drill_with_its_report(host: DrillHost, number: signal.Signals) -> None:
    report = host.directory / "report.json"
    with Drilling(host, "--portal", PORTAL, "--report", str(report)) as drill:
        drill.wait(WAITING)
        drill.process.send_signal(number)
        assert drill.ended() == 1
    found = json.loads(report.read_text(encoding="utf-8"))
    assert (found["outcome"], found["ending"]) == ("interrupted", "stopped")
    assert found["reasons"] == ["it was stopped before everything was back", "no path failed"]
    assert "Traceback" not in drill.errors


def test_on_a_terminal_it_counts_down_and_leaves_the_terminal_as_it_was(host: DrillHost) -> None:
    with Drilling(host, "--portal", PORTAL, terminal=True) as drill:
        before = drill.terminal_mode()
        drill.wait(WAITING)
        host.silent.add(2)
        host.sessions[1].fail()
        drill.wait("held I/O given up  0 of 1  [")
        assert drill.terminal_mode() == before
        drill.process.send_signal(signal.SIGINT)
        assert drill.ended() == 1
        drill.wait("interrupted after")
        assert drill.terminal_mode() == before
        assert "Traceback" not in drill.output
    assert drill.output.count("\x1b[?25l") == drill.output.count("\x1b[?25h") == 1
    assert drill.output.rindex("\x1b[?25h") > drill.output.rindex("\x1b[?25l")
    assert drill.output.rindex("\x1b[J") < drill.output.rindex("interrupted after")


def test_a_target_that_is_not_there_is_one_line(host: DrillHost) -> None:
    with Drilling(host, "--portal", "192.168.9.1:3260") as drill:
        assert drill.ended() == 2
    expected = f"mpathd-watch: no path leads to the portal 192.168.9.1:3260; there is {OTHER}, {PORTAL}\n"
    assert (drill.output, drill.errors) == ("", expected)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ((), "one of the arguments --interface --portal --map is required"),
        (("--map", "mpio", "--portal", PORTAL), "not allowed with argument"),
        (("--map", "mpio", "--limit", "soon"), "'soon' is not a number from 1 to 86400"),
        (("--map", "mpio", "--limit", "0"), "'0' is not a number from 1 to 86400"),
        (("--map", "mpio", "--report", "/no/such/report.md"), "must be a file in a directory that exists"),
        (("--map", "mpio", "--root", "/no/such"), "--root /no/such: No such file or directory"),
        (("--map", "mpio", "--config", "/no/such"), "/no/such"),
    ],
)
def test_wrong_usage_is_one_line(host: DrillHost, options: tuple[str, ...], words: str) -> None:
    with Drilling(host, *options) as drill:
        assert drill.ended() == 2
    assert len(drill.errors.splitlines()) == 1
    assert words in drill.errors
