"""Which network interface has which address, by one dump of the kernel's table (RTM_GETADDR, rtnetlink(7))."""

from __future__ import annotations

import ipaddress
import socket
import struct
from collections.abc import Mapping

from mpathd_watch.core.model.identity import shortest
from mpathd_watch.immutable import immutable
from mpathd_watch.sources.netlink.conversation import Conversation, Message, attributes, interface_name

RTM_NEWADDR = 20
RTM_GETADDR = 22
IFA_ADDRESS = 1
IFA_LOCAL = 2

LINK_LOCAL = ipaddress.ip_network("fe80::/10")

_ADDRESS = struct.Struct("=BBBBI")  # struct ifaddrmsg
_WANTED = frozenset({IFA_ADDRESS, IFA_LOCAL})


@immutable
class Assigned:
    """One address of the interface with this index. ``network`` is ``""`` if it is link-local: every link has that."""

    address: str
    network: str
    index: int


@immutable
class Interface:
    """The interface that has an address, and its subnet. ``netdev`` is ``""`` if several interfaces have it."""

    netdev: str = ""
    network: str = ""


def interfaces() -> Mapping[str, Interface]:
    """The interface of every address of this network namespace, IPv6 in its short form.

    Empty if the kernel does not answer. Waits at most ``conversation.PATIENCE`` for each part of the answer. Never
    raises.
    """
    try:
        with Conversation(socket.NETLINK_ROUTE) as kernel:
            assigned = dump(kernel)
    except OSError:
        return {}
    names: dict[int, str] = {}
    found: dict[str, Interface] = {}
    for each in assigned:
        if each.index not in names:
            names[each.index] = interface_name(each.index)
        interface = Interface(names[each.index], each.network)
        other = found.setdefault(each.address, interface)
        if other.netdev != interface.netdev:
            found[each.address] = Interface("", other.network if other.network == interface.network else "")
    return found


def dump(kernel: Conversation) -> list[Assigned]:
    """Every address of every interface. Raises ``OSError``."""
    return kernel.dump(RTM_GETADDR, _ADDRESS.pack(socket.AF_UNSPEC, 0, 0, 0, 0), parse)


def parse(message: Message) -> Assigned | None:
    """The address in one message of a dump; ``None`` if the message is malformed."""
    if message.kind != RTM_NEWADDR or len(message.body) < _ADDRESS.size:
        return None
    _family, prefix_length, _flags, _scope, index = _ADDRESS.unpack_from(message.body)
    found = attributes(message.body, _ADDRESS.size, _WANTED)
    # On a point-to-point link IFA_ADDRESS is the peer's address; on others IPv6 has no IFA_LOCAL (linux/if_addr.h).
    local = found.get(IFA_LOCAL) or found.get(IFA_ADDRESS, b"")
    try:
        address = ipaddress.ip_address(local)
        network = ipaddress.ip_network((found.get(IFA_ADDRESS, local), prefix_length), strict=False)
    except ValueError:
        return None
    subnet = "" if address in LINK_LOCAL else f"{shortest(network.network_address)}/{network.prefixlen}"
    return Assigned(shortest(address), subnet, index)


def plain(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    """The address in ``text``; an IPv4 address if it is one in IPv6 form (``::ffff:192.0.2.1``). Raises ``ValueError``.

    The kernel finds and routes an IPv6 socket that carries IPv4 by its IPv4 addresses.
    """
    address = ipaddress.ip_address(text)
    return (address.ipv4_mapped or address) if isinstance(address, ipaddress.IPv6Address) else address
