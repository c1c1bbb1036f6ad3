"""The daemon as a process: on a sysfs of the tests' own, with a service manager's socket, without multipathd."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import pytest

from mpathd_watch.sinks.status import Document, parse
from mpathd_watch.sources.recording import read
from tests.fakes.sysfs import FakeSysfs, healthy_san

T = TypeVar("T")
PATIENCE = 20.0


def until(look: Callable[[], T | None], what: str) -> T:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if (found := look()) is not None:
            return found
        time.sleep(0.02)
    pytest.fail(f"waited {PATIENCE:g} s for {what}")


class Daemon:
    """``mpathd-watch run`` with everything it speaks to in a temporary directory."""

    def __init__(self, directory: Path, *options: str) -> None:
        self.directory = directory
        self.config = directory / "config.toml"
        self.config.touch()
        self._notified: list[str] = []
        self._manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._manager.bind(str(directory / "notify"))
        self._manager.setblocking(False)
        runtime = directory / "run"
        runtime.mkdir(exist_ok=True)
        self.environ = {
            **os.environ,
            "NOTIFY_SOCKET": str(directory / "notify"),
            "RUNTIME_DIRECTORY": str(runtime),
            "WATCHDOG_USEC": "2000000",
        }
        command = [sys.executable, "-m", "mpathd_watch", "run", "--config", str(self.config)]
        command += ["--sysfs", str(directory / "sys"), "--listen", "127.0.0.1:0", *options]
        self._errors = (directory / "stderr").open("w+", encoding="utf-8")
        self.process = subprocess.Popen(command, env=self.environ, stderr=self._errors)  # noqa: S603  # our own program

    def notified(self) -> str:
        with contextlib.suppress(BlockingIOError):
            while True:
                self._notified.append(self._manager.recv(65536).decode())
        return "\n".join(self._notified)

    def wait_notified(self, pattern: str, times: int = 1) -> None:
        def look() -> bool | None:
            return len(re.findall(pattern, self.notified(), re.MULTILINE)) >= times or None

        until(look, f"{pattern!r} among the notifications:\n{self.notified()}\n{self.said()}")

    def said(self) -> str:
        return (self.directory / "stderr").read_text(encoding="utf-8")

    def status(self) -> Document:
        command = [sys.executable, "-m", "mpathd_watch", "status", "--json"]
        done = subprocess.run(command, env=self.environ, capture_output=True, check=True)  # noqa: S603  # our own program
        return parse(done.stdout)

    def url(self) -> str:
        # Where the tests run there may be a journal, which is then told where the daemon listens, and we are not.
        for inode in self._socket_inodes():
            for line in Path("/proc/net/tcp").read_text(encoding="ascii").splitlines()[1:]:
                fields = line.split()
                if fields[9] == inode and fields[3] == "0A":
                    return f"http://127.0.0.1:{int(fields[1].partition(':')[2], 16)}"
        pytest.fail("the daemon listens nowhere")

    def _socket_inodes(self) -> Iterator[str]:
        for link in Path(f"/proc/{self.process.pid}/fd").iterdir():
            with contextlib.suppress(OSError):
                if match := re.fullmatch(r"socket:\[(\d+)\]", str(link.readlink())):
                    yield match[1]

    def scrape(self) -> str:
        with urllib.request.urlopen(f"{self.url()}/metrics", timeout=PATIENCE) as answer:  # noqa: S310  # loopback
            text: str = answer.read().decode()
        return text

    def wait_scraped(self, line: str) -> None:
        until(lambda: line in self.scrape().splitlines() or None, line)

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return self.process.wait(PATIENCE)

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait(PATIENCE)
        self._manager.close()
        self._errors.close()


@pytest.fixture
def san(tmp_path: Path) -> FakeSysfs:
    return healthy_san(tmp_path / "sys")


@pytest.fixture
def start(tmp_path: Path, san: FakeSysfs) -> Iterator[Callable[..., Daemon]]:  # noqa: ARG001  # the SAN must be there
    started: list[Daemon] = []

    def starter(*options: str) -> Daemon:
        started.append(Daemon(tmp_path, *options))
        return started[-1]

    yield starter
    for daemon in started:
        daemon.close()


def test_it_is_ready_after_the_first_look_and_feeds_the_watchdog_until_it_is_told_to_stop(
    start: Callable[..., Daemon],
) -> None:
    daemon = start()
    daemon.wait_notified(r"^READY=1$")
    daemon.wait_notified(r"^STATUS=1 map: ")
    daemon.wait_notified(r"^WATCHDOG=1$", times=2)
    assert daemon.stop() == 0
    assert "STOPPING=1" in daemon.notified()
    assert "Traceback" not in daemon.said()


def test_a_session_that_fails_is_seen_in_metrics_and_status_and_so_is_its_return(
    start: Callable[..., Daemon], san: FakeSysfs
) -> None:
    daemon = start()
    daemon.wait_notified(r"^READY=1$")
    session = san.sessions[1]
    stalled = 'mpathd_watch_path_health{map="mpio",path="192.168.2.1:3260",state="%s"} 1.0'
    session.fail()
    daemon.wait_scraped(stalled % "stalled")
    session.expire()
    daemon.wait_scraped(stalled % "failed")
    assert [path["health"] for path in daemon.status()["maps"][0]["paths"]] == ["unknown", "failed"]
    session.recover()
    # Without multipathd nobody says what dm thinks of a path since before the daemon's start.
    daemon.wait_scraped(stalled % "unknown")


def test_the_recording_of_a_run_replays_to_the_same_state(
    start: Callable[..., Daemon], san: FakeSysfs, tmp_path: Path
) -> None:
    daemon = start("--record", str(tmp_path / "run.jsonl"))
    daemon.wait_notified(r"^READY=1$")
    san.sessions[1].fail()
    daemon.wait_scraped('mpathd_watch_path_health{map="mpio",path="192.168.2.1:3260",state="stalled"} 1.0')
    daemon.stop()
    kinds = [type(event).__name__ for event, _ in read(tmp_path / "run.jsonl")]
    assert {"SettingsChanged", "SystemRead", "SessionsRead"} <= set(kinds)
    command = [sys.executable, "-m", "mpathd_watch", "replay", str(tmp_path / "run.jsonl")]
    command += ["--speed", "1000", "--listen", "127.0.0.1:0"]
    replayed = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603  # our own program
    assert "path_stalled" in replayed.stdout
    assert "192.168.2.1:3260" in replayed.stdout


def test_a_reload_with_mistakes_changes_nothing_and_a_good_one_takes_effect(
    start: Callable[..., Daemon],
) -> None:
    daemon = start()
    daemon.wait_notified(r"^READY=1$")
    daemon.config.write_text("listne = 1\nsettle_seconds = 'soon'\n", encoding="utf-8")
    daemon.process.send_signal(signal.SIGHUP)
    daemon.wait_notified(r"^READY=1$", times=2)
    daemon.wait_scraped('mpathd_watch_source_up{source="config"} 0.0')
    daemon.config.write_text("settle_seconds = 1\n", encoding="utf-8")
    daemon.process.send_signal(signal.SIGHUP)
    daemon.wait_notified(r"^READY=1$", times=3)
    daemon.wait_scraped('mpathd_watch_source_up{source="config"} 1.0')
    assert daemon.notified().count("RELOADING=1") == 2


def test_ctrl_c_is_a_clean_end(start: Callable[..., Daemon]) -> None:
    daemon = start()
    daemon.wait_notified(r"^READY=1$")
    assert daemon.stop(signal.SIGINT) == 0
    assert "Traceback" not in daemon.said()


def failing(*arguments: str) -> tuple[int, str]:
    command = [sys.executable, "-m", "mpathd_watch", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False)  # noqa: S603  # our own program
    return done.returncode, done.stderr


def test_a_port_that_is_taken_is_one_line(san: FakeSysfs) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        status, told = failing("run", "--sysfs", str(san.root), "--listen", f"127.0.0.1:{port}")
    assert status == 1
    assert len(told.splitlines()) == 1
    assert f"127.0.0.1:{port}" in told
    assert "taken" in told


def test_a_configuration_with_mistakes_is_one_line_that_names_them_all(tmp_path: Path) -> None:
    config = tmp_path / "config.toml"
    config.write_text("listne = ':1'\nstate_dir = 7\n", encoding="utf-8")
    status, told = failing("run", "--config", str(config))
    assert status == 2
    assert len(told.splitlines()) == 1
    assert "listne" in told
    assert "state_dir" in told


def test_a_recording_that_can_not_be_written_is_one_line(tmp_path: Path) -> None:
    status, told = failing("run", "--listen", "127.0.0.1:0", "--record", str(tmp_path / "no" / "such"))
    assert status == 1
    assert len(told.splitlines()) == 1


def test_a_recording_cut_in_mid_line_plays_what_is_whole_and_says_where_it_ends(tmp_path: Path) -> None:
    recording = tmp_path / "cut.jsonl"
    whole = '{"recording":"mpathd-watch","format":1,"version":"0"}\n'
    tick = '{"at":[1.0,2.0],"event":"Tick"}\n'
    recording.write_text(whole + tick + tick[:9], encoding="utf-8")
    status, told = failing("replay", str(recording), "--listen", "127.0.0.1:0")
    assert status == 1
    assert "line 3" in told
    assert len(told.splitlines()) == 1


@pytest.mark.parametrize("arguments", [(), ("fly",), ("replay", "--speed", "fast"), ("status", "--colour")])
def test_wrong_usage_exits_2_with_one_line(arguments: tuple[str, ...]) -> None:
    status, told = failing(*arguments)
    assert status == 2
    assert len(told.splitlines()) == 1
