"""This host's ends of the iSCSI connections."""

from __future__ import annotations

import errno
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from mpathd_watch.sources.iscsi.local_ends import LocalEnd, LocalEnds
from mpathd_watch.sources.iscsi.tcp import Connection
from mpathd_watch.sources.network.addresses import Interface
from mpathd_watch.sources.reading.attributes import Attributes
from tests.fakes.sysfs import FakeSysfs, healthy_san
from tests.reading import Look, Network, unreadable


@pytest.fixture
def san(tmp_path: Path) -> FakeSysfs:
    return healthy_san(tmp_path / "sys")


@pytest.fixture
def look(san: FakeSysfs) -> Look:
    return Look(san)


CONNECTION = Connection("192.168.1.2", 46408, "192.168.1.1", 3260)
END = LocalEnd("192.168.1.2", "eth1", "192.168.1.0/24", CONNECTION)
OTHER = LocalEnd("192.168.2.2", "eth2", "192.168.2.0/24", Connection("192.168.2.2", 46409, "192.168.2.1", 3260))


def ends(look: Look) -> dict[int, LocalEnd]:
    """The local ends without the portals, which have tests of their own."""
    return {sid: replace(end, portal=None) for sid, end in look.at_ends().items()}


def test_a_local_end_has_an_address_an_interface_a_subnet_and_a_connection(look: Look) -> None:
    assert ends(look) == {1: END, 2: OTHER}
    assert look.problems == {}
    first = look.at_sessions(everything=True, ends=ends(look))[0]
    assert (first.local_address, first.netdev, first.local_network) == ("192.168.1.2", "eth1", "192.168.1.0/24")
    assert look.at_sessions()[0] == look.at_sessions(everything=True)[0] == first


def test_what_is_known_of_a_local_end_outlives_an_outage(san: FakeSysfs, look: Look) -> None:
    look.at_sessions(everything=True, ends=ends(look))
    for change, connection in (
        (san.sessions[0].fail, None),
        (san.sessions[0].expire, None),
        (san.sessions[0].recover, replace(CONNECTION, local_port=46410)),
    ):
        change()
        assert look.at_sessions()[0].netdev == "eth1"
        assert ends(look)[1] == replace(END, connection=connection)
        assert look.problems == {}
        assert look.at_sessions(everything=True, ends=ends(look))[0].local_address == "192.168.1.2"


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
        assert ends(look)[1] == LocalEnd()
        assert look.problems == problems
    ends(look)
    with unreadable(monkeypatch, number, "host2/ipaddress"):
        assert ends(look)[1] == replace(END, connection=None)


@pytest.mark.parametrize("raw", [b"no address\n", b"300.1.1.1\n", b"192.168.1.2/24\n", b"\xff" * 5000])
def test_an_address_that_is_none_is_the_last_one_and_counted(san: FakeSysfs, look: Look, raw: bytes) -> None:
    ends(look)
    san.sessions[0].iscsi_host.set("ipaddress", raw)
    assert ends(look)[1] == replace(END, connection=None)
    assert look.problems == {"unknown_value": 1}


@pytest.mark.parametrize("attribute", ["address", "port", "local_port"])
@pytest.mark.parametrize(
    "raw", [b"perhaps\n", b"-1\n", b"0\n", b"65536\n", "\u0661\n".encode(), b"9" * 5000, b"(null)\n"]
)
def test_a_connection_of_which_something_makes_no_sense_is_none(
    san: FakeSysfs, look: Look, attribute: str, raw: bytes
) -> None:
    san.sessions[0].connection.set(attribute, raw)
    assert ends(look)[1] == replace(END, connection=None)
    assert look.problems == ({} if raw == b"(null)\n" else {"unknown_value": 1})


@pytest.mark.parametrize("number", [errno.ENOTCONN, errno.EINVAL, errno.ENODEV])
@pytest.mark.parametrize("attribute", ["address", "port", "local_port"])
def test_a_connection_of_which_something_cannot_be_had_is_none_and_takes_nothing_along(
    look: Look, monkeypatch: pytest.MonkeyPatch, attribute: str, number: int
) -> None:
    with unreadable(monkeypatch, number, f"connection1:0/{attribute}"):
        assert ends(look) == {1: replace(END, connection=None), 2: OTHER}
    assert look.problems == ({"EINVAL": 1} if number == errno.EINVAL else {})


def test_an_address_is_spelt_as_others_spell_it(san: FakeSysfs, look: Look) -> None:
    session = san.login("[fd00::1]:3260")
    assert session.iscsi_host.get("ipaddress") == "fd00:0000:0000:0000:0000:0000:0000:0002"
    assert session.connection.get("address") == "fd00:0000:0000:0000:0000:0000:0000:0001"
    assert ends(look)[3] == LocalEnd("fd00::2", "eth6", "fd00::/64", Connection("fd00::2", 46410, "fd00::1", 3260))


def test_after_a_login_over_another_interface_nothing_is_left_of_the_old_one(san: FakeSysfs, look: Look) -> None:
    ends(look)
    san.sessions[0].iscsi_host.set("ipaddress", "192.168.2.2")
    assert ends(look)[1] == replace(OTHER, connection=replace(CONNECTION, local="192.168.2.2"))
    san.sessions[0].iscsi_host.set("ipaddress", "10.0.0.1")
    assert ends(look)[1] == LocalEnd("10.0.0.1", connection=replace(CONNECTION, local="10.0.0.1"))


def test_an_interface_that_has_lost_the_address_keeps_the_session(look: Look) -> None:
    ends(look)
    del look.network.interfaces["192.168.1.2"]
    assert ends(look)[1] == END


def test_what_the_socket_is_bound_to_goes_before_the_route_and_that_before_the_address(
    san: FakeSysfs, look: Look
) -> None:
    network = look.network
    network.routes["192.168.1.1", "192.168.1.2"] = "eth9"
    assert ends(look)[1] == replace(END, netdev="eth9", routed="eth9")
    network.bound_to[1] = "vlan7"
    assert ends(look)[1] == replace(END, netdev="vlan7", routed="eth9")
    san.sessions[0].iscsi_host.set("netdev", "bond0")
    bound = replace(END, netdev="bond0", routed="eth9")
    assert ends(look)[1] == bound
    assert look.at_sessions(everything=True, ends=look.at_ends())[0].routed == "eth9"
    assert [set(asked) for asked in network.asked] == [{1, 2}, {1, 2}, {2}, {2}]
    san.sessions[0].fail()
    network.routes["192.168.1.1", "192.168.1.2"] = "eth8"
    assert ends(look)[1] == replace(bound, connection=None), "without a connection there is no other route"


def test_if_the_kernel_does_not_report_what_a_socket_is_bound_to_the_last_answer_stays(
    san: FakeSysfs, look: Look
) -> None:
    look.network.bound_to[1] = "vlan7"
    ends(look)
    look.network.error = OSError(errno.ENOBUFS, "No buffer space available")
    assert ends(look) == {1: replace(END, netdev="vlan7"), 2: OTHER}
    assert look.problems == {}
    san.sessions[0].connection.set("local_port", 50000)  # this one may be bound to another
    assert ends(look)[1] == replace(END, connection=replace(CONNECTION, local_port=50000))


def test_while_a_session_is_disconnected_no_route_is_asked_for(san: FakeSysfs, look: Look) -> None:
    look.network.bound_to[1] = "vlan7"
    ends(look)
    san.sessions[0].fail()
    look.network.routes["192.168.1.1", "192.168.1.2"] = "eth0"
    assert ends(look)[1] == replace(END, netdev="vlan7", connection=None)
    assert set(look.network.asked[-1]) == {2}


def test_a_session_bound_to_a_network_device_has_its_name_in_sysfs(san: FakeSysfs, look: Look) -> None:
    for name in ("default", "<NULL>", "(null)", ""):
        san.sessions[0].iscsi_host.set("netdev", name)
        assert ends(look)[1] == END
    san.sessions[0].iscsi_host.set("netdev", b"bond0.7\n")
    assert ends(look)[1] == replace(END, netdev="bond0.7")
    san.sessions[0].iscsi_host.set("netdev", b"a\x1b\n")
    assert ends(look)[1].netdev == "a\\x1b"
    for attribute in ("netdev", "ipaddress"):
        san.sessions[1].iscsi_host.remove(attribute)
    assert ends(look)[2] == replace(OTHER, connection=None)
    assert look.problems == {}


def test_a_new_session_inherits_no_local_end(san: FakeSysfs, look: Look) -> None:
    ends(look)
    san.logout(san.sessions[0])
    assert list(ends(look)) == [2]
    fresh = san.login(sid=1)
    fresh.iscsi_host.remove("ipaddress")
    assert ends(look)[1] == LocalEnd()


def test_a_session_whose_host_is_unknown_has_no_local_end(san: FakeSysfs, look: Look) -> None:
    link = san.root / "class/iscsi_session/session1"
    link.unlink()
    link.symlink_to("../../devices/nowhere")
    assert ends(look)[1] == LocalEnd()


def test_without_sessions_no_interfaces_are_read(tmp_path: Path) -> None:
    def never() -> Mapping[str, Interface]:
        raise AssertionError

    network = Network()
    ends = LocalEnds(FakeSysfs(tmp_path / "sys").root, never, network.route, network.ask)
    assert ends.read(Attributes()) == {}


def test_the_current_portal_is_the_one_that_the_target_has_redirected_the_login_to(san: FakeSysfs, look: Look) -> None:
    assert look.at_ends()[1].portal == ("192.168.1.1", 3260)
    san.sessions[0].connection.set("address", "192.0.2.21")
    san.sessions[0].connection.set("port", 3261)
    assert look.at_ends()[1].portal == ("192.0.2.21", 3261)


@pytest.mark.parametrize("attribute", ["address", "port"])
def test_a_disconnected_session_keeps_its_portal(look: Look, monkeypatch: pytest.MonkeyPatch, attribute: str) -> None:
    with unreadable(monkeypatch, errno.ENOTCONN, f"connection1:0/{attribute}"):
        assert look.at_ends()[1].portal is None
    look.at_ends()
    with unreadable(monkeypatch, errno.ENOTCONN, f"connection1:0/{attribute}"):
        assert look.at_ends()[1].portal == ("192.168.1.1", 3260)


def test_the_portal_of_an_adapter_that_has_no_local_port(san: FakeSysfs, look: Look) -> None:
    san.sessions[0].connection.remove("local_port")
    assert look.at_ends()[1] == LocalEnd("192.168.1.2", "eth1", "192.168.1.0/24", portal=("192.168.1.1", 3260))
