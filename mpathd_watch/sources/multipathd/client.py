"""A connection to multipathd: one request at a time, each with a deadline."""

from __future__ import annotations

import asyncio
import os
import socket
import struct
import time
from collections.abc import Callable

from mpathd_watch.sources.multipathd import protocol
from mpathd_watch.sources.multipathd.errors import MultipathdError
from mpathd_watch.sources.multipathd.presence import Presence, multipathd

__all__ = ["DEADLINE", "MultipathdClient", "MultipathdError", "not_running"]

DEADLINE = 4.1
"""Seconds that a reply may take: multipathd's uxsock_timeout, at least 4000 ms, and 100 ms that its client adds."""

_CHUNK = 64 * 1024
_PEER = struct.Struct("=iII")
"""struct ucred: process, user, group."""


class StrangerError(Exception):
    """What listens on multipathd's socket belongs to a user who can't run multipathd."""


def not_running(presence: Presence) -> MultipathdError:
    """The error for a ``presence`` that is not running, as far as can be determined."""
    if not presence.certain:
        remedy = "a connection could start it, so there is none; run mpathd-watch where it can see all processes"
        return MultipathdError("hidden", f"{presence.why}; {remedy}.")
    return MultipathdError("not_running", f"{presence.why}; start it with 'systemctl start multipathd'.")


class MultipathdClient:
    """Sends requests to multipathd, one at a time, over one connection that stays open.

    ``socket_name`` is the configured socket (see ``protocol.addresses``). ``presence`` is checked before each connect:
    this never connects to a multipathd that is not running. ``deadline`` is in seconds. ``connect`` is ``connected``
    by default.

    At shutdown multipathd closes its connections some time before its process ends. If systemd holds its socket, a
    connect in that time would start it again. Therefore no connect follows for ``grace`` seconds of ``clock`` after a
    process has closed the connection.
    """

    def __init__(
        self,
        socket_name: str = "",
        *,
        presence: Callable[[], Presence] | None = None,
        deadline: float = DEADLINE,
        grace: float = 10.0,
        clock: Callable[[], float] = time.monotonic,
        connect: Callable[[str], socket.socket] | None = None,
    ) -> None:
        self._addresses = protocol.addresses(socket_name)
        self._presence = presence or multipathd().look
        self._deadline = deadline
        self._grace = grace
        self._clock = clock
        self._connect_to = connect or connected
        self._turn = asyncio.Lock()
        self._socket: socket.socket | None = None
        self._pid: int | None = None
        self._left_by: int | None = None
        self._left_until = 0.0

    def presence(self) -> Presence:
        """Whether multipathd is running, without a connect."""
        return self._presence()

    def close(self) -> None:
        """Close the connection if there is one; the next request opens a new one."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    async def ask(self, command: str, deadline: float | None = None) -> str:
        """Return the reply to ``command``, which may be an error message of multipathd (see ``replies``).

        Raises ``MultipathdError`` if there is no reply within ``deadline`` seconds, not counting the wait for other
        requests; ``ValueError`` for a command that can't be sent. After an error the connection is closed, so that a
        late reply does not count as the reply to the next request.
        """
        request = protocol.encode_request(command)
        seconds = self._deadline if deadline is None else deadline
        async with self._turn:
            answered = False
            try:
                async with asyncio.timeout(seconds):
                    reply = await self._exchange(request)
                answered = True
            except TimeoutError:
                detail = "it is stopped, it hangs, or it holds its lock; see 'systemctl status multipathd'"
                raise MultipathdError("timeout", f"multipathd did not answer within {seconds:g} s: {detail}.") from None
            except protocol.BadLength as error:
                detail = "another program listens there, or an unknown version of multipathd"
                raise MultipathdError("bad_length", f"{self._spelled()} announced {error}: {detail}.") from error
            except (ConnectionError, EOFError) as error:
                raise self._closed() from error
            except OSError as error:
                detail = f"the connection to multipathd at {self._spelled()} failed: {error.strerror}"
                raise MultipathdError("io_error", f"{detail}; see 'journalctl -u multipathd'.") from error
            finally:
                if not answered:
                    self.close()
            return reply

    async def _exchange(self, request: bytes) -> str:
        loop = asyncio.get_running_loop()
        connection = self._connected()
        await loop.sock_sendall(connection, request)
        length = protocol.decode_length(await _read(connection, protocol.LENGTH_SIZE))
        return protocol.decode_reply(await _read(connection, length))

    def _connected(self) -> socket.socket:
        if self._socket is not None and not _is_quiet(self._socket):
            # Between two requests the socket is readable only if multipathd has closed the connection.
            self.close()
            self._closed()
        if self._socket is None:
            self._socket = self._connect()
        return self._socket

    def _connect(self) -> socket.socket:
        presence = self._presence()
        if not presence.running:
            raise not_running(presence)
        if presence.pid == self._left_by and self._clock() < self._left_until:
            detail = f"it may be shutting down; next attempt after {self._grace:g} s"
            raise MultipathdError("closed", f"multipathd (process {presence.pid}) closed the connection: {detail}.")
        self._pid = presence.pid
        forbidden = False
        stranger = ""
        for address in self._addresses:
            try:
                return self._connect_to(address)
            except BlockingIOError:
                detail = "multipathd hangs: it accepts no more connections; see 'systemctl status multipathd'."
                raise MultipathdError("busy", detail) from None
            except StrangerError as error:
                stranger = f"{protocol.spell(address)} {error}"
            except OSError as error:
                forbidden = forbidden or isinstance(error, PermissionError)
        if stranger:
            detail = "it is not asked; find it with 'ss -xlp', and stop it"
            raise MultipathdError("not_root", f"another program than multipathd listens there: {stranger}; {detail}.")
        if forbidden:
            detail = "allow this service's user to connect (file mode, AppArmor, SELinux)"
            raise MultipathdError("no_permission", f"no permission to connect to {self._spelled()}: {detail}.")
        detail = "it may still be starting, be in another network namespace, or use MULTIPATH_SOCKET_NAME"
        raise MultipathdError("refused", f"multipathd is running but does not listen at {self._spelled()}: {detail}.")

    def _closed(self) -> MultipathdError:
        self._left_by = self._pid
        self._left_until = self._clock() + self._grace
        detail = "it is shutting down, or it crashed; see 'journalctl -u multipathd'"
        return MultipathdError("closed", f"multipathd closed the connection instead of answering: {detail}.")

    def _spelled(self) -> str:
        return " or ".join(protocol.spell(address) for address in self._addresses)


def connected(address: str) -> socket.socket:
    """A connection to ``address`` that does not block. Raises ``OSError``: ``BlockingIOError`` if it would block.

    Any local user may listen on an abstract name that is free, so root must be at the other end (or, where the daemon
    is started by hand, its own user). Otherwise ``StrangerError`` is raised. The kernel reports who called listen();
    where systemd holds the socket, that is systemd.
    """
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    connection.setblocking(False)
    try:
        # Not loop.sock_connect: it treats EAGAIN, which means a full AF_UNIX backlog, as a connect in progress.
        connection.connect(address)
        _refuse_strangers(connection)
    except (OSError, StrangerError):
        connection.close()
        raise
    return connection


def _refuse_strangers(connection: socket.socket) -> None:
    _, user, _ = _PEER.unpack(connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _PEER.size))
    if user not in (0, os.geteuid()):
        raise StrangerError(f"belongs to user {user}")


def _is_quiet(connection: socket.socket) -> bool:
    try:
        connection.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


async def _read(connection: socket.socket, size: int) -> bytearray:
    loop = asyncio.get_running_loop()
    received = bytearray()
    while len(received) < size:
        chunk = await loop.sock_recv(connection, min(_CHUNK, size - len(received)))
        if not chunk:
            raise EOFError
        received += chunk
    return received
