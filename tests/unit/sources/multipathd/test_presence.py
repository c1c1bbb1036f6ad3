"""Whether multipathd is running, without any use of its socket."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from mpathd_watch.sources.multipathd.presence import check_presence
from mpathd_watch.sources.reading.presence import Presence, find, is_called, signal_reaches


class Host:
    """A pidfile and a /proc below ``root``; ``alive`` are the pids signal 0 reaches."""

    def __init__(self, root: Path) -> None:
        self.pidfile = root / "multipathd.pid"
        self.proc = root / "proc"
        self.proc.mkdir()
        self.alive: set[int] = set()

    def process(self, pid: int, comm: str) -> None:
        """Add a process to /proc."""
        (self.proc / str(pid)).mkdir()
        (self.proc / str(pid) / "comm").write_text(comm)

    def presence(self) -> Presence:
        """What there is to find."""
        return check_presence(self.pidfile, self.proc, self.alive.__contains__)


@pytest.fixture
def host(tmp_path: Path) -> Host:
    return Host(tmp_path)


@pytest.mark.parametrize("text", ["227", "227\n", " 227 \n"])
def test_running(host: Host, text: str) -> None:
    host.pidfile.write_text(text)
    host.process(227, "multipathd\n")
    assert host.presence() == Presence(running=True, pid=227, why=f"process 227 of {host.pidfile} is a multipathd")


def test_no_pidfile(host: Host) -> None:
    presence = host.presence()
    assert (presence.running, presence.pid, presence.certain) == (False, None, True)
    assert "there is no" in presence.why


def test_a_pidfile_left_by_a_killed_multipathd(host: Host) -> None:
    host.pidfile.write_text("227")
    presence = host.presence()
    assert not presence.running
    assert "227" in presence.why
    assert "gone" in presence.why


def test_a_pid_given_to_another_process(host: Host) -> None:
    host.pidfile.write_text("227")
    host.process(227, "sshd\x1b[31m\n")
    host.alive.add(227)
    presence = host.presence()
    assert not presence.running
    assert "sshd\\x1b" in presence.why


def test_a_process_whose_comm_is_hidden(host: Host) -> None:
    host.pidfile.write_text("227")
    host.alive.add(227)
    assert host.presence().running
    assert host.presence().pid == 227


@pytest.mark.parametrize(
    "text", ["", "\n", "multipathd", "-1", "0", "1.5", "0x10", "22 7", "9" * 5000, "99999999", "\0", "²"]
)
def test_garbage_in_the_pidfile(host: Host, text: str) -> None:
    host.pidfile.write_text(text)
    presence = host.presence()
    assert (presence.running, presence.certain) == (False, False)
    assert presence.why.startswith(f"cannot tell whether multipathd is running: no pid in {host.pidfile}: ")
    assert len(presence.why) < 400


def test_an_unreadable_pidfile(host: Host) -> None:
    host.pidfile.mkdir()
    presence = host.presence()
    assert (presence.running, presence.certain) == (False, False)
    assert presence.why.startswith("cannot tell whether multipathd is running: ")


def test_a_process_is_found_by_its_name(host: Host) -> None:
    host.process(1, "systemd\n")
    host.process(12, "iscsid-not\n")
    host.process(227, "iscsid\n")
    (host.proc / "9").mkdir()  # ended between the listing and the look
    (host.proc / "meminfo").touch()
    assert find("iscsid", host.proc) == 227
    assert find("multipathd", host.proc) is None
    assert find("iscsid", host.proc / "none") is None
    assert is_called(227, "iscsid", host.proc)
    assert not is_called(1, "iscsid", host.proc)
    assert not is_called(9, "iscsid", host.proc)


def test_signal_zero() -> None:
    assert signal_reaches(os.getpid())
    assert signal_reaches(1)
    assert not signal_reaches(4194304)
