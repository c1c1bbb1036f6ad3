"""Receives the kernel's iSCSI messages in our own loop, and never sends any.

Other messages of the same group carry CHAP secrets and login text. These begin after the bytes that report a failed
connection. Only those bytes of each datagram are received; the kernel drops the rest.
"""

from __future__ import annotations

import asyncio
import errno
import socket
from collections.abc import Callable
from pathlib import Path

from mpathd_watch.core.events import Event
from mpathd_watch.core.model.vocabulary import NO_MODULE, SourceName
from mpathd_watch.sources.iscsi.datagram import LENGTH, parse
from mpathd_watch.sources.netlink.conversation import KERNEL
from mpathd_watch.sources.netlink.groups import listening
from mpathd_watch.sources.reading.availability import Availability

NETLINK_ISCSI = 8
GROUP_ISCSID = 1
BUFFER = 1024 * 1024
"""Requested bytes of receive buffer: for about 1,000 sessions that fail at once. The default is enough for 250."""
BATCH = 256
"""Datagrams that are read before the loop may do something else."""
RETRY_AFTER = 60.0
_BLANK = bytes(LENGTH)


def listen() -> socket.socket:
    """A socket that receives what iscsid receives.

    Raises ``OSError``: EPROTONOSUPPORT without scsi_transport_iscsi, EPERM without CAP_NET_ADMIN. Outside the initial
    network namespace the socket opens but receives nothing, and no error reports that.
    """
    return listening(NETLINK_ISCSI, GROUP_ISCSID, BUFFER)


class KernelErrorSource:
    """Turns the kernel's reports of failed connections into events. ``run`` it as a task.

    ``sysfs`` is the path of /sys. ``opened`` returns a bound, non-blocking socket or raises ``OSError``.
    """

    def __init__(
        self, emit: Callable[[Event], None], sysfs: Path, opened: Callable[[], socket.socket] = listen
    ) -> None:
        self._emit = emit
        self._availability = Availability(emit, SourceName.ISCSI)
        # Opening the socket makes the kernel load the module if it is not loaded (netlink_create()).
        self._module = sysfs / "class" / "iscsi_transport"
        self._opened = opened
        self._buffer = bytearray(LENGTH)

    async def run(self) -> None:
        """Listen until cancelled. Without a socket, try again every ``RETRY_AFTER`` seconds."""
        while True:
            try:
                await self._listen()
            except OSError as error:
                self._report_down(error)
            await asyncio.sleep(RETRY_AFTER)

    async def _listen(self) -> None:
        """Receive messages. Raises ``OSError`` if the socket can't be opened, or when it breaks."""
        if not self._module.is_dir():
            raise OSError(errno.EPROTONOSUPPORT, "scsi_transport_iscsi is not loaded")
        loop = asyncio.get_running_loop()
        broken: asyncio.Future[None] = loop.create_future()
        with self._opened() as receiver:
            self._availability.report_up()
            loop.add_reader(receiver, self._drain, receiver, broken)
            try:
                await broken
            finally:
                loop.remove_reader(receiver)

    def _report_down(self, error: OSError) -> None:
        detail = f"the iSCSI netlink socket can't be read ({error.strerror or error})"
        match error.errno:
            case errno.EPROTONOSUPPORT:
                reason, detail = NO_MODULE, "scsi_transport_iscsi is not loaded, so there are no iSCSI sessions"
            case errno.EPERM | errno.EACCES:
                reason, detail = "not_permitted", f"{detail}; allow the service to keep CAP_NET_ADMIN"
            case number:
                reason = errno.errorcode.get(number or 0, "error")
        self._availability.report_down(reason, detail)

    def _drain(self, receiver: socket.socket, broken: asyncio.Future[None]) -> None:
        """Read the pending messages. If the socket breaks, end ``broken`` with its error."""
        for _ in range(BATCH):
            try:
                size, _, _, sender = receiver.recvmsg_into([self._buffer])
            except (BlockingIOError, InterruptedError):
                return
            except OSError as error:
                if error.errno == errno.ENOBUFS:
                    # Reported once. Until the queue is drained, further messages are dropped, too
                    # (net/netlink/af_netlink.c).
                    self._availability.report_problems({"overflow": 1})
                    continue
                asyncio.get_running_loop().remove_reader(receiver)
                broken.set_exception(error)
                return
            event = parse(memoryview(self._buffer)[:size]) if sender[0] == KERNEL else None
            self._buffer[:] = _BLANK
            if event is not None:
                self._emit(event)
