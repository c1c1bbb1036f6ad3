"""Receives the kernel's uevents of block devices and SCSI devices through pyudev, in our own loop.

It listens to the kernel's group, not udevd's: when 512 maps failed at once, udevd was up to 190 s late in the lab.
pyudev's observer thread ends at the first overflow, and its monitor raises at each call until the socket's error is
cleared (pyudev issue 194). Therefore this module polls the monitor itself.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import functools
import os
import socket
from collections import deque
from collections.abc import Callable
from typing import Any, Protocol

import pyudev

from mpathd_watch.core.events import Emit, Event, EventsLost, SourceErrors
from mpathd_watch.core.model.vocabulary import SourceName
from mpathd_watch.sources.netlink.groups import SO_RCVBUFFORCE
from mpathd_watch.sources.reading.availability import Availability
from mpathd_watch.sources.uevent.attentions import AttentionGatherer
from mpathd_watch.sources.uevent.parse import ACTION, ATTENTION, OTHER_KEYS, PATH_KEYS, in_order, parse

BUFFER = 128 * 1024 * 1024
"""Requested bytes of receive buffer, the same as multipathd's. Only pending events take memory."""
BATCH = 1024
"""Uevents that are read at once. Reading them is quick, and leaves room in the socket's buffer."""
TOGETHER = 64
"""Events that are passed on together; then the loop may do something else. On a slow host 512 at once have taken so
long that the watchdog ended the daemon."""
WAITING = 1024
"""Such groups that may wait to be passed on before no more uevents are read."""
RETRY_AFTER = 10.0


class Monitor(Protocol):
    """An open socket that receives uevents."""

    def fileno(self) -> int:
        """Its descriptor."""

    def poll(self, timeout: float) -> Any:
        """The next uevent, as pyudev's ``Device``; ``None`` if there is none. Raises ``OSError`` if any were lost."""

    def clear_error(self) -> None:
        """Read on after an error."""

    def close(self) -> None:
        """Close the socket."""


class UeventSource:
    """Turns uevents into events. ``run`` it as a task.

    ``opened`` returns a monitor; by default that of the kernel. It may raise ``OSError``, ``ValueError`` or
    ``ImportError``.
    """

    def __init__(self, emit: Emit, opened: Callable[[], Monitor] | None = None) -> None:
        self._emit = emit
        self._availability = Availability(emit, SourceName.UEVENT)
        self._attentions = AttentionGatherer(emit, _call_later)
        self._opened = opened or _Kernel().opened
        self._monitor: Monitor | None = None
        self._waiting: deque[tuple[Event, ...]] = deque()
        self._lost = False
        self._drained = False

    async def run(self) -> None:
        """Listen until cancelled. If the socket can't be opened, try again every ``RETRY_AFTER`` seconds."""
        try:
            while (monitor := self._open()) is None:  # noqa: ASYNC110  # no event reports that a socket can be opened
                await asyncio.sleep(RETRY_AFTER)
            self._monitor = monitor
            loop = asyncio.get_running_loop()
            loop.add_reader(monitor.fileno(), self._drain)
            try:
                await asyncio.Event().wait()
            finally:
                loop.remove_reader(monitor.fileno())
                self._attentions.close()
        finally:
            if self._monitor is not None:
                self._monitor.close()
            self._monitor = None

    def _open(self) -> Monitor | None:
        try:
            monitor = self._opened()
        except (OSError, ValueError, ImportError) as error:
            reason = errno.errorcode.get(error.errno or 0, "error") if isinstance(error, OSError) else "error"
            detail = f"the uevent socket can't be opened ({error}); allow the service to use AF_NETLINK"
            self._availability.report_down(reason, detail)
            return None
        self._availability.report_up()
        return monitor

    def _drain(self) -> None:
        """Read the pending uevents, and pass the first of them on."""
        monitor = self._monitor
        if monitor is None or len(self._waiting) >= WAITING:
            return
        events: list[Event] = []
        self._drained = False
        for _ in range(BATCH):
            try:
                device = monitor.poll(timeout=0)
            except OSError:
                self._lost = True
                monitor.clear_error()
                continue
            if device is None:
                self._drained = True
                break
            events.extend(self._read(device))
        ordered = in_order(events)
        begun = bool(self._waiting)
        self._waiting.extend(tuple(ordered[start : start + TOGETHER]) for start in range(0, len(ordered), TOGETHER))
        if not begun:
            self._pass_on()

    def _pass_on(self) -> None:
        """Emit the events that have waited longest, and have the loop go on with the rest; attentions come last."""
        if self._monitor is None:
            return
        group = self._waiting.popleft() if self._waiting else ()
        more = bool(self._waiting)
        if more:
            asyncio.get_running_loop().call_soon(self._pass_on)
        if group:
            self._emit(*group)
        if more:
            return
        self._attentions.report()
        # On overflow the kernel drops all events until the queue is drained, and reports that once
        # (net/netlink/af_netlink.c). A scan before that could miss what is still being dropped.
        if self._lost and self._drained:
            self._lost = False
            self._emit(EventsLost())

    def _read(self, device: Any) -> list[Event]:
        """The events in a uevent of a block device. A unit attention of a SCSI device is gathered instead."""
        try:
            if device.subsystem == "scsi":
                word = device.properties.get(ATTENTION)
                if word is not None:
                    self._attentions.take(device.sys_name, word)
            if device.subsystem != "block":
                return []
            every = device.properties
            word = every.get(ACTION)
            properties = {} if word is None else {ACTION: word}
            # One that is missing costs pyudev an exception, and a storm has hundreds of events.
            for key in OTHER_KEYS if word is None else PATH_KEYS:
                value = every.get(key)
                if value is not None:
                    properties[key] = value
            return parse(device.action or "", device.sys_name, properties)
        except UnicodeDecodeError:
            # pyudev decodes strictly. A device has changed: the next scan finds which.
            return [*parse("change", "dm-", {"DM_COOKIE": ""}), SourceErrors(SourceName.UEVENT, "not_text", 1)]


@functools.cache
def _libudev() -> Any:
    """libudev, as pyudev has loaded it. ctypes finds it by ldconfig, a program. Raises ``ImportError``."""
    return pyudev.Context()


def load_libudev() -> None:
    """Load libudev now, because the process will start no program later. Never raises."""
    with contextlib.suppress(ImportError):
        _libudev()


class _Kernel:
    """Opens monitors of the kernel's group."""

    def __init__(self) -> None:
        # Loading libudev starts ldconfig and reads files. Here no loop runs yet that it could stop.
        self._udev: Any = None
        self._error: ImportError | None = None
        try:
            self._udev = _libudev()
        except ImportError as error:
            self._error = error

    def opened(self) -> Monitor:
        """A monitor. Raises ``OSError``, ``ValueError`` or ``ImportError``."""
        if self._error is not None:
            raise self._error
        monitor = pyudev.Monitor.from_netlink(self._udev, source="kernel")
        monitor.filter_by("block")
        monitor.filter_by("scsi", "scsi_device")
        monitor.start()
        return _KernelMonitor(monitor)


class _KernelMonitor:
    """pyudev's monitor, and the same socket with a descriptor of our own: pyudev gives no access to its error."""

    def __init__(self, monitor: Any) -> None:
        self._monitor = monitor
        self._socket = socket.socket(fileno=os.dup(monitor.fileno()))
        _enlarge(self._socket)
        self.fileno = monitor.fileno
        self.poll = monitor.poll

    def clear_error(self) -> None:
        """Reading SO_ERROR clears it; until then poll() reports POLLERR and pyudev raises without reading."""
        self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)

    def close(self) -> None:
        """Close our descriptor; pyudev's is closed with the last reference to its monitor."""
        self._socket.close()


def _enlarge(receiver: socket.socket) -> None:
    """Request a big buffer. Without CAP_NET_ADMIN the kernel limits it to net.core.rmem_max."""
    try:
        receiver.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, BUFFER)
    except PermissionError:
        receiver.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER)


def _call_later(seconds: float, callback: Callable[[], None]) -> asyncio.TimerHandle:
    return asyncio.get_running_loop().call_later(seconds, callback)
