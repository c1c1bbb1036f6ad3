"""Text in pieces that are compressed once: joined, the compressed pieces are one gzip member.

A reader of gzip must accept several members in a row (RFC 1952, 2.2), but curl 7.88 reads the first one only. So the
pieces are blocks of raw deflate, each of which ends at a byte and refers to nothing before it, and the CRC-32 of the
whole is computed from those of the texts: that of A followed by B is A's, multiplied by x^(8 * length of B), plus B's,
in the polynomials over GF(2) modulo the CRC's own.
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
_POLYNOMIAL: Final = 0xEDB88320
"""That of CRC-32, reflected: bit 31 is the coefficient of x^0 (RFC 1952, 8)."""
_ONE: Final = 1 << 31


class Piece:
    """Some text that does not change."""

    def __init__(self, text: bytes) -> None:
        self.text = text

    @cached_property
    def deflated(self) -> bytes:
        """The text as blocks of raw deflate."""
        deflate = zlib.compressobj(_LEVEL, zlib.DEFLATED, -zlib.MAX_WBITS)
        return deflate.compress(self.text) + deflate.flush(zlib.Z_FULL_FLUSH)


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
        """That of all pieces. To read them is quicker than to multiply for each."""
        crc = length = 0
        for piece in self.pieces:
            crc = zlib.crc32(piece.text, crc)
            length += len(piece.text)
        return Check(crc, _power(length), length)


def gzip_member(texts: Iterable[Text]) -> Iterator[bytes]:
    """The texts as one gzip member, in parts."""
    whole = Check()
    yield _HEADER
    for text in texts:
        yield from (piece.deflated for piece in text.pieces)
        whole = whole.then(text.check)
    yield _LAST_BLOCK + whole.crc.to_bytes(4, "little") + (whole.length & 0xFFFFFFFF).to_bytes(4, "little")


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
