"""Correlation: what sessions of this host that are down together have in common.

It is told only as far as the facts go: a NIC, a subnet, a portal or a target is named if every session that has to do
with it is down. One that is up speaks for it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

LEAST = 2
"""Sessions that have something in common."""


class Kind(StrEnum):
    """What sessions can share, the nearest to this host first: a dead NIC takes its subnet with it, not vice versa."""

    NIC = "nic"
    SUBNET = "subnet"
    PORTAL = "portal"
    TARGET = "target"
    ALL = "all"


@dataclass(frozen=True, slots=True)
class Tie:
    """What ties a session to others; what is not known is empty.

    ``network`` is the subnet of this host's end (``192.168.1.0/24``), ``portal`` is ``ADDRESS:PORT``. ``down``: it is
    lost or suspect.
    """

    label: str
    netdev: str
    network: str
    portal: str
    target: str
    down: bool


@dataclass(frozen=True, slots=True)
class Shared:
    """What ``sessions`` sessions, all of them down, share; ``name`` is empty where that is this host."""

    kind: Kind
    name: str
    sessions: int

    @property
    def words(self) -> str:
        """As a message says it: ``all 4 sessions through eth2``."""
        return f"all {self.sessions} sessions {_PHRASES[self.kind].format(self.name)}"


_PHRASES: Mapping[Kind, str] = {
    Kind.NIC: "through {}",
    Kind.SUBNET: "of subnet {}",
    Kind.PORTAL: "to {}",
    Kind.TARGET: "to {}",
    Kind.ALL: "of this host",
}
_PROPERTIES: Mapping[Kind, Callable[[Tie], str]] = {
    Kind.NIC: lambda tie: tie.netdev,
    Kind.SUBNET: lambda tie: tie.network,
    Kind.PORTAL: lambda tie: tie.portal,
    Kind.TARGET: lambda tie: tie.target,
}


def shared(lost: str, ties: Iterable[Tie]) -> Shared | None:
    """What the session labelled ``lost`` shares with others that are down, ``None`` if that is nothing.

    Of several answers the one that holds for most sessions, which is the one that explains all that are down if there
    is any; of those that hold for as many, the first ``Kind``.
    """
    every = tuple(ties)
    own = next((tie for tie in every if tie.label == lost), None)
    if own is None:
        return None
    groups = [
        (kind, of(own), [tie for tie in every if of(tie) == of(own)]) for kind, of in _PROPERTIES.items() if of(own)
    ]
    groups.append((Kind.ALL, "", list(every)))
    answers = [
        Shared(kind, name, len(group))
        for kind, name, group in groups
        if len(group) >= LEAST and all(tie.down for tie in group)
    ]
    return max(answers, key=lambda answer: answer.sessions, default=None)
