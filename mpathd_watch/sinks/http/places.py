"""Who may stay: the places for connections, and which connection yields when one more client comes.

The rules, for clients that mean harm as for those that behave:

- A client that has sent a request has it answered. Only one that does not read the answer may lose its place.
- Those that take longest to send a request yield first, then those that are kept alive without one.
- A client that has only just come has a moment to send its request.
- One address has only a share of the places: it competes with itself first.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from enum import Enum, auto
from ipaddress import IPv6Address, ip_address
from typing import Final, Protocol

from mpathd_watch.sinks.http.answer import Content

PATIENCE: Final = 0.5
"""Seconds without progress after which a client is taken for one that does not send, or does not read."""
JUST_COME: Final = 0.05
"""Seconds within which the request of a client is read, if it has sent it at once."""
FEWER_FOR: Final = 10.0
"""Seconds for which places that were given back stay free: who waits would take them at once."""
_NETWORK_BITS: Final = 64
"""A host may take any address of its IPv6 network, so all of them count as one (RFC 4291, 2.5.1)."""


class Stage(Enum):
    """What a connection does."""

    ASKING = auto()
    """Its request is not complete."""
    ANSWERING = auto()
    """Its request is being answered."""
    IDLE = auto()
    """All of its requests have been answered, and it is kept alive."""
    CLOSING = auto()
    """Its last answer has been sent; the client has yet to close it."""


class Client(Protocol):
    """A connection that has a place. ``since``: the loop's seconds when its stage began, or when it last took bytes."""

    address: str
    stage: Stage
    since: float
    held: Content
    """The content that it has yet to take, which others may share; ``NOTHING`` otherwise."""

    def hang_up(self) -> None:
        """Close the connection at once."""


class Places:
    """The clients, at most ``most``, and of one address at most ``share``."""

    def __init__(self, most: int, share: int) -> None:
        self._most = most
        self._share = share
        self._clients: dict[Client, str] = {}
        self._of: Counter[str] = Counter()
        self._fewer = most
        """How many there were to be before ``_fewer_until`` (the loop's seconds)."""
        self._fewer_until = 0.0

    def __len__(self) -> int:
        return len(self._clients)

    def take(self, newcomer: Client, now: float) -> bool:
        """Give the newcomer a place, for which another one may have to yield; ``False`` if none may."""
        network = network_of(newcomer.address)
        if self._of[network] >= self._share:
            crowd = network
        elif len(self._clients) >= self._most:
            crowd = self._of.most_common(1)[0][0]
        else:
            crowd = ""
            if now < self._fewer_until and len(self._clients) >= self._fewer:
                # Another one need not yield for this: a client that has only just come is answered all the same.
                self._make_room(self._clients, now)
        if crowd and not self._make_room((each for each, of in self._clients.items() if of == crowd), now):
            return False
        self._clients[newcomer] = network
        self._of[network] += 1
        return True

    def leave(self, client: Client) -> None:
        """Free the place of a client, if it has one."""
        network = self._clients.pop(client, None)
        if network is not None:
            self._of[network] -= 1
            if not self._of[network]:
                del self._of[network]

    def give_back(self, most: int, now: float) -> None:
        """Hang up on those that yield first: ``most`` of them, at most half of all, at least one.

        For a while somebody yields for each that comes, if anybody may.
        """
        for _ in range(max(1, min(most, len(self._clients) // 2))):
            if not self._make_room(self._clients, now):
                break
        self._fewer, self._fewer_until = len(self._clients), now + FEWER_FOR

    def bound_content(self, most: int, now: float) -> None:
        """Hang up on those that do not read until the contents that are held come to at most ``most`` bytes."""
        while sum({id(each.held): each.held.length for each in self._clients}.values()) > most:
            if not self._make_room((each for each in self._clients if each.held.length), now):
                return

    def clear(self) -> None:
        """Hang up on all."""
        for client in tuple(self._clients):
            client.hang_up()
            self.leave(client)

    def _make_room(self, crowd: Iterable[Client], now: float) -> bool:
        ranks = ((rank, each.since, each) for each in crowd if (rank := _rank(each, now)) is not None)
        first = min(ranks, key=lambda each: each[:2], default=None)
        if first is None:
            return False
        self.leave(first[-1])
        first[-1].hang_up()
        return True


def _rank(client: Client, now: float) -> int | None:
    """Of which rank a client is, the lowest yield first; ``None`` for one that stays."""
    age = now - client.since
    match client.stage:
        case Stage.CLOSING:
            return 0
        case Stage.ASKING if age > PATIENCE:
            return 1
        case Stage.IDLE:
            return 2
        case Stage.ANSWERING if client.held.length and age > PATIENCE:
            return 3
        case Stage.ASKING if age > JUST_COME:
            return 4
        case _:
            return None


def network_of(address: str) -> str:
    """What counts as one address: an IPv4 address, or the network of an IPv6 address."""
    try:
        parsed = ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if not isinstance(parsed, IPv6Address):
        return address
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(IPv6Address(int(parsed) >> _NETWORK_BITS << _NETWORK_BITS))
