"""The kernel's table of addresses: whatever bytes come, and this host's own."""

from __future__ import annotations

import errno
import socket
import struct
from collections.abc import Callable
from ipaddress import IPv4Address, IPv6Address, ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mpathd_watch.core.model.identity import shortest
from mpathd_watch.sources import network
from mpathd_watch.sources.netlink.conversation import attribute, messages
from mpathd_watch.sources.network.addresses import (
    IFA_ADDRESS,
    IFA_LOCAL,
    RTM_GETADDR,
    RTM_NEWADDR,
    Assigned,
    Interface,
    interfaces,
    parse,
    plain,
)
from tests.fakes.rtnetlink import Kernel, assigned, assigned_raw, done, message, packed, refusal

Address = IPv4Address | IPv6Address


def parsed(datagram: bytes) -> list[Assigned]:
    return [found for found in map(parse, messages(datagram)) if found]


def test_the_addresses_of_one_part_of_a_dump() -> None:
    datagram = (
        assigned(1, "127.0.0.1", 8)
        + assigned(2, "192.168.1.2")
        + assigned(2, "fd00::2", 64)
        + assigned(2, "fe80::1", 64)
        + done()
    )
    assert parsed(datagram) == [
        Assigned("127.0.0.1", "127.0.0.0/8", 1),
        Assigned("192.168.1.2", "192.168.1.0/24", 2),
        Assigned("fd00::2", "fd00::/64", 2),
        Assigned("fe80::1", "", 2),
    ]


def test_on_a_point_to_point_link_the_local_address_counts_and_the_peers_subnet() -> None:
    link = assigned_raw(7, 32, attribute(IFA_ADDRESS, packed("10.1.0.9")), attribute(IFA_LOCAL, packed("10.0.0.1")))
    assert parsed(link) == [Assigned("10.0.0.1", "10.1.0.9/32", 7)]


@pytest.mark.parametrize(
    "odd",
    [
        message(RTM_NEWADDR, b""),
        message(RTM_NEWADDR, b"\x02\x18"),
        message(16, b"\xff" * 40),
        assigned_raw(2, 24),
        assigned_raw(2, 33, attribute(IFA_LOCAL, packed("192.168.1.2"))),
        assigned_raw(2, 24, attribute(IFA_LOCAL, b"\x01\x02\x03")),
        assigned_raw(2, 24, attribute(IFA_LOCAL, b"")),
        assigned_raw(2, 24, struct.pack("=HH", 0, IFA_LOCAL)),
        assigned_raw(2, 24, struct.pack("=HH", 9, IFA_LOCAL)),
        assigned_raw(2, 24, b"\x08\x00"),
    ],
)
def test_what_makes_no_sense_is_passed_over(odd: bytes) -> None:
    assert parsed(odd + assigned(3, "192.168.3.2")) == [Assigned("192.168.3.2", "192.168.3.0/24", 3)]


@given(st.binary(max_size=300))
def test_no_bytes_make_it_fail(raw: bytes) -> None:
    for datagram in (raw, message(RTM_NEWADDR, raw), message(RTM_NEWADDR, bytes(8) + raw)):
        for found in parsed(datagram):
            assert found.address == shortest(ip_address(found.address))


def test_ipv4_in_ipv6_is_written_with_dots_on_every_python() -> None:
    carried = attribute(IFA_ADDRESS, packed("::ffff:169.254.2.1"))
    assert parsed(assigned_raw(2, 120, carried)) == [Assigned("::ffff:169.254.2.1", "::ffff:169.254.2.0/120", 2)]


@given(st.ip_addresses(), st.integers(0, 255), st.integers(0, 2**32 - 1))
def test_any_address_comes_out_as_it_went_in(address: Address, prefix: int, index: int) -> None:
    raw = address.packed
    found = parsed(assigned_raw(index, prefix, attribute(IFA_LOCAL, raw)))
    if prefix <= len(raw) * 8:
        assert [(each.address, each.index) for each in found] == [(shortest(address), index)]
    else:
        assert found == []


def test_an_ipv4_address_in_ipv6_is_an_ipv4_address() -> None:
    assert str(plain("::ffff:192.0.2.1")) == "192.0.2.1"
    assert str(plain("FD00::0001")) == "fd00::1"
    with pytest.raises(ValueError, match="nonsense"):
        plain("nonsense")


def test_this_hosts_loopback_is_found() -> None:
    assert interfaces()["127.0.0.1"] == Interface("lo", "127.0.0.0/8")
    assert network.interfaces is interfaces


# --- a kernel that answers oddly, or not at all -----------------------------------------------------------------------


@pytest.fixture
def answer(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Kernel]:
    def choose(*replies: bytes | OSError) -> Kernel:
        kernel = Kernel(replies)
        monkeypatch.setattr(socket, "socket", kernel)
        monkeypatch.setattr(socket, "if_indextoname", lambda index: f"eth{index}")
        return kernel

    return choose


def test_the_addresses_are_asked_for_and_nothing_else(answer: Callable[..., Kernel]) -> None:
    kernel = answer(assigned(1, "192.168.1.2"), assigned(2, "192.168.2.2"), done())
    assert interfaces() == {
        "192.168.1.2": Interface("eth1", "192.168.1.0/24"),
        "192.168.2.2": Interface("eth2", "192.168.2.0/24"),
    }
    assert (kernel.asked, kernel.closed) == ([RTM_GETADDR], 1)


@pytest.mark.parametrize(
    "failure", [TimeoutError("timed out"), OSError(errno.ENOBUFS, "full"), refusal(errno.EPERM), done(code=-12)]
)
def test_a_dump_that_breaks_off_is_none(answer: Callable[..., Kernel], failure: OSError | bytes) -> None:
    kernel = answer(assigned(1, "192.168.1.2"), failure)
    assert interfaces() == {}
    assert kernel.closed == 1


def test_where_no_such_socket_can_be_made_there_are_no_interfaces(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_arguments: int) -> None:
        raise OSError(errno.EAFNOSUPPORT, "Address family not supported by protocol")

    monkeypatch.setattr(socket, "socket", refuse)
    assert interfaces() == {}


def test_an_address_on_two_interfaces_belongs_to_neither(answer: Callable[..., Kernel]) -> None:
    answer(*[assigned(index, "10.0.0.1") for index in (1, 2, 3)], assigned(1, "10.0.0.9"), done())
    assert interfaces() == {"10.0.0.1": Interface("", "10.0.0.0/24"), "10.0.0.9": Interface("eth1", "10.0.0.0/24")}
    answer(assigned(1, "10.0.0.1", 24), assigned(2, "10.0.0.1", 16), done())
    assert interfaces() == {"10.0.0.1": Interface()}


def test_an_interface_that_has_just_gone_has_no_name(
    answer: Callable[..., Kernel], monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(_index: int) -> str:
        raise OSError(errno.ENXIO, "No such device or address")

    answer(assigned(1, "10.0.0.1"), done())
    monkeypatch.setattr(socket, "if_indextoname", gone)
    assert interfaces() == {"10.0.0.1": Interface("", "10.0.0.0/24")}
