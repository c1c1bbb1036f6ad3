"""Framing and addresses of multipathd's socket."""

from __future__ import annotations

import socket
import struct
from pathlib import Path

import pytest

from mpathd_watch.sources.multipathd import protocol


def test_a_request_is_its_length_with_the_nul_and_then_the_text() -> None:
    assert protocol.encode_request("show daemon") == struct.pack("@N", 12) + b"show daemon\0"


@pytest.mark.parametrize("length", [1, 511])
def test_requests_that_fit(length: int) -> None:
    assert len(protocol.encode_request("x" * length)) == protocol.LENGTH_SIZE + length + 1


@pytest.mark.parametrize("command", ["", "x" * 512, "a\0b", "é" * 256])
def test_requests_that_cannot_be_sent(command: str) -> None:
    with pytest.raises(ValueError, match="511 bytes"):
        protocol.encode_request(command)


@pytest.mark.parametrize("length", [1, 2, 32 * 1024 * 1024 - 1])
def test_lengths_of_replies(length: int) -> None:
    assert protocol.decode_length(struct.pack("@N", length)) == length


@pytest.mark.parametrize("length", [0, 32 * 1024 * 1024, 2**63, 2**64 - 1])
def test_absurd_lengths(length: int) -> None:
    with pytest.raises(protocol.BadLength, match=str(length)):
        protocol.decode_length(struct.pack("@N", length))


@pytest.mark.parametrize(
    ("body", "text"),
    [(b"ok\n\0", "ok\n"), (b"ok\n", "ok\n"), (b"\0", ""), (b"a\0\0\0\0", "a"), (b"\xffa\xc3\xa9\0", "\\xffaé")],
)
def test_texts_of_replies(body: bytes, text: str) -> None:
    assert protocol.decode_reply(body) == text


def test_addresses() -> None:
    assert protocol.addresses() == ("\0/org/kernel/linux/storage/multipathd", "/run/multipathd.socket")
    assert protocol.addresses("@/some/name") == ("\0/some/name",)
    assert protocol.addresses("/some/path") == ("/some/path",)
    assert [protocol.spell(address) for address in protocol.addresses("@x") + protocol.addresses("/y")] == ["@x", "/y"]
    with pytest.raises(ValueError, match="@"):
        protocol.addresses("@")


def test_an_abstract_address_has_no_trailing_nul(tmp_path: Path) -> None:
    name = f"@{tmp_path}"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(protocol.addresses(name)[0])
        assert listener.getsockname() == b"\0" + str(tmp_path).encode()
