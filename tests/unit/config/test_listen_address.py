"""The address to listen on: what may be written, and how it is written back."""

from __future__ import annotations

import pytest

from mpathd_watch.config.listen_address import LISTEN_PLACES, ListenAddress, UnixPath, read_listen_address, read_place


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (":10068", ListenAddress("", 10068)),
        ("[::]:10068", ListenAddress("", 10068)),
        ("0.0.0.0:9100", ListenAddress("0.0.0.0", 9100)),
        ("192.0.2.1:0", ListenAddress("192.0.2.1", 0)),
        ("[2001:db8::1]:10068", ListenAddress("2001:db8::1", 10068)),
        (" localhost:1 ", ListenAddress("localhost", 1)),
    ],
)
def test_addresses_are_read(text: str, expected: ListenAddress) -> None:
    assert read_listen_address(text) == expected


@pytest.mark.parametrize(
    "value",
    [
        *("", "10068", "host", "host:", "host:http", ":65536", ":-1", ":\u0663", "2001:db8::1:80", f":{'9' * 5000}"),
        *("a\nb:80", 10068, True, [":10068"]),
    ],
)
def test_anything_else_is_refused(value: object) -> None:
    assert read_listen_address(value) is None


@pytest.mark.parametrize("text", [":10068", "192.0.2.1:80", "[2001:db8::1]:10068"])
def test_an_address_is_written_as_it_is_read(text: str) -> None:
    assert str(read_listen_address(text)) == text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("unix:/run/a.sock", UnixPath("/run/a.sock")),
        (" unix:/a b ", UnixPath("/a b")),
        (":1", ListenAddress("", 1)),
        ("unix:relative", None),
        ("unix:", None),
        ("unix:/" + "x" * 107, None),
        ("unix:/a\nb", None),
        ("unix:/a\0b", None),
        ("vsock://:9100", None),
        (7, None),
    ],
)
def test_a_place_is_an_address_or_a_path(text: object, expected: object) -> None:
    assert read_place(text) == expected
    if expected is not None:
        assert read_place(str(expected)) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (":1", [":1"]),
        ([":1", "[::1]:1", "unix:/a", ":1"], [":1", "[::1]:1", "unix:/a"]),
        ([], None),
        ([":1", 2], None),
        ([[":1"]], None),
        ([f":{number}" for number in range(17)], None),
    ],
)
def test_several_places_are_a_list(value: object, expected: list[str] | None) -> None:
    found = LISTEN_PLACES.read(value)
    assert (None if found is None else [str(each) for each in found]) == expected
