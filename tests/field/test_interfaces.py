"""Network interfaces of the SAN: settings that are wrong only when two of them are in one subnet, and unequal ones."""

from __future__ import annotations

from ipaddress import ip_interface
from typing import Any

import pytest

from tests.field.conftest import NewHost
from tests.field.host import Host
from tests.field.host.network import Nic
from tests.field.product import check

PORTALS = {"p1": "10.10.5.1:3260", "p2": "10.10.5.2:3260"}


def one_subnet(new_host: NewHost, *, settings: int = 0, **nic: Any) -> Host:
    """Two sessions that are bound to two interfaces in one subnet; the second interface has the properties ``nic``."""
    host = new_host()
    for number, name in enumerate(PORTALS, 11):
        host.network.add(Nic(name, (ip_interface(f"10.10.5.{number}/24"),), **(nic if name == "p2" else {})))
        host.network.set_sysctl(f"net/ipv4/conf/{name}/arp_ignore", settings)
    sessions = [
        host.login(portal, iface=name, local=f"10.10.5.{number}", bound=name)
        for number, (name, portal) in enumerate(PORTALS.items(), 11)
    ]
    host.map("mpio", *(host.disk(session) for session in sessions))
    return host


@pytest.mark.field(
    "sessions bound to interfaces of one subnet, and rp_filter 1",
    "open-iscsi's README, 5.1.1 (rp_filter 0 or 2); oVirt's vdsm (setRpFilterIfNeeded)",
)
def test_a_strict_filter_on_an_interface_that_the_route_does_not_use(new_host: NewHost) -> None:
    host = one_subnet(new_host, settings=1)
    host.network.routes = {"10.10.5.1": "p1", "10.10.5.2": "p1"}
    assert check(host).of("rp_filter_strict") == []  # systemd's default: 2
    host.network.set_sysctl("net/ipv4/conf/p2/rp_filter", 1)
    found = check(host).only("rp_filter_strict")
    assert (found.severity, found.subject, found.where) == ("warning", "p2", "/proc/sys/net/ipv4/conf/p2/rp_filter")
    assert "10.10.5.2:3260 leads through p1" in found.text
    host.network.set_sysctl("net/ipv4/conf/all/rp_filter", 2)
    assert check(host).of("rp_filter_strict") == []


@pytest.mark.field("the same with a route to each portal by its interface", "kernel: ip-sysctl.rst, rp_filter")
def test_a_strict_filter_where_each_route_fits(new_host: NewHost) -> None:
    host = one_subnet(new_host, settings=1)
    for name in PORTALS:
        host.network.set_sysctl(f"net/ipv4/conf/{name}/rp_filter", 1)
    assert check(host).of("rp_filter_strict") == []


@pytest.mark.field(
    "two interfaces in one subnet with the kernel's ARP settings: ARP flux",
    "Datera/ddct checks 9000C3B6 and BDB4D5D8; Dell's guides for EqualLogic",
)
def test_interfaces_that_answer_for_each_other(new_host: NewHost) -> None:
    found = check(one_subnet(new_host)).only("arp_flux")
    assert (found.severity, found.subject) == ("warning", "p1, p2")
    assert "10.10.5.0/24" in found.text
    assert check(one_subnet(new_host, settings=1)).of("arp_flux") == []


@pytest.mark.field("an interface of 9000 bytes, a target or switch of 1500", "Datera/ddct, MTU checks")
def test_large_packets_that_no_connection_sends(new_host: NewHost) -> None:
    host = one_subnet(new_host, settings=1, mtu=9000)
    host.network.segments["10.10.5.12"] = 1448
    texts = [found.text for found in check(host).of("mtu_not_in_force")]
    assert len(texts) == 2
    assert "p2 has an MTU of 9000, but TCP sends segments of 1448 bytes" in texts[0]
    assert "p1 1500, p2 9000" in texts[1]
    assert check(one_subnet(new_host, settings=1)).of("mtu_not_in_force") == []


@pytest.mark.field("one of two links has come up slower, or at half duplex", "jsteel44/boxctl; ethtool(8)")
@pytest.mark.parametrize(
    ("nic", "text"),
    [({"speed": 1000}, "p1 10000 Mbit/s, p2 1000 Mbit/s"), ({"duplex": "half"}, "p2 runs at half duplex")],
)
def test_links_that_are_not_equal(new_host: NewHost, nic: dict[str, Any], text: str) -> None:
    found = check(one_subnet(new_host, settings=1, **nic)).only("links_differ")
    assert (found.severity, found.subject) == ("warning", "mpio")
    assert text in found.text
    assert check(one_subnet(new_host, settings=1)).of("links_differ") == []
