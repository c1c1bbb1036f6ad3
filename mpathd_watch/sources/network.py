"""Which network interface has which address: one dump of the kernel's table (RTM_GETADDR, rtnetlink(7))."""

from __future__ import annotations

import ipaddress
import socket
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from mpathd_watch.core.text import clean

RTM_NEWADDR = 20
RTM_GETADDR = 22
NLMSG_ERROR = 2
NLMSG_DONE = 3
IFA_ADDRESS = 1
IFA_LOCAL = 2

_HEADER = struct.Struct("=IHHII")  # struct nlmsghdr
_ADDRESS = struct.Struct("=BBBBI")  # struct ifaddrmsg
_ATTRIBUTE = struct.Struct("=HH")  # struct rtattr
_REQUEST_DUMP = 0x301  # NLM_F_REQUEST | NLM_F_DUMP

DATAGRAM = 1 << 16
"""Twice the largest part in which the kernel sends a dump (netlink_dump() in net/netlink/af_netlink.c)."""
MAX_DATAGRAMS = 256
PATIENCE = 1.0
"""Seconds to wait for each part."""


@dataclass(frozen=True, slots=True)
class Assigned:
    """One address of the interface with this index. ``network`` is ``""`` for a link-local one: any link has that."""

    address: str
    network: str
    index: int


@dataclass(frozen=True, slots=True)
class Interface:
    """Where an address belongs: the interface's name, ``""`` if several have the address, and its subnet."""

    netdev: str = ""
    network: str = ""


def interfaces() -> Mapping[str, Interface]:
    """The interface of every address of this network namespace, IPv6 in its short form.

    Empty if the kernel does not tell. Waits no longer than ``PATIENCE`` for each answer, and raises nothing.
    """
    try:
        assigned = _dump()
    except OSError:
        return {}
    names: dict[int, str] = {}
    found: dict[str, Interface] = {}
    for each in assigned:
        if each.index not in names:
            names[each.index] = _name(each.index)
        interface = Interface(names[each.index], each.network)
        other = found.setdefault(each.address, interface)
        if other.netdev != interface.netdev:
            found[each.address] = Interface("", other.network if other.network == interface.network else "")
    return found


def parse(datagram: bytes) -> tuple[list[Assigned], bool]:
    """The addresses in one part of a dump, and whether it was the last. What makes no sense is passed over."""
    found: list[Assigned] = []
    for kind, body in _messages(datagram):
        if kind in (NLMSG_DONE, NLMSG_ERROR):
            return found, True
        assigned = _assigned(body) if kind == RTM_NEWADDR else None
        if assigned:
            found.append(assigned)
    return found, False


def _dump() -> list[Assigned]:
    found: list[Assigned] = []
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, socket.NETLINK_ROUTE) as connection:
        connection.settimeout(PATIENCE)
        size = _HEADER.size + _ADDRESS.size
        request = _HEADER.pack(size, RTM_GETADDR, _REQUEST_DUMP, 1, 0) + _ADDRESS.pack(socket.AF_UNSPEC, 0, 0, 0, 0)
        connection.sendto(request, (0, 0))
        for _ in range(MAX_DATAGRAMS):
            datagram, (sender, _groups) = connection.recvfrom(DATAGRAM)
            if sender != 0:  # not the kernel
                continue
            more, ended = parse(datagram)
            found += more
            if ended:
                break
    return found


def _name(index: int) -> str:
    try:
        return clean(socket.if_indextoname(index))
    except OSError:
        return ""


def _messages(datagram: bytes) -> Iterator[tuple[int, bytes]]:
    offset = 0
    while offset + _HEADER.size <= len(datagram):
        length, kind, _flags, _sequence, _sender = _HEADER.unpack_from(datagram, offset)
        if not _HEADER.size <= length <= len(datagram) - offset:
            return
        yield kind, datagram[offset + _HEADER.size : offset + length]
        offset += _aligned(length)


def _assigned(message: bytes) -> Assigned | None:
    if len(message) < _ADDRESS.size:
        return None
    _family, prefix_length, _flags, _scope, index = _ADDRESS.unpack_from(message)
    attributes = dict(_attributes(message))
    # On a point-to-point link IFA_ADDRESS is the peer's; elsewhere IPv6 has no IFA_LOCAL (linux/if_addr.h).
    local = attributes.get(IFA_LOCAL) or attributes.get(IFA_ADDRESS, b"")
    try:
        address = ipaddress.ip_address(local)
        network = ipaddress.ip_network((attributes.get(IFA_ADDRESS, local), prefix_length), strict=False)
    except ValueError:
        return None
    nowhere = address.version == 6 and address.is_link_local
    return Assigned(str(address), "" if nowhere else str(network), index)


def _attributes(message: bytes) -> Iterator[tuple[int, bytes]]:
    offset = _ADDRESS.size
    while offset + _ATTRIBUTE.size <= len(message):
        length, kind = _ATTRIBUTE.unpack_from(message, offset)
        if not _ATTRIBUTE.size <= length <= len(message) - offset:
            return
        yield kind, message[offset + _ATTRIBUTE.size : offset + length]
        offset += _aligned(length)


def _aligned(length: int) -> int:
    return (length + 3) & ~3
