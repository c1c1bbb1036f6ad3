"""The status socket: it sends the status document as JSON to every client, and closes the connection."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
from pathlib import Path
from typing import Final

from mpathd_watch.sinks.status.client import StatusSocketError
from mpathd_watch.sinks.status.from_view import document
from mpathd_watch.sinks.view import Views

_BACKLOG: Final = 16
_CLIENTS: Final = 8
_PATIENCE: Final = 5.0
_MODE: Final = 0o666


class StatusSocket:
    """Serves the views on the unix socket ``path``, in the loop that calls ``start``.

    The document is built on a worker thread: with ten thousand paths that takes longer than an event may wait. At most
    eight clients are served at a time, each for a few seconds. The connections of further clients are closed.
    """

    def __init__(self, path: Path, views: Views, patience: float = _PATIENCE) -> None:
        self._path = path
        self._views = views
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
            self._server = await asyncio.start_unix_server(self._serve, self._path, backlog=_BACKLOG)
            self._path.chmod(_MODE)
            self._inode = self._path.stat().st_ino
        except OSError as error:
            reason = error.strerror or error
            raise StatusSocketError(
                f"can't serve the status on {self._path}: {reason}; its directory must exist and be writable"
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

    async def _serve(self, _reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._clients >= _CLIENTS:
            writer.close()
            return
        self._clients += 1
        try:
            async with asyncio.timeout(self._patience):
                writer.write(await asyncio.to_thread(self._render))
                await writer.drain()
                writer.close()
                await writer.wait_closed()
        except (OSError, TimeoutError):
            writer.transport.abort()
        finally:
            self._clients -= 1

    def _render(self) -> bytes:
        return json.dumps(document(self._views()), ensure_ascii=False).encode() + b"\n"


def is_served(path: Path) -> bool:
    """Whether a process listens there. A file that is not a socket is an error: it must not be removed."""
    if path.exists() and not path.is_socket():
        raise StatusSocketError(f"can't serve the status on {path}: it is not a socket; remove it")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(1.0)
        try:
            probe.connect(str(path))
        except (ConnectionRefusedError, FileNotFoundError):
            return False
        except (TimeoutError, BlockingIOError):  # it has as many clients as it takes, and hangs
            return True
    return True
