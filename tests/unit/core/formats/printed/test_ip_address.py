"""ip address, with the details of -d."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from mpathd_watch.core.formats.printed import ip_address
from mpathd_watch.core.model.facts import LinkFacts

BUNDLE = Path(__file__).parents[4] / "golden/bundles/link-down/sosreport/sos_commands/networking"
TEXT = (BUNDLE / "ip_-d_address").read_text()
BOND = """\
1: eth1: <BROADCAST,MULTICAST,SLAVE,UP,LOWER_UP> mtu 1500 qdisc fq master bond0 state UP group default qlen 1000
    link/ether 52:54:00:00:00:01 brd ff:ff:ff:ff:ff:ff
2: eth2: <BROADCAST,MULTICAST> mtu 1500 qdisc fq state DOWN
    inet nonsense scope global
3: bond0: <BROADCAST,MULTICAST,MASTER,UP,LOWER_UP> mtu 1500 qdisc noqueue state UP
    link/ether 52:54:00:00:00:01 brd ff:ff:ff:ff:ff:ff promiscuity 0
    bond mode active-backup miimon 100
    vlan is said once
4: bond0.7@bond0: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc noqueue state UP
    vlan protocol 802.1Q id 7 <REORDER_HDR>
    inet6 fd00::1/64 scope global
5: tun0@NONE: <POINTOPOINT,UP> mtu 1500
"""


def test_a_link_without_carrier() -> None:
    found = ip_address.parse(TEXT)
    assert found is not None
    links = {link.name: link for link in found.links}
    assert list(links) == ["lo", "eth0", "p1", "p2"]
    assert (links["p1"].up, links["p1"].carrier, links["p1"].kind, links["p1"].below) == (True, True, "veth", ())
    assert (links["p2"].up, links["p2"].carrier) == (True, False)
    assert links["p2"].addresses[0] == "192.168.2.10"
    assert found.networks["192.168.2.10"] == "192.168.2.0/24"


def test_a_vlan_on_a_bond() -> None:
    found = ip_address.parse(BOND)
    assert found is not None
    assert found.links == (
        LinkFacts("eth1", up=True, carrier=True),
        LinkFacts("eth2", up=False, carrier=None),
        LinkFacts("bond0", up=True, carrier=True, below=("eth1",), kind="bond"),
        LinkFacts("bond0.7", up=True, carrier=True, below=("bond0",), addresses=("fd00::1",), kind="vlan"),
        LinkFacts("tun0", up=True, carrier=False),
    )


def test_no_interface() -> None:
    assert ip_address.parse("    inet 10.0.0.1/8\n") is None


@given(st.text() | st.lists(st.sampled_from([*TEXT.split("\n"), *BOND.split("\n")])).map("\n".join))
def test_any_text_is_read(text: str) -> None:
    ip_address.parse(text)


def test_the_members_of_each_bond() -> None:
    members = "".join(f"{number}: eth{number}: <UP> master bond{number % 2}\n" for number in range(4))
    found = ip_address.parse(f"8: bond0: <UP>\n9: bond1: <UP>\n{members}")
    assert found is not None
    below = {link.name: link.below for link in found.links}
    assert (below["bond0"], below["bond1"], below["eth0"]) == (("eth0", "eth2"), ("eth1", "eth3"), ())
