"""Whether multipathd is running, without any use of its socket."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from mpathd_watch.sources.multipathd.presence import NAME
from mpathd_watch.sources.reading.presence import SEARCH_EVERY, Daemon, Presence, find, is_called, signal_reaches
from mpathd_watch.sources.reading.service_unit import ServiceUnit

INITIAL = "pid:[4026531836]"
CONTAINER = "pid:[4026532200]"


class Host:
    """A pidfile and a /proc below ``root``; ``alive`` are the pids signal 0 reaches, ``now`` is the time."""

    def __init__(self, root: Path) -> None:
        self.pidfile = root / "multipathd.pid"
        self.proc = root / "proc"
        self.proc.mkdir()
        self.alive: set[int] = set()
        self.now = 1000.0
        self.unit = ServiceUnit(NAME, ("@/org/kernel/linux/storage/multipathd", "/run/multipathd.socket"), root)
        self.daemon = Daemon(
            NAME, self.pidfile, self.proc, self.alive.__contains__, unit=self.unit, clock=lambda: self.now
        )

    def process(self, pid: int, comm: str) -> None:
        """Add a process to /proc."""
        (self.proc / str(pid)).mkdir()
        (self.proc / str(pid) / "comm").write_text(comm)

    def presence(self) -> Presence:
        """What there is to find."""
        return self.daemon.look()

    def procfs(self, namespace: str = INITIAL) -> None:
        """Make /proc what the kernel mounts: with ``self``, in a PID namespace, and with the first process."""
        self.process(4711, "pytest\n")
        (self.proc / "4711/ns").mkdir()
        (self.proc / "4711/ns/pid").symlink_to(namespace)
        (self.proc / "self").symlink_to("4711")
        self.process(1, "systemd\n")

    def hide(self) -> None:
        """Hide the processes of other users, as ProtectProc=invisible does."""
        (self.proc / "1/comm").unlink()


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


@pytest.mark.parametrize("pidfile", [None, "1\n", "227", "nonsense"])
def test_a_process_of_that_name_runs_whatever_its_pidfile_names(host: Host, pidfile: str | None) -> None:
    """In a container multipathd has another pid than on the host, and its /run may not be the host's."""
    if pidfile is not None:
        host.pidfile.write_text(pidfile)
    host.procfs()
    host.process(5012, "multipathd\n")
    assert host.presence() == Presence(running=True, pid=5012, why="process 5012 is called multipathd")


def test_all_processes_are_searched_at_once_and_then_now_and_again(host: Host) -> None:
    host.procfs()
    assert not host.presence().running
    host.process(5012, "multipathd\n")
    host.now += SEARCH_EVERY - 1
    assert not host.presence().running
    host.now += 1
    assert host.presence().pid == 5012
    (host.proc / "5012/comm").write_text("another\n")
    host.process(5013, "multipathd\n")
    assert host.presence().pid == 5013


def test_a_lock_on_the_pidfile_proves_that_its_writer_runs(host: Host) -> None:
    host.procfs(CONTAINER)
    host.pidfile.write_text("1")
    assert not host.presence().running
    code = "import fcntl, sys; f = open(sys.argv[1], 'r+'); fcntl.lockf(f, fcntl.LOCK_EX); print(flush=True); input()"
    with subprocess.Popen(  # noqa: S603  # our own interpreter
        [sys.executable, "-c", code, host.pidfile], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as writer:
        assert writer.stdout
        writer.stdout.readline()
        found = host.presence()
        assert (found.running, found.pid, found.certain) == (True, 1, True)
        assert found.why == f"{host.pidfile} is locked by the process that wrote it"
        writer.kill()
    assert not host.presence().running


def test_all_of_this_host_is_seen(host: Host) -> None:
    host.procfs()
    host.pidfile.write_text("227")
    assert host.presence().certain


def test_a_container_does_not_see_the_processes_of_the_host(host: Host) -> None:
    host.procfs(CONTAINER)
    for text in (None, "227", "1"):
        if text:
            host.pidfile.write_text(text)
        found = host.presence()
        assert (found.running, found.certain) == (False, False)
        assert found.why.startswith("cannot tell whether multipathd is running: ")
        assert found.why.endswith(", and not all processes can be seen")


def test_hidepid_hides_the_processes_of_others(host: Host) -> None:
    host.procfs()
    host.hide()
    assert not host.presence().certain


def test_a_proc_that_is_not_there_shows_nothing(host: Host) -> None:
    host.proc.rmdir()
    assert not host.presence().certain


def test_a_fifo_in_place_of_the_pidfile_is_not_waited_for(host: Host) -> None:
    os.mkfifo(host.pidfile)
    assert not host.presence().certain


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
