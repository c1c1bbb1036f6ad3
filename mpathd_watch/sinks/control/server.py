"""Serves the control socket: each client sends one request, gets one reply, and is disconnected.

Only root, the daemon's own user and members of its group may connect. The file's mode says so, and so does the kernel
of each client (SO_PEERCRED), in case that the mode was changed. A client that sends too much, nothing, or nonsense
costs one of few places for a few seconds.
"""

from __future__ import annotations

import asyncio
import contextlib
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
from mpathd_watch.sinks.status.client import StatusSocketError
from mpathd_watch.sinks.status.socket import is_served

_CLIENTS: Final = 4
_BACKLOG: Final = 8
_PATIENCE: Final = 5.0
_MODE: Final = 0o660
_PEER: Final = struct.Struct("3i")
_PEER_GROUPS: Final = 59
"""SO_PEERGROUPS (include/uapi/asm-generic/socket.h), for which Python has no name."""
_MOST_GROUPS: Final = 65536
"""Groups of a process (NGROUPS_MAX)."""


class ControlSocket:
    """Serves requests on the unix socket ``path``, in the loop that calls ``start``.

    ``carry_out`` does what a request asks for and returns the reply, without waiting for anything.
    """

    def __init__(
        self, path: Path, carry_out: Callable[[Request | DrillMade], Reply], patience: float = _PATIENCE
    ) -> None:
        self._path = path
        self._carry_out = carry_out
        self._patience = patience
        self._clients = 0
        self._server: asyncio.Server | None = None
        self._inode = 0

    async def start(self) -> None:
        """Listen. The socket of a dead daemon is removed. Raises ``StatusSocketError`` if the path can't be used."""
        try:
            if await asyncio.to_thread(is_served, self._path):
                raise StatusSocketError(f"another mpathd-watch already serves {self._path}; stop it first")
            self._path.unlink(missing_ok=True)
            self._server = await asyncio.start_unix_server(self._serve, sock=_bound(self._path), limit=MOST)
            self._path.chmod(_MODE)
            self._inode = self._path.stat().st_ino
        except OSError as error:
            reason = error.strerror or error
            raise StatusSocketError(
                f"can't take requests on {self._path}: {reason}; its directory must exist and be writable"
            ) from error

    async def stop(self) -> None:
        """Stop listening, and remove the socket if it is still ours."""
        if self._server is None:
            return
        self._server.close()
        with contextlib.suppress(OSError):  # the directory has been removed with the socket
            if self._path.stat().st_ino == self._inode:
                self._path.unlink()
        self._server = None

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._clients >= _CLIENTS or not _may_ask(writer.get_extra_info("socket")):
            writer.close()
            return
        self._clients += 1
        try:
            async with asyncio.timeout(self._patience):
                writer.write(encode_reply(await self._reply(reader)))
                await writer.drain()
                writer.close()
                await writer.wait_closed()
        except (OSError, TimeoutError):
            writer.transport.abort()
        finally:
            self._clients -= 1

    async def _reply(self, reader: asyncio.StreamReader) -> Reply:
        try:
            return self._carry_out(decode_request(await _line(reader)))
        except MessageError as error:
            return Reply(done=False, text=f"the request can't be read: {error}")


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


def _bound(path: Path) -> socket.socket:
    """A socket that nobody but the daemon's user can connect to until its mode is set."""
    server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        os.fchmod(server.fileno(), 0o600)  # bind() takes the mode from here (unix_bind_bsd() in net/unix/af_unix.c)
        server.bind(str(path))
        server.listen(_BACKLOG)
    except OSError:
        server.close()
        raise
    return server


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
