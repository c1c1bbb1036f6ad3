"""Listening to the kernel's iSCSI messages, in our own loop, without ever sending any.

Other messages of the same group carry CHAP secrets and login text. Of each datagram only as many bytes are received as
the news of a failed connection takes, which is where those begin; the kernel drops the rest.
"""

from __future__ import annotations

import asyncio
import errno
import socket
from collections.abc import Callable
from pathlib import Path

from mpathd_watch.core.events import Event
from mpathd_watch.core.folding.sources import NO_MODULE
from mpathd_watch.core.model.vocabulary import SourceName
from mpathd_watch.sources.iscsi.datagram import LENGTH, parse
from mpathd_watch.sources.netlink.conversation import KERNEL
from mpathd_watch.sources.netlink.groups import listening
from mpathd_watch.sources.reading.availability import Availability

NETLINK_ISCSI = 8
GROUP_ISCSID = 1
BUFFER = 1024 * 1024
"""Bytes of receive buffer asked for: a thousand sessions that fail at once, where the default holds some 250."""
BATCH = 256
"""Datagrams read in one go before the loop may do something else."""
RETRY_AFTER = 60.0
_BLANK = bytes(LENGTH)


def listen() -> socket.socket:
    """A socket that hears what iscsid hears.

    Raises ``OSError``, EPROTONOSUPPORT without scsi_transport_iscsi and EPERM without CAP_NET_ADMIN. Outside the
    initial network namespace it opens, hears nothing, and nothing tells.
    """
    return listening(NETLINK_ISCSI, GROUP_ISCSID, BUFFER)


class KernelErrorSource:
    """Turns the kernel's errors of connections into events. ``run`` it as a task.

    ``sysfs`` is where /sys is; ``opened`` gives a bound, non-blocking socket or raises ``OSError``.
    """

    def __init__(
        self, emit: Callable[[Event], None], sysfs: Path, opened: Callable[[], socket.socket] = listen
    ) -> None:
        self._emit = emit
        self._availability = Availability(emit, SourceName.ISCSI)
        # Asking for the socket of a module that is not there makes the kernel load it (netlink_create()).
        self._module = sysfs / "class" / "iscsi_transport"
        self._opened = opened
        self._buffer = bytearray(LENGTH)

    async def run(self) -> None:
        """Listen until cancelled; without a socket, try again every ``RETRY_AFTER`` seconds."""
        while True:
            try:
                await self._hear()
            except OSError as error:
                self._down(error)
            await asyncio.sleep(RETRY_AFTER)

    async def _hear(self) -> None:
        """Raises ``OSError`` when there is no socket to listen to, or no more."""
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

    def _down(self, error: OSError) -> None:
        detail = f"the iSCSI netlink socket can't be read ({error.strerror or error})"
        match error.errno:
            case errno.EPROTONOSUPPORT:
                reason, detail = NO_MODULE, "no iSCSI session can be without scsi_transport_iscsi, which is not loaded"
            case errno.EPERM | errno.EACCES:
                reason, detail = "not_permitted", f"{detail}; let the service keep CAP_NET_ADMIN"
            case number:
                reason = errno.errorcode.get(number or 0, "error")
        self._availability.report_down(reason, detail)

    def _drain(self, receiver: socket.socket, broken: asyncio.Future[None]) -> None:
        """Read what waits; a socket that has nothing more to give ends ``broken``."""
        for _ in range(BATCH):
            try:
                size, _, _, sender = receiver.recvmsg_into([self._buffer])
            except (BlockingIOError, InterruptedError):
                return
            except OSError as error:
                if error.errno == errno.ENOBUFS:
                    # Told once; what comes until the queue is drained is dropped as well (net/netlink/af_netlink.c).
                    self._availability.report_problems({"overflow": 1})
                    continue
                asyncio.get_running_loop().remove_reader(receiver)
                broken.set_exception(error)
                return
            event = parse(memoryview(self._buffer)[:size]) if sender[0] == KERNEL else None
            self._buffer[:] = _BLANK
            if event is not None:
                self._emit(event)
