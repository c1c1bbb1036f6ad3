"""Receives the kernel's uevents of block devices and SCSI devices in our own loop."""

from __future__ import annotations

import asyncio
import errno
from collections.abc import Callable
from typing import Protocol

from mpathd_watch.core.events import Emit, Event, EventsLost, SourceErrors
from mpathd_watch.core.model.vocabulary import SourceName
from mpathd_watch.sources.reading.availability import Availability
from mpathd_watch.sources.uevent.attentions import AttentionGatherer
from mpathd_watch.sources.uevent.kernel import KernelSocket, is_wanted, name_of, properties
from mpathd_watch.sources.uevent.parse import ATTENTION, in_order, parse

BATCH = 1024
"""Uevents that are read before the loop may do something else. What they call for is read once for all of them."""
TOGETHER = 64
"""Events that are passed on together. With more, the first one's journal entry would wait for all of them."""
RETRY_AFTER = 10.0


class Receiver(Protocol):
    """An open socket that receives uevents, as ``KernelSocket``."""

    def fileno(self) -> int:
        """Its descriptor."""

    def receive(self) -> bytes | None:
        """The next uevent, ``None`` if there is none. Raises ``OSError`` if any were lost; then it can go on."""

    def close(self) -> None:
        """Close the socket."""


class UeventSource:
    """Turns uevents into events. ``run`` it as a task.

    ``opened`` returns an open socket, or raises ``OSError``.
    """

    def __init__(self, emit: Emit, opened: Callable[[], Receiver] = KernelSocket) -> None:
        self._emit = emit
        self._availability = Availability(emit, SourceName.UEVENT)
        self._attentions = AttentionGatherer(emit, _call_later)
        self._opened = opened
        self._receiver: Receiver | None = None
        self._lost = False

    async def run(self) -> None:
        """Listen until cancelled. If the socket can't be opened, try again every ``RETRY_AFTER`` seconds."""
        try:
            while (receiver := self._open()) is None:  # noqa: ASYNC110  # no event reports that a socket can be opened
                await asyncio.sleep(RETRY_AFTER)
            self._receiver = receiver
            loop = asyncio.get_running_loop()
            loop.add_reader(receiver.fileno(), self._drain)
            try:
                await asyncio.Event().wait()
            finally:
                loop.remove_reader(receiver.fileno())
                self._attentions.close()
        finally:
            if self._receiver is not None:
                self._receiver.close()
            self._receiver = None

    def _open(self) -> Receiver | None:
        try:
            receiver = self._opened()
        except OSError as error:
            reason = errno.errorcode.get(error.errno or 0, "error")
            detail = f"the uevent socket can't be opened ({error}); allow the service to use AF_NETLINK"
            self._availability.report_down(reason, detail)
            return None
        self._availability.report_up()
        return receiver

    def _drain(self) -> None:
        """Read the pending events, and emit them in the order in which they occurred, but unit attentions last."""
        events: list[Event] = []
        drained = False
        receiver = self._receiver
        if receiver is None:
            return
        for _ in range(BATCH):
            try:
                datagram = receiver.receive()
            except OSError:
                self._lost = True
                continue
            if datagram is None:
                drained = True
                break
            if is_wanted(datagram):
                events += self._read(datagram)
        ordered = in_order(events)
        for start in range(0, len(ordered), TOGETHER):
            self._emit(*ordered[start : start + TOGETHER])
        self._attentions.report()
        # On overflow the kernel drops all events until the queue is drained, and reports that once
        # (net/netlink/af_netlink.c). A scan before that could miss what is still being dropped.
        if self._lost and drained:
            self._lost = False
            self._emit(EventsLost())

    def _read(self, datagram: bytes) -> list[Event]:
        """The events in a uevent of a block device. A unit attention of a SCSI device is gathered instead."""
        try:
            held = properties(datagram)
        except UnicodeDecodeError:
            # A device has changed: the next scan finds which.
            return [*parse("change", "dm-", {"DM_COOKIE": ""}), SourceErrors(SourceName.UEVENT, "not_text", 1)]
        name = name_of(held.get("DEVPATH", ""))
        if held["SUBSYSTEM"] == "block":
            return parse(held.get("ACTION", ""), name, held)
        if held.get("DEVTYPE") == "scsi_device" and ATTENTION in held:
            self._attentions.take(name, held[ATTENTION])
        return []


def _call_later(seconds: float, callback: Callable[[], None]) -> asyncio.TimerHandle:
    return asyncio.get_running_loop().call_later(seconds, callback)
