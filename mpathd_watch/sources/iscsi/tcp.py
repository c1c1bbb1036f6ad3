"""The state of the TCP connections below the iSCSI sessions, one request each (sock_diag(7), net/ipv4/inet_diag.c).

iscsid passes an ordinary TCP socket to the kernel; it is found by its addresses and ports. A request needs no dump of
all sockets and no privilege. It takes the lock of the socket (tcp_get_info() in net/ipv4/tcp.c), which a connection in
trouble may hold, so use a separate thread. At the first request the kernel loads tcp_diag, as it does for ss(8).
"""

from __future__ import annotations

import errno
import ipaddress
import socket
import struct
from collections.abc import Callable, Iterator, Mapping
from itertools import islice

from mpathd_watch.core.model.facts import TcpFacts
from mpathd_watch.core.model.identity import shortest
from mpathd_watch.immutable import immutable
from mpathd_watch.sources.netlink.conversation import Conversation, Message, attributes, interface_name
from mpathd_watch.sources.network import addresses, links
from mpathd_watch.sources.network.addresses import plain

NETLINK_SOCK_DIAG = 4
SOCK_DIAG_BY_FAMILY = 20
INET_DIAG_INFO = 2
TCP_ESTABLISHED = 1
BOUND_CANDIDATES = 32
"""The largest number of interfaces on which a connection is searched for."""
NEVER = 1 << 31
"""From so many milliseconds since the last data on, there was none: the kernel counts from before the connection."""

_REQUEST = struct.Struct("=BBBxI")  # struct inet_diag_req_v2 up to its id
_PORTS = struct.Struct("!HH")
_COOKIE = struct.Struct("=III")  # idiag_if and INET_DIAG_NOCOOKIE of struct inet_diag_sockid
_ANSWER = struct.Struct("=BBBB4s32sI8s20x")  # struct inet_diag_msg
_ANY_STATE = 0xFFFFFFFF
_NO_COOKIE = 0xFFFFFFFF
_WORD = struct.Struct("=I")
# Offsets in struct tcp_info, which grows only at its end.
_BACKOFF = 4
_SND_MSS = 16
_LAST_DATA_RECV = 52
_PMTU = 60
_RTT = 68
_ADVMSS = 84
_TOTAL_RETRANS = 100

_NOT_FOUND = frozenset({errno.ENOENT, errno.ESTALE})


@immutable
class Connection:
    """The two ends of a TCP connection: addresses as text, ports as numbers."""

    local: str
    local_port: int
    remote: str
    remote_port: int


@immutable
class Answer:
    """The facts of a connection, and the interface that its socket is bound to (SO_BINDTODEVICE), ``""`` for none."""

    facts: TcpFacts
    bound_to: str


@immutable
class _Ends:
    """A connection in the format of inet_diag_sockid, and its local address as text."""

    family: int
    ports: bytes
    addresses: bytes
    local: str


def ask(connections: Mapping[int, Connection], clock: Callable[[], float]) -> dict[int, Answer]:
    """The kernel's answer about each connection that is established, by the keys of ``connections``.

    ``clock`` returns CLOCK_MONOTONIC seconds. Raises ``OSError`` if the kernel can't be asked, or does not answer a
    request within ``conversation.PATIENCE``.
    """
    found: dict[int, Answer] = {}
    if not connections:
        return found
    holders = _Holders()
    with Conversation(NETLINK_SOCK_DIAG) as kernel:
        for key, connection in connections.items():
            ends = _ends(connection)
            answer = _find(kernel, ends, holders, clock) if ends else None
            if answer:
                found[key] = answer
    return found


def parse(message: Message, ends: bytes, now: float) -> tuple[TcpFacts, int] | None:
    """The facts in an answer, and the index of the interface to which the socket is bound, 0 for none.

    ``None`` if it is no answer, or not about an established connection between ``ends``: if there is no such one, the
    kernel may answer with the listening socket, or with one in TIME_WAIT. ``now`` is in CLOCK_MONOTONIC seconds.
    """
    if message.kind != SOCK_DIAG_BY_FAMILY or len(message.body) < _ANSWER.size:
        return None
    _family, state, _timer, _retransmits, ports, _addresses, bound_to, _cookie = _ANSWER.unpack_from(message.body)
    if state != TCP_ESTABLISHED or ports != ends:
        return None
    info = attributes(message.body, _ANSWER.size, {INET_DIAG_INFO}).get(INET_DIAG_INFO, b"")
    silence = _word(info, _LAST_DATA_RECV)
    rtt = _word(info, _RTT)
    facts = TcpFacts(
        rtt=rtt / 1e6 if rtt else None,  # 0: the kernel has not measured any yet
        retransmits=_word(info, _TOTAL_RETRANS),
        backoff=info[_BACKOFF] if len(info) > _BACKOFF else None,
        heard=None if silence is None or silence >= NEVER else round(now - silence / 1e3, 6),
        mss=_word(info, _SND_MSS) or None,
        pmtu=_word(info, _PMTU) or None,
        advmss=_word(info, _ADVMSS) or None,
    )
    return facts, bound_to


class _Holders:
    """The interfaces to which a socket with some local address may be bound, read when first needed."""

    def __init__(self) -> None:
        self._assigned: list[addresses.Assigned] | None = None
        self._everyone: list[int] | None = None

    def of(self, address: str) -> Iterator[int]:
        """Their indexes: first those that have the address, then others: one may use it, too, or be a VRF."""
        if self._assigned is None:
            try:
                with Conversation(socket.NETLINK_ROUTE) as kernel:
                    self._assigned = addresses.dump(kernel)
            except OSError:
                self._assigned = []
        likely = list(dict.fromkeys(each.index for each in self._assigned if each.address == address))
        yield from likely[:BOUND_CANDIDATES]
        if self._everyone is None:
            try:
                with Conversation(socket.NETLINK_ROUTE) as kernel:
                    self._everyone = [link.index for link in links.dump(kernel)]
            except OSError:
                self._everyone = []
        others = (index for index in self._everyone if index not in likely)
        yield from islice(others, max(0, BOUND_CANDIDATES - len(likely)))


def _find(kernel: Conversation, ends: _Ends, holders: _Holders, clock: Callable[[], float]) -> Answer | None:
    found = _question(kernel, ends, 0, clock)
    if found is None:
        # A bound socket is found only by a request with its interface (inet_match() in inet_hashtables.h).
        tried = (_question(kernel, ends, index, clock) for index in holders.of(ends.local))
        found = next(filter(None, tried), None)
    if found is None:
        return None
    facts, bound_to = found
    return Answer(facts, interface_name(bound_to) if bound_to else "")


def _question(
    kernel: Conversation, ends: _Ends, bound_to: int, clock: Callable[[], float]
) -> tuple[TcpFacts, int] | None:
    request = (
        _REQUEST.pack(ends.family, socket.IPPROTO_TCP, 1 << (INET_DIAG_INFO - 1), _ANY_STATE)
        + ends.ports
        + ends.addresses
        + _COOKIE.pack(bound_to, _NO_COOKIE, _NO_COOKIE)
    )
    try:
        answer = kernel.ask(SOCK_DIAG_BY_FAMILY, request)
    except OSError as error:
        if error.errno in _NOT_FOUND:
            return None
        raise
    # The time after the answer: a wait for the socket's lock does not count as silence of the connection.
    return parse(answer, ends.ports, clock()) if answer else None


def _ends(connection: Connection) -> _Ends | None:
    """The ends in the kernel's format; ``None`` if they are malformed."""
    try:
        local, remote = plain(connection.local), plain(connection.remote)
        ports = _PORTS.pack(connection.local_port, connection.remote_port)
    except (ValueError, struct.error):
        return None
    if local.version != remote.version:
        return None
    family = socket.AF_INET if local.version == 4 else socket.AF_INET6
    # Without its scope, as in the table of addresses.
    name = shortest(ipaddress.ip_address(local.packed))
    return _Ends(family, ports, local.packed.ljust(16, b"\0") + remote.packed.ljust(16, b"\0"), name)


def _word(info: bytes, offset: int) -> int | None:
    """A number in struct tcp_info; ``None`` if this kernel's structure is too short."""
    return _WORD.unpack_from(info, offset)[0] if len(info) >= offset + _WORD.size else None
