"""The network interfaces of this host, those below each, and whether each has carrier (RTM_GETLINK, rtnetlink(7))."""

from __future__ import annotations

import socket
import struct
from collections.abc import Callable, Iterable, Mapping

from mpathd_watch.core.model.facts import Ipv4Settings, LinkFacts
from mpathd_watch.core.model.text import clean
from mpathd_watch.immutable import immutable
from mpathd_watch.sources.netlink.conversation import Conversation, Message, attribute, attributes, number
from mpathd_watch.sources.network import addresses, ipv4
from mpathd_watch.sources.network.addresses import Assigned
from mpathd_watch.sources.network.speeds import Speed, Speeds

RTM_NEWLINK = 16
RTM_GETLINK = 18
IFF_UP = 1
IFLA_IFNAME = 3
IFLA_MTU = 4
IFLA_LINK = 5
IFLA_MASTER = 10
IFLA_LINKINFO = 18
IFLA_AF_SPEC = 26
IFLA_EXT_MASK = 29
IFLA_CARRIER = 33
IFLA_LINK_NETNSID = 37
IFLA_INFO_KIND = 1

STACKED = frozenset({"vlan", "macvlan", "macvtap", "ipvlan", "ipvtap", "macsec", "ipoib", "dsa"})
"""The kinds whose IFLA_LINK is the interface that carries all their frames.

The drivers of these kinds link the two with netdev_upper_dev_link(). The IFLA_LINK of veth, vxcan and netkit is the
other end of a pair; that of a tunnel (gre, ipip, sit, vti, xfrm) is only a preference for the route of its packets.
"""

_LINK = struct.Struct("=BxHiII")  # struct ifinfomsg
_WANTED = frozenset(
    {
        *(IFLA_IFNAME, IFLA_MTU, IFLA_LINK, IFLA_MASTER, IFLA_LINKINFO, IFLA_AF_SPEC, IFLA_CARRIER),
        IFLA_LINK_NETNSID,
    }
)
_KIND = frozenset({IFLA_INFO_KIND})
_SKIP_STATS = struct.pack("=I", 1 << 3)  # RTEXT_FILTER_SKIP_STATS: saves half of each message, and summing all counters


@immutable
class Link:
    """One interface, as in one message. ``parent`` and ``master`` are indexes in this network namespace.

    ``ipv4`` are its own settings, of which not all are in force.
    """

    index: int
    name: str
    up: bool
    carrier: bool | None
    parent: int | None
    master: int | None
    kind: str
    mtu: int | None = None
    ipv4: Ipv4Settings | None = None


class Reader:
    """Lists all interfaces. ``clock`` returns CLOCK_MONOTONIC seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._speeds = Speeds(clock)

    def read(self) -> tuple[LinkFacts, ...]:
        """All interfaces of this network namespace, by name. Raises ``OSError`` as ``tables`` does."""
        links, assigned = tables()
        speeds = self._speeds.of((link.name, bool(link.carrier)) for link in links if not link.kind)
        return table(links, assigned, ipv4.of_all(), speeds)


def tables() -> tuple[list[Link], list[Assigned]]:
    """The tables of interfaces and of addresses.

    Raises ``OSError`` if the kernel refuses, or takes longer than ``conversation.DUMP_PATIENCE`` for one of two tables.
    """
    with Conversation(socket.NETLINK_ROUTE) as kernel:
        return dump(kernel), addresses.dump(kernel)


def dump(kernel: Conversation) -> list[Link]:
    """Every interface. Raises ``OSError``.

    It takes the kernel's RTNL lock, as socket.if_nameindex() does; but that one holds the interpreter lock meanwhile.
    """
    request = _LINK.pack(socket.AF_UNSPEC, 0, 0, 0, 0) + attribute(IFLA_EXT_MASK, _SKIP_STATS)
    return kernel.dump(RTM_GETLINK, request, parse)


def parse(message: Message) -> Link | None:
    """The interface in one message of a dump; ``None`` if the message is malformed."""
    if message.kind != RTM_NEWLINK or len(message.body) < _LINK.size:
        return None
    _family, _type, index, flags, _change = _LINK.unpack_from(message.body)
    found = attributes(message.body, _LINK.size, _WANTED)
    name = clean(found.get(IFLA_IFNAME, b"").partition(b"\0")[0])
    if not name:
        return None
    up = bool(flags & IFF_UP)
    carrier = found.get(IFLA_CARRIER)
    kind = clean(attributes(found.get(IFLA_LINKINFO, b""), 0, _KIND).get(IFLA_INFO_KIND, b"").partition(b"\0")[0])
    stacked = kind in STACKED and IFLA_LINK_NETNSID not in found
    return Link(
        index=index,
        name=name,
        up=up,
        # The driver of an interface that is not up need not check its link: many report carrier in any case.
        carrier=any(carrier) if up and carrier else None,
        parent=number(found.get(IFLA_LINK)) if stacked else None,
        master=number(found.get(IFLA_MASTER)),
        kind=kind,
        mtu=number(found.get(IFLA_MTU)),
        ipv4=ipv4.own(found.get(IFLA_AF_SPEC, b"")),
    )


def table(
    links: Iterable[Link],
    assigned: Iterable[Assigned],
    everywhere: Ipv4Settings | None = None,
    speeds: Mapping[str, Speed] | None = None,
) -> tuple[LinkFacts, ...]:
    """The interfaces by name, each with those below it and its addresses.

    ``everywhere`` are the IPv4 settings of ``all``, ``speeds`` those of some interfaces by their name.
    """
    known = {link.index: link for link in links}
    below: dict[int, set[str]] = {index: set() for index in known}
    own: dict[int, set[str]] = {index: set() for index in known}
    for link in known.values():
        if link.parent in known and link.parent != link.index:
            below[link.index].add(known[link.parent].name)
        if link.master in known and link.master != link.index:
            below[link.master].add(link.name)
    for each in assigned:
        if each.index in known:
            own[each.index].add(each.address)
    found = []
    for link in sorted(known.values(), key=lambda link: (link.name, link.index)):
        speed = (speeds or {}).get(link.name, Speed())
        found.append(
            LinkFacts(
                link.name,
                link.up,
                link.carrier,
                tuple(sorted(below[link.index])),
                tuple(sorted(own[link.index])),
                link.kind,
                link.mtu,
                speed.speed,
                speed.duplex,
                ipv4.in_force(link.ipv4, everywhere),
            )
        )
    return tuple(found)
