"""The daemon sends mail and runs hooks: over restarts, after a reload, and beside servers and hooks that hang."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.component.process import Daemon, until
from tests.fakes.multipathd import FakeMultipathd
from tests.fakes.smtp import Received, SmtpServer
from tests.fakes.sysfs import FakeSysfs, healthy_san

STALLED = 'mpathd_watch_path_health{map="mpio",path="192.168.2.1:3260",state="stalled"} 1.0'


PROGRAM = """
import sys
from pathlib import Path
from mpathd_watch import cli
from mpathd_watch.sources.multipathd import client
from mpathd_watch.sources.reading.presence import Daemon
pidfile, proc = Path(sys.argv.pop(1)), Path(sys.argv.pop(1))
client.multipathd = lambda: Daemon("multipathd", pidfile, proc, lambda _: False)
sys.exit(cli.main())
"""
"""The daemon, with the multipathd of a test in place of that of this host."""


@pytest.fixture
def multipathd(tmp_path: Path, san: FakeSysfs) -> Iterator[FakeMultipathd]:
    with FakeMultipathd(tmp_path / "multipathd") as fake:
        fake.list_map(san.maps[0], san.disks)
        yield fake


@pytest.fixture
def san(tmp_path: Path) -> FakeSysfs:
    return healthy_san(tmp_path / "sys")


@pytest.fixture
def server() -> Iterator[SmtpServer]:
    with SmtpServer() as serving:
        yield serving


@pytest.fixture
def start(tmp_path: Path, multipathd: FakeMultipathd) -> Iterator[Callable[[str], Daemon]]:
    started: list[Daemon] = []

    def starter(config: str) -> Daemon:
        (tmp_path / "notify").unlink(missing_ok=True)
        (tmp_path / "config.toml").write_text(config, encoding="utf-8")
        program = ("-c", PROGRAM, str(multipathd.pidfile), str(multipathd.proc))
        started.append(Daemon(tmp_path, "--multipathd-socket", multipathd.socket_name, program=program))
        started[-1].wait_notified(r"^READY=1$")
        return started[-1]

    yield starter
    for daemon in started:
        daemon.close()


def mail(server: SmtpServer) -> str:
    return f'[mail]\nto = ["root"]\nfrom = "san@example.com"\nserver = "{server.address}"\npriority = "err"\n'


def hook(script: str, more: str = "") -> str:
    return f"[[hook]]\ncommand = ['/bin/sh', '-c', '''{script}''']\n{more}\n"


def about(server: SmtpServer, event: str) -> Received:
    """The mail about this event, once it is there."""

    def look() -> Received | None:
        return next((got for got in server.received if got.mail["X-Mpathd-Watch-Event"] == event), None)

    return until(look, lambda: f"a mail about {event}; there are {[got.mail['Subject'] for got in server.received]}")


def test_a_lost_session_is_a_mail_and_a_hook_and_so_is_its_end_although_the_daemon_was_killed(
    start: Callable[[str], Daemon], san: FakeSysfs, server: SmtpServer, tmp_path: Path
) -> None:
    config = mail(server) + hook(f"cat >> {tmp_path}/got", 'priority = "err"')
    daemon = start(config)
    san.sessions[1].fail()
    loss = about(server, "incident_began")
    daemon.wait_scraped('mpathd_watch_mails_total{result="failed"} 0.0')
    until(lambda: (tmp_path / "state/notified-mail.json").exists() or None, "the ledger")
    until(lambda: "incident_began" in (tmp_path / "got").read_text() or None, "the hook")
    daemon.stop(signal.SIGKILL)

    again = start(config)
    sent = len(server.received)
    san.sessions[1].recover()
    end = about(server, "incident_ended")
    assert end.mail["X-Mpathd-Watch-Notice"] == "all_clear"
    assert loss.mail["Message-ID"] in end.mail["References"]
    again.wait_scraped('mpathd_watch_hook_runs_total{hook="/bin/sh",result="not_started"} 0.0')
    until(lambda: "incident_ended" in (tmp_path / "got").read_text() or None, "the hook")
    again_sent = [got.mail["X-Mpathd-Watch-Event"] for got in server.received[sent:]]
    assert "incident_began" not in again_sent
    entries = [json.loads(line) for line in (tmp_path / "got").read_text().splitlines()]
    assert {each["MPATHD_WATCH_NOTICE"] for each in entries} == {"alert", "all_clear"}
    assert again.stop() == 0
    assert "Traceback" not in again.said()


def test_an_incident_that_is_lost_with_the_database_is_dropped_and_not_reminded_of_for_ever(
    start: Callable[[str], Daemon], san: FakeSysfs, server: SmtpServer, tmp_path: Path
) -> None:
    ledger = tmp_path / "state/notified-mail.json"
    daemon = start(mail(server))
    san.sessions[1].fail()
    loss = about(server, "incident_began")
    until(lambda: (ledger.exists() and '"delivered": true' in ledger.read_text()) or None, "the ledger")
    daemon.stop(signal.SIGKILL)
    for file in (tmp_path / "state").glob("state.db*"):
        file.unlink()
    san.sessions[1].recover()
    sent = len(server.received)

    again = start(mail(server))
    until(lambda: len(server.received) > sent or None, "the last mail about it")
    until(lambda: ledger.read_text() == "{}" or None, "the ledger to forget it")
    (last,) = [got.mail for got in server.received[sent:]]
    assert last["X-Mpathd-Watch-Notice"] == "dropped"
    assert last["X-Mpathd-Watch-Incident"] == loss.mail["X-Mpathd-Watch-Incident"]
    assert loss.mail["Message-ID"] in last["References"]
    assert again.stop() == 0
    assert start(mail(server)).stop() == 0
    assert len(server.received) == sent + 1


def test_a_server_and_a_hook_that_hang_delay_nothing(
    start: Callable[[str], Daemon], san: FakeSysfs, server: SmtpServer
) -> None:
    server.answer = lambda command: b"" if command == "CONNECT" else None
    daemon = start(mail(server) + hook("trap '' TERM; while :; do sleep 1; done", "timeout_seconds = 600"))
    san.sessions[1].fail()
    daemon.wait_scraped(STALLED)
    until(lambda: "CONNECT" in server.commands or None, "the server to be asked")
    san.sessions[1].recover()
    daemon.wait_scraped(STALLED.replace("stalled", "up"))
    for _ in range(10):
        began = time.monotonic()
        text = daemon.scrape()
        assert time.monotonic() - began < 2
        san.sessions[1].fail()
        san.sessions[1].recover()
    assert 'mpathd_watch_outlet_waiting{outlet="mail"}' in text
    began = time.monotonic()
    assert daemon.stop() == 0
    assert time.monotonic() - began < 15


def test_a_reload_replaces_who_is_notified(
    start: Callable[[str], Daemon], san: FakeSysfs, server: SmtpServer, tmp_path: Path
) -> None:
    chosen = 'events = ["incident_began"]'
    daemon = start(hook(f"touch {tmp_path}/old", chosen))
    daemon.config.write_text(mail(server) + hook(f"touch {tmp_path}/new", chosen), encoding="utf-8")
    daemon.process.send_signal(signal.SIGHUP)
    daemon.wait_notified(r"^READY=1$", times=2)
    san.sessions[1].fail()
    about(server, "incident_began")
    until(lambda: (tmp_path / "new").exists() or None, "the new hook")
    assert not (tmp_path / "old").exists()
    daemon.config.write_text("[mail]\n", encoding="utf-8")
    daemon.process.send_signal(signal.SIGHUP)
    daemon.wait_scraped('mpathd_watch_source_up{source="config"} 0.0')
    daemon.config.write_text(mail(server), encoding="utf-8")
    daemon.process.send_signal(signal.SIGHUP)
    daemon.wait_scraped('mpathd_watch_source_up{source="config"} 1.0')


def test_mail_that_a_killed_daemon_could_not_send_is_sent_by_the_next_one(
    start: Callable[[str], Daemon], san: FakeSysfs, server: SmtpServer
) -> None:
    server.answer = lambda command: b"451 greylisted" if command.startswith("RCPT") else None
    daemon = start(mail(server))
    san.sessions[1].fail()
    daemon.wait_scraped(STALLED)
    until(lambda: any(command.startswith("RCPT") for command in server.commands) or None, "an attempt")
    daemon.wait_scraped('mpathd_watch_mails_total{result="failed"} 0.0')
    daemon.stop(signal.SIGKILL)
    server.answer = lambda _: None
    start(mail(server))
    assert about(server, "incident_began").mail["X-Mpathd-Watch-Notice"] == "alert"
