"""The socket of the HTTP server, and what is reported when it can't be opened."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import closing

import pytest

from mpathd_watch.config.listen_address import ListenAddress
from mpathd_watch.sinks.http import listen
from mpathd_watch.sinks.http.listen import ListenError, open_socket


@pytest.fixture
def taken() -> Iterator[int]:
    with closing(open_socket(ListenAddress("127.0.0.1", 0))) as first:
        yield first.getsockname()[1]


def test_a_taken_port_names_address_reason_and_remedy(taken: int) -> None:
    with pytest.raises(ListenError, match=rf"127\.0\.0\.1:{taken}: the port is in use .*--web.listen-address"):
        open_socket(ListenAddress("127.0.0.1", taken))


def test_a_foreign_address_is_refused() -> None:
    with pytest.raises(ListenError, match=r"192\.0\.2\.77:0: no interface of this host"):
        open_socket(ListenAddress("192.0.2.77", 0))


def test_a_name_nobody_knows_is_refused() -> None:
    with pytest.raises(ListenError, match="no such address"):
        open_socket(ListenAddress("no-such-host.invalid", 0))


def test_a_forbidden_port_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(listen, "_bind", refuse)
    with pytest.raises(ListenError, match=r":80: no permission .* above 1023"):
        open_socket(ListenAddress("", 80))


def test_a_host_without_ipv6_listens_on_ipv4(monkeypatch: pytest.MonkeyPatch) -> None:
    bind = listen._bind

    def without_ipv6(family: int, address: tuple[object, ...]) -> socket.socket:
        if family == socket.AF_INET6:
            raise OSError(97, "Address family not supported by protocol")
        return bind(family, address)

    monkeypatch.setattr(listen, "_bind", without_ipv6)
    with closing(open_socket(ListenAddress("", 0))) as bound:
        assert bound.family == socket.AF_INET
