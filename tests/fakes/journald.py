"""A journald on a real datagram socket, which reads only when it is asked to."""

from __future__ import annotations

import contextlib
import fcntl
import os
import socket
import struct
from pathlib import Path

SEALS = fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_WRITE | fcntl.F_SEAL_SEAL
Fields = list[tuple[str, bytes]]


def parse(entry: bytes) -> Fields:
    """The fields of an entry, as journald reads the native format (journald-native.c)."""
    fields: Fields = []
    while entry:
        line, _, rest = entry.partition(b"\n")
        name, equals, value = line.partition(b"=")
        if not equals:
            (size,) = struct.unpack_from("<Q", rest)
            value, end, rest = rest[8 : 8 + size], rest[8 + size : 9 + size], rest[9 + size :]
            assert end == b"\n"
        fields.append((name.decode("ascii"), value))
        entry = rest
    return fields


class Journald:
    """Binds ``path``. Nothing reads it until ``read`` is called."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        path.unlink(missing_ok=True)
        self.socket.bind(str(path))
        self._others: list[socket.socket] = []

    def fill(self) -> int:
        """Fill the queue from several sockets, as other services of the host would. Returns the number of entries."""
        sent = 0
        for _ in range(3):
            other = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
            other.setblocking(False)
            self._others.append(other)
            with contextlib.suppress(BlockingIOError):
                while True:
                    other.sendto(b"MESSAGE=another service\n", str(self.path))
                    sent += 1
        return sent

    def read(self, timeout: float = 5.0) -> Fields | None:
        """The next entry of ours; ``None`` if none comes in time."""
        self.socket.settimeout(timeout)
        while True:
            try:
                data, ancillary, _flags, _address = self.socket.recvmsg(1 << 20, 256)
            except TimeoutError:
                return None
            if data != b"MESSAGE=another service\n":
                return parse(_in_memory(ancillary) if ancillary else data)

    def messages(self, count: int, timeout: float = 5.0) -> list[str]:
        """The messages of the next ``count`` entries, of fewer if they don't come in time."""
        found: list[str] = []
        while len(found) < count and (entry := self.read(timeout)) is not None:
            found.append(dict(entry)["MESSAGE"].decode())
        return found

    def close(self) -> None:
        """Close the sockets; the file stays, as after a crash."""
        for each in (self.socket, *self._others):
            each.close()


def _in_memory(ancillary: list[tuple[int, int, bytes]]) -> bytes:
    ((_level, kind, data),) = ancillary
    assert kind == socket.SCM_RIGHTS
    (descriptor,) = struct.unpack("i", data)
    try:
        # Without all four seals journald refuses it.
        assert fcntl.fcntl(descriptor, fcntl.F_GET_SEALS) == SEALS
        return os.pread(descriptor, os.fstat(descriptor).st_size, 0)
    finally:
        os.close(descriptor)
