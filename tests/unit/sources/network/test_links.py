"""The kernel's table of network interfaces: whatever bytes come, what is below what, and this host's own."""

from __future__ import annotations

import errno
import socket
import struct
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mpathd_watch.core.model.facts import LinkFacts
from mpathd_watch.sources.netlink.conversation import attribute, messages
from mpathd_watch.sources.network import addresses, links
from tests.fakes.rtnetlink import Kernel, assigned, done, link, message, refusal

IFNAME = attribute(links.IFLA_IFNAME, b"eth9\0")


def seen(*parts: bytes) -> tuple[LinkFacts, ...]:
    """What comes of these messages."""
    found = list(messages(b"".join(parts)))
    interfaces = [each for each in map(links.parse, found) if each]
    return links.table(interfaces, [each for each in map(addresses.parse, found) if each])


def below(*parts: bytes) -> dict[str, tuple[str, ...]]:
    return {found.name: found.below for found in seen(*parts)}


def test_interfaces_by_name_with_their_addresses() -> None:
    assert seen(
        link(3, "eth1", carrier=False),
        link(2, "eth0"),
        assigned(2, "192.168.1.2"),
        assigned(2, "fd00::2", 64),
        assigned(2, "10.0.0.1"),
        assigned(2, "10.0.0.1", 32),
        assigned(77, "10.0.0.77"),
    ) == (
        LinkFacts("eth0", up=True, carrier=True, addresses=("10.0.0.1", "192.168.1.2", "fd00::2")),
        LinkFacts("eth1", up=True, carrier=False),
    )


@pytest.mark.parametrize("carrier", [True, False, None])
def test_the_carrier_of_an_interface_that_is_not_up_is_unknown(carrier: bool | None) -> None:
    assert seen(link(2, "eth0", up=False, carrier=carrier)) == (LinkFacts("eth0", up=False, carrier=None),)


def test_a_driver_that_does_not_report_the_carrier() -> None:
    assert seen(link(2, "eth0", carrier=None)) == (LinkFacts("eth0", up=True, carrier=None),)


@pytest.mark.parametrize("kind", sorted(links.STACKED))
def test_a_stacked_interface_is_above_its_parent(kind: str) -> None:
    assert below(link(2, "eth0"), link(5, "up0", kind=kind, parent=2)) == {"eth0": (), "up0": ("eth0",)}


@pytest.mark.parametrize("kind", ["veth", "vxcan", "netkit", "gre", "sit", "vti", "xfrm", "vxlan", "", "vlanx", "Ã"])
def test_the_other_end_of_a_pair_or_of_a_tunnel_is_not_below(kind: str) -> None:
    assert below(link(2, "eth0"), link(5, "up0", kind=kind, parent=2)) == {"eth0": (), "up0": ()}


def test_a_parent_in_another_network_namespace_is_not_the_one_with_its_number_here() -> None:
    assert below(link(2, "eth0"), link(5, "up0", kind="macvlan", parent=2, netns=0)) == {"eth0": (), "up0": ()}
    assert below(link(5, "up0", kind="macvlan", parent=2)) == {"up0": ()}


@pytest.mark.parametrize("kind", ["bond", "team", "bridge"])
def test_a_master_is_made_of_its_members(kind: str) -> None:
    assert below(
        link(9, "top", kind=kind), link(3, "eth1", master=9), link(2, "eth0", master=9), link(4, "eth2", master=99)
    ) == {"eth0": (), "eth1": (), "eth2": (), "top": ("eth0", "eth1")}


def test_the_kind_of_an_interface() -> None:
    found = seen(link(2, "eth0"), link(3, "bond0", kind="bond"), link(4, "odd", kind="a\nb"))
    assert [each.kind for each in found] == ["bond", "", "a\\x0ab"]


def test_stacks_of_stacks_are_reported_one_step_at_a_time() -> None:
    assert below(
        link(2, "eth0", master=4),
        link(3, "eth1", master=4),
        link(4, "bond0", kind="bond"),
        link(5, "bond0.7", kind="vlan", parent=4, master=6),
        link(6, "br7", kind="bridge"),
    ) == {"eth0": (), "eth1": (), "bond0": ("eth0", "eth1"), "bond0.7": ("bond0",), "br7": ("bond0.7",)}


def test_nothing_is_below_itself() -> None:
    assert below(link(2, "eth0", kind="vlan", parent=2, master=2)) == {"eth0": ()}


def test_a_renamed_interface_has_one_name() -> None:
    assert seen(link(2, "eth0"), link(2, "san0")) == (LinkFacts("san0", up=True, carrier=True),)


def test_a_name_can_not_forge_a_line() -> None:
    names = [found.name for found in seen(link(2, b"a\nb\x1b"), link(3, b"\xff\xfe"), link(4, b" "), link(5, b""))]
    assert names == ["\\xff\\xfe", "a\\x0ab\\x1b"]


@pytest.mark.parametrize(
    "odd",
    [
        message(links.RTM_NEWLINK, b""),
        message(links.RTM_NEWLINK, bytes(15)),
        message(links.RTM_NEWLINK, bytes(16)),
        message(20, bytes(16) + IFNAME),
        message(17, bytes(16) + IFNAME),
        message(links.RTM_NEWLINK, bytes(16) + IFNAME[:-4]),
    ],
)
def test_what_makes_no_sense_is_passed_over(odd: bytes) -> None:
    assert [found.name for found in seen(odd, link(2, "eth0"))] == ["eth0"]


@pytest.mark.parametrize(
    "odd",
    [
        attribute(links.IFLA_LINKINFO, b"\xff" * 7),
        attribute(links.IFLA_LINKINFO, b""),
        attribute(links.IFLA_LINKINFO, attribute(links.IFLA_INFO_KIND, b"")),
        attribute(links.IFLA_LINK, b"\2\0"),
        attribute(links.IFLA_MASTER, b""),
        attribute(links.IFLA_MASTER, b"\2" * 9),
        struct.pack("=HH", 200, links.IFLA_MASTER),
    ],
)
def test_a_malformed_attribute_is_ignored(odd: bytes) -> None:
    assert below(link(2, "eth0"), link(3, "eth1", more=odd)) == {"eth0": (), "eth1": ()}


@given(st.binary(max_size=200), st.binary(max_size=200))
def test_no_bytes_make_it_fail(one: bytes, two: bytes) -> None:
    for body in (one, bytes(16) + one, bytes(16) + IFNAME + one, bytes(16) + IFNAME + attribute(18, one) + two):
        for found in seen(message(links.RTM_NEWLINK, body), message(links.RTM_NEWLINK, two)):
            assert found.name
            assert found.name.isprintable()


names = st.from_regex(r"[a-z][a-z0-9.]{0,14}", fullmatch=True)


@given(
    st.lists(
        st.tuples(names, st.booleans(), st.sampled_from([None, False, True]), st.none() | st.integers(0, 8)),
        max_size=8,
        unique_by=lambda drawn: drawn[0],
    )
)
def test_any_interfaces_come_out_as_they_went_in(drawn: list[tuple[str, bool, bool | None, int | None]]) -> None:
    sent = [
        link(index, name, up=up, carrier=carrier, master=master)
        for index, (name, up, carrier, master) in enumerate(drawn)
    ]
    found = {facts.name: facts for facts in seen(*sent)}
    assert list(found) == sorted(name for name, *_ in drawn)
    for index, (name, up, carrier, _) in enumerate(drawn):
        assert (found[name].up, found[name].carrier) == (up, carrier if up else None)
        assert found[name].below == tuple(
            sorted(member for place, (member, *_, master) in enumerate(drawn) if master == index and place != index)
        )


def test_both_tables_are_read_and_nothing_else_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    kernel = Kernel([link(2, "eth0"), done(), assigned(2, "10.0.0.1", sequence=2), done(2)])
    monkeypatch.setattr(socket, "socket", kernel)
    assert links.Reader(time.monotonic).read() == (LinkFacts("eth0", up=True, carrier=True, addresses=("10.0.0.1",)),)
    assert (kernel.asked, kernel.opened, kernel.closed) == ([links.RTM_GETLINK, addresses.RTM_GETADDR], 1, 1)


@pytest.mark.parametrize("end", [TimeoutError("timed out"), done() + refusal(errno.EPERM, 2), done(code=-5)])
def test_half_of_the_truth_is_none(monkeypatch: pytest.MonkeyPatch, end: bytes | OSError) -> None:
    kernel = Kernel([link(2, "eth0"), end])
    monkeypatch.setattr(socket, "socket", kernel)
    with pytest.raises(OSError, match=r"timed out|Errno"):
        links.Reader(time.monotonic).read()
    assert kernel.closed == 1


def test_this_hosts_loopback_is_found() -> None:
    (loopback,) = [found for found in links.Reader(time.monotonic).read() if found.name == "lo"]
    assert loopback.below == ()
    assert loopback.carrier is (True if loopback.up else None)
    assert "127.0.0.1" in loopback.addresses
