"""One question to the kernel's routing: whatever it answers, and this host's own."""

from __future__ import annotations

import errno
import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mpathd_watch.sources.netlink.conversation import attributes
from mpathd_watch.sources.network import routes
from mpathd_watch.sources.network.routes import interface_to
from tests.fakes.rtnetlink import Kernel, done, message, packed, refusal, route


def answering(monkeypatch: pytest.MonkeyPatch, *replies: bytes | OSError) -> Kernel:
    kernel = Kernel(replies)
    monkeypatch.setattr(socket, "socket", kernel)
    monkeypatch.setattr(socket, "if_indextoname", lambda index: f"eth{index}")
    return kernel


@pytest.mark.parametrize(
    ("remote", "local", "head"),
    [
        ("192.0.2.1", "", (socket.AF_INET, 32, 0)),
        ("192.0.2.1", "192.0.2.9", (socket.AF_INET, 32, 32)),
        ("169.254.0.1", "", (socket.AF_INET, 32, 0)),
        ("fd00::1", "fd00::9", (socket.AF_INET6, 128, 128)),
        ("::ffff:192.0.2.1", "::ffff:192.0.2.9", (socket.AF_INET, 32, 32)),
    ],
)
def test_one_question_for_both_ends(
    monkeypatch: pytest.MonkeyPatch, remote: str, local: str, head: tuple[int, int, int]
) -> None:
    kernel = answering(monkeypatch, route(2))
    assert interface_to(remote, local) == "eth2"
    assert (kernel.asked, kernel.closed) == ([routes.RTM_GETROUTE], 1)
    body = kernel.bodies[0]
    assert tuple(body[:3]) == head
    ends = attributes(body, 12, {routes.RTA_DST, routes.RTA_SRC})
    expected = {routes.RTA_DST: remote, routes.RTA_SRC: local}
    assert ends == {kind: packed(end.removeprefix("::ffff:")) for kind, end in expected.items() if end}


@pytest.mark.parametrize(
    "reply",
    [
        refusal(errno.ENETUNREACH),
        refusal(errno.EINVAL),
        TimeoutError("timed out"),
        done(),
        route(None),
        route(0),
        route(2, kind=7),
        route(2, kind=6),
        message(routes.RTM_NEWROUTE, b"\x02" * 11),
        message(20, b"\x02" * 40),
    ],
)
def test_where_there_is_no_way_there_is_no_interface(monkeypatch: pytest.MonkeyPatch, reply: bytes | OSError) -> None:
    kernel = answering(monkeypatch, reply)
    assert interface_to("192.0.2.1") == ""
    assert kernel.closed == 1


@pytest.mark.parametrize(
    ("remote", "local"),
    [
        ("", ""),
        ("san.example", ""),
        ("(null)", ""),
        ("192.0.2.1", "(null)"),
        ("192.0.2.1", "fd00::9"),
        ("fe80::1", ""),
        ("fe80::1%eth0", "fe80::2%eth0"),
        ("192.0.2.1\0", ""),
    ],
)
def test_what_can_not_be_asked_is_not(monkeypatch: pytest.MonkeyPatch, remote: str, local: str) -> None:
    kernel = answering(monkeypatch, route(2))
    assert interface_to(remote, local) == ""
    assert kernel.asked == []


@given(st.text(max_size=50), st.binary(max_size=60))
def test_nothing_makes_it_fail(remote: str, body: bytes) -> None:
    with pytest.MonkeyPatch.context() as patch:
        for reply in (body, message(routes.RTM_NEWROUTE, body), message(routes.RTM_NEWROUTE, bytes(12) + body)):
            answering(patch, reply)
            assert interface_to(remote) == ""
            assert isinstance(interface_to("192.0.2.1"), str)


def test_where_no_socket_can_be_made_there_is_no_interface(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_arguments: int) -> None:
        raise OSError(errno.EAFNOSUPPORT, "Address family not supported by protocol")

    monkeypatch.setattr(socket, "socket", refuse)
    assert interface_to("192.0.2.1") == ""


def test_this_host_reaches_itself_by_its_loopback() -> None:
    assert interface_to("127.0.0.1") == "lo"
    assert interface_to("127.0.0.1", "127.0.0.1") == "lo"
    assert interface_to("::ffff:127.0.0.1") == "lo"


def test_from_an_address_that_is_not_this_hosts_there_is_no_way() -> None:
    assert interface_to("127.0.0.1", "192.0.2.77") == ""
