"""What the daemon opens, starts and connects to, as Python's audit events report it."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.component.process import Daemon, until
from tests.fakes.multipathd import FakeMultipathd
from tests.fakes.sysfs import SECRETS, TARGET, healthy_san

PROGRAM = """
import json, os, sys
log = os.open(sys.argv.pop(1), os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
events = set(sys.argv.pop(1).split())
def hook(event, arguments):
    if event in events:
        found = [os.fsdecode(each) if isinstance(each, bytes | os.PathLike) else
                 each if isinstance(each, int | str) else repr(each) for each in arguments]
        os.write(log, (json.dumps([event, *found]) + "\\n").encode())
sys.addaudithook(hook)
from pathlib import Path
from mpathd_watch.cli import main
from mpathd_watch.sources.multipathd import client
from mpathd_watch.sources.reading.presence import Daemon
pidfile, proc = (Path(sys.argv.pop(1)) for _ in range(2))
client.multipathd = lambda: Daemon("multipathd", pidfile, proc, lambda _: False)
sys.exit(main())
"""
CHANGING = (
    "os.mkdir",
    "os.rename",
    "os.remove",
    "os.rmdir",
    "os.link",
    "os.symlink",
    "os.chmod",
    "os.chown",
    "os.truncate",
)
STARTING = ("subprocess.Popen", "os.system", "os.exec", "os.posix_spawn")
EVENTS = ("open", "sqlite3.connect", "socket.connect", *STARTING, *CHANGING)
ISCSID_CONF, RECORD = "etc/iscsi/iscsid.conf", f"var/lib/iscsi/nodes/{TARGET}/192.168.1.1,3260,1/default"
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT
FINDING = 'code="syntax_error"'
PATH_HEALTH = 'mpathd_watch_path_health{map="mpio",path="192.168.2.1:3260",state="%s"} 1.0'


class Audit:
    """What a daemon has done from its start to its end, with an outage in between."""

    def __init__(self, directory: Path) -> None:
        san = healthy_san(directory / "sys")
        for session in san.sessions:
            for secret in SECRETS:
                session.set(secret, "hunter2")
        for file in (ISCSID_CONF, RECORD):
            path = directory / "host" / file
            path.parent.mkdir(parents=True)
            path.write_text("node.session.auth.password = hunter2\nnode.startup = never\n")
        log = directory / "audit"
        with FakeMultipathd(directory / "multipathd") as multipathd:
            multipathd.list_map(san.maps[0], san.disks)
            program = ("-c", PROGRAM, str(log), " ".join(EVENTS), str(multipathd.pidfile), str(multipathd.proc))
            options = ("--multipathd-socket", multipathd.socket_name, "--root", str(directory / "host"))
            daemon = Daemon(directory, *options, program=program)
            try:
                daemon.wait_notified(r"^READY=1$")
                daemon.wait_scraped(PATH_HEALTH % "up")
                san.sessions[1].fail()
                daemon.wait_scraped(PATH_HEALTH % "stalled")
                san.sessions[1].expire()
                multipathd.list_map(san.maps[0], san.disks, {san.disks[1].name})
                daemon.wait_scraped(PATH_HEALTH % "failed")
                san.sessions[1].recover()
                multipathd.list_map(san.maps[0], san.disks)
                daemon.wait_scraped(PATH_HEALTH % "up")
                daemon.scrape("/")
                daemon.status()
                # A child has read the files, and has passed on that a line is wrong.
                until(lambda: FINDING in daemon.scrape() or None, FINDING)
                assert daemon.stop() == 0, daemon.said()
            finally:
                daemon.close()
            self.requests = {request.command for request in multipathd.requests}
        self.directory = directory
        self.multipathd = multipathd.socket_name
        self.events: list[list[Any]] = [json.loads(line) for line in log.read_text().splitlines()]

    def arguments(self, *events: str) -> list[list[Any]]:
        """The arguments of each of these events."""
        return [each[1:] for each in self.events if each[0] in events]


@pytest.fixture(scope="module")
def audit(tmp_path_factory: pytest.TempPathFactory) -> Audit:
    return Audit(tmp_path_factory.mktemp("audit"))


def test_the_daemon_opens_no_device_and_writes_only_in_its_own_directories(audit: Audit) -> None:
    opened = [(path, flags) for path, _, flags in audit.arguments("open")]
    assert [path for path, _ in opened if str(path).startswith(f"{audit.directory}/sys/")]
    assert {path for path, _ in opened if str(path).startswith("/dev/")} <= {"/dev/null"}
    own = (f"{audit.directory}/run/", f"{audit.directory}/state/")
    written = {path for path, flags in opened if isinstance(path, str) and flags & WRITING and path != "/dev/null"}
    written |= {path for (path,) in audit.arguments("sqlite3.connect") if not path.endswith("?mode=ro")}
    written |= {arguments[0] for arguments in audit.arguments(*CHANGING)}
    # A name without a directory is one in the directory that replace_file() has opened.
    written = {path for path in written if "/" in str(path)} - {directory.rstrip("/") for directory in own}
    assert f"{audit.directory}/state/state.db" in written
    assert {path for path in written if not str(path).startswith(own)} == set()


def test_the_daemon_starts_no_program_but_itself_and_connects_to_nothing_over_the_network(audit: Audit) -> None:
    # Itself: the child that reads what only root can, where nothing was handed over. ctypes finds libudev by ldconfig.
    assert {started for started, *_ in audit.arguments("subprocess.Popen")} <= {sys.executable, "/sbin/ldconfig"}
    assert audit.arguments(*STARTING[1:]) == []
    sockets = {"/run/systemd/journal/socket", audit.multipathd}
    sockets |= {
        str(audit.directory / name) for name in ("notify", "run/status.sock", "run/control.sock", "run/http.sock")
    }
    connected = {address for _, address in audit.arguments("socket.connect")}
    assert audit.multipathd in connected
    assert connected <= sockets


def test_the_daemon_opens_no_file_that_holds_a_password(audit: Audit) -> None:
    """Neither an attribute of a session, which anybody can open and only root can read, nor a file of open-iscsi."""
    opened = [str(path) for path, *_ in audit.arguments("open")]
    names = {Path(path).name for path in opened}
    assert {"targetname", "state", "recovery_tmo"} <= names
    assert not [name for name in names if "password" in name or "username" in name]
    host = f"{audit.directory}/host/"
    assert not [path for path in opened if path.startswith((f"{host}etc/iscsi", f"{host}var/lib/iscsi"))]


def test_multipathd_is_asked_to_show_and_nothing_else(audit: Audit) -> None:
    assert len(audit.requests) >= 3
    assert {request for request in audit.requests if not request.startswith("show ")} == set()
