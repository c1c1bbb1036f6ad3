"""Text in pieces that are compressed once: joined, the compressed pieces are one gzip member.

A reader of gzip must accept several members in a row (RFC 1952, 2.2), but curl 7.88 reads the first one only. So the
pieces are blocks of raw deflate, each of which ends at a byte and refers to nothing before it, and the CRC-32 of the
whole is computed from those of the texts: that of A followed by B is A's, multiplied by x^(8 * length of B), plus B's,
in the polynomials over GF(2) modulo the CRC's own.

Compressed, the text takes a twentieth of the memory. A piece that nobody wants to have plain is kept in that form only.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator, Sequence
from functools import cache, cached_property, lru_cache
from typing import Final

_LEVEL: Final = 1
"""The text is so repetitive that level 9 takes several times as long to save a few per cent more."""
_HEADER: Final = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x04\xff"
"""Deflate, no name, no time, compressed fast, by an unknown operating system (RFC 1952, 2.3)."""
_LAST_BLOCK: Final = b"\x03\x00"
"""An empty block with the bit set that it is the last one (RFC 1951, 3.2.3)."""
_ZEROS: Final = memoryview(bytes(1 << 16))
_ALL_BITS: Final = 0xFFFFFFFF
_POLYNOMIAL: Final = 0xEDB88320
"""That of CRC-32, reflected: bit 31 is the coefficient of x^0 (RFC 1952, 8)."""
_ONE: Final = 1 << 31


class Piece:
    """Some text that does not change: as it is, compressed, or both."""

    __slots__ = ("_deflated", "_text", "crc", "length")

    def __init__(self, text: bytes) -> None:
        self._text: bytes | None = text
        self._deflated: bytes | None = None
        self.length = len(text)
        """Bytes of the text."""
        self.crc: int | None = None
        """The CRC-32 of the text, once it has been compressed."""

    @property
    def text(self) -> bytes:
        """The text. Kept from now on, until ``pack``."""
        if self._text is None:
            self._text = zlib.decompress(self.deflated + _LAST_BLOCK, -zlib.MAX_WBITS, max(1, self.length))
        return self._text

    @property
    def deflated(self) -> bytes:
        """The text as blocks of raw deflate. Kept from now on."""
        if self._deflated is None:
            text, deflate = self.text, zlib.compressobj(_LEVEL, zlib.DEFLATED, -zlib.MAX_WBITS)
            self._deflated = deflate.compress(text) + deflate.flush(zlib.Z_FULL_FLUSH)
            self.crc = zlib.crc32(text)
        return self._deflated

    def pack(self) -> None:
        """Keep the compressed text only."""
        if self.deflated:
            self._text = None

    def crc_after(self, crc: int) -> int:
        """The CRC-32 of a text that has ``crc`` followed by this one, as zlib.crc32(text, crc) returns it.

        To read as many zeros is quicker than to multiply, and needs no text.
        """
        if self.crc is None:
            return zlib.crc32(self.text, crc)
        return self.crc ^ _multiplied(crc, self.length)


class Check:
    """The CRC-32 of a text, what it multiplies those of texts in front of it by, and its length in bytes."""

    __slots__ = ("crc", "length", "shift")

    def __init__(self, crc: int = 0, shift: int = _ONE, length: int = 0) -> None:
        self.crc = crc
        self.shift = shift
        self.length = length

    def then(self, other: Check) -> Check:
        """That of this text followed by another one."""
        crc = _product(other.shift, self.crc) ^ other.crc
        return Check(crc, _product(self.shift, other.shift), self.length + other.length)


class Text:
    """Pieces one after the other. It keeps what it has computed of them."""

    def __init__(self, pieces: Sequence[Piece]) -> None:
        self.pieces = pieces

    @cached_property
    def check(self) -> Check:
        """That of all pieces."""
        crc = length = 0
        for piece in self.pieces:
            crc = piece.crc_after(crc)
            length += piece.length
        return Check(crc, _power(length), length)


def gzip_member(texts: Iterable[Text]) -> Iterator[bytes]:
    """The texts as one gzip member, in parts."""
    whole = Check()
    yield _HEADER
    for text in texts:
        yield from (piece.deflated for piece in text.pieces)
        whole = whole.then(text.check)
    yield _LAST_BLOCK + whole.crc.to_bytes(4, "little") + (whole.length & _ALL_BITS).to_bytes(4, "little")


def _multiplied(crc: int, length: int) -> int:
    """The polynomial, multiplied by x^(8 * length): what so many zeros make of zlib's register, which it inverts."""
    register = crc ^ _ALL_BITS
    while length > 0:
        register = zlib.crc32(_ZEROS[:length], register)
        length -= len(_ZEROS)
    return register ^ _ALL_BITS


def _product(one: int, other: int) -> int:
    """The product of two polynomials modulo the CRC's."""
    product, bit = 0, _ONE
    while one:
        if one & bit:
            product ^= other
            one ^= bit
        bit >>= 1
        other = (other >> 1) ^ _POLYNOMIAL if other & 1 else other >> 1
    return product


@lru_cache(maxsize=4096)
def _power(length: int) -> int:
    """x^(8 * length) modulo the CRC's polynomial."""
    power = _ONE
    for bit in range(length.bit_length()):
        if length >> bit & 1:
            power = _product(power, _square(bit))
    return power


@cache
def _square(times: int) -> int:
    """x^8, squared so many times."""
    return _product(_square(times - 1), _square(times - 1)) if times else _ONE >> 8
