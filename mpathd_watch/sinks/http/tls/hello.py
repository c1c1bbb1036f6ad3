"""The first message of TLS: which curves a client knows (RFC 8446, 4.1.2 and 4.2.7)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

MOST: Final = 8192
"""Bytes in which the message must be complete."""
MOST_RECORDS: Final = 4
"""Clients need one. A message of more is not worth the time to look at it again with each byte."""
_HANDSHAKE: Final = 22
_CLIENT_HELLO: Final = 1
_SUPPORTED_GROUPS: Final = 10
_VERSION_AND_RANDOM: Final = 2 + 32


def curves(data: bytes) -> frozenset[int] | None:
    """The numbers of the curves that a client offers, ``None`` while its message is not complete.

    Whatever is no such message has none: what is wrong with it is for OpenSSL to find.
    """
    message = _message(data)
    if message is None:
        return None if len(data) < MOST else frozenset()
    try:
        return frozenset(_groups(_Cut(message)))
    except ValueError:
        return frozenset()


def _message(data: bytes) -> bytes | None:
    """The handshake message at the beginning, without its header, out of as many records as it takes."""
    message, rest = b"", data
    for _ in range(MOST_RECORDS):
        if rest and rest[0] != _HANDSHAKE:
            return b""
        if len(rest) < 5:
            return None
        length = int.from_bytes(rest[3:5])
        part, rest = rest[5 : 5 + length], rest[5 + length :]
        message += part
        if len(message) >= 4:
            end = 4 + int.from_bytes(message[1:4])
            if message[0] != _CLIENT_HELLO or len(message) >= end:
                return message[4:end]
        if len(part) < length:
            return None
    return b""


class _Cut:
    """Cuts one part after the other off the beginning. Raises ``ValueError`` where too little is left."""

    def __init__(self, data: bytes) -> None:
        self.rest = data

    def take(self, length: int) -> bytes:
        """The next bytes."""
        if length > len(self.rest):
            raise ValueError
        part, self.rest = self.rest[:length], self.rest[length:]
        return part

    def vector(self, size: int) -> bytes:
        """The next bytes, whose number is before them, in ``size`` bytes."""
        return self.take(int.from_bytes(self.take(size)))


def _groups(message: _Cut) -> Iterator[int]:
    message.take(_VERSION_AND_RANDOM)
    for size in (1, 2, 1):  # the session, the ciphers, the compressions
        message.vector(size)
    extensions = _Cut(message.vector(2))
    while extensions.rest:
        kind, content = int.from_bytes(extensions.take(2)), _Cut(extensions.vector(2))
        if kind == _SUPPORTED_GROUPS:
            groups = _Cut(content.vector(2))
            while groups.rest:
                yield int.from_bytes(groups.take(2))
