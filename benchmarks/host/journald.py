"""A journald that keeps every entry with the moment at which the kernel put it into the socket's queue."""

from __future__ import annotations

import contextlib
import re
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from mpathd_watch.sinks.journald import SOCKET
from mpathd_watch.sources.netlink.groups import SO_RCVBUFFORCE

SO_TIMESTAMPNS = 35
"""Has the kernel stamp each datagram as it is sent, in CLOCK_REALTIME (asm-generic/socket.h)."""
BUFFER = 64 << 20

_EVENT = re.compile(rb"^MPATHD_WATCH_EVENT=(.*)$", re.MULTILINE)
_TIME = struct.Struct("@qq")


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry in the native format, and when it was sent, in nanoseconds."""

    at: int
    data: bytes

    @property
    def event(self) -> str:
        """Which alert it is; empty for an entry that is none."""
        found = _EVENT.search(self.data)
        return found[1].decode() if found else ""


class Journald:
    """Binds journald's socket and reads it on a thread."""

    def __init__(self, path: Path = SOCKET) -> None:
        self._path = path
        self._entries: list[Entry] = []
        self._begin()

    def _begin(self) -> None:
        self._over = False
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        with contextlib.suppress(PermissionError):
            self._socket.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, BUFFER)
        self._socket.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        self._socket.bind(str(self._path))
        self._socket.settimeout(0.2)
        self._thread = threading.Thread(target=self._read, name="journald", daemon=True)
        self._thread.start()

    def taken(self) -> list[Entry]:
        """What has come since the last call."""
        count = len(self._entries)
        taken = self._entries[:count]
        # The thread appends meanwhile, to the same list: no entry may be lost between two statements.
        del self._entries[:count]
        return taken

    def first(self, wanted: Callable[[Entry], bool], seconds: float) -> Entry | None:
        """The first entry of those not taken that is wanted; ``None`` if none comes in time."""
        deadline, seen = time.monotonic() + seconds, 0
        while time.monotonic() < deadline:
            for entry in self._entries[seen:]:
                seen += 1
                if wanted(entry):
                    return entry
            time.sleep(0.0005)
        return None

    def all_of(self, wanted: Callable[[Entry], bool], count: int, seconds: float, pause: float) -> list[Entry]:
        """The entries that are wanted, once there are ``count`` and none has come for ``pause`` more; they are taken.

        Fewer if they don't come within ``seconds``.
        """
        deadline, found = time.monotonic() + seconds, list[Entry]()
        quiet_since = time.monotonic()
        while time.monotonic() < deadline and (len(found) < count or time.monotonic() - quiet_since < pause):
            new = self.taken()
            if new:
                quiet_since = time.monotonic()
                found += filter(wanted, new)
            time.sleep(0.005)
        return found

    def close(self) -> None:
        """Read what has been sent, and accept no more: there is no journald until ``come_back``."""
        self._path.unlink(missing_ok=True)
        self._over = True
        self._socket.shutdown(socket.SHUT_RD)
        self._thread.join()
        self._socket.close()

    def come_back(self) -> None:
        """Another one binds the socket after ``close``."""
        self._begin()

    def _read(self) -> None:
        while True:
            try:
                data, ancillary, _flags, _address = self._socket.recvmsg(1 << 16, 256)
            except TimeoutError:
                if self._over:  # what was sent before has been read
                    return
            else:
                self._entries.append(Entry(_stamp(ancillary), data))


def _stamp(ancillary: list[tuple[int, int, bytes]]) -> int:
    for level, kind, data in ancillary:
        if (level, kind) == (socket.SOL_SOCKET, SO_TIMESTAMPNS):
            seconds, nanoseconds = _TIME.unpack_from(data)
            return int(seconds) * 1_000_000_000 + int(nanoseconds)
    return time.time_ns()


@contextlib.contextmanager
def journald() -> Iterator[Journald]:
    """A journald until the end of the block."""
    SOCKET.parent.mkdir(parents=True, exist_ok=True)
    reading = Journald()
    try:
        yield reading
    finally:
        reading.close()
