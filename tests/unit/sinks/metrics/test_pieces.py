"""Compressed pieces, joined, are one gzip member of all the text."""

from __future__ import annotations

import gzip
import shutil
import subprocess
import tracemalloc
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mpathd_watch.sinks.metrics.pieces import Check, Piece, Text, gzip_member

TEXTS = st.lists(st.lists(st.binary(max_size=300), max_size=4), max_size=4)


def texts(contents: list[list[bytes]]) -> list[Text]:
    return [Text([Piece(content) for content in text]) for text in contents]


@given(TEXTS)
def test_one_member_holds_all_the_text(contents: list[list[bytes]]) -> None:
    packed = b"".join(gzip_member(texts(contents)))
    inflate = zlib.decompressobj(wbits=31)
    assert inflate.decompress(packed) == b"".join(piece for text in contents for piece in text)
    assert inflate.eof
    assert inflate.unused_data == b""


@given(st.lists(st.binary(max_size=300)))
def test_the_check_of_the_whole_follows_from_those_of_its_pieces(contents: list[bytes]) -> None:
    whole = Check()
    for content in contents:
        whole = whole.then(Text([Piece(content)]).check)
    assert whole.crc == zlib.crc32(b"".join(contents))
    assert whole.length == sum(map(len, contents))


def test_a_long_text_has_a_power_of_its_length() -> None:
    long = bytes(range(256)) * 40_000
    assert Text([Piece(b"start")]).check.then(Text([Piece(long)]).check).crc == zlib.crc32(b"start" + long)


def test_what_is_computed_of_a_piece_is_kept() -> None:
    piece = Piece(b"text" * 100)
    assert piece.deflated is piece.deflated
    assert len(piece.deflated) < 50


@given(TEXTS, st.lists(st.booleans()))
def test_what_is_packed_is_still_the_same_text(contents: list[list[bytes]], chosen: list[bool]) -> None:
    found, packing = texts(contents), iter(chosen)
    for piece in (piece for text in found for piece in text.pieces):
        if next(packing, False):
            piece.pack()
    packed = b"".join(gzip_member(found))
    assert gzip.decompress(packed) == b"".join(piece for text in contents for piece in text)
    assert [[piece.text for piece in text.pieces] for text in found] == contents


@pytest.mark.parametrize("size", [0, 1, 65_535, 65_536, 65_537, 200_000])
def test_the_check_of_a_packed_piece_follows_from_its_own(size: int) -> None:
    piece = Piece(bytes(number * 7 % 256 for number in range(size)))
    whole = zlib.crc32(piece.text, zlib.crc32(b"start"))
    piece.pack()
    assert piece.crc_after(zlib.crc32(b"start")) == whole


def test_a_packed_piece_takes_little_memory() -> None:
    tracemalloc.start()
    pieces = [Piece(b"one line of the text\n" * 1000) for _ in range(20)]
    plain = tracemalloc.get_traced_memory()[0]
    for piece in pieces:
        piece.pack()
    packed = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert packed < plain / 20


@pytest.mark.skipif(shutil.which("gzip") is None, reason="NOT TESTED with gzip(1): it is not installed")
def test_other_programs_read_it() -> None:
    packed = b"".join(gzip_member(texts([[b"one\n", b"", b"two\n"], [b"three\n"]])))
    assert gzip.decompress(packed) == b"one\ntwo\nthree\n"
    found = subprocess.run(["gzip", "-dc"], input=packed, capture_output=True, check=True)  # noqa: S607  # the system's
    assert (found.stdout, found.stderr) == (b"one\ntwo\nthree\n", b"")
