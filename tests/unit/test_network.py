"""The kernel's table of addresses: whatever bytes come, and this host's own."""

from __future__ import annotations

import errno
import socket
import struct
from collections.abc import Callable, Sequence
from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mpathd_watch.sources import network
from mpathd_watch.sources.network import Assigned, Interface, interfaces, parse

DONE = struct.pack("=IHHIIi", 20, network.NLMSG_DONE, 2, 1, 0, 0)


def attribute(kind: int, value: bytes) -> bytes:
    return struct.pack("=HH", 4 + len(value), kind) + value + bytes(-len(value) % 4)


def packed(address: str) -> bytes:
    return ip_address(address).packed


def message(body: bytes, kind: int = network.RTM_NEWADDR) -> bytes:
    return struct.pack("=IHHII", 16 + len(body), kind, 2, 1, 0) + body + bytes(-len(body) % 4)


def assigned(index: int, prefix: int, *attributes: bytes, family: int = socket.AF_INET) -> bytes:
    """One message of a dump."""
    return message(struct.pack("=BBBBI", family, prefix, 0x80, 0, index) + b"".join(attributes))


def ipv4(index: int, address: str, prefix: int = 24) -> bytes:
    """One message of a dump, as of an ordinary IPv4 address."""
    raw = packed(address)
    label = attribute(3, b"eth0:1\0")
    return assigned(index, prefix, attribute(network.IFA_ADDRESS, raw), attribute(network.IFA_LOCAL, raw), label)


def test_the_addresses_of_one_part_of_a_dump() -> None:
    datagram = (
        ipv4(1, "127.0.0.1", 8)
        + ipv4(2, "192.168.1.2")
        + assigned(2, 64, attribute(network.IFA_ADDRESS, packed("fd00::2")), family=socket.AF_INET6)
        + assigned(2, 64, attribute(network.IFA_ADDRESS, packed("fe80::1")), family=socket.AF_INET6)
    )
    found = [
        Assigned("127.0.0.1", "127.0.0.0/8", 1),
        Assigned("192.168.1.2", "192.168.1.0/24", 2),
        Assigned("fd00::2", "fd00::/64", 2),
        Assigned("fe80::1", "", 2),
    ]
    assert parse(datagram) == (found, False)
    assert parse(datagram + DONE) == (found, True)
    assert parse(DONE + datagram) == ([], True)


def test_on_a_point_to_point_link_the_local_address_counts_and_the_peers_subnet() -> None:
    link = assigned(
        7, 32, attribute(network.IFA_ADDRESS, packed("10.1.0.9")), attribute(network.IFA_LOCAL, packed("10.0.0.1"))
    )
    assert parse(link) == ([Assigned("10.0.0.1", "10.1.0.9/32", 7)], False)


def test_an_error_ends_a_dump() -> None:
    assert parse(message(struct.pack("=i", -errno.EPERM), network.NLMSG_ERROR)) == ([], True)


@pytest.mark.parametrize(
    "odd",
    [
        message(b""),
        message(b"\x02\x18"),
        message(b"\xff" * 40, kind=16),
        assigned(2, 24),
        assigned(2, 33, attribute(network.IFA_LOCAL, packed("192.168.1.2"))),
        assigned(2, 24, attribute(network.IFA_LOCAL, b"\x01\x02\x03")),
        assigned(2, 24, attribute(network.IFA_LOCAL, b"")),
        assigned(2, 24, struct.pack("=HH", 0, network.IFA_LOCAL)),
        assigned(2, 24, struct.pack("=HH", 9, network.IFA_LOCAL)),
        assigned(2, 24, b"\x08\x00"),
    ],
)
def test_what_makes_no_sense_is_passed_over(odd: bytes) -> None:
    assert parse(odd + ipv4(3, "192.168.3.2") + DONE) == ([Assigned("192.168.3.2", "192.168.3.0/24", 3)], True)


def test_a_message_that_is_longer_than_its_datagram_ends_it() -> None:
    whole = ipv4(1, "192.168.1.2") + ipv4(2, "192.168.2.2")
    assert [found.index for found in parse(whole[:-1])[0]] == [1]
    assert parse(struct.pack("=IHHII", 15, network.RTM_NEWADDR, 2, 1, 0) + whole) == ([], False)


@given(st.binary(max_size=300))
def test_no_bytes_make_it_fail(raw: bytes) -> None:
    for datagram in (raw, message(raw), message(bytes(8) + raw), assigned(1, 24, attribute(1, raw)) + DONE):
        for found in parse(datagram)[0]:
            assert found.address == str(ip_address(found.address))


@given(st.ip_addresses(), st.integers(0, 255), st.integers(0, 2**32 - 1))
def test_any_address_comes_out_as_it_went_in(address: object, prefix: int, index: int) -> None:
    raw = packed(str(address))
    found, _ = parse(assigned(index, prefix, attribute(network.IFA_LOCAL, raw)))
    if prefix <= len(raw) * 8:
        assert [(each.address, each.index) for each in found] == [(str(address), index)]
    else:
        assert found == []


def test_this_hosts_loopback_is_found() -> None:
    assert interfaces()["127.0.0.1"] == Interface("lo", "127.0.0.0/8")


# --- a kernel that answers oddly, or not at all -----------------------------------------------------------------------


class Kernel:
    """Stands for the netlink socket and answers with ``replies``: bytes, or what to raise."""

    def __init__(self, replies: Sequence[bytes | OSError], sender: int = 0) -> None:
        self._replies = list(replies)
        self._sender = sender
        self.closed = False

    def __call__(self, *_arguments: int) -> Kernel:
        return self

    def __enter__(self) -> Kernel:
        return self

    def __exit__(self, *_failure: object) -> None:
        self.closed = True

    def settimeout(self, seconds: float) -> None:
        assert 0 < seconds < 10

    def sendto(self, request: bytes, address: tuple[int, int]) -> None:
        assert (len(request), address) == (24, (0, 0))

    def recvfrom(self, size: int) -> tuple[bytes, tuple[int, int]]:
        reply = self._replies.pop(0) if self._replies else TimeoutError("timed out")
        if isinstance(reply, OSError):
            raise reply
        return reply[:size], (self._sender, 0)


@pytest.fixture
def answer(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Kernel]:
    def choose(*replies: bytes | OSError, sender: int = 0) -> Kernel:
        kernel = Kernel(replies, sender)
        monkeypatch.setattr(socket, "socket", kernel)
        monkeypatch.setattr(socket, "if_indextoname", lambda index: f"eth{index}")
        return kernel

    return choose


def test_a_dump_may_come_in_parts(answer: Callable[..., Kernel]) -> None:
    kernel = answer(ipv4(1, "192.168.1.2"), ipv4(2, "192.168.2.2"), DONE)
    assert interfaces() == {
        "192.168.1.2": Interface("eth1", "192.168.1.0/24"),
        "192.168.2.2": Interface("eth2", "192.168.2.0/24"),
    }
    assert kernel.closed


@pytest.mark.parametrize("failure", [TimeoutError("timed out"), OSError(errno.ENOBUFS, "full")])
def test_a_dump_that_breaks_off_is_none(answer: Callable[..., Kernel], failure: OSError) -> None:
    kernel = answer(ipv4(1, "192.168.1.2"), failure)
    assert interfaces() == {}
    assert kernel.closed


def test_a_dump_without_an_end_is_cut(answer: Callable[..., Kernel]) -> None:
    answer(*[ipv4(1, "192.168.1.2")] * (network.MAX_DATAGRAMS + 1))
    assert list(interfaces()) == ["192.168.1.2"]


def test_nobody_but_the_kernel_is_believed(answer: Callable[..., Kernel]) -> None:
    answer(ipv4(1, "192.168.1.2"), DONE, sender=4711)
    assert interfaces() == {}


def test_where_no_such_socket_can_be_made_there_are_no_interfaces(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_arguments: int) -> None:
        raise OSError(errno.EAFNOSUPPORT, "Address family not supported by protocol")

    monkeypatch.setattr(socket, "socket", refuse)
    assert interfaces() == {}


def test_an_address_on_two_interfaces_belongs_to_neither(answer: Callable[..., Kernel]) -> None:
    answer(ipv4(1, "10.0.0.1"), ipv4(2, "10.0.0.1"), ipv4(3, "10.0.0.1"), ipv4(1, "10.0.0.9"), DONE)
    assert interfaces() == {"10.0.0.1": Interface("", "10.0.0.0/24"), "10.0.0.9": Interface("eth1", "10.0.0.0/24")}
    answer(ipv4(1, "10.0.0.1", 24), ipv4(2, "10.0.0.1", 16), DONE)
    assert interfaces() == {"10.0.0.1": Interface()}


def test_an_interface_that_has_just_gone_has_no_name(
    answer: Callable[..., Kernel], monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(_index: int) -> str:
        raise OSError(errno.ENXIO, "No such device or address")

    answer(ipv4(1, "10.0.0.1"), DONE)
    monkeypatch.setattr(socket, "if_indextoname", gone)
    assert interfaces() == {"10.0.0.1": Interface("", "10.0.0.0/24")}
    answer(ipv4(1, "10.0.0.1"), DONE)
    monkeypatch.setattr(socket, "if_indextoname", lambda _index: "a\x1b\udcff")
    assert interfaces()["10.0.0.1"].netdev.isprintable()
