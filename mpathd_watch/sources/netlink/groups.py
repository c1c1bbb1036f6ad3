"""Netlink sockets that hear what the kernel sends to a group, and are never sent on (netlink(7))."""

from __future__ import annotations

import contextlib
import socket

SO_RCVBUFFORCE = 33
"""asm-generic/socket.h; the socket module does not name it."""


def listening(protocol: int, groups: int, size: int) -> socket.socket:
    """A non-blocking socket in these groups, with a receive buffer of ``size`` bytes where CAP_NET_ADMIN allows it.

    Raises ``OSError``.
    """
    receiver = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_NONBLOCK, protocol)
    try:
        receiver.bind((0, groups))
        with contextlib.suppress(PermissionError):
            receiver.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, size)
    except BaseException:
        receiver.close()
        raise
    return receiver
