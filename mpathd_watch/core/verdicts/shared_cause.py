"""What nexuses of this host that are down together have in common.

It is reported only as far as the facts go: a NIC, a subnet, a portal or a target is named if every nexus that has to do
with it is down. One that is up is evidence against it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from mpathd_watch.immutable import immutable

LEAST = 2
"""Nexuses that have something in common."""

HOST = "of this host"


@immutable
class Member:
    """A nexus and what it can share: one value for each of its transport's ``ties``; what is not known is empty.

    ``down``: it is lost or suspect.
    """

    label: str
    values: tuple[str, ...]
    down: bool


@immutable
class Shared:
    """What ``number`` nexuses, all of them down, share, as a phrase: ``through eth2``."""

    phrase: str
    number: int

    def words(self, noun: str) -> str:
        """As a message spells it: ``all 4 sessions through eth2``."""
        return f"all {self.number} {noun}s {self.phrase}"


def shared(lost: str, members: Iterable[Member], ties: Sequence[str]) -> Shared | None:
    """What the nexus labelled ``lost`` shares with others that are down, ``None`` if that is nothing.

    ``ties`` are the phrases for what can be shared, as in ``through {}``, the nearest to this host first: a dead NIC
    takes its subnet with it, not vice versa. Of several answers the one that holds for most nexuses, which is the one
    that explains all that are down if there is any; of those that hold for as many, the first.
    """
    every = tuple(members)
    own = next((member for member in every if member.label == lost), None)
    if own is None:
        return None
    groups = [
        (phrase.format(value), [member for member in every if member.values[at] == value])
        for at, (phrase, value) in enumerate(zip(ties, own.values, strict=True))
        if value
    ]
    groups.append((HOST, list(every)))
    answers = [
        Shared(phrase, len(group))
        for phrase, group in groups
        if len(group) >= LEAST and all(member.down for member in group)
    ]
    return max(answers, key=lambda answer: answer.number, default=None)
