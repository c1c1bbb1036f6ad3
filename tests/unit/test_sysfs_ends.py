"""This host's ends of the iSCSI connections."""

from __future__ import annotations

import errno
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from mpathd_watch.sources.network import Interface
from mpathd_watch.sources.sysfs.attributes import Attributes
from mpathd_watch.sources.sysfs.ends import LocalEnd, LocalEnds
from tests.fakes.sysfs import FakeSysfs, healthy_san
from tests.reading import INTERFACES, Look, unreadable


@pytest.fixture
def san(tmp_path: Path) -> FakeSysfs:
    return healthy_san(tmp_path / "sys")


@pytest.fixture
def look(san: FakeSysfs) -> Look:
    return Look(san)


END = LocalEnd("192.168.1.2", "eth1", "192.168.1.0/24")


def test_a_local_end_has_an_address_an_interface_and_a_subnet(look: Look) -> None:
    assert look.at_ends() == {1: END, 2: LocalEnd("192.168.2.2", "eth2", "192.168.2.0/24")}
    assert look.problems == {}
    first = look.at_sessions(afresh=True, ends=look.at_ends())[0]
    assert (first.local_address, first.netdev, first.local_network) == ("192.168.1.2", "eth1", "192.168.1.0/24")
    assert look.at_sessions()[0] == look.at_sessions(afresh=True)[0] == first


def test_what_is_known_of_a_local_end_outlives_an_outage(san: FakeSysfs, look: Look) -> None:
    look.at_sessions(afresh=True, ends=look.at_ends())
    for change in (san.sessions[0].fail, san.sessions[0].expire, san.sessions[0].recover):
        change()
        assert look.at_sessions()[0].netdev == "eth1"
        assert look.at_ends()[1] == END
        assert look.at_sessions(afresh=True, ends=look.at_ends())[0].local_address == "192.168.1.2"


@pytest.mark.parametrize(
    ("number", "problems"),
    [
        (errno.ENOTCONN, {}),
        (errno.ENODEV, {}),
        (errno.EINVAL, {"EINVAL": 1}),
        (errno.EIO, {"EIO": 1}),
    ],
)
def test_an_address_that_cannot_be_had_is_the_last_one_and_being_disconnected_is_no_problem(
    look: Look, monkeypatch: pytest.MonkeyPatch, number: int, problems: dict[str, int]
) -> None:
    with unreadable(monkeypatch, number, "host2/ipaddress"):
        assert look.at_ends()[1] == LocalEnd()
        assert look.problems == problems
    look.at_ends()
    with unreadable(monkeypatch, number, "host2/ipaddress"):
        assert look.at_ends()[1] == END


@pytest.mark.parametrize("raw", [b"no address\n", b"300.1.1.1\n", b"192.168.1.2/24\n", b"\xff" * 5000])
def test_an_address_that_is_none_is_the_last_one_and_counted(san: FakeSysfs, look: Look, raw: bytes) -> None:
    look.at_ends()
    san.sessions[0].iscsi_host.set("ipaddress", raw)
    assert look.at_ends()[1] == END
    assert look.problems == {"unknown_value": 1}


def test_an_address_is_spelt_as_others_spell_it(san: FakeSysfs, look: Look) -> None:
    san.sessions[0].iscsi_host.set("ipaddress", "fd00:0000:0000:0000:0000:0000:0000:0002")
    assert look.at_ends()[1] == LocalEnd("fd00::2", "eth6", "fd00::/64")


def test_after_a_login_over_another_interface_nothing_is_left_of_the_old_one(san: FakeSysfs, look: Look) -> None:
    look.at_ends()
    san.sessions[0].iscsi_host.set("ipaddress", "192.168.2.2")
    assert look.at_ends()[1] == LocalEnd("192.168.2.2", "eth2", "192.168.2.0/24")
    san.sessions[0].iscsi_host.set("ipaddress", "10.0.0.1")
    assert look.at_ends()[1] == LocalEnd("10.0.0.1")


def test_an_interface_that_has_lost_the_address_keeps_the_session(look: Look, monkeypatch: pytest.MonkeyPatch) -> None:
    look.at_ends()
    monkeypatch.delitem(INTERFACES, "192.168.1.2")
    assert look.at_ends()[1] == END


def test_a_session_bound_to_a_network_device_says_so_itself(san: FakeSysfs, look: Look) -> None:
    for name in ("default", "<NULL>", "(null)", ""):
        san.sessions[0].iscsi_host.set("netdev", name)
        assert look.at_ends()[1] == END
    san.sessions[0].iscsi_host.set("netdev", b"bond0.7\n")
    assert look.at_ends()[1] == replace(END, netdev="bond0.7")
    san.sessions[0].iscsi_host.set("netdev", b"a\x1b\n")
    assert look.at_ends()[1].netdev == "a\\x1b"
    for attribute in ("netdev", "ipaddress"):
        san.sessions[1].iscsi_host.remove(attribute)
    assert look.at_ends()[2] == LocalEnd("192.168.2.2", "eth2", "192.168.2.0/24")
    assert look.problems == {}


def test_a_new_session_inherits_no_local_end(san: FakeSysfs, look: Look) -> None:
    look.at_ends()
    san.logout(san.sessions[0])
    assert list(look.at_ends()) == [2]
    fresh = san.login(sid=1)
    fresh.iscsi_host.remove("ipaddress")
    assert look.at_ends()[1] == LocalEnd()


def test_a_session_whose_host_cannot_be_told_has_no_local_end(san: FakeSysfs, look: Look) -> None:
    link = san.root / "class/iscsi_session/session1"
    link.unlink()
    link.symlink_to("../../devices/nowhere")
    assert look.at_ends()[1] == LocalEnd()


def test_without_sessions_nobody_asks_for_interfaces(tmp_path: Path) -> None:
    def never() -> Mapping[str, Interface]:
        raise AssertionError

    assert LocalEnds(FakeSysfs(tmp_path / "sys").root, never).read(Attributes()) == {}
