"""Netlink sockets that only receive: what the kernel sends to a group (netlink(7))."""

from __future__ import annotations

import socket

SO_RCVBUFFORCE = 33
"""From asm-generic/socket.h; the socket module does not have it."""


def listening(protocol: int, groups: int, size: int) -> socket.socket:
    """A non-blocking socket in these groups, with a receive buffer of ``size`` bytes.

    Without CAP_NET_ADMIN the kernel limits that to net.core.rmem_max. Raises ``OSError``.
    """
    receiver = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_NONBLOCK, protocol)
    try:
        receiver.bind((0, groups))
        _enlarge(receiver, size)
    except BaseException:
        receiver.close()
        raise
    return receiver


def _enlarge(receiver: socket.socket, size: int) -> None:
    try:
        receiver.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, size)
    except PermissionError:
        receiver.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, size)
