"""Netlink sockets that only receive: what the kernel sends to a group (netlink(7))."""

from __future__ import annotations

import contextlib
import socket

SO_RCVBUFFORCE = 33
"""From asm-generic/socket.h; the socket module does not have it."""


def listening(protocol: int, groups: int, size: int) -> socket.socket:
    """A non-blocking socket in these groups. With CAP_NET_ADMIN it has a receive buffer of ``size`` bytes.

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
