"""Where to listen: what may be written, and what is said when it can't be had."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import closing

import pytest

from mpathd_watch.sinks.http import listen
from mpathd_watch.sinks.http.listen import ALL_ADDRESSES, Listen, ListenError, open_socket, parse_listen


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (":10068", ALL_ADDRESSES),
        ("[::]:10068", ALL_ADDRESSES),
        ("0.0.0.0:9100", Listen("0.0.0.0", 9100)),
        ("192.0.2.1:0", Listen("192.0.2.1", 0)),
        ("[2001:db8::1]:10068", Listen("2001:db8::1", 10068)),
        (" localhost:1 ", Listen("localhost", 1)),
    ],
)
def test_addresses_are_read(text: str, expected: Listen) -> None:
    assert parse_listen(text) == expected


@pytest.mark.parametrize("text", ["", "10068", "host", "host:", "host:http", ":65536", ":-1", ":٣", "2001:db8::1:80"])
def test_nonsense_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(ListenError, match="write") as caught:
        parse_listen(text)
    assert repr(text) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_address_is_written_as_it_is_read() -> None:
    for text in (":10068", "192.0.2.1:80", "[2001:db8::1]:10068"):
        assert str(parse_listen(text)) == text


@pytest.fixture
def taken() -> Iterator[int]:
    with closing(open_socket(Listen("127.0.0.1", 0))) as first:
        yield first.getsockname()[1]


def test_a_taken_port_names_address_reason_and_remedy(taken: int) -> None:
    with pytest.raises(ListenError, match=rf"127\.0\.0\.1:{taken}: the port is taken .*--listen"):
        open_socket(Listen("127.0.0.1", taken))


def test_a_foreign_address_is_refused() -> None:
    with pytest.raises(ListenError, match=r"192\.0\.2\.77:0: no interface of this host"):
        open_socket(Listen("192.0.2.77", 0))


def test_a_name_nobody_knows_is_refused() -> None:
    with pytest.raises(ListenError, match="no such address"):
        open_socket(Listen("no-such-host.invalid", 0))


def test_a_forbidden_port_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(listen, "_bind", refuse)
    with pytest.raises(ListenError, match=r":80: no permission .* above 1023"):
        open_socket(Listen("", 80))


def test_a_host_without_ipv6_listens_on_ipv4(monkeypatch: pytest.MonkeyPatch) -> None:
    bind = listen._bind

    def without_ipv6(family: int, address: tuple[object, ...]) -> socket.socket:
        if family == socket.AF_INET6:
            raise OSError(97, "Address family not supported by protocol")
        return bind(family, address)

    monkeypatch.setattr(listen, "_bind", without_ipv6)
    with closing(open_socket(Listen("", 0))) as bound:
        assert bound.family == socket.AF_INET
