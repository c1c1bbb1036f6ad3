"""Stories of hosts of which not everything can be known: nothing is called lost or healthy without evidence."""

from __future__ import annotations

from dataclasses import replace
from math import isfinite

import pytest

from mpathd_watch.core.effects import Scope
from mpathd_watch.core.events import DmStatusRead, EventsLost, MultipathdConfigured, SourceDown, SourceUp
from mpathd_watch.core.formats.multipath_conf import Document
from mpathd_watch.core.model.facts import DmStatus
from mpathd_watch.core.model.views import CheckerView
from mpathd_watch.core.model.vocabulary import (
    CheckerState,
    DeviceState,
    DmState,
    Health,
    MapHealth,
    SessionStatus,
    SourceName,
    Transport,
)
from tests.story import San, Story, moment

PORTALS = ("192.168.1.1", "192.168.2.1")
FIRST, SECOND = (f"{portal}:3260" for portal in PORTALS)


def without_session(*states: DeviceState) -> San:
    """One map over disks in these states that hang off no session."""
    san = San()
    san.add_map("mpatha", ())
    for state in states:
        name = san.add_disk(san.wwid("mpatha"), None)
        san.devices[name] = replace(san.devices[name], state=state, hctl="", transport=Transport.UNKNOWN)
    return san


def mpatha(story: Story) -> MapHealth:
    return story.map("mpatha").health


# --- members that show less, or use other words ----------------------------------------------------------------


def test_a_disk_without_a_state_is_judged_by_dm_and_the_checker() -> None:
    story = Story(without_session(DeviceState.NONE, DeviceState.NONE)).begun()
    assert mpatha(story) is MapHealth.HEALTHY
    story.at(10).dm("sdb", DmState.FAILED)
    assert story.health("sdb", "mpatha") == (Health.FAILED, MapHealth.AT_RISK)
    story.at(20).dm("sdb", DmState.ACTIVE).listing()
    assert mpatha(story) is MapHealth.HEALTHY


def test_nobody_but_dm_is_not_enough_for_good_news_or_bad_news() -> None:
    story = Story(without_session(DeviceState.NONE, DeviceState.NONE), multipathd=False).begun()
    assert mpatha(story) is MapHealth.UNKNOWN
    assert [told.event for told in story.parts] == ["source_down"]


def test_an_nvme_controller_that_connects_holds_its_io_and_fails_when_it_is_dead() -> None:
    story = Story(without_session(DeviceState.LIVE, DeviceState.LIVE)).begun()
    assert mpatha(story) is MapHealth.HEALTHY
    story.at(10).device("sdb", DeviceState.CONNECTING)
    assert story.health("sdb", "mpatha") == (Health.STALLED, MapHealth.AT_RISK)
    story.at(20).device("sdb", DeviceState.DEAD)
    assert story.health("sdb", "mpatha") == (Health.FAILED, MapHealth.AT_RISK)
    story.at(30).device("sdb", DeviceState.LIVE)
    assert mpatha(story) is MapHealth.HEALTHY


def test_a_state_that_is_not_in_the_vocabulary_leaves_the_word_to_the_others() -> None:
    story = Story(without_session(DeviceState.RUNNING, DeviceState.RUNNING)).begun()
    story.at(10).device("sdb", DeviceState.UNKNOWN)
    assert mpatha(story) is MapHealth.HEALTHY
    story.at(20).checker("sdb", CheckerState.PENDING)
    assert story.health("sdb", "mpatha") == (Health.UNKNOWN, MapHealth.UNKNOWN)


def test_a_member_whose_session_does_not_show_makes_the_map_unknown_and_not_lost() -> None:
    san = San.of(["mpio"], PORTALS)
    hidden = dict(san.sessions)
    san.sessions.clear()
    story = Story(san).begun()
    assert story.map().health is MapHealth.UNKNOWN
    assert not story.map().paths
    assert not [told for told in story.told if told.event == "map_lost"]
    san.sessions.update(hidden)
    story.at(1).look()
    assert set(story.map().paths) == {FIRST, SECOND}
    story.at(2).listing()
    assert story.map().health is MapHealth.HEALTHY


def test_a_member_whose_session_never_shows_is_judged_without_it() -> None:
    san = San.of(["mpio"], PORTALS)
    san.sessions.clear()
    story = Story(san).begun()
    story.at(1).look().listing()
    assert set(story.map().paths) == {"1:0:0:0", "2:0:0:0"}
    assert story.map().health is MapHealth.HEALTHY


def test_a_slave_whose_disk_does_not_show_leaves_the_map_unknown() -> None:
    san = San.of(["mpio"], PORTALS)
    shown = san.devices.pop("sdb")
    story = Story(San(sessions=san.sessions, devices=san.devices, maps=san.maps, dm=san.dm, checkers=san.checkers))
    story.multipathd = False
    story.begun()
    assert story.health(FIRST) == (Health.UP, MapHealth.UNKNOWN)
    san.devices["sdb"] = shown
    story.at(1).look()
    # What dm has reported of the disk since the start was of no use.
    assert story.health(SECOND) == (Health.UNKNOWN, MapHealth.UNKNOWN)
    story.feed(status(story, 1))
    assert story.map().health is MapHealth.HEALTHY


# --- a start while multipathd is dead ---------------------------------------------------------------------------------


def test_disks_and_sessions_are_enough_for_a_health_when_multipathd_was_dead_at_the_start() -> None:
    san = San.of(["mpio"], PORTALS)
    san.devices["sdb"] = replace(san.devices["sdb"], state=DeviceState.OFFLINE)
    story = Story(san, multipathd=False).begun()
    assert story.health(FIRST) == (Health.UP, MapHealth.AT_RISK)
    assert story.health(SECOND) == (Health.FAILED, MapHealth.AT_RISK)
    assert {told.event for told in story.parts} == {"source_down", "path_failed", "map_at_risk"}


def test_what_dm_had_failed_before_is_no_new_failure_when_multipathd_comes_and_reports_it() -> None:
    san = San.of(["mpio"], PORTALS)
    san.dm["sdb"] = DmState.FAILED
    story = Story(san, multipathd=False).begun()
    assert story.map().health is MapHealth.HEALTHY
    story.at(10).feed(SourceUp(SourceName.MULTIPATHD))
    assert story.map().health is MapHealth.UNKNOWN
    story.at(11).listing()
    assert story.health(SECOND) == (Health.FAILED, MapHealth.AT_RISK)
    assert "It was already in this state when mpathd-watch started." in story.told_of("path_failed").message
    assert not story.path(SECOND).failures


def test_lost_events_and_a_silent_uevent_source_end_the_trust_in_disks_and_sessions() -> None:
    for event in (EventsLost(), SourceDown(SourceName.UEVENT, "error", "it is down.")):
        story = Story(San.of(["mpio"], PORTALS), multipathd=False).begun()
        assert story.map().health is MapHealth.HEALTHY
        story.at(10).feed(event)
        assert story.map().health is MapHealth.UNKNOWN


def test_a_transport_that_returns_ends_an_outage_in_which_dm_reported_nothing() -> None:
    story = Story(San.of(["mpio"], PORTALS), multipathd=False).begun()
    story.at(10).session(2, SessionStatus.FAILED)
    assert story.health(SECOND) == (Health.STALLED, MapHealth.AT_RISK)
    story.at(20).session(2, SessionStatus.LOGGED_IN)
    assert story.health(SECOND) == (Health.UP, MapHealth.HEALTHY)


def test_a_disk_that_was_offline_at_the_start_may_have_been_failed_by_dm() -> None:
    san = San.of(["mpio"], PORTALS)
    san.devices["sdb"] = replace(san.devices["sdb"], state=DeviceState.OFFLINE)
    story = Story(san, multipathd=False).begun()
    story.at(10).device("sdb", DeviceState.RUNNING)
    assert story.health(SECOND) == (Health.UNKNOWN, MapHealth.UNKNOWN)


def test_a_sysfs_that_returns_shows_nothing_before_it_has_been_read() -> None:
    """The checker and dm may be long out of date about a session that has failed."""
    story = Story(San.of(["mpio"], PORTALS)).begun()
    story.at(10).feed(SourceDown(SourceName.SYSFS, "timeout", "a read has not returned"))
    story.at(20).feed(SourceUp(SourceName.SYSFS))
    assert story.health(SECOND) == (Health.UNKNOWN, MapHealth.UNKNOWN)
    story.look()
    assert story.health(SECOND) == (Health.UP, MapHealth.HEALTHY)
    assert story.told_of("source_up").message == "Can read sysfs again."


def test_a_path_that_dm_reinstated_while_sysfs_was_silent_is_not_recovering_when_it_fails_again() -> None:
    """Its way was lost in the failure before: what sysfs shows after its silence is no return."""
    story = Story(San.of(["mpio"], PORTALS)).begun()
    story.at(10).session(2, SessionStatus.FREE).dm("sdb", DmState.FAILED)
    story.at(20).feed(SourceDown(SourceName.SYSFS, "timeout", "a read has not returned"))
    story.at(30).dm("sdb", DmState.ACTIVE)
    assert story.path(SECOND).health is Health.UNKNOWN
    story.at(60).dm("sdb", DmState.FAILED)
    story.san.sessions[2] = replace(story.san.sessions[2], state=SessionStatus.LOGGED_IN)
    story.at(70).look()
    assert story.path(SECOND).health is Health.FAILED


def test_a_path_that_dm_had_not_failed_yet_is_recovering_when_sysfs_shows_its_return() -> None:
    story = Story(San.of(["mpio"], PORTALS)).begun()
    story.at(10).session(2, SessionStatus.FREE)
    story.at(20).feed(SourceDown(SourceName.SYSFS, "timeout", "a read has not returned"))
    story.at(30).dm("sdb", DmState.FAILED)
    story.san.sessions[2] = replace(story.san.sessions[2], state=SessionStatus.LOGGED_IN)
    story.at(70).look()
    assert story.path(SECOND).health is Health.RECOVERING


def test_dms_failure_of_a_path_that_was_not_known_yet_is_not_forgotten() -> None:
    """The map was made while sysfs did not answer, and multipathd hangs when it does again."""
    story = Story(San.of(["mpio"], PORTALS)).begun()
    story.at(10).feed(SourceDown(SourceName.SYSFS, "timeout", "a read has not returned"))
    story.san.add_map("data")
    story.at(20).dm("sdd", DmState.FAILED).multipathd_down("timeout")
    story.at(30).look()
    assert story.health(SECOND, "data") == (Health.UNKNOWN, MapHealth.UNKNOWN)


def test_another_disk_of_the_same_name_and_number_is_asked_for() -> None:
    """After a logout and a login that were not seen, only the SCSI address shows that the disk is another one."""
    story = Story(San.of(["mpio"], PORTALS)).begun().at(10)
    story.san.devices["sdb"] = replace(story.san.devices["sdb"], hctl="7:0:0:0")
    story.look()
    assert story.path(SECOND).health is Health.UNKNOWN
    assert story.wants(Scope.MAPS, Scope.PATHS)


def test_no_silence_ends_an_outage() -> None:
    story = Story(San.of(["mpio"], PORTALS), multipathd=False).begun()
    story.at(10).dm("sdb", DmState.FAILED)
    story.at(20).feed(EventsLost())
    assert story.health(SECOND) == (Health.UNKNOWN, MapHealth.UNKNOWN)
    assert story.path(SECOND).outage
    story.at(30).session(2, SessionStatus.FAILED)
    story.at(40).session(2, SessionStatus.LOGGED_IN)
    assert story.health(SECOND) == (Health.UNKNOWN, MapHealth.UNKNOWN)
    assert not [told for told in story.told if told.event == "path_reinstated"]


# --- what root reads of dm --------------------------------------------------------------------------------------------


def status(story: Story, at: float, *names: str, queues: bool | None = None) -> DmStatusRead:
    """The kernel's status of the maps, or of these, asked for at this second of the story."""
    maps = [
        DmStatus(known.name, queues, {story.san.devices[disk].dev_t: story.san.dm[disk] for disk in known.slaves})
        for known in story.san.maps.values()
        if not names or known.name in names
    ]
    return DmStatusRead(tuple(maps), moment(at).monotonic)


def test_dms_own_status_shows_what_had_failed_before_the_start() -> None:
    san = San.of(["mpio"], PORTALS)
    san.dm["sdb"] = DmState.FAILED
    story = Story(san, multipathd=False).begun()
    assert story.map().health is MapHealth.HEALTHY
    story.feed(status(story, story.seconds, queues=True))
    assert story.health(SECOND) == (Health.FAILED, MapHealth.AT_RISK)
    assert story.map().queues is True
    assert "It was already in this state when mpathd-watch started." in story.told_of("path_failed").message
    story.at(10).dm("sdb", DmState.ACTIVE)
    assert story.map().health is MapHealth.HEALTHY


def test_a_status_from_before_the_first_uevent_shows_nothing() -> None:
    san = San.of(["mpio"], PORTALS)
    san.dm["sdb"] = DmState.FAILED
    story = Story(san, multipathd=False).begun()
    story.feed(status(story, -60.1))
    assert story.map().health is MapHealth.HEALTHY
    story.feed(SourceDown(SourceName.UEVENT, "error", "it is down."))
    story.feed(status(story, story.seconds))
    assert story.map().health is MapHealth.UNKNOWN


def test_a_status_asked_for_when_uevents_began_to_come_counts() -> None:
    san = San.of(["mpio"], PORTALS)
    san.dm["sdb"] = DmState.FAILED
    story = Story(san, multipathd=False).begun()
    story.feed(status(story, -60))
    assert story.health(SECOND) == (Health.FAILED, MapHealth.AT_RISK)


def test_a_status_counts_for_each_map_that_it_has() -> None:
    san = San.of(["mpio", "data"], PORTALS)
    san.dm["sdd"] = DmState.FAILED
    story = Story(san, multipathd=False).begun()
    story.feed(status(story, -50, "data"))
    assert story.health(SECOND, "data") == (Health.FAILED, MapHealth.AT_RISK)


def test_a_status_says_nothing_of_a_path_that_is_missing_or_that_it_does_not_know() -> None:
    story = Story(San.of(["mpio"], PORTALS), multipathd=False).begun().at(0).dm("sda", DmState.FAILED)
    story.san.remove_disk("sdb")
    story.at(1).look()
    before = story.path(SECOND)
    assert not before.member
    odd = {"8:0": DmState.UNKNOWN, "8:16": DmState.FAILED}
    story.feed(DmStatusRead((DmStatus("mpio", None, odd),), moment(1).monotonic))
    assert story.path(FIRST).dm.state is DmState.FAILED
    assert story.path(SECOND) == before


# --- what multipathd knew ---------------------------------------------------------------------------------------------


def test_what_multipathd_knew_is_forgotten_with_it() -> None:
    story = Story(San.of(["mpio"], PORTALS)).begun().at(0)
    before = story.path(FIRST).checker
    assert (story.map().queues, story.map().queueing.text, before.state) == (False, "off", CheckerState.READY)
    story.multipathd_down("timeout")
    assert (story.map().queues, story.map().queueing.text) == (None, "")
    assert story.path(FIRST).checker == CheckerView(name=before.name, read=before.read)
    assert before.name
    assert before.read


@pytest.mark.parametrize("queueing", ["off", ""])
@pytest.mark.parametrize("queues", [True, False, None])
def test_each_word_on_queueing_is_forgotten(queues: bool | None, queueing: str) -> None:
    san = San.of(["mpio"], PORTALS)
    san.queues, san.queueing = queues, queueing
    story = Story(san).begun().at(0).multipathd_down()
    assert (story.map().queues, story.map().queueing.text) == (None, "")


def test_an_absurd_number_of_seconds_is_a_moment_all_the_same() -> None:
    san = San.of(["mpio"], PORTALS)
    san.queues, san.queueing = True, f"{'9' * 400} sec"
    ends = Story(san).begun().at(0).listing().map().queueing.ends
    assert ends is not None
    assert isfinite(ends.wall)


def test_the_end_of_the_queueing_is_the_same_while_multipathd_counts_down_to_it() -> None:
    san = San.of(["mpio"], PORTALS)
    san.queues, san.queueing = True, "12 chk"
    story = Story(san).begun().at(0).listing()
    assert story.map().queueing.ends is None
    for second, left in ((0, "60 sec"), (5, "56 sec"), (10, "49 sec")):
        san.queueing = left
        story.at(second).listing()
        assert story.map().queueing.ends == moment(60)
    san.queueing = "30 sec"
    story.at(11).listing()
    assert story.map().queueing.ends == moment(41)
    story.multipathd_down()
    assert story.map().queueing.ends is None


@pytest.mark.parametrize(
    ("queues", "queueing"),
    [(False, "off"), (False, "5 sec"), (True, "on"), (True, "x sec"), (True, "٣ sec"), (True, "")],
)
def test_nothing_ends_the_queueing_where_multipathd_does_not_count_down(queues: bool, queueing: str) -> None:
    san = San.of(["mpio"], PORTALS)
    san.queues, san.queueing = queues, queueing
    assert Story(san).begun().at(0).listing().map().queueing.ends is None


@pytest.mark.parametrize(("reason", "overruled"), [("timeout", True), ("not_running", False)])
def test_a_multipathd_that_is_started_again_is_believed_at_once(reason: str, overruled: bool) -> None:
    """One that only did not answer goes on calling a path faulty that dm has reinstated."""
    story = Story(San.of(["mpio"], PORTALS)).begun().at(0).dm("sdb", DmState.FAILED)
    story.checker("sdb", CheckerState.FAULTY).at(1).dm("sdb", DmState.ACTIVE)
    assert story.path(SECOND).checker.overruled
    assert not story.path(FIRST).checker.overruled
    story.multipathd_down(reason)
    assert [story.path(label).checker.overruled for label in (FIRST, SECOND)] == [False, overruled]


def test_a_source_that_is_down_keeps_why_and_what_it_ran_with_is_forgotten() -> None:
    story = Story(San.of(["mpio"], PORTALS)).begun().at(0)
    story.feed(MultipathdConfigured(Document()))
    assert story.state.auditing.running == Document()
    story.multipathd_down("timeout")
    source = story.state.source(SourceName.MULTIPATHD)
    assert (source.up, source.reason, source.detail) == (False, "timeout", "multipathd is not running; start it")
    assert story.state.auditing.running is None


def test_without_uevents_dm_is_known_as_long_as_multipathd_answers() -> None:
    story = Story(San.of(["mpio"], PORTALS)).begun().at(0)
    story.feed(SourceDown(SourceName.UEVENT, "error", "it is down."))
    assert story.path(FIRST).dm.state is DmState.ACTIVE
    story.multipathd_down()
    assert story.path(FIRST).dm.state is DmState.UNKNOWN


def test_disks_are_read_though_another_one_is_missing() -> None:
    story = Story(San.of(["mpio"], PORTALS)).begun().at(0)
    story.san.remove_disk("sda")
    story.look().device("sdb", DeviceState.OFFLINE)
    assert [story.path(label).health for label in (FIRST, SECOND)] == [Health.MISSING, Health.FAILED]


def test_a_status_older_than_a_uevent_does_not_count_and_multipathd_knows_better() -> None:
    story = Story(San.of(["mpio"], PORTALS), multipathd=False).begun()
    before = status(story, 9)
    story.at(10).dm("sdb", DmState.FAILED)
    story.feed(before)
    assert story.health(SECOND) == (Health.FAILED, MapHealth.AT_RISK)
    story.at(20).feed(SourceUp(SourceName.MULTIPATHD))
    story.listing()
    story.feed(DmStatusRead((DmStatus("mpio", None, {"8:0": DmState.FAILED}),), moment(21).monotonic))
    assert story.health(FIRST) == (Health.UP, MapHealth.AT_RISK)


def test_a_status_makes_up_for_lost_events_if_it_has_all_maps() -> None:
    story = Story(San.of(["mpio", "data"], PORTALS), multipathd=False).begun()
    story.at(10).dm("sdb", DmState.FAILED).dm("sdd", DmState.FAILED)
    story.at(20).feed(EventsLost())
    story.at(21).feed(status(story, 19))
    assert story.state.dm_stale is not None
    story.at(22).feed(status(story, 21, "mpio"))
    assert story.health(SECOND) == (Health.FAILED, MapHealth.AT_RISK)
    assert story.map("data").health is MapHealth.UNKNOWN
    assert story.state.dm_stale is not None
    story.at(23).feed(status(story, 23))
    assert story.map("data").health is MapHealth.AT_RISK
    assert story.state.dm_stale is None


def test_a_status_that_makes_no_sense_changes_nothing() -> None:
    story = Story(San.of(["mpio"], PORTALS), multipathd=False).begun()
    before = story.state.maps
    odd = {"8:0": DmState.UNKNOWN, "9:9": DmState.FAILED}
    story.feed(DmStatusRead((DmStatus("other", True, {}), DmStatus("mpio", None, odd)), moment(-50).monotonic))
    assert story.state.maps == before


def test_without_uevents_as_in_a_single_look_a_status_counts() -> None:
    san = San.of(["mpio"], PORTALS)
    san.dm["sdb"] = DmState.FAILED
    story = Story(san)
    story.feed(SourceUp(SourceName.SYSFS))
    story.look().multipathd_down()
    # On a host that has just booted, too.
    story.feed(status(story, -1000))
    assert story.health(SECOND) == (Health.FAILED, MapHealth.AT_RISK)
