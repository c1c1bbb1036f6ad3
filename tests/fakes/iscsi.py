"""What the kernel sends on NETLINK_ISCSI, and a socket that it seems to come from."""

from __future__ import annotations

import errno
import socket
import struct
from collections.abc import Iterable
from typing import Any

GET_CHAP = 33
RECV_PDU = 101
CONN_ERROR = 102
HEADER = struct.Struct("=IHHII")
UEVENT = struct.Struct("=I36sIII4x")


def message(
    kind: int,
    *fields: int,
    garbage: bytes = b"\xa5" * 36,
    payload: bytes = b"",
    length: int | None = None,
    nlmsg_type: int = 0,
) -> bytes:
    """A datagram of this type with up to three words of the union ``r``, and what follows it."""
    words = (*fields, 0, 0, 0)[:3]
    body = UEVENT.pack(kind, garbage, *words) + payload
    whole = HEADER.size + len(body) if length is None else length
    return HEADER.pack(whole, nlmsg_type, 0, 0, 0) + body


class Netlink(socket.socket):
    """One end of a pair of datagram sockets, whose messages have a netlink sender.

    ``port`` is the sender's port id, 0 for the kernel. ``failing`` are the errors that the next receptions end with.
    """

    port = 0

    def __init__(self, end: socket.socket) -> None:
        super().__init__(fileno=end.detach())
        self.setblocking(False)
        self.failing: list[int] = []
        self.asked: list[int] = []
        self.sent = 0

    @classmethod
    def pair(cls) -> tuple[socket.socket, Netlink]:
        """The kernel's end, and ours."""
        kernel, ours = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
        return kernel, cls(ours)

    def recvmsg_into(self, buffers: Iterable[Any], *rest: int) -> tuple[int, list[Any], int, Any]:
        """As a netlink socket does it: the datagram cut to the buffers, and who has sent it."""
        if self.failing:
            number = self.failing.pop(0)
            raise OSError(number, errno.errorcode[number])
        room = list(buffers)
        self.asked.append(sum(map(len, room)))
        size, ancillary, flags, _ = super().recvmsg_into(room, *rest)
        return size, ancillary, flags, (self.port, 1)

    def send(self, *_: Any) -> int:
        """Nothing may ever be sent."""
        self.sent += 1
        return 0

    sendall = sendto = sendmsg = send  # type: ignore[assignment]
