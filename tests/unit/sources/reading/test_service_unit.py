"""What systemd and the kernel show of a unit where /proc hides the processes of other users."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mpathd_watch.sources.reading.presence import Daemon, Presence
from mpathd_watch.sources.reading.service_unit import ServiceUnit

ABSTRACT = "@/org/kernel/linux/storage/multipathd"
PATHNAME = "/run/multipathd.socket"
HEADING = "Num       RefCount Protocol Flags    Type St Inode Path"
LISTENS = f"00000000b843cd60: 00000002 00000000 00010000 0001 01  1675 {ABSTRACT}"
CONNECTED = f"00000000b843cd61: 00000003 00000000 00000000 0001 03  2966 {ABSTRACT}"
HIDDEN = ", and not all processes can be seen"


class Host:
    """Files of a host with systemd whose /proc hides the processes of others. multipathd was stopped in order."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.slice = root / "sys/fs/cgroup/system.slice"
        self.slice.mkdir(parents=True)
        self.proc = root / "proc"
        (self.proc / "self/ns").mkdir(parents=True)
        (self.proc / "self/ns/pid").symlink_to("pid:[4026531836]")
        (self.proc / "self/net").mkdir()
        self.wants = root / "etc/systemd/system/sockets.target.wants"
        self.wants.mkdir(parents=True)
        self.unit = root / "usr/lib/systemd/system/multipathd.service"
        self.unit.parent.mkdir(parents=True)
        self.unit.touch()
        self.pidfile = root / "multipathd.pid"
        self.sockets()

    def process(self, text: str) -> None:
        """Let the service have these processes."""
        (self.slice / "multipathd.service").mkdir(exist_ok=True)
        (self.slice / "multipathd.service/cgroup.procs").write_text(text)

    def sockets(self, *lines: str) -> None:
        """Let the kernel list these sockets."""
        (self.proc / "self/net/unix").write_text("\n".join([HEADING, *lines, ""]))

    def enable(self) -> None:
        """Enable multipathd.socket, as Debian 12 does."""
        (self.wants / "multipathd.socket").symlink_to("/lib/systemd/system/multipathd.socket")

    def mask(self) -> None:
        """Mask multipathd.socket."""
        (self.root / "etc/systemd/system/multipathd.socket").symlink_to("/dev/null")

    def presence(self) -> Presence:
        """What there is to find."""
        unit = ServiceUnit("multipathd", (ABSTRACT, PATHNAME), self.root)
        return Daemon("multipathd", self.pidfile, self.proc, lambda _: False, unit=unit).look()


@pytest.fixture
def host(tmp_path: Path) -> Host:
    return Host(tmp_path)


def test_it_does_not_run_where_its_unit_has_no_process_and_nobody_listens(host: Host) -> None:
    absent = f"multipathd is not running: there is no {host.pidfile}"
    assert host.presence() == Presence(running=False, pid=None, why=absent)
    host.sockets(CONNECTED, "00000000b843cd62: 00000002 00000000 00010000 0001 01  1 /run/multipathd.socket.old")
    host.process("")
    assert host.presence().certain
    host.pidfile.write_text("227")
    assert host.presence().certain
    assert "it crashed or was killed" in host.presence().why


def test_it_runs_where_its_unit_has_a_process(host: Host) -> None:
    host.process("227\n228\n")
    runs = Presence(running=True, pid=227, why="process 227 belongs to multipathd.service")
    assert host.presence() == runs
    host.pidfile.write_text("nonsense")
    assert host.presence() == runs


def test_control_groups_of_version_1_are_read_as_well(host: Host) -> None:
    host.slice.rmdir()
    assert not host.presence().certain
    service = host.root / "sys/fs/cgroup/systemd/system.slice/multipathd.service"
    service.mkdir(parents=True)
    assert host.presence().certain
    (service / "cgroup.procs").write_text("4194303\n")
    assert host.presence().pid == 4194303


@pytest.mark.parametrize("line", [LISTENS, LISTENS.replace(ABSTRACT, PATHNAME)])
def test_whether_it_runs_is_not_known_while_another_process_listens_there(host: Host, line: str) -> None:
    host.sockets(CONNECTED, line)
    found = host.presence()
    assert (found.running, found.certain) == (False, False)
    assert found.why.endswith(HIDDEN)


def test_where_systemd_holds_its_socket_it_does_not_run(host: Host) -> None:
    host.sockets(LISTENS)
    host.enable()
    assert (host.presence().running, host.presence().certain) == (False, True)
    host.mask()
    assert not host.presence().certain


def test_a_pidfile_that_makes_no_sense_leaves_it_unknown(host: Host) -> None:
    host.pidfile.write_text("nonsense")
    found = host.presence()
    assert not found.certain
    assert not found.why.endswith(HIDDEN)


def test_on_a_host_without_the_service_it_may_run_in_a_container(host: Host) -> None:
    host.unit.unlink()
    assert not host.presence().certain


def test_without_systemd_it_is_not_known(host: Host) -> None:
    host.slice.rmdir()
    assert not host.presence().certain


@pytest.mark.parametrize("flags", ["", "0x", "zz", "-"])
def test_a_list_of_sockets_that_makes_no_sense_shows_nothing(host: Host, flags: str) -> None:
    host.sockets(LISTENS.replace("00010000", flags or "?"))
    assert not host.presence().certain
    (host.proc / "self/net/unix").unlink()
    assert not host.presence().certain


def test_a_list_that_is_too_long_shows_nothing(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mpathd_watch.sources.reading.service_unit._MOST_SOCKETS", 100)
    host.sockets(*[CONNECTED] * 2)
    assert not host.presence().certain


@settings(deadline=None)
@given(st.binary(max_size=200), st.binary(max_size=20))
def test_any_bytes_are_read(tmp_path_factory: pytest.TempPathFactory, sockets: bytes, processes: bytes) -> None:
    host = Host(tmp_path_factory.mktemp("host"))
    (host.proc / "self/net/unix").write_bytes(sockets)
    host.process("")
    (host.slice / "multipathd.service/cgroup.procs").write_bytes(processes)
    found = host.presence()
    assert found.running == (found.pid is not None)


def test_the_kernels_own_list(tmp_path: Path) -> None:
    (tmp_path / "proc").symlink_to("/proc")
    (tmp_path / "sys/fs/cgroup/system.slice").mkdir(parents=True)
    (tmp_path / "etc/systemd/system").mkdir(parents=True)
    (tmp_path / "etc/systemd/system/multipathd.service").touch()
    name = f"/mpathd-watch/test/{os.getpid()}"
    unit = ServiceUnit("multipathd", (f"@{name}",), tmp_path)
    assert unit.is_out_of_use()
    with socket.socket(socket.AF_UNIX) as listening, socket.socket(socket.AF_UNIX) as connected:
        listening.bind(f"\0{name}")
        assert unit.is_out_of_use()
        listening.listen()
        connected.connect(f"\0{name}")
        assert not unit.is_out_of_use()
