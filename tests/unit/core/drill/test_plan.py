"""What a drill would lose, whether that is safe, what is promised, and which commands are named."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mpathd_watch.core.drill.plan import Plan, plan
from mpathd_watch.core.drill.target import Kind, Target, TargetError, faults
from mpathd_watch.core.model.facts import LinkFacts
from mpathd_watch.core.model.vocabulary import Health, SourceName, Transport
from mpathd_watch.core.state import SourceState, State, frozen
from mpathd_watch.core.verdicts.flapping import Flaps
from mpathd_watch.core.verdicts.io_latency import Latency
from mpathd_watch.core.verdicts.slow_path import Slowness
from tests.factories import at, make_map, make_path, with_changes
from tests.unit.core.drill.drilling import ONE, P2, TWO, host, links, lost, planned, session, with_map, with_path

PORTAL = Target(Kind.PORTAL, TWO)
MAP = Target(Kind.MAP, "mpio")
TARGETS = (P2, PORTAL, MAP)


def reasons(state: State, target: Target = P2, terminal: str = "") -> tuple[str, ...]:
    return plan(state, target, terminal).reasons


def commands(found: Plan) -> list[tuple[str, ...]]:
    return [way.cause for choice in found.choices for way in choice.ways]


# --- what is lost -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("target", [P2, PORTAL, Target(Kind.PORTAL, "192.168.2.1"), Target(Kind.PORTAL, f"{TWO}")])
def test_an_interface_and_a_portal_take_the_path_through_them(target: Target) -> None:
    (choice,) = planned(host(), target).choices
    assert choice.fault.paths == {("wwid-of-mpio", TWO)}


@pytest.mark.parametrize("name", ["mpio", "wwid-of-mpio", "alias"])
def test_of_a_map_any_one_portal_may_fail(name: str) -> None:
    state = host(make_map("alias", wwid="wwid-of-mpio", label="mpio"))
    assert [choice.fault.target.name for choice in planned(state, Target(Kind.MAP, name)).choices] == [ONE, TWO]


def test_the_paths_of_other_maps_through_the_same_portal_are_lost_with_it() -> None:
    (choice,) = planned(host(make_map("mpio"), make_map("lun2")), PORTAL).choices
    assert choice.fault.paths == {("wwid-of-mpio", TWO), ("wwid-of-lun2", TWO)}


def test_a_bond_goes_on_without_one_of_its_members() -> None:
    members = {name: LinkFacts(name, up=True, carrier=True) for name in ("eth1", "eth2")}
    bond = LinkFacts("p2", up=True, carrier=True, below=("eth1", "eth2"), addresses=("192.168.2.2",), kind="bond")
    state = host(links=links(p2=bond, **members))
    assert reasons(state, Target(Kind.INTERFACE, "eth1")) == (
        "no path would be lost with interface eth1, so there is nothing to follow",
    )


def test_a_vlan_goes_with_its_nic() -> None:
    vlan = LinkFacts("p2", up=True, carrier=True, below=("eth2",), addresses=("192.168.2.2",), kind="vlan")
    state = host(links=links(p2=vlan, eth2=LinkFacts("eth2", up=True, carrier=True)))
    (choice,) = planned(state, Target(Kind.INTERFACE, "eth2")).choices
    assert choice.fault.paths == {("wwid-of-mpio", TWO)}


@pytest.mark.parametrize(
    ("target", "words"),
    [
        (Target(Kind.INTERFACE, "p9"), "there is no interface p9; there is p1, p2"),
        (Target(Kind.PORTAL, "192.168.9.1"), f"no path leads to the portal 192.168.9.1; there is {ONE}, {TWO}"),
        (Target(Kind.PORTAL, "192.168.2.1:9"), f"no path leads to the portal 192.168.2.1:9; there is {ONE}, {TWO}"),
        (Target(Kind.PORTAL, ":3260"), f"no path leads to the portal :3260; there is {ONE}, {TWO}"),
        (Target(Kind.MAP, "mpiq"), "there is no map mpiq; there is mpio"),
    ],
)
def test_what_is_not_there_is_an_error_that_names_what_is(target: Target, words: str) -> None:
    with pytest.raises(TargetError) as error:
        faults(host(), target)
    assert str(error.value) == words


def test_where_nothing_is_known_the_error_says_none() -> None:
    with pytest.raises(TargetError, match="there is none"):
        faults(State(), P2)


def test_an_address_of_several_portals_needs_a_port() -> None:
    second = make_path("192.168.2.1:3261", "sdc", nexus="b")
    state = host(make_map("mpio", [make_path(), make_path(TWO, "sdb"), second]))
    with pytest.raises(TargetError, match=r"192\.168\.2\.1 is several portals; name one of .*3260, .*3261"):
        faults(state, Target(Kind.PORTAL, "192.168.2.1"))


def test_an_ipv6_portal_may_be_spelled_in_any_way() -> None:
    label = "[fd00::2]:3260"
    state = host(make_map("mpio", [make_path(), make_path(label, "sdb", nexus="")]))
    for spelling in (label, "[fd00:0::2]:3260", "fd00::2", "[fd00::2]"):
        assert faults(state, Target(Kind.PORTAL, spelling))[0].target.name == label


# --- whether it is safe -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("target", TARGETS)
def test_a_sound_host_is_safe(target: Target) -> None:
    assert reasons(host(), target) == ()


@pytest.mark.parametrize("target", TARGETS)
def test_a_path_that_is_down_already_stands_against_it_and_so_does_the_map_that_would_be_left_without(
    target: Target,
) -> None:
    found = reasons(lost(host(), ONE), target)
    assert f"path {ONE} of mpio is failed already" in found
    assert any(reason.startswith("map mpio has no healthy path that does not go through ") for reason in found)


def test_the_same_trouble_of_many_maps_is_one_reason() -> None:
    names = ["a", "b", "c", "d", "e"]
    state = host(*map(make_map, names))
    for name in names:
        state = lost(state, ONE, wwid=f"wwid-of-{name}")
    assert f"path {ONE} of 5 maps (a, b, c and 2 more) is failed already" in reasons(state)


def test_an_outage_of_a_map_that_has_no_part_in_it_stands_against_it() -> None:
    other = make_map("other", [make_path(), make_path("192.168.1.1:3260#2", "sdx", health=Health.SUSPECT)])
    found = reasons(host(make_map("mpio"), other))
    assert found == ("path 192.168.1.1:3260#2 of other is suspect already",)


@pytest.mark.parametrize("name", [SourceName.SYSFS, SourceName.MULTIPATHD, SourceName.NETWORK])
def test_a_silent_source_stands_against_it_with_what_is_known_of_that(name: SourceName) -> None:
    state = host()
    down = SourceState(up=False, detail="It hangs.")
    found = plan(replace(state, sources=frozen({**state.sources, name: down})), P2)
    assert found.reasons == (f"the source {name} does not answer: It hangs",)
    assert not found.objections.passing
    unknown = plan(replace(state, sources=frozen({**state.sources, name: SourceState()})), P2)
    assert unknown.reasons == (f"the source {name} does not answer",)


def test_a_map_with_one_path_stands_against_it() -> None:
    state = host(make_map("mpio"), make_map("one", [make_path(TWO, "sdz")]))
    assert reasons(state) == ("map one has no healthy path that does not go through interface p2",)


def test_two_paths_through_one_interface_are_no_redundancy() -> None:
    second = session(1, netdev="p2", local_address="192.168.2.2")
    found = reasons(host(sessions=(second, session(2))))
    assert found == ("map mpio has no healthy path that does not go through interface p2",)


def test_a_path_of_which_the_interface_is_not_known_may_go_with_the_same_one() -> None:
    found = reasons(host(sessions=(session(1, netdev="", local_address=""), session(2))))
    assert found == ("map mpio: it is not known which interface carries its other paths",)
    # A portal that fails takes no other one with it, whatever carries that.
    assert reasons(host(sessions=(session(1, netdev="", local_address=""), session(2))), PORTAL) == ()


def test_a_path_without_a_session_may_go_with_the_same_interface() -> None:
    fc = with_changes(make_path("0x5001@0x2001", "sdx"), nexus="", transport=Transport.FC, portal="")
    assert reasons(host(make_map("mpio", [fc, make_path(TWO, "sdb")]))) == (
        "map mpio: it is not known which interface carries its other paths",
    )


def test_a_path_that_is_no_longer_in_the_map_is_no_way_to_go() -> None:
    found = reasons(with_path(host(), ONE, member=False))
    assert found == ("map mpio has no healthy path that does not go through interface p2",)


def test_a_path_that_flaps_or_is_slow_is_no_way_to_go() -> None:
    flapping = with_path(host(), ONE, flaps=Flaps(since=at(-60)))
    assert reasons(flapping) == (f"path {ONE} of mpio is flapping",)
    slow = with_path(host(), ONE, slowness=Slowness(by_latency=Latency(slow=True)))
    assert reasons(slow) == ("map mpio: every path that would be left is slow",)


def test_what_a_map_does_without_a_path_must_be_known() -> None:
    found = plan(host(make_map("mpio", queues=None)), P2)
    assert found.reasons == ("map mpio: it is not known whether I/O waits when no path is left",)
    assert found.objections.passing


def test_a_path_of_which_nothing_is_known_may_be_known_in_a_moment() -> None:
    found = plan(with_path(host(), ONE, health=Health.UNKNOWN), P2)
    assert found.reasons == (
        "map mpio has no healthy path that does not go through interface p2",
        f"path {ONE} of mpio is in a state that is not known",
    )
    assert found.objections.passing


def test_a_suspended_map_stands_against_it() -> None:
    assert reasons(host(make_map("mpio", suspended=True))) == ("map mpio is suspended",)


def test_a_path_of_which_it_is_not_known_where_it_leads_stands_against_it() -> None:
    found = reasons(host(make_map("mpio", unplaced=frozenset({"8:64"}))))
    assert found == ("map mpio: it is not known where 1 path of it leads",)


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"recv_tmo": None}, "the timeouts of its connection are not known"),
        ({"recv_tmo": 0}, "pings are off, so nothing promises when a failure is noticed"),
        ({"recovery_tmo": -1}, "its replacement timeout is off or not known, so nothing promises when I/O moves"),
        (
            {"alive": None},
            f"{TWO}/iqn.2003-01.org.linux-iscsi.san:mpio has given no sign of life yet, from which detection could be "
            "measured",
        ),
    ],
)
def test_the_timeouts_must_be_known_and_promise_something(changes: dict[str, int | None], why: str) -> None:
    state = host(sessions=(session(1), session(2, **changes)))
    assert reasons(state) == (f"path {TWO} of mpio can't be judged: {why}",)


def test_it_must_be_known_how_often_multipathd_checks() -> None:
    state = host()
    found = reasons(replace(state, auditing=replace(state.auditing, report=replace(state.auditing.report, maps={}))))
    assert found == (f"path {TWO} of mpio can't be judged: it is not known how often multipathd checks a failed path",)


def test_a_path_without_a_nexus_promises_nothing() -> None:
    state = with_path(host(), TWO, nexus="")
    found = plan(state, PORTAL)
    assert found.reasons == (f"path {TWO} of mpio can't be judged: the timeouts of its connection are not known",)
    assert found.choices[0].promise.noticed_worst == float("inf")


def test_nobody_takes_down_the_interface_of_his_own_terminal() -> None:
    found = reasons(host(), P2, "192.168.2.2")
    assert found == ("this terminal is connected through p2 (192.168.2.2); log in another way",)
    assert reasons(host(), P2, "192.168.1.2") == ()
    assert reasons(host(), PORTAL, "192.168.2.2") == ()


def test_all_reasons_are_named_at_once() -> None:
    state = lost(host(make_map("mpio", queues=None, suspended=True)), ONE)
    assert len(reasons(state, P2, "192.168.2.2")) == 5


# --- what is promised, and how the fault may be caused ----------------------------------------------------------------


def test_the_promise_is_that_of_the_timeouts_in_force() -> None:
    (choice,) = planned(host()).choices
    expected = "noticed after 10 to 16 s, I/O moves after 15 to 21 s, back within 82 s of the new connection"
    assert str(choice.promise) == expected


def test_of_several_paths_the_best_and_the_worst_are_promised() -> None:
    slow = session(3, recv_tmo=10, ping_tmo=20, recovery_tmo=5, netdev="p2", local_address="192.168.2.2")
    three = make_path("192.168.3.1:3260", "sdc")
    state = host(make_map("mpio", [make_path(), make_path(TWO, "sdb"), three]), sessions=(session(1), session(2), slow))
    (choice,) = planned(state).choices
    assert (choice.promise.noticed_best, choice.promise.noticed_worst) == (10, 31)
    assert (choice.promise.moved_best, choice.promise.moved_worst) == (15, 36)


def test_where_best_and_worst_are_equal_one_is_named() -> None:
    (choice,) = planned(host()).choices
    equal = replace(choice.promise, noticed_best=16.0)
    assert str(equal).startswith("noticed after 16 s, ")


def test_the_commands_take_down_an_interface_or_drop_what_comes_from_a_portal() -> None:
    assert commands(planned(host())) == [("ip link set p2 down",)]
    link, nft, iptables = planned(host(), PORTAL).choices[0].ways
    assert link.undo == ("ip link set p2 up",)
    assert nft.cause[-1].endswith("ip saddr 192.168.2.1 tcp sport 3260 drop")
    assert nft.undo == ("nft delete table inet mpathd_watch_drill",)
    assert iptables.cause == ("iptables -I INPUT -s 192.168.2.1 -p tcp --sport 3260 -j DROP",)
    assert iptables.undo == ("iptables -D INPUT -s 192.168.2.1 -p tcp --sport 3260 -j DROP",)


def test_an_interface_that_takes_more_than_the_portal_is_not_named_for_it() -> None:
    shared = session(3, netdev="p2", local_address="192.168.2.2")
    paths = [make_path(), make_path(TWO, "sdb"), make_path("192.168.3.1:3260", "sdc")]
    state = host(make_map("mpio", paths), sessions=(session(1), session(2), shared))
    assert [way.cause[0].split()[0] for way in planned(state, PORTAL).choices[0].ways] == ["nft", "iptables"]


def test_ipv6_has_its_own_commands_and_a_portal_without_a_port_has_none() -> None:
    label = "[fd00::2]:3260"
    state = host(make_map("mpio", [make_path(), make_path(label, "sdb", nexus="")]))
    ways = plan(state, Target(Kind.PORTAL, label)).choices[0].ways
    assert ways[0].cause[-1].endswith("ip6 saddr fd00::2 tcp sport 3260 drop")
    assert ways[1].cause == ("ip6tables -I INPUT -s fd00::2 -p tcp --sport 3260 -j DROP",)
    odd = host(make_map("mpio", [make_path(), make_path("a:unknown", "sdb", nexus="")]))
    assert plan(odd, Target(Kind.PORTAL, "a:unknown")).choices[0].ways == ()


def test_a_name_that_a_shell_would_misread_is_quoted() -> None:
    odd = LinkFacts("p2;reboot", up=True, carrier=True, addresses=("192.168.2.2",))
    state = host(sessions=(session(1), session(2, netdev="p2;reboot")), links=links(**{"p2;reboot": odd}))
    assert commands(planned(state, Target(Kind.INTERFACE, "p2;reboot"))) == [("ip link set 'p2;reboot' down",)]


def test_a_map_without_a_known_portal_has_nothing_that_may_fail() -> None:
    paths = [with_changes(make_path(name), nexus="", portal="") for name in ("a", "b")]
    plain = make_map("mpio", paths)
    assert reasons(with_map(host(), plain), MAP) == (
        "no path would be lost with map mpio, so there is nothing to follow",
    )


def test_a_drill_without_links_names_no_interface() -> None:
    found = plan(host(links=None), PORTAL)
    assert [way.cause[0].split()[0] for way in found.choices[0].ways] == ["nft", "iptables"]
