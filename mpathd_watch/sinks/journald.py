"""journald's native protocol: one datagram an entry, sent without ever waiting for longer than asked.

libsystemd's own functions wait without a limit while journald does not read, and python-systemd calls them with the
interpreter lock held: the whole process would stand still. The format is the one of systemd's JOURNAL_NATIVE_PROTOCOL.
"""

from __future__ import annotations

import array
import contextlib
import errno
import fcntl
import os
import re
import select
import socket
import struct
import time
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import Final

from mpathd_watch.sinks.backlog import BusyError

SOCKET: Final = Path("/run/systemd/journal/socket")
SEND_BUFFER: Final = 8 << 20
"""Requested bytes of send buffer, as libsystemd's: what journald has not read yet counts as the sender's memory."""

SO_SNDBUFFORCE: Final = 32
"""From asm-generic/socket.h; the socket module does not have it."""

_NAME: Final = re.compile(r"[A-Z][A-Z0-9_]{0,63}")
_LENGTH: Final = struct.Struct("<Q")
_TOO_LARGE: Final = frozenset({errno.EMSGSIZE, errno.ENOBUFS})
_LATER: Final = frozenset(
    {
        *(errno.ENOENT, errno.ENOTDIR, errno.EACCES, errno.ECONNREFUSED, errno.ENOTCONN, errno.ECONNRESET, errno.EPIPE),
        *(errno.EPROTOTYPE, errno.ETOOMANYREFS, errno.ENOMEM, errno.EMFILE, errno.ENFILE),
    }
)
"""Errors that are not the entry's fault: the socket does not exist at present, no process reads it, or memory or
descriptors are short. A later attempt may succeed."""
_COMPETED: Final = 0.002
"""Seconds to wait when there was room in journald's queue, and other senders have taken it."""
_SEALS: Final = fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_WRITE | fcntl.F_SEAL_SEAL


def encode(fields: Iterable[tuple[str, str]]) -> bytes:
    """An entry with these fields in the native format. A value may hold anything, line breaks included.

    journald accepts names of at most 64 capital letters, digits and underscores that begin with a letter. A field with
    another name is left out: its name could end the line, and forge the next field.
    """
    parts: list[bytes] = []
    for name, value in fields:
        if raw_name := _encoded(name):
            raw = value.encode("utf-8", "backslashreplace")
            parts += (raw_name, b"\n", _LENGTH.pack(len(raw)), raw) if b"\n" in raw else (raw_name, b"=", raw)
            parts.append(b"\n")
    return b"".join(parts)


@lru_cache(maxsize=256)
def _encoded(name: str) -> bytes:
    """The name of a field, empty if journald does not accept it. There are few, and each entry has most of them."""
    return name.encode() if _NAME.fullmatch(name) else b""


class Journald:
    """The socket that journald reads at ``path``. Only one thread may use it."""

    def __init__(self, path: Path = SOCKET) -> None:
        self._path = path
        self._socket: socket.socket | None = None

    def send(self, entry: bytes, patience: float) -> None:
        """Send an entry, and wait for at most ``patience`` seconds if journald's queue is full.

        Raises ``BusyError`` if the queue is still full then, or if there is no journald at present; ``OSError`` if this
        entry can't be sent.
        """
        try:
            self._attempt(entry, patience)
        except OSError as error:
            self._check(error)
            # The socket that this was connected to has been replaced by another one.
            try:
                self._attempt(entry, patience)
            except OSError as again:
                self._check(again)
                raise BusyError(waited=False) from None

    def close(self) -> None:
        """Close the socket; the next entry opens a new one."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _check(self, error: OSError) -> None:
        """Close the socket if a later attempt may succeed, else raise the error."""
        if error.errno not in _LATER:
            raise error
        self.close()

    def _attempt(self, entry: bytes, patience: float) -> None:
        connection = self._connected()
        until = time.monotonic() + patience
        pause = 0.0
        while True:
            try:
                _send(connection, entry)
            except BlockingIOError:
                if pause:
                    time.sleep(pause)
                if not _is_writable_by(connection, until):
                    raise BusyError(waited=True) from None
                pause = _COMPETED
            else:
                return

    def _connected(self) -> socket.socket:
        if self._socket is None:
            connection = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
            try:
                connection.setblocking(False)
                _enlarge(connection)
                # Connected, poll(2) waits for room in journald's queue; otherwise only for room in our own buffer.
                connection.connect(str(self._path))
            except BaseException:
                connection.close()
                raise
            self._socket = connection
        return self._socket


def _enlarge(connection: socket.socket) -> None:
    try:
        connection.setsockopt(socket.SOL_SOCKET, SO_SNDBUFFORCE, SEND_BUFFER)
    except PermissionError:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)


def _is_writable_by(connection: socket.socket, until: float) -> bool:
    poll = select.poll()
    poll.register(connection, select.POLLOUT)
    return bool(poll.poll(max(0.0, until - time.monotonic()) * 1000)) and time.monotonic() < until


def _send(connection: socket.socket, entry: bytes) -> None:
    try:
        connection.send(entry)
    except OSError as error:
        if error.errno not in _TOO_LARGE:
            raise
        _send_in_memory(connection, entry)


def _send_in_memory(connection: socket.socket, entry: bytes) -> None:
    """Send an entry that is too large for a datagram in a sealed memory file, whose descriptor the datagram carries."""
    descriptor = os.memfd_create("mpathd-watch-journal", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    with contextlib.closing(os.fdopen(descriptor, "wb", buffering=0)) as file:
        rest = memoryview(entry)
        while rest:
            rest = rest[file.write(rest) :]
        fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, _SEALS)
        rights = array.array("i", [descriptor])
        connection.sendmsg([b""], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, rights)])
