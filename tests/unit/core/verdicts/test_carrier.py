"""What carries a session: bonds, VLANs and bridges, and interfaces that go, come, or make no sense."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mpathd_watch.core.model.facts import LinkFacts
from mpathd_watch.core.transports.row import LocalEnd
from mpathd_watch.core.verdicts.carrier import described, has_carrier, is_redundant, lost, trunk

HERE = "192.168.2.10"
KINDS = {"bond": "bond", "team": "team", "vlan": "vlan", "br": "bridge", "tap": "tun", "veth": "veth"}


def end(netdev: str, address: str = HERE) -> LocalEnd:
    """The local end of a session through this interface, from this address."""
    return LocalEnd(address, netdev)


def links(*lines: str) -> dict[str, LinkFacts]:
    """Interfaces from ``NAME [BELOW,...] [ADDRESS]``; ``!`` after the name is no carrier, ``-`` down, ``?`` unknown.

    The kind of an interface is its name without digits; that of ``eth`` is none.
    """
    found = {}
    for line in lines:
        word, *rest = line.split()
        name = word.rstrip("!-?")
        below = tuple(each for text in rest if "." not in text or ":" in text for each in text.rstrip(":").split(","))
        addresses = tuple(text for text in rest if "." in text and ":" not in text)
        carrier = {"!": False, "-": None, "?": None}.get(word[len(name) :], True)
        kind = KINDS.get(name.rstrip("0123456789"), "")
        found[name] = LinkFacts(name, not word.endswith("-"), carrier, below, addresses, kind)
    return found


@pytest.mark.parametrize(
    ("netdev", "lines", "gone"),
    [
        ("eth2", ("eth2 192.168.2.10",), False),
        ("eth2", ("eth2! 192.168.2.10",), True),
        ("eth2", ("eth2- 192.168.2.10",), True),
        ("eth2", ("eth2? 192.168.2.10",), False),
        ("eth2", ("eth2",), True),
        ("eth2", (), True),
        ("", (), True),
        ("", ("eth2 192.168.2.10",), False),
        ("", ("eth2! 192.168.2.10",), True),
        ("eth2", ("san0 192.168.2.10",), False),
        ("eth2", ("san0! 192.168.2.10",), True),
        ("eth2", ("eth2", "eth3 192.168.2.10"), False),
        ("eth2", ("eth2!", "eth3 192.168.2.10"), True),
        ("eth2", ("eth2 192.168.2.11", "eth3 192.168.2.1"), True),
        ("bond0", ("bond0 eth2,eth3 192.168.2.10", "eth2!", "eth3"), False),
        ("bond0", ("bond0 eth2,eth3 192.168.2.10", "eth2!", "eth3-"), True),
        ("bond0", ("bond0! eth2,eth3 192.168.2.10", "eth2", "eth3"), True),
        ("bond0", ("bond0 eth2,eth3 192.168.2.10",), False),
        ("vlan7", ("vlan7 bond0 192.168.2.10", "bond0 eth2,eth3", "eth2!", "eth3!"), True),
        ("vlan7", ("vlan7 bond0 192.168.2.10", "bond0 eth2,eth3", "eth2", "eth3!"), False),
        ("br0", ("br0 eth2,tap0 192.168.2.10", "eth2!", "tap0"), False),
        ("br0", ("br0 eth2 192.168.2.10", "eth2!"), True),
        ("br0", ("br0 br0 192.168.2.10",), False),
        ("br0", ("br0 br1 192.168.2.10", "br1 br0"), False),
        ("br0", ("br0 br1 192.168.2.10", "br1! br0"), True),
    ],
)
def test_whether_anything_carries_it(netdev: str, lines: tuple[str, ...], gone: bool) -> None:
    assert lost(end(netdev), links(*lines)) is gone


def test_a_bond_with_carrier_of_which_one_member_is_not_known_is_not_lost() -> None:
    assert not lost(end("bond0"), links("bond0 eth2,eth3 192.168.2.10", "eth2!"))


def test_a_session_whose_address_is_not_known_is_never_seen_carried() -> None:
    assert lost(end("eth2", ""), links("eth2 192.168.2.10"))


def test_an_interface_may_have_carrier_though_the_address_is_gone() -> None:
    assert has_carrier(end("eth2"), links("eth2"))
    assert not has_carrier(end("eth2"), links("eth2! 192.168.2.10"))
    assert not has_carrier(end("eth2"), {})


@pytest.mark.parametrize(
    ("netdev", "lines", "told"),
    [
        ("eth2", ("eth2 192.168.2.10",), "eth2"),
        ("bond0", ("bond0 eth1,eth2", "eth1", "eth2"), "bond0 (eth1, eth2)"),
        ("vlan7", ("vlan7 bond0", "bond0 eth1,eth2", "eth1", "eth2"), "vlan7 (bond0, eth1, eth2)"),
        ("bond0", ("bond0 eth1,eth2", "eth1"), "bond0 (eth1, eth2)"),
        ("br0", ("br0 eth1,vlan7", "vlan7 eth1", "eth1"), "br0 (eth1, vlan7)"),
        ("br0", ("br0 br1", "br1 br0"), "br0 (br1)"),
        ("br0", ("br0 br0",), "br0"),
        ("eth2", ("san0 192.168.2.10",), "san0"),
        ("eth2", (), "eth2"),
        ("", (), HERE),
    ],
)
def test_how_it_is_called(netdev: str, lines: tuple[str, ...], told: str) -> None:
    assert described(end(netdev), links(*lines)) == told


@pytest.mark.parametrize(
    ("netdev", "lines", "lowest", "redundant"),
    [
        ("eth2", ("eth2",), "eth2", False),
        ("vlan7", ("vlan7 eth2", "eth2"), "eth2", False),
        ("vlan7", ("vlan7 eth2",), "vlan7", False),
        ("vlan7", ("vlan7 bond0", "bond0 eth1,eth2", "eth1", "eth2"), "bond0", True),
        ("bond0", ("bond0 eth1,eth2", "eth1!", "eth2"), "bond0", True),
        ("team0", ("team0 eth1,eth2",), "team0", True),
        ("bond0", ("bond0 eth1", "eth1"), "eth1", False),
        ("bond0", ("bond0",), "bond0", False),
        ("bond0", ("bond0 eth1",), "bond0", False),
        ("bond0", ("bond0 veth1", "veth1"), "bond0", False),
        ("br0", ("br0 bond0,tap1,veth2", "bond0 eth1,eth2", "tap1", "veth2"), "bond0", True),
        ("br0", ("br0 tap1,vlan7", "tap1", "vlan7 eth2", "eth2"), "eth2", False),
        ("br0", ("br0 eth1,eth2", "eth1", "eth2"), "br0", False),
        ("br0", ("br0 tap1", "tap1"), "br0", False),
        ("br0", ("br0 br1", "br1 br0"), "br0", False),
        ("br0", ("br0 br0",), "br0", False),
        ("eth2", ("eth3 192.168.2.10",), "eth3", False),
        ("eth2", (), "eth2", False),
        ("", (), "", False),
    ],
)
def test_what_all_its_frames_go_through(netdev: str, lines: tuple[str, ...], lowest: str, redundant: bool) -> None:
    assert trunk(end(netdev), links(*lines)) == lowest
    assert is_redundant(end(netdev), links(*lines)) is redundant


NAMES = [f"eth{number}" for number in range(4)]
LINKS = st.lists(
    st.builds(
        LinkFacts,
        name=st.sampled_from(NAMES),
        up=st.booleans(),
        carrier=st.sampled_from([None, True, False]),
        below=st.lists(st.sampled_from(NAMES), max_size=4).map(tuple),
        addresses=st.lists(st.sampled_from([HERE, "10.0.0.1"]), max_size=1).map(tuple),
        kind=st.sampled_from(["", *KINDS.values()]),
    )
).map(lambda found: {link.name: link for link in found})


@given(st.sampled_from([*NAMES, ""]), LINKS)
def test_whatever_the_interfaces_are_the_answers_fit(netdev: str, found: dict[str, LinkFacts]) -> None:
    facts = end(netdev)
    name = described(facts, found)
    assert name
    assert trunk(facts, found) in {*found, netdev}
    assert trunk(facts, found) in found or not is_redundant(facts, found)
    if not lost(facts, found):
        assert has_carrier(facts, found)
        assert name.partition(" ")[0] in found
        assert any(HERE in link.addresses for link in found.values())
    if all(not link.up or link.carrier is False for link in found.values()):
        assert lost(facts, found)


def layers(depth: int, *, carrier: bool) -> dict[str, LinkFacts]:
    """Pairs of interfaces, each made of both of the pair below."""
    found = {}
    for layer in range(depth):
        below = (f"a{layer + 1}", f"b{layer + 1}") if layer + 1 < depth else ()
        for side in "ab":
            name = f"{side}{layer}"
            found[name] = LinkFacts(name, True, carrier or layer + 1 < depth, below, (HERE,))
    return found


@pytest.mark.parametrize("carrier", [True, False])
def test_interfaces_in_many_layers_take_no_time(carrier: bool) -> None:
    """A recording may hold anything; 16 layers are 65,536 ways down and 32 interfaces."""
    seen = 0

    class Counted(dict[str, LinkFacts]):
        def __getitem__(self, name: str) -> LinkFacts:
            nonlocal seen
            seen += 1
            return super().__getitem__(name)

    found = Counted(layers(14, carrier=carrier))
    assert lost(end("a0"), found) is not carrier
    described(end("a0"), found)
    assert seen < 1000


def test_interfaces_in_a_very_long_row_do_no_harm() -> None:
    found = {f"e{number}": LinkFacts(f"e{number}", True, True, (f"e{number + 1}",), (HERE,)) for number in range(2000)}
    assert not lost(end("e0"), found)
    assert described(end("e0"), found)
    assert trunk(end("e0"), found) == "e1999"


@pytest.mark.parametrize(("count", "more"), [(6, ""), (7, ", 1 more"), (500, ", 494 more")])
def test_a_bridge_of_very_many_ports_is_reported_in_one_line(count: int, more: str) -> None:
    ports = tuple(f"tap{number}" for number in range(count))
    told = described(end("br0"), {"br0": LinkFacts("br0", True, True, ports, (HERE,))})
    assert told == f"br0 (tap0, tap1, tap2, tap3, tap4, tap5{more})"
