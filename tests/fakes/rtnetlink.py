"""What the kernel answers on NETLINK_ROUTE and NETLINK_SOCK_DIAG, and a netlink socket that it seems to come from."""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterable, Mapping
from ipaddress import ip_address

from mpathd_watch.sources.iscsi import tcp
from mpathd_watch.sources.netlink.conversation import HEADER, NLM_F_DUMP_INTR, NLMSG_DONE, NLMSG_ERROR, attribute
from mpathd_watch.sources.network import addresses, links, routes

TCP_INFO = 232
"""Bytes of struct tcp_info in Linux 6.1."""
_TCP_HEAD = struct.Struct("=BBBB")


def message(kind: int, body: bytes, sequence: int = 1, flags: int = 2) -> bytes:
    """One whole message."""
    return HEADER.pack(HEADER.size + len(body), kind, flags, sequence, 0) + body + bytes(-len(body) % 4)


def done(sequence: int = 1, code: int = 0, *, torn: bool = False) -> bytes:
    """The end of a dump, with the negative errno of one that broke off."""
    return message(NLMSG_DONE, struct.pack("=i", code), sequence, NLM_F_DUMP_INTR if torn else 2)


def refusal(code: int, sequence: int = 1) -> bytes:
    """An error, by its errno."""
    return message(NLMSG_ERROR, struct.pack("=i", -code) + bytes(16), sequence)


def packed(address: str) -> bytes:
    """The address as the kernel has it."""
    return ip_address(address).packed


def assigned_raw(index: int, prefix: int, *more: bytes, family: int = socket.AF_INET, sequence: int = 1) -> bytes:
    """One message of a dump of addresses."""
    body = struct.pack("=BBBBI", family, prefix, 0x80, 0, index) + b"".join(more)
    return message(addresses.RTM_NEWADDR, body, sequence)


def assigned(index: int, address: str, prefix: int = 24, sequence: int = 1) -> bytes:
    """The same for an ordinary address."""
    raw = packed(address)
    if len(raw) == 16:
        local = attribute(addresses.IFA_ADDRESS, raw)
        return assigned_raw(index, prefix, local, family=socket.AF_INET6, sequence=sequence)
    both = attribute(addresses.IFA_ADDRESS, raw) + attribute(addresses.IFA_LOCAL, raw)
    return assigned_raw(index, prefix, both, attribute(3, b"eth0:1\0"), sequence=sequence)


def link(
    index: int,
    name: bytes | str,
    *,
    up: bool = True,
    carrier: bool | None = True,
    kind: str = "",
    parent: int | None = None,
    netns: int | None = None,
    master: int | None = None,
    mtu: int | None = None,
    ipv4: Mapping[int, int] | None = None,
    more: bytes = b"",
    sequence: int = 1,
) -> bytes:
    """One message of a dump of interfaces. ``ipv4``: settings by their number IPV4_DEVCONF_*, the others are 0."""
    raw = name.encode() if isinstance(name, str) else name
    body = struct.pack("=BxHiII", 0, 1, index, 0x1043 if up else 0x1002, 0) + attribute(links.IFLA_IFNAME, raw + b"\0")
    if carrier is not None:
        body += attribute(links.IFLA_CARRIER, bytes([carrier]))
    if kind:
        info = attribute(links.IFLA_INFO_KIND, kind.encode() + b"\0") + attribute(2, b"\xff" * 8)
        body += attribute(links.IFLA_LINKINFO | 0x8000, info)
    for number, value in (
        (links.IFLA_LINK, parent),
        (links.IFLA_LINK_NETNSID, netns),
        (links.IFLA_MASTER, master),
        (links.IFLA_MTU, mtu),
    ):
        if value is not None:
            body += attribute(number, struct.pack("=I", value))
    if ipv4 is not None:
        values = struct.pack("=32i", *(ipv4.get(number, 0) for number in range(1, 33)))
        of_family = attribute(10, b"\xff" * 8) + attribute(socket.AF_INET, attribute(1, values))
        body += attribute(links.IFLA_AF_SPEC | 0x8000, of_family)
    return message(links.RTM_NEWLINK, body + more, sequence)


def route(index: int | None, kind: int = routes.RTN_UNICAST, sequence: int = 1) -> bytes:
    """The answer to one question for a route."""
    body = struct.pack("=BBBBBBBBI", socket.AF_INET, 32, 0, 0, 254, 0, 0, kind, 0x200)
    if index is not None:
        body += attribute(routes.RTA_OIF, struct.pack("=I", index))
    return message(routes.RTM_NEWROUTE, body, sequence)


def tcp_info(
    *,
    rtt: int = 250,
    retransmits: int = 3,
    backoff: int = 1,
    silence: int = 1500,
    mss: int = 1448,
    pmtu: int = 1500,
    advmss: int = 1460,
    size: int = TCP_INFO,
) -> bytes:
    """``size`` bytes of struct tcp_info: microseconds, segments, doublings, milliseconds, bytes."""
    info = bytearray(b"\xa5" * max(size, TCP_INFO))
    info[4] = backoff
    struct.pack_into("=I", info, 16, mss)
    struct.pack_into("=I", info, 52, silence)
    struct.pack_into("=I", info, 60, pmtu)
    struct.pack_into("=I", info, 68, rtt)
    struct.pack_into("=I", info, 84, advmss)
    struct.pack_into("=I", info, 100, retransmits)
    return bytes(info[:size])


def connection(
    ports: tuple[int, int],
    info: bytes | None = None,
    *,
    state: int = tcp.TCP_ESTABLISHED,
    bound_to: int = 0,
    sequence: int = 1,
) -> bytes:
    """The answer to one question for a TCP connection."""
    body = _TCP_HEAD.pack(socket.AF_INET, state, 0, 0) + struct.pack("!HH", *ports) + bytes(32)
    body += struct.pack("=I", bound_to) + bytes(8) + bytes(20)
    body += attribute(8, b"\0") + attribute(tcp.INET_DIAG_INFO, tcp_info() if info is None else info)
    return message(tcp.SOCK_DIAG_BY_FAMILY, body, sequence)


class Kernel:
    """Stands for ``socket.socket`` and each netlink socket made by it; answers with ``replies`` one after the other.

    A reply is a datagram, or what to raise. ``sender`` is its port id, 0 for the kernel. ``asked`` are the requests'
    types.
    """

    def __init__(self, replies: Iterable[bytes | OSError], sender: int = 0, flags: int = 0) -> None:
        self._replies = iter(replies)
        self._sender = sender
        self._flags = flags
        self.asked: list[int] = []
        self.bodies: list[bytes] = []
        self.opened = 0
        self.closed = 0

    def __call__(self, *_arguments: int) -> Kernel:
        self.opened += 1
        return self

    def close(self) -> None:
        self.closed += 1

    def settimeout(self, seconds: float) -> None:
        assert 0 < seconds < 10

    def sendto(self, request: bytes, address: tuple[int, int]) -> None:
        length, kind, flags, _sequence, _sender = HEADER.unpack_from(request)
        assert length == len(request)
        assert flags & 1, "not a request"
        assert address == (0, 0)
        self.asked.append(kind)
        self.bodies.append(request[HEADER.size :])

    def recvmsg(self, size: int) -> tuple[bytes, list[object], int, tuple[int, int]]:
        reply = next(self._replies, None) or TimeoutError("timed out")
        if isinstance(reply, OSError):
            raise reply
        return reply[:size], [], self._flags, (self._sender, 0)
