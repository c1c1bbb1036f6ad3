"""Serves the control socket: each client sends one request, gets one reply, and is disconnected.

Only root, the daemon's own user and members of its group may connect. The file's mode says so, and so does the kernel
of each client (SO_PEERCRED), in case that the mode was changed. A client that sends too much, nothing, or nonsense
costs one of few places for a few seconds.
"""

from __future__ import annotations

import asyncio
import os
import socket
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Final

from mpathd_watch.sinks.control.message import (
    MOST,
    MOST_OF_DRILL,
    DrillMade,
    MessageError,
    Reply,
    Request,
    decode_request,
    encode_reply,
)
from mpathd_watch.sinks.local_socket import PATIENCE, LocalSocket, Terms

_TERMS: Final = Terms("take requests", mode=0o660, clients=4, backlog=8, limit=MOST)
_PEER: Final = struct.Struct("3i")
_PEER_GROUPS: Final = 59
"""SO_PEERGROUPS (include/uapi/asm-generic/socket.h), for which Python has no name."""
_MOST_GROUPS: Final = 65536
"""Groups of a process (NGROUPS_MAX)."""


class ControlSocket(LocalSocket):
    """Serves requests on the unix socket ``path``.

    ``carry_out`` does what a request asks for and returns the reply, without waiting for anything.
    """

    def __init__(
        self, path: Path, carry_out: Callable[[Request | DrillMade], Reply], patience: float = PATIENCE
    ) -> None:
        super().__init__(path, _TERMS, patience)
        self._carry_out = carry_out

    def _admits(self, client: socket.socket) -> bool:
        return _may_ask(client)

    async def _reply(self, reader: asyncio.StreamReader) -> bytes:
        try:
            reply = self._carry_out(decode_request(await _line(reader)))
        except MessageError as error:
            reply = Reply(done=False, text=f"the request can't be read: {error}")
        return encode_reply(reply)


async def _line(reader: asyncio.StreamReader) -> bytes:
    """The first line; without an end if there is none. Raises ``MessageError``."""
    received, ended = bytearray(), False
    while not ended and (part := await reader.read(MOST)):
        line, end, _ = part.partition(b"\n")
        received += line
        ended = bool(end)
        if len(received) > MOST_OF_DRILL:
            raise MessageError("it is too long")
    return bytes(received)


def _may_ask(client: socket.socket) -> bool:
    """Whether the process at the other end is root's, the daemon's user's, or of its group."""
    _, user, group = _PEER.unpack(client.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _PEER.size))
    if user in (0, os.geteuid()) or group == os.getegid():
        return True
    try:
        found = client.getsockopt(socket.SOL_SOCKET, _PEER_GROUPS, 4 * _MOST_GROUPS)
    except OSError:
        return False
    return os.getegid() in struct.unpack(f"{len(found) // 4}I", found)
