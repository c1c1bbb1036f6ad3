"""A unix socket of the daemon: each client gets one reply, and is disconnected.

Its clients can't hold the daemon: a few are served at a time, each for a few seconds. The connections of further ones
are closed.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from abc import ABC, abstractmethod
from pathlib import Path
from typing import Final

from mpathd_watch.immutable import immutable
from mpathd_watch.sinks.transports import untie

PATIENCE: Final = 5.0
"""Seconds that a client may take."""


class LocalSocketError(Exception):
    """The socket can't be served. The text is one line with path, reason and remedy."""


@immutable
class Terms:
    """What a socket is for, and what its clients may cost."""

    purpose: str
    """What it is needed for, as in "can't serve the status on PATH"."""
    mode: int
    clients: int
    """Clients that are served at a time."""
    backlog: int
    """Clients that wait to be accepted."""
    limit: int = 1 << 16
    """Bytes of a client that wait to be read. Twice as many may be kept."""


class LocalSocket(ABC):
    """Serves the unix socket ``path`` in the loop that calls ``start``, with ``patience`` seconds for each client.

    A subclass makes the replies, and may refuse clients.
    """

    def __init__(self, path: Path, terms: Terms, patience: float) -> None:
        self._path = path
        self._terms = terms
        self._patience = patience
        self._clients = 0
        self._server: asyncio.Server | None = None
        self._inode = 0

    @abstractmethod
    async def _reply(self, reader: asyncio.StreamReader) -> bytes:
        """All that a client is sent; what it sends itself is read from ``reader``."""

    def _admits(self, _client: socket.socket) -> bool:
        """Whether this client gets a reply."""
        return True

    async def start(self) -> None:
        """Listen. The socket of a dead daemon is removed. Raises ``LocalSocketError`` if the path can't be used."""
        terms = self._terms
        try:
            if await asyncio.to_thread(self._is_served):
                raise LocalSocketError(f"another mpathd-watch already serves {self._path}; stop it first")
            self._path.unlink(missing_ok=True)
            self._server = await asyncio.start_unix_server(
                self._serve, sock=_bound(self._path), backlog=terms.backlog, limit=terms.limit
            )
            self._path.chmod(terms.mode)
            self._inode = self._path.stat().st_ino
        except OSError as error:
            raise self._error(f"{error.strerror or error}; its directory must exist and be writable") from error

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
        if self._clients >= self._terms.clients or not self._admits(writer.get_extra_info("socket")):
            writer.close()
            untie(writer.transport)
            return
        self._clients += 1
        try:
            async with asyncio.timeout(self._patience):
                writer.write(await self._reply(reader))
                await writer.drain()
                writer.close()
                await writer.wait_closed()
        except (OSError, TimeoutError):
            writer.transport.abort()
        finally:
            untie(writer.transport)
            self._clients -= 1

    def _is_served(self) -> bool:
        """Whether a process listens there. A file that is not a socket is an error: it must not be removed."""
        if self._path.exists() and not self._path.is_socket():
            raise self._error("it is not a socket; remove it")
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
            probe.settimeout(1.0)
            try:
                probe.connect(str(self._path))
            except (ConnectionRefusedError, FileNotFoundError):
                return False
            except (TimeoutError, BlockingIOError):  # it has as many clients as it takes, and hangs
                return True
        return True

    def _error(self, reason: str) -> LocalSocketError:
        return LocalSocketError(f"can't {self._terms.purpose} on {self._path}: {reason}")


def _bound(path: Path) -> socket.socket:
    """A socket that nobody but the daemon's user can connect to until its mode is set."""
    server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        os.fchmod(server.fileno(), 0o600)  # bind() takes the mode from here (unix_bind_bsd() in net/unix/af_unix.c)
        server.bind(str(path))
    except OSError:
        server.close()
        raise
    return server
