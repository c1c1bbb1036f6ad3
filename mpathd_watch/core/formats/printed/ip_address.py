"""``ip address``, with or without ``-d`` (iproute2, ip/ipaddress.c, print_linkinfo() and print_addrinfo())."""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import ip_interface

from mpathd_watch.core.model.facts import LinkFacts
from mpathd_watch.core.model.text import clean
from mpathd_watch.immutable import immutable

_LINK = re.compile(
    r"\d{1,9}: (?P<name>[^\s:@]{1,64})(?:@(?P<parent>[^\s:]{1,64}))?: <(?P<flags>[A-Z0-9_,-]*)>(?P<rest>.*)"
)
_ADDRESS = re.compile(r"inet6? (?P<address>\S{1,64})")
_MASTER = re.compile(r" master (?P<name>\S{1,64})")
_OTHER_NAMESPACE = re.compile(r"if\d+", re.ASCII)
_KINDS = frozenset({"vlan", "bond", "bridge", "team", "veth", "tun", "macvlan", "ipvlan", "dummy", "vxlan"})
_LONGEST_LINE = 2048
MAX_LINKS = 4096


@immutable
class Links:
    """The interfaces, and the subnet (``192.168.1.0/24``) of each address."""

    links: tuple[LinkFacts, ...]
    networks: dict[str, str]


@dataclass(slots=True)
class _Draft:
    name: str
    flags: frozenset[str]
    parent: str
    master: str
    kind: str
    addresses: list[str]


def parse(text: str) -> Links | None:
    """The interfaces; ``None`` if the text lists none, for each host has ``lo``."""
    drafts: dict[str, _Draft] = {}
    networks: dict[str, str] = {}
    current: _Draft | None = None
    for raw in text.split("\n"):
        line = raw[:_LONGEST_LINE]
        if (found := _LINK.match(line)) is not None and len(drafts) < MAX_LINKS:
            current = _begun(found)
            drafts[current.name] = current
        elif current is not None and (address := _ADDRESS.match(line.strip())) is not None:
            _add_address(current, networks, address["address"])
        elif current is not None and not current.kind:
            word = line.strip().partition(" ")[0]
            current.kind = word if word in _KINDS else ""
    if not drafts:
        return None
    members: dict[str, list[str]] = {}
    for name, draft in drafts.items():
        members.setdefault(draft.master, []).append(name)
    return Links(tuple(_facts(draft, members.get(draft.name, [])) for draft in drafts.values()), networks)


def _begun(found: re.Match[str]) -> _Draft:
    parent, master = found["parent"] or "", _MASTER.search(found["rest"])
    # "@if3" is the other end of a pair, in another network namespace; of a pair in this one it is no parent, either.
    outside = parent == "NONE" or _OTHER_NAMESPACE.fullmatch(parent)
    return _Draft(
        clean(found["name"]),
        frozenset(found["flags"].split(",")),
        "" if outside else clean(parent),
        clean(master["name"]) if master else "",
        "",
        [],
    )


def _add_address(draft: _Draft, networks: dict[str, str], text: str) -> None:
    try:
        address = ip_interface(text)
    except ValueError:
        return
    draft.addresses.append(str(address.ip))
    networks[str(address.ip)] = str(address.network)


def _facts(draft: _Draft, members: list[str]) -> LinkFacts:
    up = "UP" in draft.flags
    below = [] if draft.kind == "veth" or not draft.parent else [draft.parent]
    below += members
    return LinkFacts(
        draft.name,
        up,
        # IFF_LOWER_UP is netif_carrier_ok() (dev_get_flags() in net/core/dev.c).
        carrier="LOWER_UP" in draft.flags if up else None,
        below=tuple(below),
        addresses=tuple(draft.addresses),
        kind=draft.kind,
    )
