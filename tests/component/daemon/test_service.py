"""The daemon as a process: with a fake sysfs and the socket of a service manager, without multipathd."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mpathd_watch.core.effects import Alert
from mpathd_watch.daemon.replay import Playback
from mpathd_watch.sources.recording import read
from tests.component.process import PATIENCE, Daemon, until
from tests.fakes.sysfs import FakeSysfs, healthy_san


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


def test_it_is_ready_after_the_first_scan_and_feeds_the_watchdog_until_it_is_stopped(
    start: Callable[..., Daemon],
) -> None:
    daemon = start()
    daemon.wait_notified(r"^READY=1$")
    daemon.wait_notified(r"^STATUS=1 map: ")
    daemon.wait_notified(r"^WATCHDOG=1$", times=2)
    assert daemon.stop() == 0
    assert "STOPPING=1" in daemon.notified()
    assert "Traceback" not in daemon.said()


def test_the_page_has_the_name_of_the_host_and_the_last_day_from_the_store(
    start: Callable[..., Daemon], san: FakeSysfs
) -> None:
    daemon = start()
    daemon.wait_notified(r"^READY=1$")
    until(lambda: 'aria-label="last 24 h: ' in daemon.scrape("/") or None, lambda: daemon.scrape("/"))
    assert f"<h1>{socket.gethostname()}</h1>" in daemon.scrape("/")
    san.sessions[1].fail()
    until(lambda: 'class="running"' in daemon.scrape("/") or None, lambda: daemon.scrape("/"))
    # At once, although the store is read seldom: the newest health is that of the state.
    assert "last 24 h: at risk" in daemon.scrape("/")


def test_without_the_iscsi_module_it_says_so_in_a_metric_and_to_nobody(start: Callable[..., Daemon]) -> None:
    daemon = start()
    daemon.wait_notified(r"^READY=1$")
    daemon.wait_scraped('mpathd_watch_source_errors_total{reason="no_module",source="iscsi"} 1.0')
    assert 'mpathd_watch_source_up{source="iscsi"}' not in daemon.scrape()
    assert "iscsi" not in daemon.said().lower()


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
    assert [path["health"] for path in daemon.status()["maps"][0]["paths"]] == ["up", "failed"]
    session.recover()
    daemon.wait_scraped(stalled % "up")


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
    command += ["--speed", "1000", "--web.listen-address", "127.0.0.1:0"]
    replayed = subprocess.run(command, env=daemon.environ, capture_output=True, text=True, check=True)  # noqa: S603  # our own program
    assert "path_stalled" in replayed.stdout
    assert "192.168.2.1:3260" in replayed.stdout


def test_the_recording_of_a_daemon_that_was_killed_has_what_it_reported(
    start: Callable[..., Daemon], san: FakeSysfs, tmp_path: Path
) -> None:
    recording = tmp_path / "run.gz"
    daemon = start("--record", str(recording))
    daemon.wait_notified(r"^READY=1$")
    san.sessions[1].fail()

    def reported() -> bool | None:
        # An alert has the recording written at once; so nothing else has to be waited for.
        return "path_stalled" in (alert.kind.event for alert in replayed(recording)) or None

    daemon.wait_scraped('mpathd_watch_path_health{map="mpio",path="192.168.2.1:3260",state="stalled"} 1.0')
    until(reported, "the recording to have it")
    daemon.stop(signal.SIGKILL)
    assert reported()


def replayed(recording: Path) -> list[Alert]:
    alerts: list[Alert] = []
    playback = Playback(alerts.append)
    for event, at in read(recording):
        playback.play(event, at)
    return alerts


def test_a_reload_with_mistakes_changes_nothing_and_a_good_one_takes_effect(
    start: Callable[..., Daemon],
) -> None:
    daemon = start()
    daemon.wait_notified(r"^READY=1$")
    daemon.config.write_text("listne = 1\nlisten = 'foo'\nsettle_seconds = 'soon'\n", encoding="utf-8")
    daemon.process.send_signal(signal.SIGHUP)
    daemon.wait_notified(r"^READY=1$", times=2)
    daemon.wait_scraped('mpathd_watch_source_up{source="config"} 0.0')
    daemon.config.write_text("settle_seconds = 1\n", encoding="utf-8")
    daemon.process.send_signal(signal.SIGHUP)
    daemon.wait_notified(r"^READY=1$", times=3)
    daemon.wait_scraped('mpathd_watch_source_up{source="config"} 1.0')
    assert daemon.notified().count("RELOADING=1") == 2


def test_a_key_of_an_earlier_version_is_reported_at_each_reading_and_stops_nothing(
    start: Callable[..., Daemon], tmp_path: Path
) -> None:
    (tmp_path / "config.toml").write_text('state_dir = "/var/lib/mpathd-watch"\n', encoding="utf-8")
    daemon = start()
    daemon.wait_notified(r"^READY=1$")
    assert daemon.said().count("state_dir has no effect") == 1
    daemon.process.send_signal(signal.SIGHUP)
    daemon.wait_notified(r"^READY=1$", times=2)
    until(lambda: daemon.said().count("state_dir has no effect") == 2 or None, daemon.said)
    daemon.config.write_text("settle_seconds = 1\n", encoding="utf-8")
    daemon.process.send_signal(signal.SIGHUP)
    daemon.wait_notified(r"^READY=1$", times=3)
    daemon.wait_scraped('mpathd_watch_source_up{source="config"} 1.0')
    assert daemon.stop() == 0
    assert daemon.said().count("state_dir has no effect") == 2
    assert "restart for the rest" not in daemon.said()


def test_ctrl_c_is_a_clean_end(start: Callable[..., Daemon]) -> None:
    daemon = start()
    daemon.wait_notified(r"^READY=1$")
    assert daemon.stop(signal.SIGINT) == 0
    assert "Traceback" not in daemon.said()


def failing(*arguments: str) -> tuple[int, str]:
    command = [sys.executable, "-m", "mpathd_watch", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False)  # noqa: S603  # our own program
    return done.returncode, done.stderr


def test_a_port_that_is_taken_is_one_line(san: FakeSysfs, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        where = ("--sysfs", str(san.root), "--state-dir", str(tmp_path))
        status, told = failing("run", *where, "--web.listen-address", f"127.0.0.1:{port}")
    assert status == 1
    assert len(told.splitlines()) == 1
    assert f"127.0.0.1:{port}" in told
    assert "in use" in told


def test_mistakes_in_the_configuration_and_in_the_options_are_one_line_that_names_them_all(tmp_path: Path) -> None:
    config = tmp_path / "config.toml"
    config.write_text("listne = ':1'\nsysfs = 7\nlisten = 'foo'\n", encoding="utf-8")
    status, told = failing("run", "--config", str(config), "--web.listen-address", "bar", "--record", "a\nb")
    assert status == 2
    assert len(told.splitlines()) == 1
    assert "unknown key 'listne'" in told
    assert "sysfs must be a text, not 7" in told
    assert "listen must be ADDRESS:PORT, for example " in told
    assert ", not 'foo'" in told
    assert "--web.listen-address must be ADDRESS:PORT, for example " in told
    assert ", not 'bar'" in told
    assert "--record must be a text" in told


@pytest.mark.parametrize("command", ["run", "replay"])
def test_an_address_that_is_none_is_a_mistake_as_any_other(command: str) -> None:
    status, told = failing(command, "--web.listen-address", "2001:db8::1:10068")
    assert status == 2
    assert len(told.splitlines()) == 1
    assert "[2001:db8::1]:10068" in told


def test_a_recording_that_can_not_be_written_is_one_line(tmp_path: Path) -> None:
    status, told = failing("run", "--web.listen-address", "127.0.0.1:0", "--record", str(tmp_path / "no" / "such"))
    assert status == 1
    assert len(told.splitlines()) == 1


@pytest.mark.parametrize("arguments", [(), ("fly",), ("replay", "--speed", "fast"), ("status", "--colour")])
def test_wrong_usage_exits_2_with_one_line(arguments: tuple[str, ...]) -> None:
    status, told = failing(*arguments)
    assert status == 2
    assert len(told.splitlines()) == 1
