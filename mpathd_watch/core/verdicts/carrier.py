"""What carries a nexus: its network interface, down to the ones that it is made of."""

from __future__ import annotations

from collections.abc import Mapping

from mpathd_watch.core.model.facts import LinkFacts
from mpathd_watch.core.transports.row import LocalEnd

Links = Mapping[str, LinkFacts]
NAMED = 6
"""Interfaces below one that a message names; a bridge may have hundreds of ports."""
_SEVERAL = frozenset({"bond", "team"})
"""The kinds of interface that go on with what is left of their members."""
_INWARD = frozenset({"tun", "veth"})
"""The kinds of a bridge's ports that lead to guests and containers of this host, and to no SAN."""


def lost(end: LocalEnd, links: Links) -> bool:
    """Whether nothing can carry the connection now: no carrier, or its address is on no interface.

    A bond or a VLAN loses its own carrier with that of what is below; a bridge may keep it for a port of its own, so
    all that is below is looked at, too.
    """
    link = _link(end, links)
    if link is None:
        return True
    if end.address not in link.addresses and _owner(end, links) is None:
        return True
    return _dead(link, links)


def is_there(end: LocalEnd, links: Links) -> bool:
    """Whether the nexus's interface exists."""
    return _link(end, links) is not None


def has_carrier(end: LocalEnd, links: Links) -> bool:
    """Whether the nexus's interface could carry it, whatever has become of its address."""
    link = _link(end, links)
    return link is not None and not _dead(link, links)


def described(end: LocalEnd, links: Links) -> str:
    """``eth2``, ``bond0 (eth1, eth2)``, ``bond0.7 (bond0, eth1, eth2)``; what is known of it where there is none."""
    link = _link(end, links)
    if link is None:
        return end.netdev or end.address
    below = _below(link, links)
    text = ", ".join(below[:NAMED]) + (f", {len(below) - NAMED} more" if len(below) > NAMED else "")
    return f"{link.name} ({text})" if below else link.name


def trunk(end: LocalEnd, links: Links) -> str:
    """The lowest interface that all frames of the nexus go through: of a VLAN its NIC, or the bond below it.

    Two nexuses with the same one fail together. Where it is not known, the interface that the nexus names.
    """
    link = _trunk(end, links)
    return end.netdev if link is None else link.name


def is_redundant(end: LocalEnd, links: Links) -> bool:
    """Whether the nexus's trunk is several interfaces of which one may fail."""
    link = _trunk(end, links)
    return link is not None and link.kind in _SEVERAL and len(link.below) > 1


def _trunk(end: LocalEnd, links: Links) -> LinkFacts | None:
    link = _link(end, links)
    passed: set[str] = set()
    while link is not None and link.name not in passed:
        passed.add(link.name)
        onward = [name for name in link.below if name not in links or links[name].kind not in _INWARD]
        if len(onward) == 1:
            link = links.get(onward[0], link)
    return link


def _link(end: LocalEnd, links: Links) -> LinkFacts | None:
    """The interface by its name, or by the address once it has been renamed."""
    if end.netdev in links:
        return links[end.netdev]
    return _owner(end, links)


def _owner(end: LocalEnd, links: Links) -> LinkFacts | None:
    return next((link for link in links.values() if end.address in link.addresses), None)


def _dead(link: LinkFacts, links: Links) -> bool:
    """Whether it, or all that it is made of, is down: what is made of dead interfaces alone is dead, layer by layer."""
    if not link.below:
        return not link.up or link.carrier is False
    whole = [link, *(links[name] for name in _below(link, links) if name in links)]
    dead = {each.name for each in whole if not each.up or each.carrier is False}
    before = -1
    while before != len(dead):
        before = len(dead)
        dead.update(each.name for each in reversed(whole) if each.below and dead.issuperset(each.below))
    return link.name in dead


def _below(link: LinkFacts, links: Links) -> list[str]:
    """The names of all that is below, each once, the nearest first."""
    found = dict.fromkeys(link.below)
    waiting = list(found)
    for name in waiting:
        new = [each for each in (links[name].below if name in links else ()) if each not in found]
        found.update(dict.fromkeys(new))
        waiting += dict.fromkeys(new)
    found.pop(link.name, None)
    return list(found)
