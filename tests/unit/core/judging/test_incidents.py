"""Incidents: what one cause takes wakes people at most three times, and once when it is over."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mpathd_watch.core.alerting import messages
from mpathd_watch.core.alerting.messages.incidents import Damage
from mpathd_watch.core.catalog.alerts import Priority
from mpathd_watch.core.events import BlockEvent, Forget
from mpathd_watch.core.model.incident import MOST_ENTRIES, Incident
from mpathd_watch.core.model.vocabulary import (
    AccessState,
    CheckerState,
    DeviceState,
    DmState,
    Health,
    MapHealth,
    SessionStatus,
)
from mpathd_watch.immutable import replace
from tests.factories import make_map, make_path
from tests.story import START, TARGET, San, Story

TWO = ["192.168.1.1", "192.168.2.1"]
FOUR = ["192.168.1.1", "192.168.1.2", "192.168.2.1", "192.168.2.2"]
ONE, THREE = "192.168.1.1:3260", "192.168.2.1:3260"
CRIT, ERR, WARNING, NOTICE = Priority.CRIT, Priority.ERR, Priority.WARNING, Priority.NOTICE


def begun(maps: Sequence[str], portals: Sequence[str] = FOUR, **facts: object) -> Story:
    """These maps, with a path through each portal."""
    san = San.of(maps, portals).wired()
    for name, value in facts.items():
        setattr(san, name, value)
    return Story(san).begun().live().at(0)


def when(story: Story, since: float = -50) -> list[tuple[float, Priority]]:
    """When people were woken, and how urgently."""
    return [(at, priority) for at, priority, _ in story.incidents(since) if priority < Priority.INFO]


def returned(story: Story, *sids: int) -> Story:
    """The sessions are back, and multipathd has reinstated their paths."""
    for sid in sids:
        story.san.answering.add(sid)
        story.heard(sid, story.seconds)
        story.session(sid, SessionStatus.LOGGED_IN)
    story.san.dm.update(dict.fromkeys(story.san.dm, DmState.ACTIVE))
    return story.look().listing()


# --- one cause --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("luns", "loss", "end"),
    [
        (
            1,
            f"lun0: path {THREE} (sdb) is stalled; cause: connection error. lun0 has one usable path left, {ONE} "
            "(sda); "
            "if it fails, I/O fails at once.",
            f"lun0: path {THREE} (sdb) is up again after 38.0 s; cause: connection error; failover within budget "
            "(20.5 s); the map is healthy.",
        ),
        (
            24,
            f"24 paths of 24 maps are out, with session {THREE}/{TARGET}; cause: connection error. 24 maps (lun0, lun1 "
            "and 22 more) have one usable path left; if it fails, I/O fails at once.",
            f"All 24 paths of 24 maps (session {THREE}/{TARGET}) are up again after 38.0 s; cause: connection error; "
            "failover within budget (20.5 s); all these maps are healthy.",
        ),
        (
            500,
            f"500 paths of 500 maps are out, with session {THREE}/{TARGET}; cause: connection error. 500 maps (lun0, "
            "lun1 and 498 more) have one usable path left; if it fails, I/O fails at once.",
            f"All 500 paths of 500 maps (session {THREE}/{TARGET}) are up again after 38.0 s; cause: connection error; "
            "failover within budget (20.5 s); all these maps are healthy.",
        ),
    ],
)
def test_a_portal_that_is_lost_wakes_people_twice_and_once_at_the_end(luns: int, loss: str, end: str) -> None:
    story = begun([f"lun{number}" for number in range(luns)], TWO)
    story.cut(2).at(15.5).session(2, SessionStatus.FAILED)
    story.at(20.5).session(2, SessionStatus.FREE)
    returned(story.at(45), 2)
    doubt, *rest = story.incidents()
    assert doubt[:2] == (7, WARNING)
    assert ("and so are" in doubt[2]) == (luns > 2)
    assert rest == [(16.5, ERR, loss), (45, NOTICE, end)]
    assert len({told.alert.fields["INCIDENT"] for told in story.told}) == 1
    began, ended = story.told_of("incident_began").fields, story.told_of("incident_ended").fields
    assert (began["PATHS"], began["MAPS"], began["MAPS_AT_RISK"], began["MAPS_LOST"]) == (
        *(str(luns),) * 3,
        "0",
    )
    assert (began["HEALTH"], began["CAUSE"], began["ELAPSED_SEC"]) == ("at_risk", "connection_error", "9.500")
    assert (ended["PATHS"], ended["MAPS"]) == (str(luns), str(luns))
    assert ("PATH" in began) == (luns == 1)
    assert not story.state.incidents


def test_paths_that_flap_together_wake_people_once_for_that() -> None:
    story = begun(["lun0", "lun1"], TWO)
    for second in (0.0, 100.0, 200.0):
        story.at(second).cut(1).cut(2).at(second + 15.5)
        story.session(1, SessionStatus.FAILED).session(2, SessionStatus.FAILED)
        returned(story.at(second + 45), 1, 2)
        woken = [told for told in story.told if told.at >= second and told.alert.priority <= WARNING]
        assert len(woken) <= MOST_ENTRIES
    assert [told.event for told in woken] == ["path_suspect", "path_flapping", "incident_began"]
    assert len([told for told in story.told if told.event == "path_flapping"]) == 4


def test_an_interface_takes_both_of_its_sessions_along() -> None:
    story = begun(["alpha", "beta"]).carrier("eth2", carrier=False).at(12)
    for sid in (3, 4):
        story.session(sid, SessionStatus.FREE)
    returned(story.at(30).carrier("eth2", carrier=True), 3, 4)
    doubt, loss, end = story.incidents()
    assert doubt[:2] == (0, WARNING)
    assert loss == (
        13,
        WARNING,
        "4 paths of 2 maps are out, with all 2 sessions through eth2; cause: its NIC has lost its carrier or its "
        "address. alpha and beta have at least two paths left.",
    )
    assert end[:2] == (30, NOTICE)
    assert end[2].startswith("All 4 paths of 2 maps (all 2 sessions through eth2) are up again after 30.0 s")


def test_portals_of_a_target_that_are_lost_while_one_cause_is_noticed_are_one_incident() -> None:
    story = begun(["alpha", "beta"]).session(1, SessionStatus.FREE).at(8).session(3, SessionStatus.FREE).at(40)
    (incident,) = story.state.incidents.values()
    assert (incident.took, incident.out, len(incident.maps)) == (4, 4, 2)
    assert when(story) == [(1, WARNING)]


def test_portals_that_are_lost_a_minute_apart_are_two_incidents() -> None:
    story = begun(["alpha", "beta"]).session(1, SessionStatus.FREE).at(60).session(3, SessionStatus.FREE).at(100)
    first, second = story.state.incidents.values()
    assert (first.took, second.took) == (2, 2)
    assert when(story) == [(1, WARNING), (61, WARNING)]
    assert f"with session {THREE}/" in story.incidents(since=50)[0][2]
    returned(story, 1)
    assert when(story, 99) == [(100, NOTICE)]
    assert story.incidents(since=99)[0][2] == (
        f"All 2 paths of 2 maps (session {ONE}/{TARGET}) are up again after 1 min 40 s; cause: connection error; "
        "failover within budget (1.0 s); alpha and beta are still not healthy, for another reason."
    )


def test_a_session_whose_timeouts_are_long_gives_its_incident_more_time() -> None:
    san = San.of(["alpha"], FOUR).wired()
    for sid, session in san.sessions.items():
        san.sessions[sid] = replace(session, recv_tmo=30, ping_tmo=40)
    story = Story(san).begun().live().at(0).session(1, SessionStatus.FREE).at(60).session(3, SessionStatus.FREE).at(70)
    assert [incident.took for incident in story.state.incidents.values()] == [2]


def test_paths_without_a_nexus_share_their_map() -> None:
    san = San.of([], [])
    for name in ("alpha", "beta"):
        wwid = san.add_map(name)
        for _ in range(4):
            san.add_disk(wwid, None)
    story = Story(san).begun().at(0)
    story.dm("sda", DmState.FAILED).dm("sdb", DmState.FAILED).dm("sde", DmState.FAILED).at(5)
    assert [incident.took for incident in story.state.incidents.values()] == [2, 1]
    assert story.incidents()[0] == (1, WARNING, "alpha: 2 paths are out. alpha: 2 of 4 paths usable.")


# --- nobody is woken --------------------------------------------------------------------------------------------------


def test_a_doubt_that_comes_to_nothing_is_a_warning_and_its_end() -> None:
    story = begun(["alpha"], TWO).cut(2).at(8)
    story.heard(2, 8).poll().at(14)
    assert when(story) == [(7, WARNING), (8, NOTICE)]
    assert story.incidents()[1][2] == f"alpha: path {THREE} (sdb) answered again after 1.0 s; none had failed."


def test_what_is_over_before_it_is_counted_wakes_nobody() -> None:
    story = begun(["alpha", "beta"]).session(1, SessionStatus.FAILED).at(0.5)
    returned(story, 1).at(20)
    assert when(story) == []
    ended = story.told_of("incident_ended")
    assert ended.priority is Priority.INFO
    assert ended.message == (
        "All 2 paths of 2 maps are up again after 0.5 s; cause: connection error; all these maps are healthy."
    )


def test_a_port_group_in_transition_wakes_nobody() -> None:
    san = San.of(["lun1", "lun2"], TWO).grouped()
    story = Story(san).begun().at(0).access(g2=AccessState.TRANSITIONING)
    assert len(story.state.incidents) == 1
    story.at(6).access(g2=AccessState.OPTIMIZED).at(30)
    assert when(story) == []
    assert story.told_of("incident_ended").priority is Priority.INFO
    assert not story.state.incidents


# --- it gets worse ----------------------------------------------------------------------------------------------------


def test_a_map_that_loses_one_path_after_the_other_is_reported_at_each_step() -> None:
    story = begun(["alpha"])
    for sid, second in ((1, 0), (2, 5), (3, 8), (4, 12)):
        story.at(second).session(sid, SessionStatus.FREE)
    story.at(40)
    assert story.incidents() == [
        (1, WARNING, f"alpha: path {ONE} (sda) has failed; cause: connection error. alpha: 3 of 4 paths usable."),
        (
            9,
            ERR,
            "Worse: alpha: 3 paths are out, with 3 sessions; cause: connection error. alpha has one usable path left, "
            "192.168.2.2:3260 (sdd); if it fails, I/O fails at once.",
        ),
        (
            13,
            CRIT,
            f"Worse: alpha: 4 paths are out, with all 4 sessions to {TARGET}; cause: connection error. alpha has no "
            "usable path: I/O fails now.",
        ),
    ]


def test_maps_that_follow_late_are_counted_again() -> None:
    story = begun(["alpha", "beta", "gamma"]).dm("sda", DmState.FAILED).at(3)
    story.dm("sde", DmState.FAILED).dm("sdi", DmState.FAILED).at(40)
    assert when(story) == [(1, WARNING), (13, WARNING)]
    assert story.incidents()[1][2] == (
        f"Worse: 3 paths of 3 maps are out, with session {ONE}/{TARGET}. 3 maps (alpha, beta and 1 more) have at "
        "least two paths left."
    )


def test_a_lost_map_is_reported_though_there_were_three_entries() -> None:
    story = begun(["alpha", "beta"])
    for second, disk in ((0, "sda"), (2, "sde"), (14, "sdb"), (15, "sdc"), (17, "sdd")):
        story.at(second).dm(disk, DmState.FAILED)
    story.at(60)
    loud = story.incidents()
    assert loud[-1][1] is CRIT
    assert "alpha has no usable path: I/O fails now. beta: 3 of 4 paths usable." in loud[-1][2]
    (incident,) = story.state.incidents.values()
    assert len([1 for _, priority, _ in loud if priority <= WARNING]) == incident.entries
    assert len([1 for _, priority, _ in loud if priority in (WARNING, ERR)]) <= MOST_ENTRIES


def test_the_last_entry_waits_for_what_silent_paths_come_to() -> None:
    story = begun(["alpha"]).cut(1, 2, 3, 4).at(8)
    story.session(1, SessionStatus.FAILED).at(10)
    assert when(story) == [(7, WARNING), (9, WARNING)]
    for sid in (2, 3):
        story.session(sid, SessionStatus.FAILED)
    story.at(13)
    assert story.map("alpha").health is MapHealth.AT_RISK
    assert when(story, 9) == []
    story.session(4, SessionStatus.FAILED).at(16)
    assert [priority for _, priority in when(story, 9)] == [CRIT]


def test_maps_that_queue_differently_are_counted_apart() -> None:
    story = begun(["alpha", "beta", "gamma"], TWO)
    listed = story.san.maps_listed(START.monotonic)
    queueing = [replace(each, queues=True, queueing="on") if each.name != "gamma" else each for each in listed.maps]
    story.feed(replace(listed, maps=tuple(queueing)))
    story.session(2, SessionStatus.FREE).at(2)
    message = story.told_of("incident_began").message
    assert "3 maps (alpha, beta and 1 more) have one usable path left; if it fails, " in message
    assert message.endswith("I/O hangs until a path returns (of 2), I/O fails at once (of 1).")


# --- entries of its paths ---------------------------------------------------------------------------------------------


def test_a_path_that_flaps_is_quiet_until_its_map_is_lost() -> None:
    story = begun(["alpha"], TWO)
    for second in (1, 101, 201):
        story.at(second).dm("sdb", DmState.FAILED).at(second + 5).dm("sdb", DmState.ACTIVE)
    story.at(300).dm("sdb", DmState.FAILED).at(310)
    assert when(story, 206) == []
    story.dm("sda", DmState.FAILED).at(320)
    assert when(story, 206) == [(311, CRIT)]


def test_a_path_that_is_overdue_wakes_people_as_long_as_there_were_few_entries() -> None:
    story = begun(["alpha"], TWO).cut(2).at(15.5).session(2, SessionStatus.FAILED).at(23)
    assert when(story) == [(7, WARNING), (16.5, ERR), (22.5, ERR)]
    story.session(2, SessionStatus.FREE).at(40)
    assert len([1 for _, priority in when(story) if priority <= WARNING]) == MOST_ENTRIES


def test_a_failover_that_took_too_long_is_mentioned_at_the_end() -> None:
    story = begun(["alpha"], TWO).cut(2).at(15.5).session(2, SessionStatus.FAILED).at(60).session(2, SessionStatus.FREE)
    returned(story.at(70), 2)
    assert "; 1 outage took longer than the timeouts allow; the map is healthy." in story.incidents()[-1][2]


@pytest.mark.parametrize("by", ["administrator", "checker"])
def test_one_path_that_fails_by_itself_is_an_incident_of_its_own(by: str) -> None:
    story = begun(["alpha", "beta"])
    if by == "administrator":
        story.dm("sda", DmState.FAILED)
    else:
        story.checker("sda", CheckerState.FAULTY)
    story.at(3)
    assert when(story) == [(1, WARNING)]
    assert story.incidents()[0][2].startswith(f"alpha: path {ONE} (sda) has failed")
    assert story.told_of("incident_began").fields["PATH"] == ONE


def test_a_device_that_goes_offline_names_its_cause() -> None:
    story = begun(["alpha"]).device("sda", DeviceState.OFFLINE).dm("sda", DmState.FAILED).at(3)
    assert "has failed; cause: the SCSI device is offline. alpha: 3 of 4 paths usable." in story.incidents()[0][2]


# --- a map that settles after the end ---------------------------------------------------------------------------------


def made_again() -> Story:
    """A map that was lost with both sessions is there again, and settles; its incident has ended meanwhile."""
    story = begun(["mpio"], TWO).session(1, SessionStatus.FREE).session(2, SessionStatus.FREE).at(5)
    for sid in (1, 2):
        story.san.logout(sid)
    story.san.maps.clear()
    story.look().poll().at(10)
    for address in TWO:
        story.san.login(address)
    story.san.add_map("mpio")
    story.poll().look().listing()
    assert not story.state.incidents
    assert story.map().health is MapHealth.HEALTHY
    assert when(story, 5) == [(10, NOTICE)]
    return story


def test_a_map_that_recovers_after_the_end_of_its_incident_wakes_nobody() -> None:
    story = made_again().at(60)
    recovered = story.told_of("map_recovered")
    assert recovered.fields["INCIDENT"] == story.told_of("incident_ended").fields["INCIDENT"]
    assert recovered.priority is Priority.INFO
    assert when(story, 5) == [(10, NOTICE)]
    assert story.state.settling == {}


def test_a_map_that_is_in_trouble_again_while_it_settles_recovers_from_that() -> None:
    story = made_again()
    before = story.told_of("incident_ended").fields["INCIDENT"]
    story.at(11).dm("sdc", DmState.FAILED).at(30).dm("sdc", DmState.ACTIVE).at(60)
    recovered = story.told_of("map_recovered")
    assert recovered.fields["INCIDENT"] not in ("", before)
    assert recovered.priority is Priority.INFO
    assert story.state.settling == {}


def test_a_map_that_is_gone_before_it_has_settled_leaves_nothing() -> None:
    story = made_again()
    story.san.maps.clear()
    story.feed(BlockEvent("remove", "dm-0"))
    story.at(11).look().at(60)
    assert "map_recovered" not in {event for _, event, _ in story.alerts()}
    assert story.state.settling == {}


# --- what goes away ---------------------------------------------------------------------------------------------------


def test_an_incident_ends_with_its_only_map() -> None:
    story = begun(["alpha", "beta"]).dm("sda", DmState.FAILED).at(3)
    wwid = story.san.wwid("alpha")
    del story.san.maps[wwid]
    story.feed(BlockEvent("remove", "dm-0"))
    story.at(4).look().at(30)
    assert when(story) == [(1, WARNING), (4, NOTICE)]
    assert story.incidents()[1][2] == f"alpha: path {ONE} (sda) is not expected any more after 4.0 s."
    assert not story.state.incidents


def test_an_incident_goes_on_without_a_path_that_is_forgotten() -> None:
    story = begun(["alpha", "beta"])
    story.san.logout(1)
    story.look().at(10).feed(Forget(story.san.wwid("alpha"), ONE))
    (incident,) = story.state.incidents.values()
    assert (incident.took, incident.out, incident.forgotten) == (2, 1, 1)
    story.at(20).feed(Forget(story.san.wwid("beta"), ONE))
    assert not story.state.incidents
    assert when(story) == [(1, WARNING), (20, NOTICE)]
    assert story.incidents()[1][2].endswith(" are not expected any more after 20.0 s; all these maps are healthy.")


def test_a_path_that_is_forgotten_is_counted_at_the_end() -> None:
    story = begun(["alpha", "beta"])
    story.san.logout(1)
    story.look().at(10).feed(Forget(story.san.wwid("alpha"), ONE))
    story.san.login("192.168.1.1")
    story.san.add_disk(story.san.wwid("beta"), max(story.san.sessions))
    story.at(20).look().listing()
    assert when(story) == [(1, WARNING), (20, NOTICE)]
    assert "are up again after 20.0 s; 1 of them not expected any more; " in story.incidents()[1][2]


# --- what always holds ------------------------------------------------------------------------------------------------

_DISKS = [f"sd{letter}" for letter in "abcdefgh"]
_ACTS = st.one_of(
    st.tuples(st.just("dm"), st.sampled_from(_DISKS), st.sampled_from([DmState.FAILED, DmState.ACTIVE])),
    st.tuples(st.just("session"), st.integers(1, 4), st.sampled_from([SessionStatus.FAILED, SessionStatus.LOGGED_IN])),
    st.tuples(st.just("cut"), st.integers(1, 4), st.none()),
    st.tuples(st.just("carrier"), st.sampled_from(["eth1", "eth2"]), st.booleans()),
)


@settings(max_examples=60, deadline=None)
@given(acts=st.lists(st.tuples(st.sampled_from([0.0, 0.5, 3.0, 20.0]), _ACTS), max_size=20))
def test_whatever_fails_few_entries_wake_people_and_each_incident_ends_when_its_paths_are_up(
    acts: list[tuple[float, tuple[str, str | int, object]]],
) -> None:
    story = begun(["alpha", "beta"])
    for pause, (act, who, what) in acts:
        story.at(story.seconds + pause)
        match act, who, what:
            case "dm", str(), DmState():
                story.dm(who, what)
            case "session", int(), SessionStatus():
                story.session(who, what)
            case "cut", int(), _:
                story.cut(who)
            case _, str(), _:
                story.carrier(who, carrier=bool(what))
        for incident in story.state.incidents.values():
            paths = [path for map_ in story.state.maps.values() for path in map_.paths.values()]
            assert incident.out == sum(path.incident == incident.id for path in paths)
    for nic in ("eth1", "eth2"):
        story.carrier(nic, carrier=True)
    returned(story, 1, 2, 3, 4).at(story.seconds + 60)
    assert not story.state.incidents
    by_incident: dict[str, list[Priority]] = {}
    for told in story.told:
        by_incident.setdefault(told.alert.fields["INCIDENT"], []).append(told.alert.priority)
    for priorities in by_incident.values():
        assert sum(priority in (ERR, WARNING) for priority in priorities) <= MOST_ENTRIES
        assert sum(priority is CRIT for priority in priorities) <= 1
        assert sum(priority is NOTICE for priority in priorities) <= 1


def test_beyond_three_entries_only_a_lost_map_wakes_people() -> None:
    portals = [f"192.168.{number}.1" for number in range(1, 5)]
    story = Story(San.of(["mpio"], portals).wired()).begun().live().at(0)
    story.cut(2).at(9).at(15).session(2, SessionStatus.FAILED).at(24)
    assert [event for _, event, _ in story.alerts()].count("path_overdue") == 1
    assert len([each for each in story.incidents() if each[1] <= Priority.WARNING]) == 3
    story.at(25).session(3, SessionStatus.FAILED)
    story.session(4, SessionStatus.FAILED).at(27)
    assert story.map().health is MapHealth.AT_RISK
    assert len([each for each in story.incidents() if each[1] <= Priority.WARNING]) == 3
    story.session(1, SessionStatus.FAILED).at(29)
    assert [priority for _, priority, _ in story.incidents()][-1] is Priority.CRIT
    assert len(story.state.incidents) == 1


def test_the_end_does_not_name_one_path_if_others_have_followed() -> None:
    story = begun(["lun0"]).at(9).at(15).session(1, SessionStatus.FAILED).at(17)
    story.session(3, SessionStatus.FAILED).at(19)
    returned(story.at(20), 1, 3).at(25)
    (*_, (_, priority, end)) = story.incidents()
    assert priority is NOTICE
    assert end.startswith("All 2 paths of 1 map are up again after")


def test_paths_that_go_out_again_are_counted_once() -> None:
    story = begun(["alpha"], TWO).dm("sda", DmState.FAILED).at(2)
    for second in (3, 6):
        story.at(second).dm("sdb", DmState.FAILED).at(second + 1).dm("sdb", DmState.ACTIVE)
    (incident,) = story.state.incidents.values()
    assert (incident.took, incident.out) == (2, 1)
    story.at(10).dm("sda", DmState.ACTIVE).at(11)
    assert story.incidents()[-1][2].startswith("All 2 paths of 1 map (2 sessions) are up again after 10.0 s; ")
    assert story.told_of("incident_ended").fields["PATHS"] == "2"


def test_what_is_left_of_several_maps_may_not_be_known() -> None:
    lost = [make_map(name=name, paths=[make_path(health=Health.FAILED)]) for name in ("alpha", "beta")]
    paths = [(map_, path) for map_ in lost for path in map_.paths.values()]
    damage = Damage(paths, "", {MapHealth.UNKNOWN: lost}, {}, suspect=False, flapping=False)
    entry = messages.incident(Incident("1", START, START), damage, START, begins=True)
    assert entry.message == "2 paths of 2 maps are out. What is left of alpha and beta is not known."
