"""What is expected: learned, kept over restarts, declared, named by node records, taken away on purpose, forgotten."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mpathd_watch.core.catalog.alerts import Priority
from mpathd_watch.core.configuration import Configuration, NodeRecord
from mpathd_watch.core.events import BlockEvent, ConfigurationRead, DevicesRead, Forget, SettingsChanged, Tick
from mpathd_watch.core.formats.open_iscsi import keys, parse_record
from mpathd_watch.core.formats.open_iscsi.places import Place
from mpathd_watch.core.model.expectation import Expectation
from mpathd_watch.core.model.instant import Instant
from mpathd_watch.core.model.memory import ExpectedMap, ExpectedPath, Memory, OpenOutage, by_path
from mpathd_watch.core.model.outage import Outage
from mpathd_watch.core.model.vocabulary import Cause, DmState, Health, MapHealth, SessionStatus, Transport
from mpathd_watch.core.state import Wait
from mpathd_watch.immutable import replace
from tests.story import TARGET, San, Story

PORTALS = ["192.168.1.1", "192.168.2.1"]
FIRST, SECOND, THIRD = (f"192.168.{number}.1:3260" for number in (1, 2, 3))


def known(*labels: str, name: str = "mpio", **proven: float) -> ExpectedMap:
    """What an earlier daemon has learned of a map."""
    paths = {
        label: ExpectedPath(Transport.ISCSI, f"{label}/{TARGET}", TARGET, label, "default", **proven)
        for label in labels
    }
    return ExpectedMap(name, paths)


def after_restart(san: San, expected: Mapping[str, ExpectedMap], **settings: Any) -> Story:
    """A daemon that starts a minute before the story, with 60 s for what is missing to come back."""
    return Story(san, memory=Memory(expected=expected), **settings).begun()


def news(story: Story) -> list[tuple[str, str]]:
    """What people are woken by, and of whom."""
    return [(told.event, told.who) for told in story.told if told.alert.priority <= Priority.NOTICE]


# --- learning ---------------------------------------------------------------------------------------------------------


def test_a_path_that_stays_for_a_minute_is_kept_and_one_that_does_not_is_only_expected_while_the_daemon_runs() -> None:
    story = Story(San.of(["mpio"], PORTALS), memory=Memory()).begun()
    assert story.remembered == {}
    story.at(-1).san.login("192.168.3.1")
    disk = story.san.add_disk("36000mpio", 3)
    story.look().listing().at(0)
    assert story.remembered == {"36000mpio": known(FIRST, SECOND)}
    assert set(story.state.expected["36000mpio"].paths) == {FIRST, SECOND}
    story.at(30).san.remove_disk(disk)
    story.look()
    story.at(40).san.add_disk("36000mpio", 3)
    story.look().listing().at(99)
    assert set(story.state.expected["36000mpio"].paths) == {FIRST, SECOND}
    assert story.path(THIRD).health is Health.UP
    story.at(100)
    assert set(story.state.expected["36000mpio"].paths) == {FIRST, SECOND, THIRD}


def test_a_path_that_has_left_its_map_when_its_minute_is_over_is_not_kept() -> None:
    story = Story(San.of(["mpio"], PORTALS), memory=Memory()).begun()
    story.at(-20).san.logout(2)
    story.look().at(100)
    assert set(story.state.expected["36000mpio"].paths) == {FIRST}
    assert story.path(SECOND).health is Health.MISSING


def test_what_is_known_already_is_not_kept_again_but_another_name_is() -> None:
    story = after_restart(San.of(["mpio"], PORTALS), {"36000mpio": known(FIRST, SECOND)})
    story.at(100)
    assert story.remembered == {}
    story.san.maps["36000mpio"] = replace(story.san.maps["36000mpio"], name="data")
    story.look()
    assert story.remembered == {"36000mpio": known(FIRST, SECOND, name="data")}


# --- over a restart ---------------------------------------------------------------------------------------------------


def test_a_path_that_did_not_come_back_is_missing_at_once_and_reported_when_it_had_its_time() -> None:
    story = after_restart(San.of(["mpio"], PORTALS[:1]), {"36000mpio": known(FIRST, SECOND)})
    assert story.health(SECOND) == (Health.MISSING, MapHealth.AT_RISK)
    assert (story.map().expected, story.map().present) == (2, 1)
    story.at(-0.1)
    assert news(story) == []
    story.at(0)
    assert story.alerts() == [(0, "path_missing", SECOND), (0, "map_at_risk", "mpio")]
    story.at(1)
    assert news(story) == [("incident_began", SECOND)]
    assert story.told_of("incident_began").priority is Priority.ERR
    alert = story.told_of("path_missing")
    assert alert.message == (
        f"mpio: path {SECOND} is missing: it was not there when mpathd-watch started. 1 of 2 paths usable."
    )
    assert (alert.fields["CAUSE"], alert.fields["ELAPSED_SEC"]) == ("absent", "60.000")
    story.at(300).san.login("192.168.2.1")
    story.san.add_disk("36000mpio", 2)
    story.look().listing()
    assert story.alerts(1)[-2:] == [(300, "path_reinstated", SECOND), (300, "map_recovered", "mpio")]
    assert news(story)[1:] == [("incident_ended", "")]
    assert dict(story.path(SECOND).failures) == {}


def test_a_path_that_comes_back_within_its_time_is_no_news_and_no_outage() -> None:
    story = after_restart(San.of(["mpio"], PORTALS[:1]), {"36000mpio": known(FIRST, SECOND)})
    story.at(-20).san.login("192.168.2.1")
    story.san.add_disk("36000mpio", 2)
    story.look().listing().at(300)
    assert story.told == []
    assert story.ended == []
    assert story.map().health is MapHealth.HEALTHY


def test_another_path_that_fails_while_one_may_still_come_back_is_reported_at_once() -> None:
    story = after_restart(San.of(["mpio"], PORTALS[:1]), {"36000mpio": known(FIRST, SECOND)})
    story.at(-40).dm("sda", DmState.FAILED)
    assert story.alerts(-40.1) == [(-40, "path_failed", FIRST), (-40, "map_lost", "mpio")]
    ((at, priority, message),) = story.at(-30).incidents(-60)
    assert (at, priority) == (-39, Priority.CRIT)
    assert "mpio has no usable path: I/O fails now." in message


def test_one_entry_is_enough_for_the_paths_of_many_maps_that_a_session_should_have_brought() -> None:
    names = ["m1", "m2", "m3"]
    story = after_restart(
        San.of(names, PORTALS[:1]), {f"36000{name}": known(FIRST, SECOND, name=name) for name in names}
    )
    story.at(10)
    alerts = [told.alert for told in story.told if told.event == "path_missing"]
    assert [alert.fields["MAP"] for alert in alerts] == names
    assert "is missing, and so are 2 more paths of its session" in alerts[0].message
    assert "more path" not in alerts[1].message + alerts[2].message
    ((at, priority, message),) = story.incidents()
    assert (at, priority) == (1, Priority.ERR)
    assert message.startswith("3 paths of 3 maps are out, with session ")


def test_a_map_that_did_not_come_back_is_lost_until_it_does() -> None:
    gone = known(FIRST, SECOND, name="data")
    story = after_restart(San.of(["mpio"], PORTALS), {"36000data": gone})
    assert story.map("data").health is MapHealth.LOST
    assert not story.map("data").exists
    assert story.told == []
    story.at(1)
    assert news(story) == [("incident_began", "data")]
    assert story.told_of("incident_began").priority is Priority.CRIT
    assert story.told_of("map_lost").message == (
        "data: the map does not exist, and 2 paths are expected. "
        "If it is gone for good: mpathd-watch forget --map data."
    )
    story.at(100).san.add_map("data")
    story.look().listing().at(200)
    assert story.map("data").exists
    assert story.map("data").health is MapHealth.HEALTHY
    assert news(story)[1:] == [("incident_ended", "")]
    assert story.told_of("map_recovered").priority is Priority.INFO


def test_a_map_that_did_not_come_back_leaves_its_name_to_one_that_has_it_now() -> None:
    story = after_restart(San.of(["mpio"], PORTALS), {"36000old": known(FIRST)})
    assert {map_.label: map_.exists for map_ in story.state.maps.values()} == {"mpio": True, "mpio#2": False}
    story.at(10).look()
    assert {map_.label: map_.exists for map_ in story.state.maps.values()} == {"mpio": True, "mpio#2": False}


def test_where_maps_are_not_expected_only_the_paths_of_those_that_exist_are() -> None:
    expected = {"36000mpio": known(FIRST, SECOND), "36000gone": known(FIRST, name="gone")}
    story = after_restart(San.of(["mpio"], PORTALS[:1]), expected, expect_maps=False)
    assert set(story.state.maps) == {"36000mpio"}
    assert set(story.state.expected) == set(expected)
    story.at(1)
    assert story.alerts() == [(0, "path_missing", SECOND), (0, "map_at_risk", "mpio")]
    assert news(story) == [("incident_began", SECOND)]
    assert story.remembered == {"36000gone": None}


def test_a_host_whose_sysfs_answers_late_gives_its_paths_time_to_come() -> None:
    story = Story(San.of(["mpio"], PORTALS[:1]), memory=Memory(expected={"36000mpio": known(FIRST, SECOND)}))
    story.at(3)
    assert Wait.GRACE in story.waits
    story.look().listing()
    assert news(story) == []
    story.at(10)
    assert ("path_missing", SECOND) in [(event, who) for _, event, who in story.alerts()]
    assert news(story) == [("incident_began", SECOND)]


# --- declared ---------------------------------------------------------------------------------------------------------


def test_a_declared_path_is_expected_and_so_is_a_declared_number_of_paths() -> None:
    expect = (Expectation("mpio", 2, frozenset({FIRST, SECOND})), Expectation("36000data", 4))
    story = after_restart(San.of(["mpio", "data"], PORTALS[:1]), {}, expect=expect)
    assert (story.map().expected, story.map("data").expected) == (2, 4)
    assert story.map("data").health is MapHealth.AT_RISK
    story.at(-0.1)
    assert news(story) == []
    story.at(1)
    assert (0, "path_missing", SECOND) in story.alerts()
    assert news(story) == [("map_at_risk", "data"), ("incident_began", SECOND)]
    assert story.told_of("map_at_risk", "data").message == (
        f"data: {FIRST} (sdb) is the only path left of 4 (3 declared paths never seen); if it fails, I/O fails at once."
    )


def test_a_reload_declares_paths_and_takes_that_back() -> None:
    story = Story(San.of(["mpio"], PORTALS), memory=Memory()).begun().at(10)
    story.feed(replace(story.settings, expect=(Expectation("mpio", 3, frozenset({FIRST, SECOND, THIRD})),)))
    assert story.health(THIRD) == (Health.MISSING, MapHealth.DEGRADED)
    story.feed(story.settings)
    assert set(story.map().paths) == {FIRST, SECOND}
    assert story.map().health is MapHealth.HEALTHY
    story.feed(replace(story.settings, expect=(Expectation("mpio", 3),)))
    assert story.map().health is MapHealth.DEGRADED
    assert story.parts[-1].alert.message == "mpio: degraded, 2 of 3 paths usable (1 declared path never seen)."


def test_a_declared_path_that_was_there_stays_expected_when_it_is_no_longer_declared() -> None:
    expect = (Expectation("mpio", 2, frozenset({FIRST, SECOND})),)
    story = after_restart(San.of(["mpio"], PORTALS[:1]), {"36000mpio": known(SECOND)}, expect=expect)
    story.at(10).feed(replace(story.settings, expect=()))
    assert story.path(SECOND).health is Health.MISSING


def test_a_declared_map_that_does_not_exist_is_lost_until_it_is_there() -> None:
    story = after_restart(San.of(["mpio"], PORTALS), {}, expect=(Expectation("data", 2),))
    assert story.map("data").health is MapHealth.LOST
    story.at(1)
    assert news(story) == [("map_lost", "data")]
    story.at(50).san.add_map("data")
    story.look().listing().at(60)
    assert set(story.state.maps) == {"36000mpio", "36000data"}
    story.feed(replace(story.settings, expect=(Expectation("other", 2),)))
    assert set(story.state.maps) == {"36000mpio", "36000data"}


def test_a_map_that_was_only_declared_goes_with_its_declaration() -> None:
    story = after_restart(San.of(["mpio"], PORTALS), {}, expect=(Expectation("data", 2),))
    story.at(10).feed(replace(story.settings, expect=()))
    assert set(story.state.maps) == {"36000mpio"}


# --- named by node records --------------------------------------------------------------------------------------------


def record(address: str, startup: str = "automatic", target: str = TARGET, iface: str = "default") -> NodeRecord:
    text = f"# BEGIN RECORD 2.1.8\n{keys.STARTUP} = {startup}\n# END RECORD\n"
    return NodeRecord(Place(target, address, 3260, 1, iface), parse_record(text, f"/etc/iscsi/nodes/{address}"))


def with_records(san: San, *records: NodeRecord) -> Story:
    story = Story(san, memory=Memory()).begun()
    story.feed(ConfigurationRead(Configuration(records=records)))
    return story.at(1)


def test_a_portal_that_is_logged_in_to_at_boot_is_expected_in_every_map_of_its_target() -> None:
    story = with_records(San.of(["mpio", "data"], PORTALS[:1]), record("192.168.1.1"), record("192.168.2.1"))
    assert story.path(SECOND).health is story.path(SECOND, "data").health is Health.MISSING
    missing = [told.alert for told in story.told if told.event == "path_missing"]
    assert [alert.fields["MAP"] for alert in missing] == ["data", "mpio"]
    assert "and so is 1 more path of its session" in missing[0].message
    began = story.told_of("incident_began")
    assert began.message.startswith(f"2 paths of 2 maps are out, with session {SECOND}/")
    story.at(300).san.login("192.168.2.1")
    story.san.add_disk("36000mpio", 2)
    story.look().listing()
    assert story.path(SECOND).health is Health.UP


@pytest.mark.parametrize(
    "records",
    [
        (record("192.168.2.1", startup="manual"),),
        (record("192.168.2.1", target="iqn.2009-02.com.example:another"),),
        (record("192.168.1.1"),),
        (),
    ],
)
def test_a_record_that_does_not_bring_a_path_of_the_map_makes_none_expected(records: tuple[NodeRecord, ...]) -> None:
    story = with_records(San.of(["mpio"], PORTALS[:1]), *records)
    assert set(story.map().paths) == {FIRST}
    assert "path_missing" not in dict(news(story))


def test_a_map_that_is_not_reached_through_every_session_of_the_target_need_not_be_through_another() -> None:
    san = San.of(["mpio"], PORTALS)
    san.add_map("data", sids=[1])
    story = with_records(san, record("192.168.3.1"))
    assert THIRD in story.map().paths
    assert set(story.map("data").paths) == {FIRST}


def test_without_any_configuration_nothing_follows_from_records() -> None:
    story = Story(San.of(["mpio"], PORTALS), memory=Memory()).begun().at(1)
    assert set(story.map().paths) == {FIRST, SECOND}


# --- taken away, or lost ----------------------------------------------------------------------------------------------


def learned(*names: str) -> Story:
    """A host whose maps are known."""
    return Story(San.of(names or ["mpio"], PORTALS), memory=Memory()).begun().at(1)


def test_volumes_that_are_taken_away_as_csi_drivers_do_are_no_loss() -> None:
    names = [f"vol{number}" for number in range(20)]
    story = learned(*names)
    for number, name in enumerate(names):
        story.at(10 + number)
        disks = story.san.maps[f"36000{name}"].slaves
        del story.san.maps[f"36000{name}"]
        story.feed(BlockEvent("remove", f"dm-{number}"))
        story.feed(DevicesRead((), disks))
        for disk in disks:
            del story.san.devices[disk]
        if number == 19:
            story.san.sessions.clear()
            story.feed(story.san.sessions_read())
        story.at(10.4 + number).look()
    story.at(500)
    assert news(story) == []
    assert story.state.maps == {}
    assert story.remembered == dict.fromkeys(f"36000{name}" for name in names)
    assert [told.event for told in story.parts].count("map_removed") == 20
    assert story.told_of("map_removed", "vol3").message == (
        "vol3: the map was removed, and is no longer expected; 2 of 2 paths were usable."
    )


def test_a_volume_may_be_taken_away_while_a_path_of_it_is_down() -> None:
    story = learned()
    story.at(5).dm("sdb", DmState.FAILED)
    story.at(9)
    assert news(story) == [("incident_began", SECOND)]
    del story.san.maps["36000mpio"]
    story.at(10).feed(BlockEvent("remove", "dm-0"))
    story.san.sessions.clear()
    story.feed(story.san.sessions_read())
    story.at(10.5).look().at(100)
    assert news(story)[1:] == [("incident_ended", "")]
    assert not story.state.incidents
    assert story.state.maps == {}
    assert story.remembered == {"36000mpio": None}


def test_a_map_that_vanishes_while_all_its_paths_are_down_stays_lost_until_it_is_back() -> None:
    story = learned()
    for disk in ("sda", "sdb"):
        story.at(5).dm(disk, DmState.FAILED)
    facts = story.san.maps.pop("36000mpio")
    story.at(10).feed(BlockEvent("remove", "dm-0"))
    story.look()
    assert story.map().health is MapHealth.LOST
    assert not story.map().exists
    removed = story.told_of("map_removed")
    assert removed.priority is Priority.NOTICE
    assert "forget --map mpio" in removed.message
    story.at(100).look()
    assert story.told_of("map_removed") is removed
    story.san.maps["36000mpio"] = facts
    story.san.dm.update(sda=DmState.ACTIVE, sdb=DmState.ACTIVE)
    story.look().listing().at(120)
    assert story.map().health is MapHealth.HEALTHY
    assert set(story.remembered) <= {"36000mpio"}
    assert story.state.expected["36000mpio"] == known(FIRST, SECOND)


def test_where_maps_are_not_expected_one_that_vanishes_is_forgotten_whatever_its_paths_are() -> None:
    story = Story(San.of(["mpio"], PORTALS), memory=Memory(), expect_maps=False).begun().at(1)
    for disk in ("sda", "sdb"):
        story.at(5).dm(disk, DmState.FAILED)
    del story.san.maps["36000mpio"]
    story.look()
    assert story.state.maps == {}
    assert story.remembered["36000mpio"] is None


def test_maps_are_not_expected_any_more_after_a_reload() -> None:
    story = after_restart(San.of(["mpio"], PORTALS), {"36000gone": known(FIRST, name="gone")}).at(1)
    story.feed(replace(story.settings, expect_maps=False))
    assert set(story.state.maps) == {"36000mpio"}
    assert story.told_of("map_forgotten", "gone").priority is Priority.INFO
    assert story.remembered["36000gone"] is None


def test_a_scan_from_before_the_removal_proves_nothing_and_one_from_after_it_does() -> None:
    story = learned()
    before = story.state
    story.at(10).feed(BlockEvent("remove", "dm-0"))
    story.feed(replace(story.san.system_read(), requested=1009.0))
    assert Wait.REMOVED in story.waits
    assert story.map() is before.maps["36000mpio"]
    story.at(11).feed(replace(story.san.system_read(), requested=1010.5))
    assert Wait.REMOVED not in story.waits
    assert story.told == []


def test_a_removal_that_no_scan_confirms_is_none_after_a_while() -> None:
    story = learned()
    story.at(10).feed(BlockEvent("remove", "dm-0"))
    story.san.logout(2)
    story.feed(DevicesRead((), ("sdb",)))
    story.feed(story.san.sessions_read())
    story.at(19.9)
    assert news(story) == []
    assert story.path(SECOND).health is Health.UP
    story.at(21)
    assert [(event, who) for _, event, who in story.alerts(since=0)] == [("path_missing", SECOND)]
    assert news(story) == [("incident_began", SECOND)]


def test_a_map_that_rescans_leave_with_ever_fewer_paths_is_news_at_each_step() -> None:
    portals = [f"192.168.{number}.1" for number in range(1, 5)]
    story = Story(San.of(["mpio"], portals), memory=Memory()).begun().at(1)
    for disks, priority in ((("sdc", "sdd"), Priority.WARNING), (("sdb",), Priority.ERR)):
        since = story.seconds
        for disk in disks:
            story.san.remove_disk(disk)
        story.at(since + 10).look().at(since + 100)
        assert [event for _, event, _ in story.alerts(since)].count("path_missing") == len(disks)
        assert story.alerts(since)[-1][1] == ("map_degraded" if len(disks) == 2 else "map_at_risk")
        assert [(at, priority) for at, priority, _ in story.incidents(since)] == [(since + 11, priority)]
    assert len(story.state.expected["36000mpio"].paths) == 4


# --- forgotten --------------------------------------------------------------------------------------------------------


def test_a_missing_path_that_is_forgotten_is_expected_no_more_and_learned_again_when_it_is_back() -> None:
    story = learned()
    story.at(10).san.logout(2)
    story.look().at(100).feed(Forget("36000mpio", SECOND))
    assert set(story.map().paths) == {FIRST}
    assert story.remembered["36000mpio"] == known(FIRST)
    assert story.told_of("path_forgotten").message == ("mpio: path 192.168.2.1:3260 (was sdb) is no longer expected.")
    assert not {due for due in story.state.deadlines if due.path == SECOND}
    story.san.login("192.168.2.1")
    story.san.add_disk("36000mpio", 2)
    story.at(200).look().listing().at(300)
    assert story.state.expected["36000mpio"] == known(FIRST, SECOND)


def test_what_is_there_can_not_be_forgotten() -> None:
    story = learned()
    before = story.state.maps
    for event in (Forget("36000mpio"), Forget("36000mpio", FIRST), Forget("36000mpio", "nobody"), Forget("nobody")):
        story.feed(event)
    assert story.state.maps == before
    assert story.told == []


def test_all_that_is_missing_of_a_map_can_be_forgotten_at_once() -> None:
    story = after_restart(San.of(["mpio"], PORTALS[:1]), {"36000mpio": known(FIRST, SECOND, THIRD)})
    story.feed(Forget("36000mpio"))
    assert set(story.map().paths) == {FIRST}
    assert story.remembered["36000mpio"] == known(FIRST)


@pytest.mark.parametrize("paths", [("",), (FIRST, SECOND)])
def test_a_map_that_does_not_exist_can_be_forgotten_as_a_whole_or_path_by_path(paths: tuple[str, ...]) -> None:
    story = after_restart(San.of(["mpio"], PORTALS), {"36000gone": known(FIRST, SECOND, name="gone")})
    for path in paths:
        story.feed(Forget("36000gone", path))
    assert set(story.state.maps) == {"36000mpio"}
    assert story.remembered["36000gone"] is None
    assert story.told_of("map_forgotten", "gone").message == "gone: the map is no longer expected."


def test_a_map_that_is_only_remembered_can_be_forgotten() -> None:
    story = after_restart(San.of(["mpio"], PORTALS), {"36000gone": known(FIRST, name="gone")}, expect_maps=False)
    story.feed(Forget("36000gone"))
    assert story.remembered == {"36000gone": None}
    assert story.told_of("map_forgotten", "gone").message == "gone: the map is no longer expected."
    assert set(story.state.maps) == {"36000mpio"}


def test_a_path_of_a_map_that_is_only_remembered_can_not_be_forgotten() -> None:
    gone = {"36000gone": known(FIRST, SECOND, name="gone")}
    story = after_restart(San.of(["mpio"], PORTALS), gone, expect_maps=False)
    story.feed(Forget("36000gone", FIRST))
    assert (story.told, story.remembered, set(story.state.maps)) == ([], {}, {"36000mpio"})


def test_a_map_is_forgotten_before_sysfs_has_been_read_since_the_start() -> None:
    gone = {"36000gone": known(FIRST, SECOND, name="gone")}
    story = Story(San.of(["mpio"], PORTALS), memory=Memory(gone))
    story.feed(Forget("36000gone"))
    assert story.told_of("map_forgotten", "gone").fields["PATHS_EXPECTED"] == "2"
    story.begun().live().at(100)
    assert not {told.event for told in story.told} & {"map_lost", "path_missing"}
    assert story.remembered["36000gone"] is None


def test_forgetting_all_that_was_learned_of_a_map_keeps_nothing_of_it() -> None:
    san = San.of(["mpio"], PORTALS[:1])
    story = after_restart(san, {"36000mpio": known(SECOND)}, learn_seconds=3600.0)
    story.feed(Forget("36000mpio", SECOND))
    assert story.remembered["36000mpio"] is None


# --- proven -----------------------------------------------------------------------------------------------------------


def test_a_failover_that_kept_its_budget_proves_the_path_and_that_is_kept() -> None:
    story = Story(San.of(["mpio"], PORTALS), memory=Memory()).begun().live().at(100)
    story.cut(2).at(115).session(2, SessionStatus.FAILED).at(120).session(2, SessionStatus.FREE)
    story.dm("sdb", DmState.FAILED)
    story.at(160).san.answering.add(2)
    story.session(2, SessionStatus.LOGGED_IN, alive=160).at(162).dm("sdb", DmState.ACTIVE)
    assert story.path(SECOND).health is Health.UP
    proven = story.path(SECOND).proven
    assert proven == 1_700_000_162.0
    assert story.remembered["36000mpio"] == replace(
        known(FIRST, SECOND),
        paths={**known(FIRST).paths, SECOND: replace(known(SECOND).paths[SECOND], proven=proven)},
    )
    again = after_restart(story.san, story.state.expected)
    assert (again.path(SECOND).proven, again.path(FIRST).proven) == (proven, None)


# --- in any order -----------------------------------------------------------------------------------------------------

_DOINGS = st.lists(
    st.sampled_from(
        ["logout", "login", "look", "remove_disk", "wait", "tick", "fail", "reinstate", "restart", "unflush"]
    ),
    max_size=25,
)


@settings(max_examples=100, deadline=None)
@given(doings=_DOINGS)
def test_no_path_that_is_known_is_dropped_while_its_map_exists_whatever_happens(doings: list[str]) -> None:
    story = Story(San.of(["mpio"], PORTALS), memory=Memory()).begun()
    kept: dict[str, ExpectedMap] = {}
    ever: set[str] = set()
    for doing in doings:
        san = story.san
        disks = list(san.devices)
        match doing:
            case "logout" if len(san.sessions) > 1:
                san.logout(max(san.sessions))
            case "login":
                sid = san.login(f"192.168.{1 + len(san.sessions)}.1")
                if san.disks_ever < 20:
                    san.add_disk("36000mpio", sid)
            case "remove_disk" if disks:
                san.remove_disk(disks[-1])
            case "look":
                story.look().listing()
            case "tick":
                story.feed(Tick())
            case "wait":
                story.at(story.seconds + 70)
            case "fail" if disks:
                san.dm[disks[0]] = DmState.FAILED
                story.look().listing()
            case "reinstate" if disks:
                san.dm[disks[0]] = DmState.ACTIVE
                story.look().listing()
            case "unflush":
                story.feed(BlockEvent("remove", "dm-0"))
            case "restart":
                kept = dict(story.state.expected)
                story = Story(san, memory=Memory(expected=kept)).begun()
                ever = set()
        ever |= set(story.map().paths)
        assert set(story.map().paths) >= ever
        assert set(story.map().paths) >= set(story.state.expected.get("36000mpio", ExpectedMap("")).paths)
        assert set(story.map().paths) >= set(kept.get("36000mpio", ExpectedMap("")).paths)


def test_the_settings_have_their_defaults() -> None:
    settings = SettingsChanged()
    assert (settings.learn_seconds, settings.start_grace_seconds, settings.expect_maps) == (60.0, 60.0, True)
    assert Cause.ABSENT.value == "absent"


# --- with outages from before -----------------------------------------------------------------------------------------


def test_a_path_that_failed_before_a_reboot_and_is_not_there_yet_has_time_and_then_is_the_same_outage() -> None:
    before = Outage(
        "0123456789abcdef", Instant(900.0, 1_699_999_900.0), Cause.CONNECTION_ERROR, failed=Instant(900.0, 1.7e9)
    )
    outage = OpenOutage("36000mpio", "mpio", SECOND, before, Health.FAILED, before.began, Health.FAILED)
    memory = Memory({"36000mpio": known(FIRST, SECOND)}, by_path([outage]), alive=Instant(930.0, 1_699_999_930.0))
    story = Story(San.of(["mpio"], PORTALS[:1]), memory=memory).begun()
    assert story.path(SECOND).health is Health.MISSING
    story.at(-0.1)
    assert news(story) == []
    story.at(1)
    assert (0, "path_missing", SECOND) in story.alerts()
    assert news(story) == [("incident_began", SECOND)]
    now = story.path(SECOND).outage
    assert now is not None
    assert now.id == before.id


# --- corners ----------------------------------------------------------------------------------------------------------


def test_what_is_not_declared_any_more_stays_where_it_was_seen() -> None:
    story = Story(San.of(["mpio"], PORTALS), memory=Memory(), learn_seconds=3600.0).begun().at(1)
    story.feed(replace(story.settings, expect=(Expectation("mpio", 2, frozenset({FIRST, SECOND})),)))
    story.feed(story.settings)
    assert set(story.map().paths) == {FIRST, SECOND}


def test_a_path_that_is_forgotten_and_declared_once_is_gone_when_it_is_not_declared_any_more() -> None:
    story = Story(San.of(["mpio"], PORTALS), memory=Memory()).begun().at(1)
    story.feed(replace(story.settings, expect=(Expectation("mpio", 1, frozenset({THIRD})),)))
    story.feed(Forget("36000mpio", THIRD))
    story.feed(story.settings)
    assert set(story.map().paths) == {FIRST, SECOND}


def test_paths_that_have_all_left_when_their_minute_is_over_teach_nothing() -> None:
    story = Story(San.of(["mpio"], PORTALS), memory=Memory()).begun().at(-20)
    for disk in ("sda", "sdb"):
        story.san.remove_disk(disk)
    story.look().at(100)
    assert story.remembered == {}


def test_a_map_without_a_device_that_loses_its_name_to_another_is_called_otherwise() -> None:
    story = after_restart(San.of(["mpio"], PORTALS), {"36000gone": known(FIRST, name="gone")}).at(1)
    story.san.add_map("gone")
    story.san.maps["36000other"] = replace(story.san.maps.pop("36000gone"), wwid="36000other")
    story.look()
    assert story.state.maps["36000other"].label == "gone"
    assert story.state.maps["36000gone"].label == "gone#2"


def test_a_proof_of_a_path_that_is_not_learned_yet_is_kept_with_it() -> None:
    story = Story(San.of(["mpio"], PORTALS), memory=Memory(), learn_seconds=600.0).begun().live().at(100)
    story.cut(2).at(115).session(2, SessionStatus.FAILED).at(120).session(2, SessionStatus.FREE)
    story.dm("sdb", DmState.FAILED)
    story.at(160).san.answering.add(2)
    story.session(2, SessionStatus.LOGGED_IN, alive=160).at(162).dm("sdb", DmState.ACTIVE)
    assert story.remembered == {}
    story.at(700)
    kept = story.remembered["36000mpio"]
    assert kept is not None
    assert kept.paths[SECOND].proven == story.path(SECOND).proven is not None


def test_a_new_name_of_a_map_of_which_nothing_was_learned_is_not_kept() -> None:
    story = Story(San.of(["mpio"], PORTALS), memory=Memory(), expect=(Expectation("data", 3),)).begun()
    story.san.maps["36000mpio"] = replace(story.san.maps["36000mpio"], name="data")
    story.look()
    assert story.remembered == {}
    assert story.state.maps["36000mpio"].expected == 3


def test_a_map_that_vanishes_keeps_the_paths_that_it_lacked_already() -> None:
    story = learned()
    story.at(5).san.logout(2)
    story.look().at(10).dm("sda", DmState.FAILED)
    del story.san.maps["36000mpio"]
    story.look()
    assert {path.health for path in story.map().paths.values()} == {Health.MISSING}
    assert set(story.map().paths) == {FIRST, SECOND}


def test_a_map_that_is_declared_by_a_name_that_is_its_wwid_is_one_map() -> None:
    san = San.of(["mpio"], PORTALS)
    san.maps["36000mpio"] = replace(san.maps["36000mpio"], name="36000mpio")
    story = after_restart(san, {}, expect=(Expectation("36000mpio", 2),)).at(10).look()
    assert [map_.exists for map_ in story.state.maps.values()] == [True]
