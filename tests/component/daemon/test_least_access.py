"""What the daemon opens, starts and connects to, as Python's audit events report it."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.component.process import Daemon
from tests.fakes.sysfs import healthy_san

PROGRAM = """
import json, os, sys
log = os.open(sys.argv.pop(1), os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
events = {"open", "sqlite3.connect", "socket.connect", "subprocess.Popen", "os.system", "os.exec", "os.posix_spawn"}
events |= {"os.mkdir", "os.rename", "os.remove", "os.link", "os.symlink", "os.chmod", "os.chown", "os.truncate"}
def hook(event, arguments):
    if event in events:
        found = [os.fsdecode(each) if isinstance(each, bytes | os.PathLike) else
                 each if isinstance(each, int | str) else repr(each) for each in arguments]
        os.write(log, (json.dumps([event, *found]) + "\\n").encode())
sys.addaudithook(hook)
from mpathd_watch.cli import main
sys.exit(main())
"""
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT
PATH_HEALTH = 'mpathd_watch_path_health{map="mpio",path="192.168.2.1:3260",state="%s"} 1.0'


@pytest.fixture
def audited(tmp_path: Path) -> list[list[Any]]:
    """What a daemon has done from its start to its end, with an outage in between."""
    san = healthy_san(tmp_path / "sys")
    log = tmp_path / "audit"
    daemon = Daemon(tmp_path, program=("-c", PROGRAM, str(log)))
    try:
        daemon.wait_notified(r"^READY=1$")
        daemon.wait_scraped(PATH_HEALTH % "up")
        san.sessions[1].fail()
        daemon.wait_scraped(PATH_HEALTH % "stalled")
        san.sessions[1].expire()
        daemon.wait_scraped(PATH_HEALTH % "failed")
        daemon.scrape("/")
        daemon.status()
        assert daemon.stop() == 0, daemon.said()
    finally:
        daemon.close()
    return [json.loads(line) for line in log.read_text().splitlines()]


def test_the_daemon_opens_no_device_and_writes_only_in_its_own_directories(
    audited: list[list[Any]], tmp_path: Path
) -> None:
    opened = [(path, flags) for event, path, _, flags in (each for each in audited if each[0] == "open")]
    assert [path for path, _ in opened if str(path).startswith(f"{tmp_path}/sys/")]
    assert {path for path, _ in opened if str(path).startswith("/dev/")} <= {"/dev/null"}
    own = (f"{tmp_path}/run/", f"{tmp_path}/state/")
    written = {path for path, flags in opened if isinstance(path, str) and flags & WRITING and path != "/dev/null"}
    databases = {each[1] for each in audited if each[0] == "sqlite3.connect"}
    written |= {place for place in databases if not place.endswith("?mode=ro")}
    written |= {
        each[1] for each in audited if each[0].startswith("os.") and each[0] not in ("os.exec", "os.posix_spawn")
    }
    # A name without a directory is one in the directory that replace_file() has opened.
    written = {path for path in written if "/" in str(path)} - {f"{tmp_path}/run", f"{tmp_path}/state"}
    assert f"{tmp_path}/state/state.db" in written
    assert {path for path in written if not str(path).startswith(own)} == set()


def test_the_daemon_starts_no_program_but_itself_and_connects_to_nothing_over_the_network(
    audited: list[list[Any]], tmp_path: Path
) -> None:
    started = {each[1] for each in audited if each[0] == "subprocess.Popen"}
    # Itself: the child that reads what only root can, where nothing was handed over. ctypes finds libudev by ldconfig.
    assert started <= {sys.executable, "/sbin/ldconfig"}
    assert not [each for each in audited if each[0] in ("os.system", "os.exec")]
    connected = {each[2] for each in audited if each[0] == "socket.connect"}
    assert connected <= {str(tmp_path / "notify"), "/run/systemd/journal/socket", str(tmp_path / "run/status.sock")} | {
        str(tmp_path / "run/control.sock")
    }
