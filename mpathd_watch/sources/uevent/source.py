"""Receives the kernel's uevents of block devices and SCSI devices through pyudev, in our own loop.

It listens to the kernel's group, not udevd's: when 512 maps failed at once, udevd was up to 190 s late in the lab.
pyudev's observer thread ends at the first overflow, and its monitor raises at each call until the socket's error is
cleared (pyudev issue 194). Therefore this module polls the monitor itself.
"""

from __future__ import annotations

import asyncio
import errno
import os
import socket
from collections.abc import Callable
from typing import Any

import pyudev

from mpathd_watch.core.events import Event, EventsLost, SourceErrors
from mpathd_watch.core.model.vocabulary import SourceName
from mpathd_watch.sources.netlink.groups import SO_RCVBUFFORCE
from mpathd_watch.sources.reading.availability import Availability
from mpathd_watch.sources.uevent.attentions import AttentionGatherer
from mpathd_watch.sources.uevent.parse import ATTENTION, KEYS, in_order, parse

BUFFER = 128 * 1024 * 1024
"""Requested bytes of receive buffer, the same as multipathd's. Only pending events take memory."""
BATCH = 1024
"""Events that are read before the loop may do something else."""
RETRY_AFTER = 10.0


class UeventSource:
    """Turns uevents into events. ``run`` it as a task."""

    def __init__(self, emit: Callable[[Event], None]) -> None:
        self._emit = emit
        self._availability = Availability(emit, SourceName.UEVENT)
        self._attentions = AttentionGatherer(emit, _call_later)
        # Loading libudev starts ldconfig and reads files. Here no loop runs yet that it could stop.
        self._udev = _library()
        self._monitor: Any = None
        self._socket: socket.socket | None = None
        self._lost = False

    async def run(self) -> None:
        """Listen until cancelled. If the socket can't be opened, try again every ``RETRY_AFTER`` seconds."""
        try:
            while not self._open():  # noqa: ASYNC110  # no event reports that a socket can be opened
                await asyncio.sleep(RETRY_AFTER)
            loop = asyncio.get_running_loop()
            loop.add_reader(self._monitor.fileno(), self._drain)
            try:
                await asyncio.Event().wait()
            finally:
                loop.remove_reader(self._monitor.fileno())
                self._attentions.close()
        finally:
            if self._socket is not None:
                self._socket.close()
            self._monitor = None

    def _open(self) -> bool:
        try:
            if isinstance(self._udev, ImportError):
                raise self._udev
            monitor = pyudev.Monitor.from_netlink(self._udev, source="kernel")
            monitor.filter_by("block")
            monitor.filter_by("scsi", "scsi_device")
            monitor.start()
            # The same socket with a descriptor of our own: pyudev gives no access to its error.
            self._socket = socket.socket(fileno=os.dup(monitor.fileno()))
        except (OSError, ValueError, ImportError) as error:
            reason = errno.errorcode.get(error.errno or 0, "error") if isinstance(error, OSError) else "error"
            detail = f"the uevent socket can't be opened ({error}); allow the service to use AF_NETLINK"
            self._availability.report_down(reason, detail)
            return False
        self._monitor = monitor
        self._enlarge(self._socket)
        self._availability.report_up()
        return True

    @staticmethod
    def _enlarge(receiver: socket.socket) -> None:
        """Request a big buffer. Without CAP_NET_ADMIN the kernel limits it to net.core.rmem_max."""
        try:
            receiver.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, BUFFER)
        except PermissionError:
            receiver.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER)

    def _drain(self) -> None:
        """Read the pending events, and emit them in the order in which they occurred, but unit attentions last."""
        events: list[Event] = []
        drained = False
        for _ in range(BATCH):
            try:
                device = self._monitor.poll(timeout=0)
            except OSError:
                self._lost = True
                self._clear_error()
                continue
            if device is None:
                drained = True
                break
            events.extend(self._read(device))
        for event in in_order(events):
            self._emit(event)
        self._attentions.report()
        # On overflow the kernel drops all events until the queue is drained, and reports that once
        # (net/netlink/af_netlink.c). A scan before that could miss what is still being dropped.
        if self._lost and drained:
            self._lost = False
            self._emit(EventsLost())

    def _clear_error(self) -> None:
        """Reading SO_ERROR clears it; until then poll() reports POLLERR and pyudev raises without reading."""
        if self._socket is not None:
            self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)

    def _read(self, device: Any) -> list[Event]:
        """The events in a uevent of a block device. A unit attention of a SCSI device is gathered instead."""
        try:
            if device.subsystem == "scsi":
                word = device.properties.get(ATTENTION)
                if word is not None:
                    self._attentions.take(device.sys_name, word)
            if device.subsystem != "block":
                return []
            properties = {}
            for key in KEYS:
                value = device.properties.get(key)
                if value is not None:
                    properties[key] = value
            return parse(device.action or "", device.sys_name, properties)
        except UnicodeDecodeError:
            # pyudev decodes strictly. A device has changed: the next scan finds which.
            return [*parse("change", "dm-", {"DM_COOKIE": ""}), SourceErrors(SourceName.UEVENT, "not_text", 1)]


def _library() -> Any:
    """libudev, or the error that it can't be loaded."""
    try:
        return pyudev.Context()
    except ImportError as error:
        return error


def _call_later(seconds: float, callback: Callable[[], None]) -> asyncio.TimerHandle:
    return asyncio.get_running_loop().call_later(seconds, callback)
