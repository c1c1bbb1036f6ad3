"""Which units are started at boot, by the links and files of each distribution."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from mpathd_watch.core.model.system import Unit
from mpathd_watch.sources.configuration import units
from mpathd_watch.sources.reading.tree import Tree

SERVICE, SOCKET, ALIAS = "multipathd.service", "multipathd.socket", "multipath-tools.service"
LOGIN, ISCSI, STARTER, ISCSID = "open-iscsi.service", "iscsi.service", "iscsi-starter.service", "iscsid.service"
LIB = "usr/lib/systemd/system"
ETC = "etc/systemd/system"


class Host:
    """The files of a host that systemd has started."""

    def __init__(self, root: Path) -> None:
        self.root = root
        (root / "run/systemd/system").mkdir(parents=True)

    def put(self, path: str, text: str = "[Unit]\n") -> None:
        (self.root / path).parent.mkdir(parents=True, exist_ok=True)
        (self.root / path).write_text(text)

    def link(self, path: str, target: str) -> None:
        (self.root / path).parent.mkdir(parents=True, exist_ok=True)
        (self.root / path).symlink_to(target)

    def install(self, *names: str, at: str = LIB) -> None:
        for name in names:
            self.put(f"{at}/{name}")

    def enable(self, name: str, target: str = "sysinit.target.wants", at: str = ETC) -> None:
        self.link(f"{at}/{target}/{name}", f"/{LIB}/{name}")

    @property
    def units(self) -> dict[str, Unit]:
        found = units.read(Tree(self.root))
        assert found is not None
        return {unit.name: unit for unit in found}

    @property
    def started(self) -> set[str]:
        return {name for name, unit in self.units.items() if unit.started}


@pytest.fixture
def host(tmp_path: Path) -> Host:
    return Host(tmp_path)


def test_only_what_is_installed_is_reported(host: Host) -> None:
    assert host.units == {}
    host.install(SERVICE, LOGIN, "other.service")
    assert host.units == {name: Unit(name, started=False) for name in (SERVICE, LOGIN)}


@pytest.mark.parametrize("at", ["lib/systemd/system", "usr/local/lib/systemd/system", ETC])
def test_a_unit_may_be_in_several_places(host: Host, at: str) -> None:
    host.install(SERVICE, at=at)
    assert host.units == {SERVICE: Unit(SERVICE, started=False)}


def test_debian_as_its_packages_leave_it(host: Host) -> None:
    host.install(SERVICE, SOCKET, ALIAS, LOGIN, ISCSID, "iscsid.socket")
    host.enable(SERVICE)
    host.enable(SOCKET, "sockets.target.wants")
    host.enable(LOGIN)
    host.enable("iscsid.socket", "sockets.target.wants")
    host.link(f"{ETC}/{ISCSI}", f"/{LIB}/{LOGIN}")
    assert host.started == {SERVICE, SOCKET, LOGIN}
    assert not any(unit.masked for unit in host.units.values())


def test_fedora_starts_iscsi_by_another_unit_that_must_be_enabled_itself(host: Host) -> None:
    host.install(ISCSI, STARTER, ISCSID)
    host.put(f"{LIB}/{STARTER}", f"[Service]\nExecStart=/usr/bin/systemctl start --no-block {ISCSI}\n")
    assert host.started == set()
    host.enable(STARTER)
    assert host.started == {STARTER}


@pytest.mark.parametrize(
    ("target", "at"),
    [
        ("multi-user.target.wants", ETC),
        ("default.target.requires", ETC),
        ("x.service.upholds", ETC),
        ("sysinit.target.wants", LIB),
        ("sysinit.target.wants", "run/systemd/generator"),
        ("sysinit.target.wants", "run/systemd/generator.late"),
    ],
)
def test_a_link_in_any_such_directory_enables(host: Host, target: str, at: str) -> None:
    host.install(SERVICE)
    host.enable(SERVICE, target, at)
    assert host.started == {SERVICE}


def test_a_preset_enables_nothing(host: Host) -> None:
    host.install(SERVICE)
    host.put("usr/lib/systemd/system-preset/90-default.preset", f"enable {SERVICE}\n")
    assert host.started == set()


@pytest.mark.parametrize(
    "text",
    [
        f"[Unit]\nWants={SERVICE}\n",
        "[Unit]\nRequires=network.target multipathd.service other.service\n",
        "[Unit]\n  BindsTo = multipathd.service\n",
        "[Service]\nExecStartPre=-/bin/systemctl restart multipathd\n",
    ],
)
def test_another_unit_may_start_it(host: Host, text: str) -> None:
    host.install(SERVICE)
    host.put(f"{ETC}/appliance.target", text)
    assert host.started == {SERVICE}
    (host.root / f"{ETC}/appliance.target").unlink()
    assert host.started == set()
    host.put(f"{ETC}/multi-user.target.d/more.conf", text)
    assert host.started == {SERVICE}


@pytest.mark.parametrize(
    "text",
    [
        f"[Unit]\nAfter={SERVICE}\nBefore={SERVICE}\n",
        f"# Wants={SERVICE}\n",
        f"[Install]\nAlso={SERVICE}\n",
        "[Unit]\nWants=multipathd-queueing.service xmultipathd.service multipathd.service.d multipathd.socket\n",
        "[Service]\nExecStop=/sbin/multipathd disablequeueing maps\n",
    ],
)
def test_another_unit_that_only_names_it_does_not_start_it(host: Host, text: str) -> None:
    host.install(SERVICE)
    host.put(f"{LIB}/other.service", text)
    assert host.started == set()


def test_what_belongs_to_the_unit_itself_does_not_start_it(host: Host) -> None:
    host.put(f"{LIB}/{SERVICE}", f"[Unit]\nWants={SERVICE}\n")
    host.put(f"{ETC}/{SERVICE}.d/x.conf", f"[Unit]\nWants={SERVICE}\n")
    assert host.started == set()


@pytest.mark.parametrize("path", ["etc/rc.local", "etc/rc.d/rc.local"])
def test_a_script_of_the_boot_may_start_it(host: Host, path: str) -> None:
    host.install(SERVICE, LOGIN)
    host.put(path, "#!/bin/sh\nservice multipathd start\n")
    assert host.started == {SERVICE}


def test_where_there_are_too_many_units_to_tell_each_may_be_started(
    host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    host.install(SERVICE, "a.service", "b.service")
    monkeypatch.setattr(units, "MAX_FILES", 1)
    assert host.started == {SERVICE}


def test_a_masked_unit(host: Host) -> None:
    host.install(SERVICE, SOCKET, LOGIN)
    host.link(f"{ETC}/{SERVICE}", "/dev/null")
    host.put(f"{ETC}/{SOCKET}", "")
    host.link(f"run/systemd/system/{LOGIN}", "/dev/null")
    assert {name: unit.masked for name, unit in host.units.items()} == {
        SERVICE: f"/{ETC}/{SERVICE}",
        SOCKET: f"/{ETC}/{SOCKET}",
        LOGIN: "",
    }


def test_whether_it_has_processes_now(host: Host) -> None:
    host.install(SERVICE, LOGIN)
    assert {unit.active for unit in host.units.values()} == {None}
    (host.root / f"sys/fs/cgroup/system.slice/{SERVICE}").mkdir(parents=True)
    assert {name: unit.active for name, unit in host.units.items()} == {SERVICE: True, LOGIN: False}


def test_where_systemd_is_not_process_1_nothing_is_reported(tmp_path: Path) -> None:
    (tmp_path / LIB).mkdir(parents=True)
    (tmp_path / LIB / SERVICE).write_text("[Unit]\n")
    assert units.read(Tree(tmp_path)) is None
    (tmp_path / "proc/1").mkdir(parents=True)
    (tmp_path / "proc/1/comm").write_text("init\n")
    assert units.read(Tree(tmp_path)) is None
    (tmp_path / "proc/1/comm").write_text("systemd\n")
    assert units.read(Tree(tmp_path)) == (Unit(SERVICE, started=False),)


@pytest.mark.parametrize("mark", ["run/systemd/container", "run/.containerenv", ".dockerenv"])
def test_in_a_container_nothing_is_reported(host: Host, mark: str) -> None:
    host.install(SERVICE)
    host.put(mark)
    assert units.read(Tree(host.root)) is None


def test_directories_that_are_something_else(host: Host) -> None:
    host.install(SERVICE)
    host.put(f"{ETC}/a.wants")
    os.mkfifo(host.root / f"{ETC}/b.service")
    host.link(f"{ETC}/c.wants", "c.wants")
    host.link(f"{ETC}/d.wants", "/")
    host.link(f"{ETC}/e.service", "/proc/self/mem")
    assert host.started == set()
    assert units.directories(Tree(host.root)) == [ETC, f"{ETC}/a.wants", f"{ETC}/c.wants", f"{ETC}/d.wants"]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (b"ExecStart=/bin/systemctl start multipathd\n", {"multipathd.service"}),
        (b"ExecStart=multipathd systemctl\n", set[str]()),
        (b"ExecStart=systemctl a; multipathd.service.d\n", set[str]()),
        (b"Wants=a.service\nmultipathd.service\n", set[str]()),
        (b" \tWants = my-multipathd.service multipathd.service", {"multipathd.service"}),
    ],
)
def test_what_a_unit_refers_to(text: bytes, found: set[str]) -> None:
    assert units.referenced_in(text, ["multipathd.service"]) == found
