"""Uevents of dm as the kernel sends them, to all listeners in this process's network namespace."""

from __future__ import annotations

import socket
import struct
import time
from collections import Counter

from benchmarks.host.tree import Map

NETLINK_KOBJECT_UEVENT = 15
BUFFER = 8 << 20

_HEADER = struct.Struct("=IHHII")
_NO_TYPE, _REQUEST = 16, 1
"""NLMSG_MIN_TYPE and NLM_F_REQUEST: the kernel takes no message below the one, and none without the other."""


class Uevents:
    """What is sent to the kernel's own socket is broadcast with port 0, as its own (lib/kobject_uevent.c)."""

    def __init__(self) -> None:
        self._numbers: Counter[str] = Counter()
        self._socket = socket.socket(socket.AF_NETLINK, socket.SOCK_DGRAM, NETLINK_KOBJECT_UEVENT)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, BUFFER)

    def message(self, action: str, map_: Map, dev_t: str) -> bytes:
        """The uevent of a path that fails or returns (dm_build_path_uevent() in drivers/md/dm-uevent.c)."""
        self._numbers[map_.name] += 1
        place = f"/devices/virtual/block/{map_.sysfs_name}"
        keys = {
            "ACTION": "change",
            "DEVPATH": place,
            "SUBSYSTEM": "block",
            "DM_TARGET": "multipath",
            "DM_ACTION": action,
            "DM_SEQNUM": self._numbers[map_.name],
            "DM_PATH": dev_t,
            "DM_NR_VALID_PATHS": len(map_.paths) - (action == "PATH_FAILED"),
            "DM_NAME": map_.name,
            "DM_UUID": f"mpath-{map_.wwid}",
            "MAJOR": 254,
            "MINOR": map_.sysfs_name.removeprefix("dm-"),
            "DEVNAME": map_.sysfs_name,
            "DEVTYPE": "disk",
        }
        lines = [f"change@{place}", *(f"{key}={value}" for key, value in keys.items())]
        body = "".join(f"{line}\0" for line in lines).encode()
        return _HEADER.pack(_HEADER.size + len(body), _NO_TYPE, _REQUEST, 0, 0) + body

    def send(self, message: bytes) -> int:
        """Send it. Returns the moment before, in nanoseconds of CLOCK_REALTIME."""
        at = time.time_ns()
        self._socket.sendto(message, (0, 0))
        return at

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()
