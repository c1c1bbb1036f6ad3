"""When the network interfaces are listed: at once when the kernel says that one has changed, and in a slow round.

A notification wakes, the tables decide: which interface has changed, and how, is not taken from it.
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
"""Bytes of receive buffer asked for: some 250 notifications, of which the starting of containers makes many."""
BATCH = 256
"""Notifications read in one go before the loop may do something else."""
COALESCE = 0.05
"""Seconds between the listings that notifications ask for."""
WOKEN_SHARE = 10
"""Notifications have a listing repeated no sooner than after this many times its own duration."""
LONGEST_PAUSE = 0.5
"""Seconds that this may come to: a listing may take long because the host is busy, and a carrier is still news."""
RECONCILE_EVERY = 60.0
RETRY_AFTER = 5.0
DEADLINE = 15.0
"""Seconds that a listing may take."""

_NOT_LET = frozenset({errno.EAFNOSUPPORT, errno.EPERM, errno.EACCES})
"""What RestrictAddressFamilies= and a security module answer with."""


def listen() -> socket.socket:
    """A socket that hears of every change of an interface or an address. Raises ``OSError``."""
    return listening(socket.NETLINK_ROUTE, RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR, BUFFER)


class NetworkSource:
    """Turns the kernel's table of network interfaces into events. ``run`` it as a task.

    ``clock`` tells CLOCK_MONOTONIC seconds. ``opened`` gives a bound, non-blocking socket, ``read`` lists all
    interfaces; both may raise ``OSError``.
    """

    def __init__(
        self,
        emit: Callable[[Event], None],
        clock: Callable[[], float],
        opened: Callable[[], socket.socket] = listen,
        read: Callable[[], tuple[LinkFacts, ...]] = links.read,
    ) -> None:
        self._availability = Availability(emit, SourceName.NETWORK)
        self._heartbeat = Heartbeat(emit, clock, SourceName.NETWORK)
        self._clock = clock
        self._opened = opened
        self._list = read
        # Listing waits for the kernel's RTNL lock, which a driver may hold for long.
        self._worker = Worker("network")
        self._known: tuple[LinkFacts, ...] | None = None
        self._wake = asyncio.Event()
        self._failure: OSError | None = None
        self._header = bytearray(HEADER.size)

    async def run(self) -> None:
        """Listen and list until cancelled; when that fails, try again every ``RETRY_AFTER`` seconds."""
        while True:
            await self._guard(self._watch())
            await asyncio.sleep(RETRY_AFTER)

    async def look(self) -> None:
        """List all interfaces once."""
        await self._guard(self._read())

    async def _guard(self, work: Coroutine[None, None, object]) -> None:
        """Tell why, when the kernel can't be asked or does not answer."""
        try:
            await work
        except (StalledError, TimeoutError):
            self._down(
                "timeout", "the kernel has not listed the network interfaces; see dmesg for a network driver that hangs"
            )
        except OSError as error:
            remedy = "let the service use AF_NETLINK" if error.errno in _NOT_LET else "trying again; see dmesg"
            self._down(
                errno.errorcode.get(error.errno or 0, "error"),
                f"the network interfaces can't be listed ({error.strerror or error}); {remedy}",
            )

    async def _watch(self) -> None:
        """Raises ``OSError`` when there is no socket to listen to, or no more, or when the listing fails."""
        loop = asyncio.get_running_loop()
        self._failure = None
        with self._opened() as receiver:
            # Listening before listing: what changes in between is told.
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
        """List, tell, and return the seconds it took. Raises ``StalledError`` or ``OSError``."""
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
        """Read what waits, of each notification no more than its header."""
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
