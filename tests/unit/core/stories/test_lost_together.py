"""Several things at once or again and again: sessions that go together, spokesmen, paths that flap."""

from __future__ import annotations

from dataclasses import replace

from mpathd_watch.core.alerting.messages import path_flapping, path_steady
from mpathd_watch.core.catalog.alerts import Priority
from mpathd_watch.core.events import SettingsChanged, SourceUp
from mpathd_watch.core.model.facts import LinkFacts
from mpathd_watch.core.model.vocabulary import (
    Cause,
    CheckerState,
    DeviceState,
    DmState,
    Health,
    SessionStatus,
    SourceName,
)
from mpathd_watch.core.state import Due, Wait
from tests.story import START, San, Story, Told, moment

FIRST, SECOND = "192.168.1.1:3260", "192.168.2.1:3260"
FOUR = ["192.168.1.1", "192.168.1.2", "192.168.2.1", "192.168.2.2"]
WINDOW = 600.0


def four(*maps: str) -> Story:
    """Two maps of four paths each, two sessions through each of two NICs."""
    return Story(San.of(maps or ["alpha", "beta"], FOUR).wired()).begun().live()


def lost(story: Story) -> list[Told]:
    """What was reported of lost sessions."""
    return [told for told in story.told if told.event == "session_lost"]


# --- what they share --------------------------------------------------------------------------------------------------


def test_sessions_that_fall_silent_together_are_lost_together() -> None:
    story = four().at(0).cut(3, 4).at(15.5)
    story.session(3, SessionStatus.FAILED)
    story.at(16).session(4, SessionStatus.FAILED)
    first, second = lost(story)
    assert first.alert.message.endswith(
        "2 paths of 2 maps went through it. It is not the only one: all 2 sessions through eth2 are lost or silent."
    )
    assert first.alert.fields["SHARED"] == second.alert.fields["SHARED"] == "all 2 sessions through eth2"
    assert first.alert.fields["INCIDENT"] == second.alert.fields["INCIDENT"]
    stalled = [told.alert.priority for told in story.told if told.event == "path_stalled"]
    assert stalled == [Priority.INFO] * 4
    doubt, loss = story.at(17).incidents()
    assert (doubt[:2], loss[:2]) == ((7, Priority.WARNING), (16.5, Priority.WARNING))
    assert "is suspect, and so is 1 more path of its session" in doubt[2]
    assert loss[2] == (
        "4 paths of 2 maps are out, with all 2 sessions through eth2; cause: connection error. "
        "alpha and beta have at least two paths left."
    )
    story.at(20).session(3, SessionStatus.LOGGED_IN)
    assert story.session_state("192.168.2.1").announced_with == ""


def test_vlans_on_one_nic_are_that_nic() -> None:
    story = four()
    for name in ("eth1", "eth2"):
        story.san.nics[name] = replace(story.san.nics[name], below=("eno1",), kind="vlan")
    story.network(LinkFacts("eno1", up=True, carrier=True)).at(0).cut(1, 2, 3, 4).at(15.5).session(
        3, SessionStatus.FAILED
    )
    assert story.told_of("session_lost").fields["SHARED"] == "all 4 sessions through eno1"


def test_sessions_that_are_lost_in_one_reading_are_one_alert() -> None:
    story = four().at(3)
    for sid in (3, 4):
        story.san.sessions[sid] = replace(story.san.sessions[sid], state=SessionStatus.FAILED)
    story.poll()
    assert len(lost(story)) == 2
    ((at, priority, message),) = story.at(5).incidents()
    assert (at, priority) == (4, Priority.WARNING)
    assert message.startswith("4 paths of 2 maps are out, ")
    assert "all 2 sessions through eth2" in message


def test_a_session_that_is_lost_alone_shares_nothing() -> None:
    story = four().at(3).session(3, SessionStatus.FAILED)
    assert "SHARED" not in story.told_of("session_lost").fields
    assert "not the only one" not in story.told_of("session_lost").message
    assert story.session_state("192.168.2.1").announced_with == ""


def test_one_lost_carrier_names_the_nic() -> None:
    story = four().at(3).carrier("eth2", carrier=False).at(18).session(4, SessionStatus.FREE)
    assert story.told_of("session_lost").fields["SHARED"] == "all 2 sessions through eth2"
    outage = story.path("192.168.2.2:3260", "beta").outage
    assert outage
    assert outage.cause is Cause.CARRIER_LOST


def test_all_sessions_of_this_host() -> None:
    story = four().at(0).cut(1, 2, 3, 4).at(15.5)
    for sid in (1, 2, 3, 4):
        story.session(sid, SessionStatus.FAILED)
    told = [told.alert.fields["SHARED"] for told in lost(story)]
    assert told == ["all 4 sessions to iqn.2009-02.com.example:storage.disk1"] * 4
    doubt, loss = story.at(17).incidents()
    assert (doubt[:2], loss[:2]) == ((7, Priority.WARNING), (16.5, Priority.CRIT))
    assert loss[2].startswith("8 paths of 2 maps are out, ")
    assert "all 4 sessions to iqn.2009-02.com.example:storage.disk1" in loss[2]


def test_a_session_that_is_lost_again_while_the_other_one_stays_lost_is_news() -> None:
    story = four().at(0).cut(3, 4).at(15.5).session(3, SessionStatus.FAILED).session(4, SessionStatus.FAILED)
    story.at(1000).heard(4, 1000).session(4, SessionStatus.LOGGED_IN)
    story.at(2000).heard(4, 2000).session(4, SessionStatus.FAILED)
    assert len(lost(story)) == 3
    first, second = (told for told in story.at(2001).told if told.event == "incident_began")
    assert (first.at, first.alert.fields["PATHS"]) == (16.5, "4")
    assert (second.at, second.alert.fields["PATHS"]) == (2001, "2")
    assert len(story.state.incidents) == 2


def test_a_session_that_was_logged_out_is_reported_in_the_same_words() -> None:
    story = four().at(0).cut(3, 4).at(8)
    story.san.logout(3)
    story.poll()
    assert "is gone, logged out: 2 paths of 2 maps" in story.told_of("session_lost").message
    assert story.told_of("session_lost").fields["SHARED"] == "all 2 sessions through eth2"


# --- which alert stands for which -------------------------------------------------------------------------------------


def test_of_paths_that_a_lost_carrier_makes_suspect_one_speaks() -> None:
    story = four().at(3).carrier("eth2", carrier=False)
    told = [told.alert for told in story.told if told.event == "path_suspect"]
    assert len(told) == 4
    assert [alert.priority for alert in told] == [Priority.WARNING, *[Priority.INFO] * 3]
    assert "NIC eth2 has no carrier" in told[0].message
    story.at(4).carrier("eth2", carrier=True)
    assert [event for _, event, _ in story.alerts()].count("path_reinstated") == 4
    ((at, priority, message),) = story.incidents(3)
    assert (at, priority) == (4, Priority.NOTICE)
    assert message == "All 4 paths of 2 maps answered again after 1.0 s; none had failed."


def test_a_flapping_path_does_not_speak_for_one_that_does_not() -> None:
    story = Story(San.of(["alpha", "beta"], FOUR[::2]).wired()).begun().live().at(0)
    flap(story, "sdb", 0, 10, 20)
    assert story.path(SECOND, "alpha").flaps.flapping
    story.at(40).cut(2).at(48)
    told = [told.alert for told in story.told if told.event == "path_suspect"]
    assert {alert.fields["MAP"]: alert.priority for alert in told} == {
        "alpha": Priority.INFO,
        "beta": Priority.WARNING,
    }


def test_a_path_that_is_suspect_after_a_real_failure_speaks_for_itself() -> None:
    story = Story(San.of(["mpio"], FOUR[::2]).wired()).begun().live().at(0)
    story.dm("sdb", DmState.FAILED).cut(2).at(10)
    assert story.path(SECOND).health is Health.FAILED
    story.dm("sdb", DmState.ACTIVE)
    # The incident has been reported already: a path that is silent now is no worse.
    assert story.told_of("path_suspect").priority is Priority.INFO
    assert [(at, priority) for at, priority, _ in story.incidents()] == [(1, Priority.ERR)]
    story.heard(2, 11).at(11).poll()
    assert story.path(SECOND).reinstatements == 1
    assert story.told_of("path_reinstated").message.startswith(
        "mpio: path 192.168.2.1:3260 (sdb) is up again after 11.0 s"
    )


# --- flapping ---------------------------------------------------------------------------------------------------------


def flap(story: Story, disk: str, *seconds: float) -> Story:
    """Dm fails the path at these seconds and takes it back five seconds later."""
    for second in seconds:
        story.at(second).dm(disk, DmState.FAILED)
        story.at(second + 5).dm(disk, DmState.ACTIVE)
    return story


def mpio() -> Story:
    """A map of two paths whose sessions answer."""
    return Story(San.of(["mpio"], FOUR[::2]).wired()).begun().live().at(0)


def told(story: Story, since: float = -50) -> list[tuple[float, str, Priority]]:
    """What was reported of the second path, and at which priority."""
    return [(told.at, told.event, told.alert.priority) for told in story.told if told.at > since and told.who == SECOND]


def test_the_third_failure_is_flapping_and_what_follows_is_reported_at_info() -> None:
    story = flap(mpio(), "sdb", 1, 101)
    assert not story.path(SECOND).flaps.flapping
    story.at(201).dm("sdb", DmState.FAILED)
    assert told(story, 200) == [(201, "path_failed", Priority.INFO), (201, "path_flapping", Priority.WARNING)]
    assert [(at, priority) for at, priority, _ in story.incidents(since=-50)] == [
        (2, Priority.ERR),
        (6, Priority.NOTICE),
        (102, Priority.ERR),
        (106, Priority.NOTICE),
        (201, Priority.WARNING),
    ]
    flapping = story.told_of("path_flapping")
    assert flapping.message == (
        "mpio: path 192.168.2.1:3260 (sdb) is flapping: it failed 3 times within 3 min 20 s; its single failures have "
        "priority info until it has been up for 10 min. 1 of 2 paths usable."
    )
    assert (flapping.fields["FAILURES"], flapping.fields["WITHIN_SEC"]) == ("3", "200.000")
    story.at(206).dm("sdb", DmState.ACTIVE)
    flap(story, "sdb", 300)
    assert told(story, 201) == [
        (202, "incident_began", Priority.INFO),
        (206, "path_reinstated", Priority.INFO),
        (300, "path_failed", Priority.INFO),
        (301, "incident_began", Priority.INFO),
        (305, "path_reinstated", Priority.INFO),
    ]
    assert story.state.deadlines[Due(Wait.STEADY, story.san.wwid("mpio"), SECOND)] == START.monotonic + 305 + WINDOW
    story.at(305 + WINDOW - 1)
    assert story.path(SECOND).flaps.flapping
    story.at(305 + WINDOW)
    assert not story.path(SECOND).flaps.flapping
    assert told(story, 305) == [(305 + WINDOW, "path_steady", Priority.NOTICE)]
    steady = story.told_of("path_steady")
    assert steady.message == (
        "mpio: path 192.168.2.1:3260 (sdb) no longer flaps after 11 min 44 s: it has been up for 10 min without "
        "a failure. 2 of 2 paths usable."
    )
    assert (steady.fields["ENDED"], steady.fields["HEALTH"]) == ("path_flapping", "up")
    assert Wait.STEADY not in story.waits
    story.at(2000)
    flap(story, "sdb", 2001)
    assert [priority for _, event, priority in told(story, 2000) if event == "incident_began"] == [Priority.ERR]


def test_every_outage_counts_once_whatever_it_goes_through() -> None:
    story = mpio()
    story.at(1).session(2, SessionStatus.FAILED).at(3).session(2, SessionStatus.FREE).dm("sdb", DmState.FAILED)
    story.at(20).session(2, SessionStatus.LOGGED_IN).at(25).dm("sdb", DmState.ACTIVE)
    assert story.path(SECOND).flaps.instants == (START.monotonic + 1,)


def test_a_suspicion_is_no_failure_and_does_not_start_the_window_again() -> None:
    story = flap(mpio(), "sdb", 1, 101, 201)
    for second in range(300, 340, 10):
        story.at(second).carrier("eth2", carrier=False).at(second + 2).carrier("eth2", carrier=True)
    assert len(story.path(SECOND).flaps.instants) == 3
    assert [priority for _, event, priority in told(story, 299)] == [Priority.INFO] * 8
    story.at(206 + WINDOW)
    assert not story.path(SECOND).flaps.flapping


def test_a_path_that_is_suspect_when_the_window_ends_is_steady_when_it_is_up() -> None:
    story = flap(mpio(), "sdb", 1, 101, 201)
    story.at(800).carrier("eth2", carrier=False).at(810)
    assert story.path(SECOND).flaps.flapping
    assert Wait.STEADY not in story.waits
    story.carrier("eth2", carrier=True)
    assert not story.path(SECOND).flaps.flapping
    assert story.told_of("path_steady").fields["PATH"] == SECOND


def test_a_window_that_was_made_shorter_ends_at_once() -> None:
    story = flap(mpio(), "sdb", 1, 101, 201).at(400)
    story.feed(SettingsChanged(flap_window_seconds=100))
    story.at(401).carrier("eth2", carrier=False).carrier("eth2", carrier=True)
    assert not story.path(SECOND).flaps.flapping


def test_flapping_can_be_turned_off() -> None:
    story = mpio()
    story.feed(SettingsChanged(flap_failures=0))
    flap(story, "sdb", *range(1, 200, 10))
    assert not [event for _, event, _ in told(story) if event == "path_flapping"]


def test_flapping_that_is_turned_off_while_the_path_flaps_is_not_reported_as_steadiness() -> None:
    story = flap(mpio(), "sdb", 1, 101, 201)
    story.feed(SettingsChanged(flap_failures=0))
    story.at(300).dm("sdb", DmState.FAILED)
    assert not [
        alert for alert in story.told if alert.event == "path_steady" and "without a failure" in alert.alert.message
    ]


def test_an_outage_from_before_us_is_no_failure_that_was_seen() -> None:
    san = San.of(["mpio"], FOUR[::2])
    san.dm["sdb"] = DmState.FAILED
    story = Story(san).begun()
    outage = story.path(SECOND).outage
    assert outage
    assert outage.inherited
    assert story.path(SECOND).flaps.instants == ()


def test_a_session_that_flaps_makes_its_paths_flap_with_one_warning() -> None:
    story = Story(San.of(["alpha", "beta"], FOUR[::2]).wired()).begun().at(0)
    for second in (1, 101, 201):
        story.at(second).session(2, SessionStatus.FAILED).at(second + 3).session(2, SessionStatus.LOGGED_IN)
    flapping = [told.alert for told in story.told if told.event == "path_flapping"]
    assert [alert.fields["MAP"] for alert in flapping] == ["alpha", "beta"]
    assert [alert.priority for alert in flapping] == [Priority.WARNING, Priority.INFO]
    story.at(204 + WINDOW)
    steady = [told.alert.priority for told in story.told if told.event == "path_steady"]
    assert steady == [Priority.NOTICE, Priority.INFO]


def test_a_path_that_flaps_already_does_not_hide_another_one_of_its_session() -> None:
    story = Story(San.of(["alpha", "beta"], FOUR[::2]).wired()).begun().at(0)
    flap(story, "sdb", 1, 101, 201)
    for second in (301, 401, 501):
        story.at(second).session(2, SessionStatus.FAILED).at(second + 3).session(2, SessionStatus.LOGGED_IN)
    assert [told.alert.fields["MAP"] for told in story.told if told.event == "path_flapping"] == ["alpha", "beta"]


def test_paths_without_a_session_flap_each_for_itself() -> None:
    san = San.of(["mpio"], FOUR[::2])
    disks = [san.add_disk(san.add_map(name, []), None) for name in ("alpha", "beta")]
    story = Story(san).begun().at(0)
    for second in (1, 101, 201):
        for state, at in ((CheckerState.FAULTY, second), (CheckerState.READY, second + 5)):
            story.at(at).san.checkers |= dict.fromkeys(disks, state)
            story.listing()
    flapping = [told.alert for told in story.told if told.event == "path_flapping"]
    assert [(alert.fields["MAP"], alert.priority) for alert in flapping] == [
        ("alpha", Priority.WARNING),
        ("beta", Priority.WARNING),
    ]


def test_paths_of_one_session_that_return_from_failures_of_their_own_are_reported_each() -> None:
    story = Story(San.of(["alpha", "beta"], FOUR[::2]).wired()).begun().at(0)
    for state, at in ((CheckerState.FAULTY, 1), (CheckerState.READY, 60)):
        story.at(at).san.checkers |= {"sdb": state, "sdd": state}
        story.listing()
    returned = [told.alert for told in story.told if told.event == "path_reinstated"]
    assert [alert.fields["MAP"] for alert in returned] == ["alpha", "beta"]
    assert [(at, priority) for at, priority, _ in story.incidents()] == [(2, Priority.ERR), (60, Priority.NOTICE)]
    assert story.told_of("incident_ended").message.startswith("All 2 paths of 2 maps ")


def test_paths_of_one_incident_that_are_overdue_one_after_the_other_wake_people_once() -> None:
    story = Story(San.of(["alpha", "beta"], FOUR[::2]).wired()).begun().expects(5, "alpha").expects(5, "beta").at(0)
    for name in ("sdb", "sdd"):
        story.device(name, DeviceState.OFFLINE).dm(name, DmState.FAILED)
    for name in ("sdb", "sdd"):
        story.at(10).device(name, DeviceState.RUNNING)
    overdue = [told.alert for told in story.at(100).told if told.event == "path_overdue"]
    assert [(alert.fields["MAP"], alert.priority) for alert in overdue] == [
        ("alpha", Priority.ERR),
        ("beta", Priority.INFO),
    ]


def test_a_flapping_path_is_announced_with_what_is_known() -> None:
    story = mpio()
    message = path_flapping(story.map(), story.path(SECOND), moment(0), WINDOW).message
    assert "it failed 0 times within 0.0 s" in message
    told = path_steady(story.map(), story.path(SECOND), moment(0), what=story.path(SECOND).flaps).message
    assert "no longer flaps: it has been up for 0.0 s" in told


def test_a_flapping_paths_failures_go_on_being_counted() -> None:
    story = flap(mpio(), "sdb", *range(1, 100, 10))
    assert sum(story.path(SECOND).failures.values()) == 10
    assert story.path(SECOND).reinstatements == 10
    story.feed(SourceUp(SourceName.ISCSI))
    assert len([event for _, event, _ in told(story) if event == "path_flapping"]) == 1


def test_a_path_that_fails_shortly_before_its_session_is_part_of_the_loss() -> None:
    story = Story(San.of(["mpio", "data"], ["192.168.1.1", "192.168.2.1"])).begun().at(10).dm("sdb", DmState.FAILED)
    story.at(11.9).session(2, SessionStatus.FAILED).at(60)
    assert {told.alert.fields["INCIDENT"] for told in story.told} == set(story.state.incidents)
    assert len(story.state.incidents) == 1


def test_a_session_that_returns_separates_only_those_that_it_was_lost_with() -> None:
    story = four().at(0)
    for second, sid in enumerate((1, 2, 3, 4)):
        story.at(second).session(sid, SessionStatus.FAILED)
    words = [nexus.announced_with for nexus in story.state.nexuses.values()]
    assert len(set(words)) == 3, words
    story.at(10).session(2, SessionStatus.LOGGED_IN)
    after = [nexus.announced_with for nexus in story.state.nexuses.values()]
    assert after == [words[0], "", *words[2:]]
