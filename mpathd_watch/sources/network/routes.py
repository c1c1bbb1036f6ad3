"""The interface by which the kernel reaches an address: one request to its routing (RTM_GETROUTE, rtnetlink(7))."""

from __future__ import annotations

import socket
import struct

from mpathd_watch.sources.netlink.conversation import Conversation, attribute, attributes, interface_name, number
from mpathd_watch.sources.network.addresses import LINK_LOCAL, plain

RTM_NEWROUTE = 24
RTM_GETROUTE = 26
RTA_DST = 1
RTA_SRC = 2
RTA_OIF = 4
RTN_UNICAST = 1
RTN_LOCAL = 2

_ROUTE = struct.Struct("=BBBBBBBBI")  # struct rtmsg
_TYPE = 7
"""The offset of rtm_type."""


def interface_to(remote: str, local: str = "") -> str:
    """The interface by which the kernel would send to ``remote``, from the address ``local`` or, if ``""``, from any.

    ``""`` if there is no route or no answer, or if ``remote`` is link-local IPv6: every link may have that address.
    Among several equal routes the kernel chooses by a hash, which may include a connection's ports; this request has
    none. Waits at most ``conversation.PATIENCE``. Never raises.
    """
    try:
        destination = plain(remote)
        source = plain(local) if local else None
    except ValueError:
        return ""
    if destination in LINK_LOCAL or (source and source.version != destination.version):
        return ""
    size = destination.max_prefixlen
    family = socket.AF_INET if destination.version == 4 else socket.AF_INET6
    request = _ROUTE.pack(family, size, size if source else 0, 0, 0, 0, 0, 0, 0)
    request += attribute(RTA_DST, destination.packed)
    if source:
        request += attribute(RTA_SRC, source.packed)
    try:
        with Conversation(socket.NETLINK_ROUTE) as kernel:
            answer = kernel.ask(RTM_GETROUTE, request)
    except OSError:  # no route, or none from there: ENETUNREACH, EHOSTUNREACH, EACCES, EINVAL
        return ""
    if answer is None or answer.kind != RTM_NEWROUTE or len(answer.body) < _ROUTE.size:
        return ""
    if answer.body[_TYPE] not in (RTN_UNICAST, RTN_LOCAL):
        return ""
    index = number(attributes(answer.body, _ROUTE.size, {RTA_OIF}).get(RTA_OIF))
    return interface_name(index) if index else ""
