"""Network interfaces of multipathed sessions: settings that drop or mislead their packets, and unequal siblings."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from mpathd_watch.core.audit.context import Host
from mpathd_watch.core.catalog.findings import Finding, FindingKind
from mpathd_watch.core.model.facts import LinkFacts
from mpathd_watch.core.model.identity import in_order
from mpathd_watch.core.model.text import listed
from mpathd_watch.core.state import MapState, NexusState
from mpathd_watch.core.verdicts import carrier

STRICT = 1
"""rp_filter: the kernel drops a packet that comes in by another interface than an answer to it would leave by."""
JUMBO = 3000
"""Bytes of an MTU from which on it is meant to be larger than usual."""
USUAL_SEGMENT = 1460
"""Bytes of the largest TCP segment in a packet of 1,500 bytes, without options."""
CONF = "/proc/sys/net/ipv4/conf"
HALF = "half"


def of_sessions(host: Host) -> Iterator[Finding]:
    """Settings of the host, then sessions by label."""
    sessions = [session for session in host.sessions if session.label in host.users]
    yield from _strict(host, sessions)
    yield from _flux(host, sessions)
    for session in sessions:
        yield from _segments(host, session)


def of_maps(host: Host, maps: Iterable[MapState]) -> Iterator[Finding]:
    """Each of ``maps``, whose interfaces are siblings."""
    for map_ in maps:
        links = _links(host, map_)
        yield from _mtus(map_, links)
        yield from _speeds(map_, _trunks(host, map_))


def _strict(host: Host, sessions: list[NexusState]) -> Iterator[Finding]:
    """A session that is bound to one interface, while the route to its portal leads through another one.

    An established connection keeps working: its packets are found by their socket before the filter is asked
    (tcp_v4_early_demux() in net/ipv4/tcp_ipv4.c).
    """
    links = host.state.links or {}
    in_vrf = {name for link in links.values() if link.kind == "vrf" for name in (link.name, *link.below)}
    routes: dict[str, str] = {}
    for session in sessions:
        end = session.facts.local
        link = links.get(end.netdev)
        if link is None or link.ipv4 is None or link.ipv4.rp_filter != STRICT or end.netdev in in_vrf:
            continue
        if end.routed not in ("", end.netdev):
            routes.setdefault(end.netdev, f"the route to {session.facts.portal} leads through {end.routed}")
    for netdev, route in routes.items():
        text = f"rp_filter is 1, but {route}: the kernel drops what comes in here on a new connection"
        yield Finding(FindingKind.RP_FILTER_STRICT, netdev, text, f"{CONF}/{netdev}/rp_filter")


def _flux(host: Host, sessions: list[NexusState]) -> Iterator[Finding]:
    """Interfaces that also answer for the addresses of their neighbours in the same IPv4 subnet (arp_ignore 0).

    With rp_filter 1 they do not: arp_process() in net/ipv4/arp.c asks for the route first.
    """
    subnets: dict[str, set[str]] = {}
    for session in sessions:
        end = session.facts.local
        if end.netdev and "." in end.network:
            subnets.setdefault(end.network, set()).add(end.netdev)
    for subnet, names in sorted(subnets.items()):
        loose = sorted((name for name in names if _answers_for_others(host, name)), key=in_order)
        if len(names) > 1 and loose:
            text = f"arp_ignore and arp_announce are 0 in {subnet}, where the host has {listed(_sorted(names))}"
            yield Finding(FindingKind.ARP_FLUX, listed(loose), text, f"{CONF}/{loose[0]}/arp_ignore")


def _answers_for_others(host: Host, name: str) -> bool:
    link = (host.state.links or {}).get(name)
    if link is None or link.ipv4 is None:
        return False
    return not (link.ipv4.arp_ignore or link.ipv4.arp_announce or link.ipv4.arp_filter) and (
        link.ipv4.rp_filter != STRICT
    )


def _segments(host: Host, session: NexusState) -> Iterator[Finding]:
    link = (host.state.links or {}).get(session.facts.local.netdev)
    tcp = session.facts.tcp
    if link is None or link.mtu is None or link.mtu < JUMBO or tcp is None or tcp.mss is None:
        return
    if tcp.mss <= USUAL_SEGMENT:
        why = ""
        if tcp.pmtu is not None:
            small = tcp.pmtu < JUMBO
            why = f": the path MTU is {tcp.pmtu}" if small else ": the target announced no more at the login"
        text = f"{link.name} has an MTU of {link.mtu}, but TCP sends segments of {tcp.mss} bytes{why}"
        yield Finding(FindingKind.MTU_NOT_IN_FORCE, session.label, text, f"/sys/class/net/{link.name}/mtu")


def _mtus(map_: MapState, links: dict[str, LinkFacts]) -> Iterator[Finding]:
    mtus = {name: link.mtu for name, link in links.items() if link.mtu is not None}
    if len(set(mtus.values())) > 1:
        text = f"the MTU of its interfaces differs: {_values({name: str(mtu) for name, mtu in mtus.items()})}"
        yield Finding(FindingKind.MTU_NOT_IN_FORCE, map_.label, text)


def _speeds(map_: MapState, links: dict[str, LinkFacts]) -> Iterator[Finding]:
    speeds = {name: link.speed for name, link in links.items() if link.speed is not None}
    half = [name for name, link in links.items() if link.duplex == HALF]
    if len(set(speeds.values())) > 1:
        shown = _values({name: f"{speed} Mbit/s" for name, speed in speeds.items()})
        yield Finding(FindingKind.LINKS_DIFFER, map_.label, f"its interfaces are not equally fast: {shown}")
    if half:
        where = f"/sys/class/net/{half[0]}/duplex"
        text = f"{listed(half)} {'runs' if len(half) == 1 else 'run'} at half duplex"
        yield Finding(FindingKind.LINKS_DIFFER, map_.label, text, where)


def _values(values: dict[str, str]) -> str:
    """``p1 9000, p2 1500``."""
    return listed([f"{name} {value}" for name, value in values.items()])


def _links(host: Host, map_: MapState) -> dict[str, LinkFacts]:
    """The interfaces that the sessions of the map name, by name."""
    links = host.state.links or {}
    sessions = [host.session(path) for path in map_.paths.values()]
    names = {session.facts.local.netdev for session in sessions if session is not None}
    return {name: links[name] for name in _sorted(names) if name in links}


def _trunks(host: Host, map_: MapState) -> dict[str, LinkFacts]:
    """The lowest interface below each of them that is a single one; of a bond it is the bond."""
    links = host.state.links or {}
    sessions = [host.session(path) for path in map_.paths.values()]
    names = {carrier.trunk(session.facts.local, links) for session in sessions if session is not None}
    return {name: links[name] for name in _sorted(names) if name in links}


def _sorted(names: set[str]) -> list[str]:
    return sorted(names, key=in_order)
