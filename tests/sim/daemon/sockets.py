"""The sockets of the daemon: netlink in its three uses, and multipathd's."""

from __future__ import annotations

import asyncio
import errno
import itertools
import struct
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any

from mpathd_watch.core.events import BlockEvent, DmPathEvent, Event, UnitAttentions
from mpathd_watch.core.model.identity import UUID_PREFIX
from mpathd_watch.sources.iscsi.datagram import LENGTH
from mpathd_watch.sources.multipathd import protocol
from mpathd_watch.sources.netlink.conversation import KERNEL
from mpathd_watch.sources.uevent.parse import ATTENTION
from tests.sim.daemon.loop import VirtualLoop
from tests.sim.laws import Range

_numbers = itertools.count(1_000_000)


class Netlink:
    """A netlink socket that receives datagrams."""

    def __init__(self, loop: VirtualLoop) -> None:
        self.closed = False
        self._loop = loop
        self._waiting: deque[bytes | OSError] = deque()

    def __enter__(self) -> Netlink:
        return self

    def __exit__(self, *_: object) -> None:
        self.closed = True

    def arrive(self, datagram: bytes | OSError) -> None:
        """The kernel sends something."""
        if not self.closed:
            self._waiting.append(datagram)
            self._loop.readable(self)

    def recvfrom_into(self, buffer: bytearray) -> tuple[int, tuple[int, int]]:
        """As that of a socket."""
        datagram = self._next()
        size = min(len(datagram), len(buffer))
        buffer[:size] = datagram[:size]
        return size, (KERNEL, 1)

    def recvmsg_into(self, buffers: list[bytearray]) -> tuple[int, list[Any], int, tuple[int, int]]:
        """As that of a socket."""
        size, sender = self.recvfrom_into(buffers[0])
        return size, [], 0, sender

    def _next(self) -> bytes:
        if not self._waiting:
            raise BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable")
        first = self._waiting.popleft()
        if isinstance(first, OSError):
            raise first
        return first


NOTIFICATION = bytes(16)
"""Of rtnetlink: its content is not looked at."""


def connection_error(sid: int, error: int) -> bytes:
    """What the kernel sends when it gives a connection up (iscsi_conn_error_event())."""
    datagram = bytearray(LENGTH)
    struct.pack_into("=I", datagram, 0, LENGTH)
    struct.pack_into("=I", datagram, 16, 102)
    struct.pack_into("=III", datagram, 56, sid, 0, error)
    return bytes(datagram)


@dataclass(frozen=True, slots=True)
class Device:
    """A uevent, as pyudev has it."""

    action: str
    sys_name: str
    subsystem: str = "block"
    properties: Mapping[str, str] = field(default_factory=dict)


def devices(event: Event) -> list[Device]:
    """The uevents that the real source makes ``event`` of."""
    match event:
        case DmPathEvent():
            properties = {
                "DM_ACTION": event.action.value,
                "DM_UUID": f"{UUID_PREFIX}{event.wwid}",
                "DM_NAME": event.map_name,
                "DM_PATH": event.dev_t,
                "DM_SEQNUM": str(event.seqnum),
            }
            return [Device("change", event.sysfs_name, properties=properties)]
        case BlockEvent():
            return [Device(event.action, event.sysfs_name, properties={"DM_COOKIE": "1"} if event.reloaded else {})]
        case UnitAttentions():
            return [
                Device("change", each.hctl, "scsi", {ATTENTION: each.kind.value})
                for each in event.attentions
                for _ in range(each.count)
            ]
        case _:
            raise ValueError(event)


class UeventMonitor:
    """The socket of uevents. An overflow is reported once, before what is still in the buffer."""

    def __init__(self, loop: VirtualLoop) -> None:
        self.closed = False
        self.number = next(_numbers)
        self._loop = loop
        self._waiting: deque[Device] = deque()
        self._overflow = False

    def fileno(self) -> int:
        return self.number

    def arrive(self, found: list[Device]) -> None:
        """The kernel sends uevents."""
        self._waiting.extend(found)
        self._loop.readable(self.number)

    def overflow(self) -> None:
        """The kernel has dropped some."""
        self._overflow = True
        self._loop.readable(self.number)

    def poll(self, timeout: float) -> Device | None:
        if timeout:
            raise ValueError(timeout)
        if self._overflow:
            raise OSError(errno.ENOBUFS, "No buffer space available")
        return self._waiting.popleft() if self._waiting else None

    def clear_error(self) -> None:
        self._overflow = False

    def close(self) -> None:
        self.closed = True


Reply = Callable[[str], str | None]
"""What multipathd answers to a command; ``None``: it closes the connection."""


class MultipathdSocket:
    """multipathd's socket: it answers one request after the other, each ``took`` seconds after the last.

    ``pid`` returns its process, and ``works`` whether that does anything.
    """

    def __init__(
        self,
        loop: VirtualLoop,
        random: Random,
        took: Callable[[], Range],
        *,
        pid: Callable[[], int | None],
        works: Callable[[], bool],
        reply: Reply,
    ) -> None:
        self.requests: list[tuple[float, str]] = []
        """When which command was received."""
        self.full = False
        """Its backlog is full."""
        self._loop = loop
        self._random = random
        self._took = took
        self._pid = pid
        self._works = works
        self._reply = reply
        self._open: list[Connection] = []

    def connect(self, _address: str) -> Connection:
        """As ``client.connected``."""
        pid = self._pid()
        if pid is None:
            raise ConnectionRefusedError(errno.ECONNREFUSED, "Connection refused")
        if self.full:
            raise BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable")
        connection = Connection(self, pid)
        self._open.append(connection)
        return connection

    def changed(self) -> None:
        """The process has ended, or works again."""
        for connection in tuple(self._open):
            if connection.pid != self._pid():
                connection.end()
                self.forget(connection)
            elif self._works():
                self._go_on(connection)

    def forget(self, connection: Connection) -> None:
        """It is closed."""
        if connection in self._open:
            self._open.remove(connection)

    def in_flight(self) -> list[Connection]:
        """The connections with a request that has no answer."""
        return [connection for connection in self._open if connection.command is not None]

    def received(self, connection: Connection) -> None:
        """A request has come."""
        self.requests.append((self._loop.clock.now, connection.command or ""))
        self._loop.clock.after(self._random.uniform(*self._took()), lambda: self._ripe(connection, connection.asked))

    def _ripe(self, connection: Connection, asked: float) -> None:
        if connection.asked == asked and connection.command is not None:
            connection.ripe = True
            self._go_on(connection)

    def _go_on(self, connection: Connection) -> None:
        if not connection.ripe or not self._works() or connection not in self._open:
            return
        command, connection.command, connection.ripe = connection.command, None, False
        answer = self._reply(command or "")
        if answer is None:
            connection.end()
            self.forget(connection)
        else:
            body = answer.encode() + b"\0"
            connection.arrive(struct.pack("@N", len(body)) + body)


class Connection:
    """The client's end. ``command`` is the request that has no answer, since ``asked``."""

    def __init__(self, server: MultipathdSocket, pid: int) -> None:
        self.pid = pid
        self.command: str | None = None
        self.asked = 0.0
        self.ripe = False
        self._server = server
        self._received = bytearray()
        self._ended = False
        self._reader: asyncio.Future[None] | None = None

    # --- what the server does -----------------------------------------------------------------------------------------

    def arrive(self, text: bytes) -> None:
        """The server sends something."""
        self._received += text
        self._wake()

    def end(self) -> None:
        """The server closes it."""
        self._ended, self.command = True, None
        self._wake()

    def _wake(self) -> None:
        if self._reader is not None and not self._reader.done():
            self._reader.set_result(None)

    # --- what the client does -----------------------------------------------------------------------------------------

    def take(self, request: bytes) -> None:
        """A request is sent."""
        if self._ended:
            raise BrokenPipeError(errno.EPIPE, "Broken pipe")
        body = request[protocol.LENGTH_SIZE :]
        self.command, self.asked, self.ripe = body.rstrip(b"\0").decode(), self._server_now(), False
        self._server.received(self)

    async def receive(self, size: int) -> bytes:
        """What has arrived; nothing at the end."""
        while not self._received and not self._ended:
            self._reader = asyncio.get_running_loop().create_future()
            await self._reader
        taken = bytes(self._received[:size])
        del self._received[:size]
        return taken

    def recv(self, size: int, _flags: int) -> bytes:
        """Look without waiting."""
        if not self._received and not self._ended:
            raise BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable")
        return bytes(self._received[:size])

    def close(self) -> None:
        """The client closes it."""
        self.command = None
        self._server.forget(self)

    def _server_now(self) -> float:
        return asyncio.get_running_loop().time()
