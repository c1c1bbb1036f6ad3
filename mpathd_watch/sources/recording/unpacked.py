"""A gzip file that may be torn or damaged: everything up to there can be read."""

from __future__ import annotations

import io
import zlib
from typing import IO, Any

MAGIC = b"\x1f\x8b"
"""How a gzip file begins (RFC 1952)."""

_WINDOW = 31
"""``wbits`` of zlib for a gzip file."""
_BLOCK = 1 << 16


class DamagedError(Exception):
    """What follows can't be decompressed."""


class Unpacked(io.RawIOBase):
    """The content of ``packed``. A file that lacks its end is read as far as it goes.

    Reading raises ``DamagedError`` where the damage is, not before.
    """

    def __init__(self, packed: IO[bytes]) -> None:
        self._packed = packed
        self._unpacker = zlib.decompressobj(_WINDOW)
        self._content = b""
        self._damaged = False

    def readable(self) -> bool:
        """It is."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Read up to the size of ``buffer``; 0 at the end."""
        while not self._content:
            packed = self._unpacker.unconsumed_tail or self._unpacker.unused_data or self._packed.read(_BLOCK)
            if not packed:
                return 0
            if self._unpacker.eof:  # several gzip files may follow each other in one
                self._unpacker = zlib.decompressobj(_WINDOW)
            self._content = self._unpack(packed)
        count = min(len(buffer), len(self._content))
        buffer[:count], self._content = self._content[:count], self._content[count:]
        return count

    def _unpack(self, packed: bytes) -> bytes:
        if self._damaged:
            raise DamagedError
        before = self._unpacker.copy()
        try:
            return self._unpacker.decompress(packed, _BLOCK)
        except zlib.error:
            self._damaged = True
        # zlib gives nothing of a piece that has damage in it, so the piece is cut up.
        whole = bytearray()
        try:
            for byte in packed:
                whole += before.decompress(bytes((byte,)))
        except zlib.error:
            return bytes(whole) or self._unpack(packed)
        return bytes(whole)
