"""Requests to the kernel by netlink(7), and its answers, whose lengths are all checked.

Only requests that read (RTM_GET*, SOCK_DIAG_BY_FAMILY) may be sent here. They need no privilege.
"""

from __future__ import annotations

import errno
import os
import socket
import struct
import sys
from collections.abc import Callable, Container, Iterator
from time import monotonic
from typing import NamedTuple, Self, TypeVar

from mpathd_watch.core.model.text import clean

Result = TypeVar("Result")

NLMSG_ERROR = 2
NLMSG_DONE = 3
NLM_F_REQUEST = 0x001
NLM_F_DUMP_INTR = 0x010
NLM_F_DUMP = 0x300

HEADER = struct.Struct("=IHHII")
"""struct nlmsghdr."""
KERNEL = 0
"""The port id of the kernel as a sender."""
DATAGRAM = 1 << 16
"""Twice the size of the largest part of a dump (netlink_dump() in net/netlink/af_netlink.c)."""
PATIENCE = 1.0
"""Seconds to wait for an answer, or for each part of a dump."""
DUMP_PATIENCE = 10.0
"""Seconds to wait for the end of a dump."""
ATTEMPTS = 3
"""Dumps of a table that changes during each of them. The last one is used as it is."""

_ATTRIBUTE = struct.Struct("=HH")  # struct nlattr; struct rtattr has the same layout
_TYPE = 0x3FFF  # NLA_TYPE_MASK: without NLA_F_NESTED and NLA_F_NET_BYTEORDER
_ERROR = struct.Struct("=i")
_MAX_ERRNO = 4095


class Message(NamedTuple):
    """One message of a datagram, without its header; ``kind`` is nlmsg_type."""

    kind: int
    flags: int
    sequence: int
    body: bytes


def messages(datagram: bytes) -> Iterator[Message]:
    """The messages of a datagram, up to one that claims to be longer than the rest of the datagram."""
    offset = 0
    while offset + HEADER.size <= len(datagram):
        length, kind, flags, sequence, _sender = HEADER.unpack_from(datagram, offset)
        if not HEADER.size <= length <= len(datagram) - offset:
            return
        yield Message(kind, flags, sequence, datagram[offset + HEADER.size : offset + length])
        offset += _aligned(length)


def attributes(body: bytes, offset: int, wanted: Container[int]) -> dict[int, bytes]:
    """The ``wanted`` attributes in ``body`` from ``offset`` on; of several of one type the last, as in the kernel."""
    found: dict[int, bytes] = {}
    while offset + _ATTRIBUTE.size <= len(body):
        length, kind = _ATTRIBUTE.unpack_from(body, offset)
        if not _ATTRIBUTE.size <= length <= len(body) - offset:
            break
        if kind & _TYPE in wanted:
            found[kind & _TYPE] = body[offset + _ATTRIBUTE.size : offset + length]
        offset += _aligned(length)
    return found


def attribute(kind: int, value: bytes) -> bytes:
    """An attribute for a request."""
    return _ATTRIBUTE.pack(_ATTRIBUTE.size + len(value), kind) + value + bytes(_aligned(len(value)) - len(value))


def number(raw: bytes | None) -> int | None:
    """The value of a 32-bit attribute."""
    return int.from_bytes(raw, sys.byteorder) if raw is not None and len(raw) == 4 else None


def interface_name(index: int) -> str:
    """The name of the interface with this index; ``""`` if there is none."""
    try:
        return clean(socket.if_indextoname(index))
    except (OSError, OverflowError, ValueError):  # Python 3.14 raises ValueError for a negative index
        return ""


class Conversation:
    """A netlink socket for one request at a time. Use it in a ``with`` statement, which closes it.

    Every method raises ``OSError`` if the kernel answers with an error or not in time (``TimeoutError``).
    """

    def __init__(self, protocol: int) -> None:
        self._socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, protocol)
        self._sequence = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_failure: object) -> None:
        self._socket.close()

    def ask(self, kind: int, body: bytes) -> Message | None:
        """The one answer to a request; ``None`` if it is empty."""
        self._send(kind, NLM_F_REQUEST, body)
        for answer in self._answers(monotonic() + PATIENCE):
            if answer.kind not in (NLMSG_ERROR, NLMSG_DONE):
                return answer
            _raise_error(answer)
            break
        return None

    def dump(self, kind: int, body: bytes, parse: Callable[[Message], Result | None]) -> list[Result]:
        """Each message of a dump as ``parse`` reads it; those for which it returns ``None`` are left out."""
        found: list[Result] = []
        for _ in range(ATTEMPTS):
            found, torn = self._dump(kind, body, parse)
            if not torn:
                break
        return found

    def _dump(self, kind: int, body: bytes, parse: Callable[[Message], Result | None]) -> tuple[list[Result], bool]:
        found: list[Result] = []
        torn = False
        self._send(kind, NLM_F_REQUEST | NLM_F_DUMP, body)
        for part in self._answers(monotonic() + DUMP_PATIENCE):
            torn = torn or bool(part.flags & NLM_F_DUMP_INTR)
            if part.kind in (NLMSG_ERROR, NLMSG_DONE):
                _raise_error(part)
                break
            result = parse(part)
            if result is not None:
                found.append(result)
        return found, torn

    def _send(self, kind: int, flags: int, body: bytes) -> None:
        self._sequence += 1
        header = HEADER.pack(HEADER.size + len(body), kind, flags, self._sequence, 0)
        self._socket.sendto(header + body, (KERNEL, 0))

    def _answers(self, until: float) -> Iterator[Message]:
        """The kernel's messages in answer to the last request, without an end: the caller knows which is the last."""
        while True:
            left = until - monotonic()
            if left <= 0:
                raise TimeoutError(errno.ETIMEDOUT, "the kernel did not answer")
            self._socket.settimeout(min(left, PATIENCE))
            datagram, _, flags, sender = self._socket.recvmsg(DATAGRAM)
            if sender[0] != KERNEL:
                continue
            if flags & socket.MSG_TRUNC:
                raise OSError(errno.EMSGSIZE, os.strerror(errno.EMSGSIZE))
            for message in messages(datagram):
                if message.sequence == self._sequence:
                    yield message


def _raise_error(message: Message) -> None:
    """Raise the error that the kernel reports. NLMSG_DONE carries the error of a dump that broke off."""
    if len(message.body) < _ERROR.size:
        if message.kind == NLMSG_ERROR:
            raise OSError(errno.EBADMSG, os.strerror(errno.EBADMSG))
        return
    (code,) = _ERROR.unpack_from(message.body)
    if -_MAX_ERRNO <= code < 0:
        raise OSError(-code, os.strerror(-code))


def _aligned(length: int) -> int:
    return (length + 3) & ~3
