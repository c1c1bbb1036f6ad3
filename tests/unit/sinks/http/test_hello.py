"""The first message of TLS: what a client offers, however it is cut."""

from __future__ import annotations

import ssl

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mpathd_watch.sinks.http.tls.hello import MOST, curves

RECORD = b"\x16\x03\x01"


def hello(curve: str = "") -> bytes:
    """What a client of OpenSSL sends first. Skips the test where Python can't choose the curve."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if curve:
        try:
            context.set_ecdh_curve(curve)
        except ssl.SSLError:
            pytest.skip(f"NOT TESTED: this Python can't choose {curve}")
    outgoing = ssl.MemoryBIO()
    client = context.wrap_bio(ssl.MemoryBIO(), outgoing, server_hostname="localhost")
    with pytest.raises(ssl.SSLWantReadError):
        client.do_handshake()
    return outgoing.read()


def records(message: bytes, *lengths: int) -> bytes:
    """A handshake message in records of these lengths, the last one with the rest."""
    parts = []
    for length in (*lengths, len(message)):
        part, message = message[:length], message[length:]
        parts.append(RECORD + len(part).to_bytes(2) + part)
    return b"".join(parts)


@pytest.mark.parametrize(
    ("curve", "number"), [("prime256v1", 23), ("secp384r1", 24), ("secp521r1", 25), ("X25519", 29)]
)
def test_one_curve(curve: str, number: int) -> None:
    assert curves(hello(curve)) == frozenset({number})


def test_all_curves() -> None:
    found = curves(hello())
    assert found is not None
    assert found >= {23, 24, 25, 29}


def test_a_message_that_is_not_complete() -> None:
    whole = hello()
    assert all(curves(whole[:length]) is None for length in range(len(whole)))


@settings(deadline=None)
@given(st.lists(st.integers(1, 200), max_size=3))
def test_a_message_in_several_records(lengths: list[int]) -> None:
    assert curves(records(hello("secp384r1")[5:], *lengths)) == frozenset({24})


def test_a_message_in_too_many_records() -> None:
    assert curves(records(hello("secp384r1")[5:], *[1] * 8)) == frozenset()


@pytest.mark.parametrize(
    "data",
    [
        b"GET / HTTP/1.1\r\n\r\n",
        RECORD + b"\x00\x04\x02\x00\x00\x00",
        RECORD + b"\x00\x04\x01\x00\x00\x00",
        RECORD + b"\x00\x08\x01\x00\x00\x04\x03\x03aa",
        RECORD + b"\x00\x00" + RECORD + b"\x00\x00" + RECORD + b"\x00\x00" + RECORD + b"\x00\x00",
        RECORD + b"\xff\xff" + b"\x01\x00\xff\xff" + bytes(MOST),
    ],
)
def test_what_is_no_such_message_offers_none(data: bytes) -> None:
    assert curves(data) == frozenset()


@settings(deadline=None)
@given(st.binary(max_size=300), st.integers(0, 300), st.integers(0, 300))
def test_no_bytes_are_an_error(noise: bytes, at: int, length: int) -> None:
    whole = hello()
    for data in (noise, whole[:at] + noise + whole[at + length :]):
        found = curves(data)
        assert found is None or all(0 <= each < 65536 for each in found)
