"""When the network interfaces are listed: at once after the kernel's notification of a change, and every minute.

A notification only wakes the source. Which interface has changed, and how, is read from the kernel's tables.
"""

from __future__ import annotations

import asyncio
import errno
import socket
from collections.abc import Callable, Coroutine

from mpathd_watch.core.events import Event, NetworkRead
from mpathd_watch.core.model.facts import LinkFacts
from mpathd_watch.core.model.vocabulary import SourceName
from mpathd_watch.sources.netlink.conversation import HEADER, KERNEL
from mpathd_watch.sources.netlink.groups import listening
from mpathd_watch.sources.network import links
from mpathd_watch.sources.reading.availability import Availability, Heartbeat
from mpathd_watch.sources.reading.pace import wait_at_most
from mpathd_watch.sources.reading.worker import StalledError, Worker

RTMGRP_LINK = 0x001
RTMGRP_IPV4_IFADDR = 0x010
RTMGRP_IPV6_IFADDR = 0x100
BUFFER = 1024 * 1024
"""Requested bytes of receive buffer: about 250 notifications. The start of containers causes many."""
BATCH = 256
"""Notifications that are read before the loop may do something else."""
COALESCE = 0.05
"""Seconds between listings because of notifications, at least."""
WOKEN_SHARE = 10
"""After a listing, the next one because of a notification waits this many times as long as the listing took."""
LONGEST_PAUSE = 0.5
"""The longest such wait in seconds: on a busy host a listing takes long, and a lost carrier must still be reported."""
RECONCILE_EVERY = 60.0
RETRY_AFTER = 5.0
DEADLINE = 15.0
"""Seconds that a listing may take."""

_FORBIDDEN = frozenset({errno.EAFNOSUPPORT, errno.EPERM, errno.EACCES})
"""The errors if RestrictAddressFamilies= or a security module forbids the socket."""


def listen() -> socket.socket:
    """A socket that receives a notification of each change of an interface or address. Raises ``OSError``."""
    return listening(socket.NETLINK_ROUTE, RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR, BUFFER)


class NetworkSource:
    """Turns the kernel's table of network interfaces into events. ``run`` it as a task.

    ``clock`` returns CLOCK_MONOTONIC seconds. ``opened`` returns a bound, non-blocking socket. ``read`` lists all
    interfaces. Both may raise ``OSError``. ``worker`` returns a new worker of a name.
    """

    def __init__(
        self,
        emit: Callable[[Event], None],
        clock: Callable[[], float],
        opened: Callable[[], socket.socket] = listen,
        read: Callable[[], tuple[LinkFacts, ...]] | None = None,
        worker: Callable[[str], Worker] = Worker,
    ) -> None:
        self._availability = Availability(emit, SourceName.NETWORK)
        self._heartbeat = Heartbeat(emit, clock, SourceName.NETWORK)
        self._clock = clock
        self._opened = opened
        self._list = read or links.Reader(clock).read
        # A listing waits for the kernel's RTNL lock, which a driver may hold for long.
        self._worker = worker("network")
        self._known: tuple[LinkFacts, ...] | None = None
        self._wake = asyncio.Event()
        self._failure: OSError | None = None
        self._header = bytearray(HEADER.size)

    async def run(self) -> None:
        """Listen and list until cancelled. After a failure, try again every ``RETRY_AFTER`` seconds."""
        while True:
            await self._guard(self._watch())
            await asyncio.sleep(RETRY_AFTER)

    async def read_once(self) -> None:
        """List all interfaces once."""
        await self._guard(self._read())

    async def _guard(self, work: Coroutine[None, None, object]) -> None:
        """Report why the source is down if ``work`` fails."""
        try:
            await work
        except (StalledError, TimeoutError):
            self._down(
                "timeout", "the kernel did not list the network interfaces; see dmesg for a network driver that hangs"
            )
        except OSError as error:
            remedy = "allow the service to use AF_NETLINK" if error.errno in _FORBIDDEN else "trying again; see dmesg"
            self._down(
                errno.errorcode.get(error.errno or 0, "error"),
                f"the network interfaces can't be listed ({error.strerror or error}); {remedy}",
            )

    async def _watch(self) -> None:
        """Listen and list. Raises ``OSError`` if the socket can't be opened or breaks, or if a listing fails."""
        loop = asyncio.get_running_loop()
        self._failure = None
        with self._opened() as receiver:
            # Listen before listing, so that a change in between is not missed.
            loop.add_reader(receiver, self._drain, receiver)
            try:
                while self._failure is None:
                    self._wake.clear()
                    took = await self._read()
                    await asyncio.sleep(min(max(COALESCE, WOKEN_SHARE * took), LONGEST_PAUSE))
                    await wait_at_most(self._wake, RECONCILE_EVERY)
            finally:
                loop.remove_reader(receiver)
        raise self._failure

    async def _read(self) -> float:
        """List, report, and return the seconds that the listing took. Raises ``StalledError`` or ``OSError``."""
        start = self._clock()
        found = await self._worker.run(self._list, DEADLINE)
        took = self._clock() - start
        self._availability.report_up()
        if found != self._known:
            self._known = found
            self._heartbeat.report(NetworkRead(found))
        else:
            self._heartbeat.report_unchanged()
        return took

    def _down(self, reason: str, detail: str) -> None:
        self._known = None
        self._availability.report_down(reason, detail)

    def _drain(self, receiver: socket.socket) -> None:
        """Read the pending notifications, of each one only the header."""
        for _ in range(BATCH):
            try:
                _, sender = receiver.recvfrom_into(self._header)
            except (BlockingIOError, InterruptedError):
                return
            except OSError as error:
                if error.errno != errno.ENOBUFS:
                    asyncio.get_running_loop().remove_reader(receiver)
                    self._failure = error
                    self._wake.set()
                    return
                self._availability.report_problems({"overflow": 1})
                self._wake.set()
            else:
                if sender[0] == KERNEL:
                    self._wake.set()
