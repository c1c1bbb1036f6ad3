"""The kernel's own socket of uevents, and the text of each as the kernel sends it (lib/kobject_uevent.c).

udevd passes each uevent on in a group of its own once it has processed it: when 512 maps failed at once, it was up to
190 s late in the lab. Therefore nobody stands between the kernel and this socket.
"""

from __future__ import annotations

import socket

from mpathd_watch.sources.netlink.conversation import KERNEL
from mpathd_watch.sources.netlink.groups import listening

NETLINK_KOBJECT_UEVENT = 15
GROUP_KERNEL = 1
BUFFER = 128 * 1024 * 1024
"""Requested bytes of receive buffer, the same as multipathd's. Only pending events take memory."""
LONGEST = 8192
"""Bytes that are received of a uevent. The kernel makes none that is longer (UEVENT_BUFFER_SIZE, and a first line)."""

_WANTED = (b"\0SUBSYSTEM=block\0", b"\0SUBSYSTEM=scsi\0")


class KernelSocket:
    """An open socket that receives uevents. Raises ``OSError`` if it can't be opened."""

    def __init__(self) -> None:
        self.socket: socket.socket = listening(NETLINK_KOBJECT_UEVENT, GROUP_KERNEL, BUFFER)
        self.fileno = self.socket.fileno
        self.close = self.socket.close

    def receive(self) -> bytes | None:
        """The next datagram of the kernel, ``None`` if there is none. Raises ``OSError`` if any were lost."""
        while True:
            try:
                datagram, sender = self.socket.recvfrom(LONGEST)
            except (BlockingIOError, InterruptedError):
                return None
            if sender[0] == KERNEL:
                return datagram


def is_wanted(datagram: bytes) -> bool:
    """Whether it is about a block device or a SCSI device: no value of a property holds a NUL."""
    return any(subsystem in datagram for subsystem in _WANTED)


def properties(datagram: bytes) -> dict[str, str]:
    """The properties in a uevent, after the first line, which is ``ACTION@DEVPATH``. Raises ``UnicodeDecodeError``."""
    return dict(part.split("=", 1) for part in datagram.decode().split("\0")[1:] if "=" in part)


def name_of(device_path: str) -> str:
    """The name of a device. A ``/`` in it is ``!`` in its path (kobject_set_name_vargs() in lib/kobject.c)."""
    return device_path.rpartition("/")[2].replace("!", "/")
