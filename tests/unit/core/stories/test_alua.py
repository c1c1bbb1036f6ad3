"""What an array says of its paths (ALUA): causes, budgets, and what is reported once for many paths."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mpathd_watch.core.catalog.alerts import Priority
from mpathd_watch.core.catalog.causes import text as cause_text
from mpathd_watch.core.effects import Scope
from mpathd_watch.core.events import BlockEvent, DevicesRead
from mpathd_watch.core.model.vocabulary import (
    AccessState,
    AttentionKind,
    Cause,
    CheckerState,
    DeviceState,
    DmState,
    Health,
    MapHealth,
    Phase,
    SessionStatus,
    Verdict,
)
from tests.story import TARGET, San, Story, moment

A, B = "192.168.1.1:3260", "192.168.2.1:3260"
OPTIMIZED, NON_OPTIMIZED = AccessState.OPTIMIZED, AccessState.NON_OPTIMIZED
STANDBY, UNAVAILABLE = AccessState.STANDBY, AccessState.UNAVAILABLE
TRANSITIONING, OFFLINE = AccessState.TRANSITIONING, AccessState.OFFLINE
PORTALS = ["192.168.1.1", "192.168.2.1"]


def story(*maps: str, queues: bool = False, **states: AccessState) -> Story:
    """One map, or these, over two sessions, each of which leads to a port group of its own."""
    san = San.of(list(maps) or ["mpio"], PORTALS).grouped(**states)
    san.queues, san.queueing = queues, "on" if queues else "off"
    return Story(san).begun().expects(5, (maps or ("mpio",))[0])


def fails(told: Story, name: str) -> Story:
    """The disk's path fails in dm, and multipathd finds it faulty."""
    return told.dm(name, DmState.FAILED).checker(name, CheckerState.FAULTY)


def returns(told: Story, name: str) -> Story:
    """The disk answers multipathd, and dm reinstates its path."""
    return told.checker(name, CheckerState.READY).dm(name, DmState.ACTIVE)


# --- causes -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("state", "cause", "words"),
    [
        (STANDBY, Cause.ARRAY_STANDBY, "the array has put port group 2 into standby (ALUA); its transport works"),
        (
            UNAVAILABLE,
            Cause.ARRAY_UNAVAILABLE,
            "the array has made port group 2 unavailable (ALUA); its transport works",
        ),
        (OFFLINE, Cause.ARRAY_OFFLINE, "the array has taken port group 2 offline (ALUA); its transport works"),
    ],
)
def test_what_the_array_did_is_the_cause(state: AccessState, cause: Cause, words: str) -> None:
    told = fails(story().at(0).access(g2=state), "sdb").at(3)
    assert told.health(B) == (Health.FAILED, MapHealth.AT_RISK)
    assert dict(told.path(B).failures) == {cause: 1}
    alert = told.told_of("path_failed")
    assert alert.priority is Priority.INFO
    assert alert.message == f"mpio: path {B} (sdb) failed: dm has failed it; cause: {words}. 1 of 2 paths usable."
    assert alert.fields["CAUSE"] == cause
    ((at, priority, message),) = told.incidents()
    assert (at, priority) == (1, Priority.ERR)
    assert f"cause: {cause_text(cause)}. mpio has one usable path left" in message
    assert told.told_of("incident_began").fields["CAUSE"] == cause


def test_a_state_that_is_read_a_moment_after_the_failure_is_the_cause() -> None:
    told = story().at(0).dm("sdb", DmState.FAILED)
    assert "cause: not known yet" in told.told_of("path_failed").message
    told.at(0.2).access(g2=STANDBY)
    assert "put port group 2 into standby" in told.told_of("path_cause").message
    assert dict(told.at(3).path(B).failures) == {Cause.ARRAY_STANDBY: 1}


@pytest.mark.parametrize(
    ("attention", "then", "cause"),
    [
        (True, UNAVAILABLE, Cause.ARRAY_UNAVAILABLE),
        (True, OFFLINE, Cause.ARRAY_OFFLINE),
        (True, TRANSITIONING, Cause.ARRAY_STANDBY),
        (False, UNAVAILABLE, Cause.ARRAY_STANDBY),
    ],
)
def test_a_path_in_standby_fails_as_the_array_reports_another_change(
    attention: bool, then: AccessState, cause: Cause
) -> None:
    """Simulator, v7-1180: the kernel had yet to ask for the new state when dm failed the path."""
    told = story().at(0).access(g2=STANDBY).at(8)
    if attention:
        told.attention(AttentionKind.ACCESS_STATE, "2:0:0:0")
    fails(told.at(8.5), "sdb").at(9.5).access(g2=then)
    assert dict(told.at(15).path(B).failures) == {cause: 1}


@pytest.mark.parametrize(
    ("attention", "cause"), [(3.0, Cause.UNKNOWN), (5.2, Cause.ARRAY_STANDBY), (None, Cause.ARRAY_STANDBY)]
)
def test_a_path_that_the_array_had_opened_again_before_it_failed_is_not_in_standby(
    attention: float | None, cause: Cause
) -> None:
    """Simulator, p6-336: the LUN was not ready, and the end of standby had yet to be read."""
    told = story().at(0).access(g2=STANDBY)
    for second in (3.0, 5.2):
        if second > 5.0:
            fails(told.at(5.0), "sdb")
        if second == attention:
            told.at(second).attention(AttentionKind.ACCESS_STATE, "2:0:0:0")
    told.at(5.4).access(g2=OPTIMIZED)
    assert told.path(B).health is (Health.FAILED if cause is Cause.UNKNOWN else Health.RECOVERING)
    assert dict(told.at(15).path(B).failures) == {cause: 1}


def test_a_path_that_fails_as_the_array_reports_standby_is_in_standby_at_once() -> None:
    """Lab, array_standby: dm fails it before the state has been read, and reinstates it 3 s later, as a ghost."""
    told = story().at(0).attention(AttentionKind.ACCESS_STATE, "2:0:0:0").at(0.1).dm("sdb", DmState.FAILED)
    told.at(0.3).access(g2=STANDBY)
    assert dict(told.path(B).failures) == {Cause.ARRAY_STANDBY: 1}
    told.at(3).checker("sdb", CheckerState.GHOST).dm("sdb", DmState.ACTIVE)
    assert told.told_of("path_reinstated").fields["CAUSE"] == Cause.ARRAY_STANDBY


def test_a_path_in_standby_that_is_reinstated_as_a_ghost_was_in_standby() -> None:
    told = story().at(0).access(g2=STANDBY).attention(AttentionKind.ACCESS_STATE, "2:0:0:0")
    told.at(1).dm("sdb", DmState.FAILED).at(2).checker("sdb", CheckerState.GHOST).dm("sdb", DmState.ACTIVE)
    assert told.told_of("path_reinstated").fields["CAUSE"] == Cause.ARRAY_STANDBY


def test_without_a_number_it_is_the_paths_port_group() -> None:
    told = story().at(0)
    device = told.san.devices["sdb"]
    told.san.devices["sdb"] = replace(device, access=replace(device.access, group=None, state=STANDBY))
    fails(told.look(), "sdb")
    assert "the array has put its port group into standby (ALUA)" in told.told_of("path_failed").message
    assert not told.state.arrays.groups


def test_a_passive_controller_that_is_as_it_should_be_raises_nothing() -> None:
    told = story(g2=STANDBY).at(0).checker("sdb", CheckerState.GHOST).at(600)
    assert told.health(B) == (Health.UP, MapHealth.HEALTHY)
    assert told.alerts(since=-100) == []


def test_a_path_that_was_in_standby_all_along_fails_for_another_reason() -> None:
    told = story(g2=STANDBY).at(0).checker("sdb", CheckerState.GHOST)
    told.at(600).checker("sdb", CheckerState.FAULTY)
    assert told.told_of("path_failed").fields["CAUSE"] == Cause.CHECKER


def test_a_path_in_standby_whose_session_was_down_is_up_again_with_it() -> None:
    """Standby has not taken it out, and without multipathd there is nobody who would call it ghost."""
    told = story(g2=STANDBY).at(0).checker("sdb", CheckerState.GHOST)
    told.access(g2=OPTIMIZED).at(5).access(g2=STANDBY).at(10).session(2, SessionStatus.FAILED)
    assert told.path(B).health is Health.STALLED
    told.at(20).multipathd_down()
    told.at(30).session(2, SessionStatus.LOGGED_IN)
    assert told.health(B) == (Health.UP, MapHealth.HEALTHY)


def test_a_path_that_was_in_standby_and_faulty_at_the_start_is_in_standby() -> None:
    san = San.of(["mpio"], PORTALS).grouped(g2=STANDBY)
    san.dm["sdb"], san.checkers["sdb"] = DmState.FAILED, CheckerState.FAULTY
    told = Story(san).begun()
    outage = told.path(B).outage
    assert outage is not None
    assert (outage.cause, outage.inherited) == (Cause.ARRAY_STANDBY, True)


def test_an_active_path_fails_for_another_reason() -> None:
    told = story(g2=NON_OPTIMIZED).at(0).checker("sdb", CheckerState.FAULTY)
    assert told.told_of("path_failed").fields["CAUSE"] == Cause.CHECKER


def test_a_lost_session_explains_more_than_the_access_state() -> None:
    told = story().at(0).access(g2=UNAVAILABLE).session(2, SessionStatus.FAILED)
    outage = told.path(B).outage
    assert outage is not None
    assert outage.cause is Cause.CONNECTION_ERROR


def test_a_path_that_the_array_closes_is_not_reinstated_before_the_array_opens_it() -> None:
    told = fails(story().at(0).access(g2=UNAVAILABLE), "sdb")
    told.at(300)
    assert told.path(B).health is Health.FAILED
    told.access(g2=OPTIMIZED)
    assert told.path(B).health is Health.RECOVERING
    assert "recovering: the array accepts I/O over it again after 5 min 0 s" in told.told_of("path_recovering").message
    returns(told.at(304), "sdb")
    message = told.told_of("path_reinstated").message
    assert "(reinstated 4.0 s after the array accepted I/O over it again); cause: the array has made it" in message
    outage = told.last_outage(B)
    assert outage is not None
    assert outage.judgement is not None
    assert dict(outage.judgement.phases) == {Phase.REINSTATEMENT: pytest.approx(4)}


@pytest.mark.parametrize("looked", [True, False])
def test_a_state_that_was_over_before_the_failure_shows_no_return(looked: bool) -> None:
    """Simulator, x1-213 and fecfd796-1541: multipathd had reinstated the path, and dm failed it for another reason."""
    told = story().at(0).looked("sdb").access(g2=UNAVAILABLE)
    fails(told.at(50), "sdb").at(51)
    if looked:
        told.looked("sdb").at(52)
    told.san.devices["sdb"] = replace(
        told.san.devices["sdb"], access=replace(told.san.devices["sdb"].access, state=OPTIMIZED)
    )
    told.looked("sdb")
    assert told.path(B).health is (Health.RECOVERING if looked else Health.FAILED)
    assert told.health(B)[1] is MapHealth.AT_RISK
    returns(told.at(55), "sdb")
    assert told.path(B).health is Health.UP


def test_an_opened_path_that_nobody_reinstates_is_overdue() -> None:
    told = fails(story().at(0).access(g2=STANDBY), "sdb").at(10).access(g2=OPTIMIZED).at(60)
    alert = told.told_of("path_overdue")
    assert alert.fields["PHASE"] == Phase.REINSTATEMENT
    assert "the array has accepted I/O over it again for 14.0 s, and it is not reinstated" in alert.message


def test_a_closed_path_whose_session_returns_is_not_recovering() -> None:
    told = story().at(0).session(2, SessionStatus.FAILED).dm("sdb", DmState.FAILED).at(30).access(g2=UNAVAILABLE)
    told.session(2, SessionStatus.LOGGED_IN)
    assert told.path(B).health is Health.FAILED
    assert "path_overdue" not in {event for _, event, _ in told.at(300).alerts()}


# --- transitions ------------------------------------------------------------------------------------------------------


def test_io_waits_while_the_array_changes_the_state() -> None:
    told = story().at(0).access(g2=TRANSITIONING)
    assert told.health(B) == (Health.STALLED, MapHealth.AT_RISK)
    alert = told.told_of("path_stalled")
    assert alert.priority is Priority.INFO
    assert alert.message == (
        f"mpio: path {B} (sdb) stalled: the array is changing the state of port group 2 (ALUA). The kernel retries I/O "
        "on it meanwhile, by default for up to 60 s. 1 of 2 paths usable."
    )
    assert alert.fields["BUDGET_SEC"] == "60.000"
    deadline = told.path(B).verdict.deadline
    assert deadline is not None
    assert deadline.monotonic == 1060
    told.at(6).access(g2=OPTIMIZED)
    assert told.health(B) == (Health.UP, MapHealth.HEALTHY)
    outage = told.last_outage(B)
    assert outage is not None
    assert outage.judgement is not None
    assert outage.judgement.verdict is Verdict.WITHIN_BUDGET
    assert dict(outage.judgement.phases) == {Phase.TRANSITION: pytest.approx(6)}
    assert [event for _, event, _ in told.at(60).alerts()] == ["path_stalled", "path_reinstated"]


def test_the_disks_are_read_again_until_the_state_has_changed() -> None:
    told = story().at(0).access(g2=TRANSITIONING)
    reads = []
    for second in range(2, 10, 2):
        told.at(second)
        reads += [refresh.devices for refresh in told.wanted if refresh.scope is Scope.DEVICES]
    assert reads == [("sdb",)] * 4
    told.access(g2=OPTIMIZED).at(20)
    assert told.waits == set()


def test_a_map_without_a_path_during_a_transition_is_news_only_if_that_takes_too_long() -> None:
    told = story().at(0).access(g1=TRANSITIONING, g2=TRANSITIONING)
    assert told.map().health is MapHealth.LOST
    assert {alert.alert.priority for alert in told.told if alert.at >= 0} == {Priority.INFO}
    told.at(60)
    assert "map_lost" not in {event for _, event, _ in told.alerts()}
    told.at(67)
    overdue = [told_.alert for told_ in told.told if told_.event == "path_overdue"]
    assert [alert.priority for alert in overdue] == [Priority.ERR, Priority.INFO]
    assert overdue[0].fields["PHASE"] == Phase.TRANSITION
    assert (
        "the array is changing the state of port group 1 (ALUA) for 1 min 6 s now; by default the kernel retries"
        in overdue[0].message
    )
    assert told.told_of("map_lost").priority is Priority.INFO
    assert [(at, priority) for at, priority, _ in told.incidents()] == [
        (66, Priority.ERR),
        (67, Priority.CRIT),
    ]


def test_a_transition_that_was_no_news_does_not_count_for_the_next_trouble() -> None:
    told = story(queues=True).at(0).access(g1=TRANSITIONING, g2=TRANSITIONING).at(6)
    told.access(g1=OPTIMIZED, g2=OPTIMIZED).at(100).dm("sdb", DmState.FAILED).at(110).dm("sdb", DmState.ACTIVE)
    assert told.told_of("map_recovered").message == "mpio: healthy again after 10.0 s, all 2 paths up."


def test_a_transition_that_ends_in_standby_fails_the_path() -> None:
    told = fails(story().at(0).access(g2=TRANSITIONING).at(61).access(g2=STANDBY), "sdb")
    assert told.health(B) == (Health.FAILED, MapHealth.AT_RISK)
    assert told.told_of("path_failed").fields["CAUSE"] == Cause.ARRAY_TRANSITIONING
    ((at, priority, message),) = told.at(80).incidents()
    assert (at, priority) == (62, Priority.ERR)
    assert message.startswith(f"mpio: path {B} (sdb) ")
    assert "mpio has one usable path left" in message


def test_a_transition_whose_end_is_known_before_it_is_counted_has_that_cause() -> None:
    san = San.of(["mpio"], PORTALS).grouped(g2=TRANSITIONING)
    told = Story(san).begun()
    fails(told.at(0).access(g2=STANDBY), "sdb")
    outage = told.path(B).outage
    assert outage is not None
    assert (outage.inherited, outage.cause) == (True, Cause.ARRAY_STANDBY)


def test_a_path_that_the_array_stalled_has_its_whole_time_once_its_session_is_lost() -> None:
    told = story(g2=OPTIMIZED).at(0).session(2, SessionStatus.FAILED).access(g2=TRANSITIONING)
    told.at(2).session(2, SessionStatus.LOGGED_IN)
    assert told.healths_of(B) == [(0, Health.STALLED)]
    told.at(30).session(2, SessionStatus.FAILED)
    path = told.path(B)
    assert path.outage is not None
    assert path.outage.bounds is not None
    held = path.outage.bounds.of(Phase.REPLACEMENT)
    assert path.verdict.deadline == moment(30 + held)


# --- port groups ------------------------------------------------------------------------------------------------------


def several(g2: AccessState = OPTIMIZED) -> Story:
    """Three maps over the same two port groups: sda, sdc, sde lead to the first one."""
    return story("lun01", "lun02", "lun03", g2=g2)


def test_a_map_that_is_removed_leaves_the_port_group_that_its_path_was_down_with() -> None:
    told = several().at(0).access(g2=UNAVAILABLE)
    for name in ("sdb", "sdd", "sdf"):
        fails(told, name)
    del told.san.maps[told.san.wwid("lun01")]
    told.at(10).look()
    assert {wwid for down in told.state.arrays.groups.values() for wwid, _ in down.paths} == set(told.state.maps)


def test_a_port_group_that_takes_several_paths_is_one_alert() -> None:
    told = several().at(0).access(g2=STANDBY)
    for second, name in enumerate(("sdb", "sdd", "sdf")):
        fails(told.at(second), name)
    down = told.told_of("port_group_down")
    assert down.priority is Priority.INFO
    assert down.message == (
        f"{TARGET}: the array has put port group 2 into standby (ALUA): 3 paths of 3 maps lead to it; their transport "
        "works."
    )
    assert down.fields == {
        "PORT_GROUP": "2",
        "TARGET": TARGET,
        "CAUSE": "array_standby",
        "PATHS": "3",
        "MAPS": "3",
        "INCIDENT": told.parts[0].alert.fields["INCIDENT"],
    }
    assert {each.alert.priority for each in told.parts} == {Priority.INFO}
    first, last = told.at(99).incidents()
    assert (first[:2], last[:2]) == ((1, Priority.ERR), (11, Priority.ERR))
    assert first[2].startswith(f"lun01: path {B} (sdb) ")
    assert last[2].startswith("Worse: 3 paths of 3 maps are out")
    told.at(100).access(g2=OPTIMIZED)
    for name in ("sdb", "sdd", "sdf"):
        returns(told.at(told.seconds + 1), name)
    up = told.told_of("port_group_up")
    assert (told.parts[-1].at, up.priority) == (103, Priority.INFO)
    assert up.message == f"{TARGET}: port group 2 takes I/O again after 1 min 42 s."
    assert {each.alert.priority for each in told.parts} == {Priority.INFO}
    ((at, priority, message),) = told.incidents(since=50)
    assert (at, priority) == (103, Priority.NOTICE)
    assert message.startswith("All 3 paths of 3 maps ")
    assert not told.state.arrays.groups


def test_a_transition_of_a_port_group_is_news_only_if_paths_fail() -> None:
    told = several().at(0).access(g2=TRANSITIONING)
    down = told.told_of("port_group_down")
    assert down.priority is Priority.INFO
    assert (
        "is changing the state of port group 2 (ALUA): 3 paths of 3 maps lead to it. The kernel retries" in down.message
    )
    told.at(6).access(g2=OPTIMIZED)
    assert told.told_of("port_group_up").priority is Priority.INFO
    assert {each.alert.priority for each in told.told if each.at >= 0} == {Priority.INFO}


def test_a_transition_of_a_port_group_that_fails_is_announced_again() -> None:
    told = several().at(0).access(g2=TRANSITIONING).at(61).access(g2=STANDBY)
    for name in ("sdb", "sdd"):
        fails(told, name)
    first, second = (each.alert for each in told.told if each.event == "port_group_down")
    assert "is changing the state of port group 2 (ALUA)" in first.message
    assert "the array did not change the state of port group 2 in time (ALUA)" in second.message
    assert first.fields["INCIDENT"] == second.fields["INCIDENT"]
    ((at, priority, message),) = told.at(63).incidents()
    assert (at, priority) == (62, Priority.ERR)
    assert message.startswith("3 paths of 3 maps are out")


def test_a_path_that_fails_after_an_unread_end_of_a_transition_is_no_news_of_its_group() -> None:
    """Simulator, n26-1127: an administrator had the path failed."""
    told = several().at(0)
    for name in ("sdb", "sdd"):
        told.looked(name)
    told.access(g2=TRANSITIONING).at(20).dm("sdb", DmState.FAILED)
    (first,) = (each.alert.message for each in told.told if each.event == "port_group_down")
    told.at(20.1).looked("sdb")
    _, second = (each.alert.message for each in told.told if each.event == "port_group_down")
    assert "is changing the state of port group 2" in first
    assert "did not change the state of port group 2 in time" in second
    assert [(at, priority) for at, priority, _ in told.at(30).incidents()] == [(21, Priority.ERR)]


def test_a_path_that_is_only_suspect_has_not_failed_because_the_array_closes_it() -> None:
    """That is up to dm and the checker, which have no reason here."""
    san = San.of(["mpio"], PORTALS).grouped().wired()
    told = Story(san).begun().live().at(0).carrier("eth2", carrier=False)
    assert told.health(B)[0] is Health.SUSPECT
    told.at(1).access(g2=UNAVAILABLE)
    assert told.health(B)[0] is Health.SUSPECT


def test_a_path_that_follows_its_port_group_before_its_state_is_known_shares_the_alert() -> None:
    told = several()
    for second, name in enumerate(("sdb", "sdd", "sdf")):
        if name != "sdf":
            device = told.san.devices[name]
            told.san.devices[name] = replace(device, access=replace(device.access, state=UNAVAILABLE))
            told.feed(DevicesRead((told.san.devices[name],)))
        fails(told.at(second), name)
    parts = [(each.event, each.alert.fields.get("MAP")) for each in told.parts if not each.event.startswith("map_")]
    assert parts == [
        ("path_failed", "lun01"),
        ("port_group_down", None),
        ("path_failed", "lun02"),
        ("path_failed", "lun03"),
    ]
    assert len({each.alert.fields["INCIDENT"] for each in told.told}) == 1
    assert [(at, priority) for at, priority, _ in told.at(30).incidents()] == [(1, Priority.ERR), (11, Priority.ERR)]


def test_paths_of_a_port_group_that_are_overdue_one_after_the_other_are_one_alert() -> None:
    told = several()
    for second, name in enumerate(("sdb", "sdd", "sdf")):
        told.at(second)
        device = told.san.devices[name]
        told.san.devices[name] = replace(device, access=replace(device.access, state=TRANSITIONING))
        told.feed(DevicesRead((told.san.devices[name],)))
    told.at(70)
    overdue = [(each.who, each.alert.priority) for each in told.told if each.event == "path_overdue"]
    assert overdue == [(B, Priority.ERR), (B, Priority.INFO), (B, Priority.INFO)]


def test_a_path_that_is_overdue_in_another_phase_is_news() -> None:
    def opens(name: str, state: AccessState) -> None:
        device = told.san.devices[name]
        told.san.devices[name] = replace(device, access=replace(device.access, state=state))
        told.feed(DevicesRead((told.san.devices[name],)))

    told = several().at(0).access(g2=UNAVAILABLE)
    fails(fails(told, "sdb"), "sdd")
    told.at(5)
    opens("sdb", OPTIMIZED)
    opens("sdd", OPTIMIZED)
    returns(told, "sdd").at(40)
    opens("sdd", TRANSITIONING)
    told.at(120)
    overdue = [(each.alert.fields["PHASE"], each.alert.priority) for each in told.told if each.event == "path_overdue"]
    assert overdue == [(Phase.REINSTATEMENT, Priority.ERR), (Phase.TRANSITION, Priority.ERR)]


def test_one_path_alone_is_not_a_port_group() -> None:
    told = fails(several().at(0).access(g2=STANDBY), "sdb")
    for name in ("sdd", "sdf"):
        told.checker(name, CheckerState.GHOST)
    told.at(4).checker("sdb", CheckerState.GHOST).dm("sdb", DmState.ACTIVE)
    assert told.path(B, "lun01").health is Health.UP
    assert "port_group_down" not in {event for _, event, _ in told.alerts()}


def test_maps_of_another_array_are_not_counted() -> None:
    san = San.of(["lun01", "lun02"], PORTALS)
    san.login("192.168.3.1", target="iqn.2009-02.com.example:other")
    san.add_map("lun03", [3])
    san.grouped()
    told = Story(san).begun().at(0)
    san.devices["sde"] = replace(san.devices["sde"], access=replace(san.devices["sde"].access, group=2))
    fails(fails(told.look().access(g2=STANDBY), "sdb"), "sdd")
    assert told.told_of("port_group_down").fields["PATHS"] == "2"


def test_where_targets_have_no_names_arrays_are_told_apart_by_their_addresses() -> None:
    san = San()
    for name in ("lun01", "lun02"):
        wwid = san.add_map(name)
        for _ in range(2):
            san.add_disk(wwid, None)
    san.grouped()
    for name, group in zip(san.devices, (1, 2, 1, 2), strict=True):
        san.devices[name] = replace(san.devices[name], access=replace(san.devices[name].access, group=group))
    told = fails(fails(Story(san).begun().at(0).access(g2=STANDBY), "sdb"), "sdd")
    assert "port_group_down" not in {event for _, event, _ in told.alerts()}


def test_a_disk_that_is_held_is_no_evidence_that_the_transport_works() -> None:
    told = story().at(0).access(g2=UNAVAILABLE).device("sdb", DeviceState.BLOCKED).dm("sdb", DmState.FAILED).at(3)
    assert dict(told.path(B).failures) == {Cause.UNKNOWN: 1}


def test_a_path_that_leaves_with_its_map_leaves_its_port_group() -> None:
    told = several().at(0).access(g2=STANDBY)
    fails(fails(told, "sdb"), "sdd")
    assert len(told.state.arrays.groups) == 1
    for name in ("lun01", "lun02"):
        known = told.san.maps.pop(told.san.wwid(name))
        told.feed(BlockEvent("remove", known.sysfs_name))
    told.look().at(5).checker("sdc", CheckerState.GHOST)
    assert not told.state.arrays.groups
    assert "port_group_up" not in {event for _, event, _ in told.alerts()}


def test_a_map_may_leave_while_its_port_group_is_down() -> None:
    told = several().at(0).access(g2=TRANSITIONING)
    told.san.maps.pop(told.san.wwid("lun01"))
    told.at(1).look()
    (down,) = told.state.arrays.groups.values()
    assert {wwid for wwid, _ in down.paths} == {told.san.wwid("lun02"), told.san.wwid("lun03")}


# --- moves ------------------------------------------------------------------------------------------------------------


def test_a_map_that_waits_for_another_reason_is_lost_at_once() -> None:
    told = fails(story(queues=True).at(0).session(1, SessionStatus.FAILED), "sda")
    told.at(10).session(1, SessionStatus.LOGGED_IN)
    assert told.path(A).health is Health.RECOVERING
    told.at(11).session(2, SessionStatus.FAILED)
    assert [at for at, event, _ in told.alerts() if event == "map_lost"] == [11]


def test_paths_whose_port_group_has_no_number_are_reported_one_by_one() -> None:
    told = story("lun01", "lun02")
    for name in ("sdb", "sdd"):
        device = told.san.devices[name]
        told.san.devices[name] = replace(device, access=replace(device.access, group=None, state=UNAVAILABLE))
    told.at(0).look()
    for name in ("sdb", "sdd"):
        fails(told, name)
    assert told.path(B, "lun02").health is Health.FAILED
    assert not told.state.arrays.groups
    assert "port_group_down" not in {event for _, event, _ in told.alerts()}


def test_the_port_group_of_another_array_is_another_one() -> None:
    san = San.of([], PORTALS)
    san.add_map("other", [san.login("192.168.3.1", target="iqn.2009-02.com.example:other")])
    for name in ("lun01", "lun02"):
        san.add_map(name, [1, 2])
    told = Story(san.grouped()).begun().at(0).access(g2=UNAVAILABLE)
    for name in ("sdc", "sde"):
        fails(told, name)
    (group,) = told.state.arrays.groups
    assert (group.number, group.targets) == (2, (TARGET,))


def test_luns_that_move_are_one_entry() -> None:
    told = several(g2=NON_OPTIMIZED).at(0).access(g1=NON_OPTIMIZED, g2=OPTIMIZED).at(15)
    moved = told.told_of("array_moved")
    assert [each.at for each in told.told if each.event == "array_moved"] == [10]
    assert moved.priority is Priority.NOTICE
    assert moved.message == f"{TARGET}: the array moved 3 LUNs (lun01, lun02, lun03) from port group 1 to 2."
    assert moved.fields == {"PORT_GROUP_BEFORE": "1", "PORT_GROUP": "2", "MAPS": "3", "TARGET": TARGET}
    assert told.map("lun01").health is MapHealth.HEALTHY
    assert not told.state.arrays.moves


def test_a_move_says_how_long_io_waited() -> None:
    told = several(g2=NON_OPTIMIZED).at(0).access(g1=TRANSITIONING, g2=TRANSITIONING)
    told.at(6).access(g1=NON_OPTIMIZED, g2=OPTIMIZED).at(20)
    moved = told.told_of("array_moved")
    assert moved.message.endswith("from port group 1 to 2; I/O waited for 6.0 s.")
    assert moved.fields["WAITED_SEC"] == "6.000"


def test_groups_that_are_swapped_under_a_map_that_queues() -> None:
    told = fails(story(queues=True, g2=NON_OPTIMIZED).at(0).access(g2=STANDBY), "sdb")
    fails(told.at(200).access(g1=STANDBY, g2=OPTIMIZED), "sda")
    assert told.map().health is MapHealth.LOST
    returns(told.at(204), "sdb")
    assert "map_lost" not in {event for _, event, _ in told.alerts()}
    assert told.at(220).told_of("array_moved").fields["WAITED_SEC"] == "4.000"


def test_a_map_that_queues_is_lost_at_once_if_nothing_bounds_the_reinstatement() -> None:
    san = San.of(["mpio"], PORTALS).grouped(g2=NON_OPTIMIZED)
    san.queues, san.queueing = True, "on"
    told = fails(Story(san).begun().at(0).access(g2=STANDBY), "sdb")
    fails(told.at(200).access(g1=STANDBY, g2=OPTIMIZED), "sda")
    assert told.path(B).health is Health.RECOVERING
    assert told.told_of("map_lost")
    assert {(at, priority) for at, priority, _ in told.at(205).incidents(since=200)} == {(201, Priority.CRIT)}


def test_a_map_that_queues_and_whose_path_is_not_reinstated_in_time_is_lost() -> None:
    told = fails(story(queues=True, g2=NON_OPTIMIZED).at(0).access(g2=STANDBY), "sdb")
    fails(told.at(200).access(g1=STANDBY, g2=OPTIMIZED), "sda").at(213)
    assert "map_lost" not in {event for _, event, _ in told.alerts()}
    told.at(220)
    assert [at for at, event, _ in told.alerts() if event in ("path_overdue", "map_lost")] == [214, 214]


def test_a_map_that_does_not_queue_is_lost_at_once() -> None:
    told = fails(story(g2=NON_OPTIMIZED).at(0).access(g2=STANDBY), "sdb")
    fails(told.at(200).access(g1=STANDBY, g2=OPTIMIZED), "sda")
    assert told.told_of("map_lost")
    assert {(at, priority) for at, priority, _ in told.at(205).incidents(since=200)} == {(201, Priority.CRIT)}


def test_a_move_that_does_not_end_is_forgotten_and_one_that_goes_on_waits() -> None:
    told = story(g2=NON_OPTIMIZED).at(0).access(g1=TRANSITIONING).at(100)
    assert "array_moved" not in {event for _, event, _ in told.alerts()}
    assert len(told.state.arrays.moves) == 1
    told.at(400)
    assert not told.state.arrays.moves


def test_a_lun_moves_from_the_group_that_was_optimized_last() -> None:
    told = story().at(0).access(g2=STANDBY).at(5).access(g1=STANDBY, g2=OPTIMIZED).at(30)
    assert told.told_of("array_moved").fields["PORT_GROUP_BEFORE"] == "1"


def test_a_lun_moves_from_the_group_before_the_one_that_joined_it() -> None:
    told = story(g2=NON_OPTIMIZED).at(0).access(g2=OPTIMIZED).at(5).access(g1=NON_OPTIMIZED).at(30)
    fields = told.told_of("array_moved").fields
    assert (fields["PORT_GROUP_BEFORE"], fields["PORT_GROUP"]) == ("1", "2")


def test_a_lun_that_returns_to_where_it_was_has_not_moved() -> None:
    told = story(g2=NON_OPTIMIZED).at(0).access(g1=NON_OPTIMIZED).at(1).access(g1=OPTIMIZED).at(20)
    assert "array_moved" not in {event for _, event, _ in told.alerts()}
    assert not told.state.arrays.moves


def test_a_handler_that_is_detached_ends_the_statement() -> None:
    told = story().at(0).access(g1=None, g2=None)
    assert told.map().optimized is None
    assert told.at(400).alerts() == []
    assert told.access(g1=OPTIMIZED, g2=AccessState.UNKNOWN).map().optimized == 1
