"""The network interfaces of multipathed sessions."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from mpathd_watch.core.catalog.findings import FindingKind
from mpathd_watch.core.model.facts import Ipv4Settings, LinkFacts, TcpFacts
from mpathd_watch.core.model.vocabulary import SessionStatus
from mpathd_watch.core.state import NexusState
from tests.factories import make_map, make_path, make_session
from tests.hosts import FIRST, PORTALS, SECOND, Host, label

ONE_SUBNET = {"local_network": "10.0.0.0/24"}
LOOSE = Ipv4Settings(rp_filter=2, arp_filter=0, arp_announce=0, arp_ignore=0)


def nic(name: str, **facts: Any) -> LinkFacts:
    return LinkFacts(name, up=True, carrier=True, **{"ipv4": LOOSE, "mtu": 1500, **facts})


def session(portal: str, netdev: str, **facts: Any) -> NexusState:
    return make_session(portal, **{"netdev": netdev, "routed": netdev, "local_network": f"{portal[:9]}.0/24", **facts})


def tell(kind: FindingKind, *links: LinkFacts, **facts: Any) -> list[tuple[str, str, str]]:
    """The findings of a host whose two sessions, with these facts, go through p1 and p2."""
    names = zip(PORTALS, ("p1", "p2"), strict=True)
    sessions = [session(portal, **{"netdev": name, **facts}) for portal, name in names]
    return told(Host(sessions=sessions, links=links), kind)


def told(host: Host, kind: FindingKind) -> list[tuple[str, str, str]]:
    return [(each.subject, each.text, each.where) for each in host.findings if each.kind is kind]


# --- reverse path filter ----------------------------------------------------------------------------------------------

RP = FindingKind.RP_FILTER_STRICT
STRICT = replace(LOOSE, rp_filter=1)


def test_a_session_on_another_interface_than_the_route() -> None:
    assert tell(RP, nic("p1", ipv4=STRICT), nic("p2", ipv4=STRICT), routed="p1") == [
        (
            "p2",
            f"rp_filter is 1, but the route to {SECOND} leads through p1: the kernel drops what comes in here on a new "
            "connection",
            "/proc/sys/net/ipv4/conf/p2/rp_filter",
        )
    ]


@pytest.mark.parametrize("value", [0, 2])
def test_a_filter_that_is_off_or_loose_drops_nothing(value: int) -> None:
    links = [nic(name, ipv4=replace(LOOSE, rp_filter=value)) for name in ("p1", "p2")]
    assert tell(RP, *links, routed="p1") == []


def test_a_route_that_leads_through_the_interface_or_is_not_known_is_no_finding() -> None:
    links = nic("p1", ipv4=STRICT), nic("p2", ipv4=STRICT)
    assert tell(RP, *links) == []
    assert tell(RP, *links, routed="") == []


def test_an_interface_that_is_not_known_or_whose_settings_are_not() -> None:
    assert tell(RP, routed="p1") == []
    assert tell(RP, nic("p2", ipv4=None), routed="p1") == []


def test_a_vrf_has_routes_of_its_own() -> None:
    vrf = nic("blue", kind="vrf", below=("p2",))
    assert tell(RP, nic("p2", ipv4=STRICT), vrf, routed="p1") == []


def test_one_finding_for_each_interface_and_none_for_a_session_without_a_map() -> None:
    portals = [f"10.0.0.{number}:3260" for number in range(1, 9)]
    links = (nic("p1", ipv4=STRICT), nic("p2", ipv4=STRICT))
    sessions = [session(portal, "p2", routed="p1", sid=sid) for sid, portal in enumerate(portals)]
    paths = [make_path(portal, f"sd{portal[7]}", nexus=label(portal)) for portal in portals]
    assert len(told(Host(sessions=sessions, links=links).paths(*paths), RP)) == 1
    assert told(Host(sessions=sessions, links=links), RP) == []


# --- ARP --------------------------------------------------------------------------------------------------------------

ARP = FindingKind.ARP_FLUX


def test_two_interfaces_in_one_subnet_that_answer_for_each_other() -> None:
    assert tell(ARP, nic("p1"), nic("p2"), **ONE_SUBNET) == [
        (
            "p1, p2",
            "arp_ignore and arp_announce are 0 in 10.0.0.0/24, where the host has p1, p2",
            "/proc/sys/net/ipv4/conf/p1/arp_ignore",
        )
    ]


def test_one_that_does_is_enough() -> None:
    assert tell(ARP, nic("p1", ipv4=replace(LOOSE, arp_ignore=1)), nic("p2"), **ONE_SUBNET)[0][0] == "p2"
    assert tell(ARP, nic("p2"), **ONE_SUBNET)[0][0] == "p2"
    assert tell(ARP, nic("p1", ipv4=None), **ONE_SUBNET) == []


@pytest.mark.parametrize("change", [{"arp_ignore": 1}, {"arp_announce": 2}, {"arp_filter": 1}, {"rp_filter": 1}])
def test_a_setting_that_prevents_it(change: dict[str, int]) -> None:
    settings = replace(LOOSE, **change)
    assert tell(ARP, nic("p1", ipv4=settings), nic("p2", ipv4=settings), **ONE_SUBNET) == []


def test_two_subnets_one_interface_ipv6_or_an_interface_that_is_not_known() -> None:
    links = nic("p1"), nic("p2")
    assert tell(ARP, *links) == []
    assert tell(ARP, *links, **ONE_SUBNET, netdev="p1") == []
    assert tell(ARP, *links, **ONE_SUBNET, netdev="") == []
    assert tell(ARP, *links, local_network="fd00::/64") == []


# --- MTU --------------------------------------------------------------------------------------------------------------

MTU = FindingKind.MTU_NOT_IN_FORCE
BOTH = ", ".join(map(label, PORTALS))


def tcp(mss: int | None = 1448, pmtu: int | None = 1500) -> TcpFacts:
    return TcpFacts(None, None, None, None, mss, pmtu, 1460)


def test_large_packets_that_tcp_does_not_send() -> None:
    assert tell(MTU, nic("p1", mtu=9000), nic("p2", mtu=9000), tcp=tcp()) == [
        (
            label(portal),
            f"{name} has an MTU of 9000, but TCP sends segments of 1448 bytes: the path MTU is 1500",
            f"/sys/class/net/{name}/mtu",
        )
        for portal, name in zip(PORTALS, ("p1", "p2"), strict=True)
    ]
    assert [text for _, text, _ in tell(MTU, nic("p1", mtu=9000), tcp=tcp(pmtu=None))] == [
        "p1 has an MTU of 9000, but TCP sends segments of 1448 bytes"
    ]
    assert tell(MTU, nic("p1", mtu=9000), tcp=tcp(pmtu=9000))[0][1].endswith(
        ": the target announced no more at the login"
    )


def test_sessions_of_one_interface_are_one_finding() -> None:
    assert [subject for subject, *_ in tell(MTU, nic("p1", mtu=9000), tcp=tcp(), netdev="p1")] == [BOTH]


@pytest.mark.parametrize(
    ("mtu", "facts"), [(1500, tcp()), (2999, tcp()), (None, tcp()), (9000, tcp(8948)), (9000, tcp(None)), (9000, None)]
)
def test_where_segments_fit_or_nothing_is_known_of_them(mtu: int | None, facts: TcpFacts | None) -> None:
    assert tell(MTU, nic("p1", mtu=mtu), nic("p2", mtu=mtu), tcp=facts) == []


def test_the_interfaces_of_a_map_with_different_mtus() -> None:
    assert tell(MTU, nic("p1", mtu=9000), nic("p2", mtu=1500)) == [
        ("mpio", "the MTU of its interfaces differs: p1 9000, p2 1500", "")
    ]
    assert tell(MTU, nic("p1", mtu=9000), nic("p2", mtu=None)) == []


# --- speed ------------------------------------------------------------------------------------------------------------

LINKS = FindingKind.LINKS_DIFFER


def test_the_interfaces_of_maps_with_different_speeds() -> None:
    sessions = [session(portal, name) for portal, name in zip(PORTALS, ("p1", "p2"), strict=True)]
    host = Host(sessions=sessions, links=(nic("p1", speed=10000), nic("p2", speed=100)))
    host.maps = [make_map(), make_map("other")]
    assert told(host, LINKS) == [
        ("mpio, other", "its interfaces are not equally fast: p1 10000 Mbit/s, p2 100 Mbit/s", "")
    ]


def test_an_interface_at_half_duplex() -> None:
    assert tell(LINKS, nic("p1", duplex="full"), nic("p2", duplex="half")) == [
        ("mpio", "p2 runs at half duplex", "/sys/class/net/p2/duplex")
    ]
    both = [nic(name, duplex="half") for name in ("p1", "p2")]
    assert [text for _, text, _ in tell(LINKS, *both)] == ["p1, p2 run at half duplex"]


def test_the_speed_of_a_vlan_is_that_of_its_nic() -> None:
    vlans = [nic(f"p{number}", kind="vlan", below=(f"eth{number}",)) for number in (1, 2)]
    nics = nic("eth1", speed=10000), nic("eth2", speed=1000)
    assert "eth1 10000 Mbit/s, eth2 1000" in tell(LINKS, *vlans, *nics)[0][1]


def test_interfaces_that_report_no_speed_and_a_session_that_is_missing() -> None:
    assert tell(LINKS, nic("p1", speed=10000), nic("p2")) == []
    assert tell(LINKS) == []
    sessions = [session(FIRST, "p1"), session(SECOND, "p2", status=SessionStatus.MISSING)]
    links = (nic("p1", speed=10000, mtu=9000), nic("p2", speed=1000, mtu=1500))
    host = Host(sessions=sessions, links=links)
    assert told(host, LINKS) == told(host, MTU) == []


def test_nothing_is_reported_while_the_interfaces_are_not_known() -> None:
    sessions = [
        session(portal, name, routed="p9", tcp=tcp()) for portal, name in zip(PORTALS, ("p1", "p2"), strict=True)
    ]
    host = Host(sessions=sessions, links=None)
    assert host.kinds().isdisjoint({RP, ARP, MTU, LINKS})
