"""One question for each TCP connection: whatever the kernel answers."""

from __future__ import annotations

import errno
import socket
import struct
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mpathd_watch.core.model.facts import TcpFacts
from mpathd_watch.sources.iscsi import tcp
from mpathd_watch.sources.iscsi.tcp import Answer, Connection, ask
from mpathd_watch.sources.netlink.conversation import Message, messages
from mpathd_watch.sources.network import addresses, links
from tests.fakes.rtnetlink import Kernel, assigned, connection, done, link, message, refusal, tcp_info

PORTS = (50000, 3260)
ENDS = struct.pack("!HH", *PORTS)
ONE = Connection("192.0.2.2", 50000, "192.0.2.1", 3260)
FACTS = TcpFacts(rtt=0.00025, retransmits=3, backoff=1, heard=98.5, mss=1448, pmtu=1500, advmss=1460)
Answering = Callable[..., Kernel]


@pytest.fixture
def answering(monkeypatch: pytest.MonkeyPatch) -> Answering:
    def choose(*replies: bytes | OSError) -> Kernel:
        kernel = Kernel(replies)
        monkeypatch.setattr(socket, "socket", kernel)
        monkeypatch.setattr(socket, "if_indextoname", lambda index: f"eth{index}")
        return kernel

    return choose


def now() -> float:
    return 100.0


def parsed(raw: bytes) -> tuple[TcpFacts, int] | None:
    return tcp.parse(next(messages(raw)), ENDS, now())


def test_one_question_for_each_connection(answering: Answering) -> None:
    kernel = answering(
        connection(PORTS), connection((50001, 3260), tcp_info(silence=0), sequence=2), connection(PORTS, sequence=3)
    )
    second = Connection("192.0.2.2", 50001, "192.0.2.1", 3260)
    third = Connection("fd00::2", 50000, "fd00::1", 3260)
    answers = ask({7: ONE, 8: second, 9: third}, now)
    assert answers == {
        7: Answer(FACTS, ""),
        8: Answer(replace(FACTS, heard=100.0), ""),
        9: Answer(FACTS, ""),
    }
    assert (kernel.asked, kernel.opened, kernel.closed) == ([tcp.SOCK_DIAG_BY_FAMILY] * 3, 1, 1)
    assert {len(body) for body in kernel.bodies} == {56}
    assert kernel.bodies[0] == (
        bytes([socket.AF_INET, socket.IPPROTO_TCP, 2, 0])
        + b"\xff" * 4
        + ENDS
        + socket.inet_aton("192.0.2.2").ljust(16, b"\0")
        + socket.inet_aton("192.0.2.1").ljust(16, b"\0")
        + bytes(4)
        + b"\xff" * 8
    )
    assert kernel.bodies[2][0] == socket.AF_INET6


def test_nothing_is_asked_where_there_is_nothing_to_ask(answering: Answering) -> None:
    kernel = answering()
    assert ask({}, now) == {}
    assert kernel.opened == 0


def test_ipv4_in_ipv6_is_looked_for_as_ipv4(answering: Answering) -> None:
    kernel = answering(connection(PORTS))
    assert ask({1: Connection("::ffff:192.0.2.2", 50000, "::ffff:192.0.2.1", 3260)}, now) == {1: Answer(FACTS, "")}
    assert kernel.bodies[0][0] == socket.AF_INET


def test_a_bound_socket_is_found_by_the_interface_that_has_its_address(answering: Answering) -> None:
    kernel = answering(
        refusal(errno.ENOENT),
        assigned(5, "192.0.2.9") + assigned(6, "192.0.2.2") + done(),
        connection(PORTS, bound_to=6, sequence=2),
    )
    assert ask({1: ONE}, now) == {1: Answer(FACTS, "eth6")}
    assert kernel.asked == [tcp.SOCK_DIAG_BY_FAMILY, addresses.RTM_GETADDR, tcp.SOCK_DIAG_BY_FAMILY]
    assert struct.unpack_from("=I", kernel.bodies[2], 44) == (6,)
    assert kernel.closed == kernel.opened == 2


def test_a_connection_is_looked_for_on_a_few_interfaces_only(answering: Answering) -> None:
    missing = [refusal(errno.ENOENT, sequence) for sequence in range(1, 200)]
    every = b"".join(link(index, f"eth{index}") for index in range(1, 100)) + done()
    kernel = answering(missing[0], assigned(50, "192.0.2.2") + done(), missing[1], every, *missing[2:])
    assert ask({1: ONE}, now) == {}
    tried = [struct.unpack_from("=I", body, 44)[0] for body in kernel.bodies if len(body) == 56]
    assert tried == [0, 50, *range(1, tcp.BOUND_CANDIDATES)]


def test_the_interfaces_are_asked_for_once(answering: Answering) -> None:
    missing = [refusal(errno.ENOENT, sequence) for sequence in range(1, 9)]
    kernel = answering(missing[0], done(), link(1, "lo") + done(), *missing[1:])
    assert ask({1: ONE, 2: ONE}, now) == {}
    assert kernel.asked.count(addresses.RTM_GETADDR) == kernel.asked.count(links.RTM_GETLINK) == 1


def test_where_interfaces_can_not_be_listed_a_bound_socket_is_not_found(answering: Answering) -> None:
    answering(refusal(errno.ENOENT), refusal(errno.EPERM), refusal(errno.ENOBUFS))
    assert ask({1: ONE}, now) == {}


@pytest.mark.parametrize(
    "odd",
    [
        Connection("", 50000, "192.0.2.1", 3260),
        Connection("192.0.2.2", 50000, "(null)", 3260),
        Connection("192.0.2.2", 50000, "fd00::1", 3260),
        Connection("192.0.2.2", -1, "192.0.2.1", 3260),
        Connection("192.0.2.2", 50000, "192.0.2.1", 65536),
    ],
)
def test_a_connection_that_makes_no_sense_is_not_found(answering: Answering, odd: Connection) -> None:
    answering(connection(PORTS))
    assert ask({1: odd, 2: ONE}, now) == {2: Answer(FACTS, "")}


def test_a_link_local_connection_is_looked_for_without_its_scope(answering: Answering) -> None:
    kernel = answering(
        refusal(errno.ENOENT), assigned(3, "fe80::2", 64) + done(), connection(PORTS, bound_to=3, sequence=2)
    )
    assert ask({1: Connection("fe80::2%eth3", 50000, "fe80::1%eth3", 3260)}, now) == {1: Answer(FACTS, "eth3")}
    assert struct.unpack_from("=I", kernel.bodies[2], 44) == (3,)


@pytest.mark.parametrize(
    "failure", [refusal(errno.EPERM), refusal(errno.EINVAL), TimeoutError("timed out"), OSError(errno.ENOBUFS, "full")]
)
def test_a_kernel_that_can_not_be_asked(answering: Answering, failure: bytes | OSError) -> None:
    kernel = answering(failure)
    with pytest.raises(OSError, match=r"timed out|Errno"):
        ask({1: ONE}, now)
    assert kernel.closed == 1


# --- what is in an answer ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", [0, 2, 6, 8, 10, 255])
def test_only_an_established_connection_counts(state: int) -> None:
    assert parsed(connection(PORTS, state=state)) is None


def test_a_socket_with_other_ports_is_another() -> None:
    assert parsed(connection((3260, 50000))) is None


@pytest.mark.parametrize("body", [b"", bytes(71), b"\x02\x01" + bytes(60)])
def test_an_answer_that_is_too_short_is_none(body: bytes) -> None:
    assert parsed(message(tcp.SOCK_DIAG_BY_FAMILY, body)) is None
    assert parsed(message(2, body)) is None


@pytest.mark.parametrize(
    ("size", "facts"),
    [
        (0, TcpFacts(None, None, None, None)),
        (4, TcpFacts(None, None, None, None)),
        (5, TcpFacts(None, None, 1, None)),
        (19, TcpFacts(None, None, 1, None)),
        (20, TcpFacts(None, None, 1, None, 1448)),
        (55, TcpFacts(None, None, 1, None, 1448)),
        (56, TcpFacts(None, None, 1, 98.5, 1448)),
        (64, TcpFacts(None, None, 1, 98.5, 1448, 1500)),
        (72, TcpFacts(0.00025, None, 1, 98.5, 1448, 1500)),
        (88, TcpFacts(0.00025, None, 1, 98.5, 1448, 1500, 1460)),
        (103, TcpFacts(0.00025, None, 1, 98.5, 1448, 1500, 1460)),
        (104, FACTS),
        (280, FACTS),
        (4000, FACTS),
    ],
)
def test_an_older_kernel_reports_less_and_a_newer_one_more(size: int, facts: TcpFacts) -> None:
    assert parsed(connection(PORTS, tcp_info(size=size))) == (facts, 0)


def test_a_round_trip_that_was_never_measured_is_not_zero() -> None:
    found = parsed(connection(PORTS, tcp_info(rtt=0)))
    assert found is not None
    assert found[0].rtt is None


def test_sizes_that_the_kernel_does_not_know_are_not_zero() -> None:
    found = parsed(connection(PORTS, tcp_info(mss=0, pmtu=0, advmss=0)))
    assert found is not None
    assert (found[0].mss, found[0].pmtu, found[0].advmss) == (None, None, None)


@pytest.mark.parametrize(("silence", "heard"), [(2**31 - 1, 100.0 - 2147483.647), (2**31, None), (2**32 - 1, None)])
def test_a_silence_from_before_the_connection_is_none(silence: int, heard: float | None) -> None:
    found = parsed(connection(PORTS, tcp_info(silence=silence)))
    assert found is not None
    assert found[0].heard == (None if heard is None else pytest.approx(heard))


def test_the_wait_for_an_answer_is_not_the_connections_silence(answering: Answering) -> None:
    answering(connection(PORTS, tcp_info(silence=0)))
    times = iter([107.0])
    assert ask({1: ONE}, lambda: next(times))[1].facts.heard == 107.0


@given(st.binary(max_size=400))
def test_no_bytes_make_it_fail(raw: bytes) -> None:
    head = connection(PORTS, b"")[16:88]
    for body in (raw, head + raw):
        found = tcp.parse(Message(tcp.SOCK_DIAG_BY_FAMILY, 0, 1, body), ENDS, 100.0)
        assert found is None or isinstance(found[0], TcpFacts)


@given(
    st.integers(1, 2**32 - 1), st.integers(0, 2**32 - 1), st.integers(0, 255), st.integers(0, 2**31 - 1), st.booleans()
)
def test_any_numbers_come_out_as_they_went_in(
    rtt: int, retransmits: int, backoff: int, silence: int, newer: bool
) -> None:
    info = tcp_info(rtt=rtt, retransmits=retransmits, backoff=backoff, silence=silence, size=280 if newer else 104)
    found = parsed(connection(PORTS, info, bound_to=4))
    heard = round(100.0 - silence / 1e3, 6)
    assert found == (TcpFacts(rtt / 1e6, retransmits, backoff, heard, 1448, 1500, 1460), 4)
