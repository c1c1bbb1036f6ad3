"""What goes wrong on a SAN, each as the sources see it, and what the daemon makes of it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mpathd_watch.core.catalog.alerts import Priority
from mpathd_watch.core.effects import Scope
from mpathd_watch.core.events import (
    BlockEvent,
    DevicesRead,
    DmPathEvent,
    EventsLost,
    SettingsChanged,
    SourceAnswered,
    SourceDown,
    SourceErrors,
    SourceUp,
    Tick,
)
from mpathd_watch.core.judging.incidents import GATHER
from mpathd_watch.core.model.vocabulary import (
    Cause,
    CheckerState,
    DeviceState,
    DmAction,
    DmState,
    Health,
    MapHealth,
    SessionStatus,
    SourceName,
)
from mpathd_watch.core.step import next_deadline
from mpathd_watch.core.verdicts.outage import CAUSE_GRACE
from tests.story import START, TARGET, San, Story, moment

FIRST, SECOND = "192.168.1.1:3260", "192.168.2.1:3260"
PORTALS = ["192.168.1.1", "192.168.2.1"]


def article(**changes: object) -> Story:
    """A healthy map with two paths; ``changes`` go to the SAN."""
    san = replace(San.of(["mpio"], PORTALS), **changes)  # type: ignore[arg-type]
    return Story(san).begun()


# --- dm is the last to know -------------------------------------------------------------------------------------------


def test_a_standby_path_is_failed_long_before_dm_says_so() -> None:
    story = article()
    story.at(10).session(2, SessionStatus.FAILED).device("sdb", DeviceState.BLOCKED)
    story.at(15).device("sdb", DeviceState.TRANSPORT_OFFLINE).session(2, SessionStatus.FREE)
    assert story.path(SECOND).dm.state is DmState.ACTIVE
    assert story.health(SECOND) == (Health.FAILED, MapHealth.AT_RISK)
    story.at(19.6).checker("sdb", CheckerState.FAULTY).dm("sdb", DmState.FAILED)
    assert story.healths_of(SECOND) == [(10, Health.STALLED), (15, Health.FAILED)]
    assert [event for _, event, _ in story.alerts()] == ["path_stalled", "map_at_risk", "path_failed"]
    assert "failed after 5.0 s stalled: its session is down, its device is transport-offline; cause:" in (
        story.told_of("path_failed").message
    )


def test_an_outage_that_dm_never_saw_is_an_outage_while_multipathd_is_down() -> None:
    story = article()
    story.at(-10).multipathd_down()
    story.at(6.5).session(2, SessionStatus.FAILED)
    story.at(11.6).session(2, SessionStatus.FREE).device("sdb", DeviceState.TRANSPORT_OFFLINE)
    story.at(25).session(2, SessionStatus.LOGGED_IN).device("sdb", DeviceState.RUNNING)
    assert story.healths_of(SECOND) == [(6.5, Health.STALLED), (11.6, Health.FAILED), (25, Health.UP)]
    assert dict(story.path(SECOND).failures) == {Cause.CONNECTION_ERROR: 1}
    assert story.told_of("path_reinstated").message == (
        "mpio: path 192.168.2.1:3260 (sdb) is up again after 18.5 s (stalled 5.1 s); cause: connection error. "
        "2 of 2 paths usable."
    )


def test_the_kernel_says_what_multipathd_cannot_when_it_is_down() -> None:
    story = article()
    story.at(-10).multipathd_down()
    assert story.path(SECOND).checker.state is CheckerState.UNKNOWN
    story.at(10).dm("sdb", DmState.FAILED)
    assert story.health(SECOND) == (Health.FAILED, MapHealth.AT_RISK)
    assert story.told_of("map_at_risk").message.endswith(
        "if it fails, I/O fails or hangs; multipathd does not report which."
    )


def test_a_path_that_waits_for_a_dead_multipathd_is_reported_so() -> None:
    story = article()
    story.at(10).session(2, SessionStatus.FAILED).dm("sdb", DmState.FAILED)
    story.at(20).multipathd_down()
    story.at(45).session(2, SessionStatus.LOGGED_IN).device("sdb", DeviceState.RUNNING)
    assert story.path(SECOND).health is Health.RECOVERING
    assert "multipathd does not answer, and without it nothing reinstates the path" in (
        story.told_of("path_recovering").message
    )


def test_a_short_flap_is_stalled_only() -> None:
    story = article()
    story.at(10).session(2, SessionStatus.FAILED)
    story.at(13).session(2, SessionStatus.LOGGED_IN)
    assert story.healths_of(SECOND) == [(10, Health.STALLED), (13, Health.UP)]
    assert "is up again after 3.0 s (stalled 3.0 s, never failed); cause: connection error" in (
        story.told_of("path_reinstated").message
    )


def test_a_path_that_flaps_while_it_recovers_shows_each_of_them_within_one_outage() -> None:
    story = article()
    story.at(10).session(2, SessionStatus.FREE).dm("sdb", DmState.FAILED)
    story.at(20).session(2, SessionStatus.LOGGED_IN)
    story.at(22).session(2, SessionStatus.FAILED)
    story.at(24).session(2, SessionStatus.LOGGED_IN)
    story.at(30).dm("sdb", DmState.ACTIVE)
    told = [event for _, event, _ in story.alerts() if event.startswith("path")]
    assert told == ["path_failed", "path_recovering", "path_failed", "path_recovering", "path_reinstated"]
    assert dict(story.path(SECOND).failures) == {Cause.CONNECTION_ERROR: 1}
    assert "reinstated 6.0 s after its transport was back" in story.told_of("path_reinstated").message


def test_a_connection_reset_stalls_at_once() -> None:
    story = article()
    story.at(0.4).session(2, SessionStatus.FAILED).device("sdb", DeviceState.BLOCKED)
    assert story.healths_of(SECOND) == [(0.4, Health.STALLED)]
    assert story.told_of("path_stalled").fields["CAUSE"] == "connection_error"


# --- no path left -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("queueing", "queues", "then"),
    [
        ("off", False, "I/O fails now"),
        ("on", True, "I/O hangs until a path returns"),
        ("-", None, "I/O fails or hangs; multipathd does not report which"),
        ("4 chk", True, "I/O hangs for 4 checks of multipathd, then fails"),
        ("8 sec", True, "I/O is about to fail"),
    ],
)
def test_a_lost_map_shows_what_becomes_of_its_io(queueing: str, queues: bool | None, then: str) -> None:
    story = article(queueing=queueing, queues=queues)
    story.at(10).session(1, SessionStatus.FREE).session(2, SessionStatus.FREE)
    assert story.map().health is MapHealth.LOST
    lost = story.told_of("map_lost")
    assert lost.message == f"mpio: no usable path ({FIRST} failed, {SECOND} failed): {then}."
    ((at, priority, message),) = story.at(12).incidents()
    assert (at, priority) == (11, Priority.CRIT)
    assert message.endswith(f" mpio has no usable path: {then}.")


def test_a_lost_map_with_a_stalled_path_still_holds_its_io() -> None:
    story = article()
    story.at(10).session(1, SessionStatus.FREE).session(2, SessionStatus.FAILED)
    assert story.told_of("map_lost").message == (
        f"mpio: no usable path ({FIRST} failed, {SECOND} stalled): "
        "the kernel still holds I/O for a stalled path; after that, I/O fails at once."
    )


def test_a_map_goes_from_lost_over_at_risk_to_healthy() -> None:
    story = article()
    story.at(10).session(1, SessionStatus.FAILED)
    story.at(11).session(2, SessionStatus.FAILED)
    story.at(20).session(2, SessionStatus.LOGGED_IN)
    story.at(70).session(1, SessionStatus.LOGGED_IN)
    assert [(at, event) for at, event, who in story.alerts() if who == "mpio"] == [
        (10, "map_at_risk"),
        (11, "map_lost"),
        (20, "map_at_risk"),
        (70, "map_recovered"),
    ]
    assert story.told_of("map_recovered").message == "mpio: healthy again after 1 min 0 s, all 2 paths up."


def test_a_map_of_four_paths_is_degraded_while_two_are_left_and_names_the_bad_ones_worst_first() -> None:
    story = Story(San.of(["mpio"], [f"192.168.{number}.1" for number in range(1, 7)])).begun()
    story.at(10).session(2, SessionStatus.FAILED)
    assert story.told_of("map_degraded").message == ("mpio: degraded, 5 of 6 paths usable (192.168.2.1:3260 stalled).")
    for sid in (1, 3, 4, 5):
        story.session(sid, SessionStatus.FREE)
    assert story.told_of("map_at_risk").message.startswith(
        "mpio: 192.168.6.1:3260 (sdf) is the only path left of 6 (192.168.1.1:3260 failed, 192.168.3.1:3260 failed, "
        "192.168.4.1:3260 failed, 192.168.5.1:3260 failed, 1 more); "
    )


def test_a_map_without_any_path_is_lost() -> None:
    san = San.of(["mpio"], PORTALS)
    san.add_map("empty", sids=())
    story = Story(san).begun()
    assert story.map("empty").health is MapHealth.LOST
    assert story.told_of("map_lost").message == "empty: no usable path: I/O fails now."
    assert story.told_of("map_lost").fields["PREVIOUS_HEALTH"] == "unknown"


def test_a_map_that_is_lost_at_the_start_is_reported_once_multipathd_has_said_what_that_means() -> None:
    san = San.of(["mpio"], PORTALS)
    san.add_map("empty", sids=())
    story = Story(san)
    story.feed(SourceUp(SourceName.SYSFS))
    story.look()
    assert "map_lost" not in {told.event for told in story.parts}
    story.multipathd_down()
    assert story.told_of("map_lost").message == (
        "empty: no usable path: I/O fails or hangs; multipathd does not report which."
    )


def test_a_map_that_appears_without_any_path_and_stays_so_is_lost_when_it_has_settled() -> None:
    story = article()
    story.san.add_map("empty", sids=())
    story.at(10).look().listing()
    assert story.map("empty").health is MapHealth.LOST
    assert story.alerts() == []
    story.at(15)
    assert story.alerts() == [(15, "map_lost", "empty")]
    assert story.told_of("map_lost").message == "empty: no usable path: I/O fails now."


# --- paths that go and come -------------------------------------------------------------------------------------------


def test_a_logout_leaves_a_missing_path_and_a_login_is_the_same_path_on_another_disk() -> None:
    story = article()
    story.at(10).san.logout(2)
    story.look()
    path = story.path(SECOND)
    assert story.health(SECOND) == (Health.MISSING, MapHealth.AT_RISK)
    assert (story.map().present, story.map().usable) == (1, 1)
    assert (path.member, path.place.dev, path.dm.state, path.disk.state) == (
        False,
        "sdb",
        DmState.UNKNOWN,
        DeviceState.UNKNOWN,
    )
    assert story.session_state("192.168.2.1").status is SessionStatus.MISSING
    assert story.told_of("path_missing").message == (
        "mpio: path 192.168.2.1:3260 (was sdb) is missing: its session was logged out. If that was intended and is for "
        "good: mpathd-watch forget --map mpio --path 192.168.2.1:3260. 1 of 2 paths usable."
    )
    story.at(60).san.login("192.168.2.1")
    story.san.add_disk(story.san.wwid("mpio"), 2)
    story.look().listing()
    path = story.path(SECOND)
    assert (path.place.dev, path.health, path.reinstatements) == ("sdc", Health.UP, 1)
    assert story.session_state("192.168.2.1").status is SessionStatus.LOGGED_IN
    assert len(story.map().paths) == 2
    assert dict(path.failures) == {Cause.LOGOUT: 1}
    assert [event for _, event, _ in story.alerts()] == [
        "path_missing",
        "map_at_risk",
        "path_reinstated",
        "map_recovered",
    ]


@pytest.mark.parametrize("first", ["session", "disk", "look"])
def test_a_logout_whose_failed_io_dm_shows_first_is_one_outage_and_its_cause_the_logout(first: str) -> None:
    story = article()
    story.at(10).dm("sdb", DmState.FAILED)
    began = story.path(SECOND).outage
    assert began
    assert (began.cause, began.counted) == (Cause.UNKNOWN, False)
    assert "failed: dm has failed it; cause: not known yet." in story.told_of("path_failed").message
    story.san.logout(2)
    if first == "session":
        story.at(10.3).feed(story.san.sessions_read())
    elif first == "disk":
        story.at(10.1).feed(DevicesRead((), ("sdb",)))
        story.at(10.3).feed(story.san.sessions_read())
    story.at(10.5).look().listing()
    outage = story.path(SECOND).outage
    assert outage
    assert (outage.id, outage.began, outage.failed) == (began.id, moment(10), moment(10))
    assert (outage.cause, outage.counted) == (Cause.LOGOUT, True)
    assert dict(story.path(SECOND).failures) == {Cause.LOGOUT: 1}
    assert [health for _, health in story.healths_of(SECOND)] == [Health.FAILED, Health.MISSING]
    assert [event for _, event, _ in story.alerts()] == ["path_failed", "map_at_risk", "path_missing"]
    assert not story.waits


def test_a_disk_that_goes_a_moment_before_its_session_was_logged_out() -> None:
    story = article()
    story.at(10).san.logout(2)
    story.feed(DevicesRead((), ("sdb",)))
    assert story.path(SECOND).outage is None, "the scan shows whether its map is there"
    assert story.wants(Scope.SYSTEM)
    story.at(10.4).feed(story.san.sessions_read())
    assert story.wants(Scope.SYSTEM)
    story.at(10.5).look().at(30)
    assert dict(story.path(SECOND).failures) == {Cause.LOGOUT: 1}


def test_a_full_scan_may_show_that_a_removed_disk_was_logged_out() -> None:
    story = article()
    story.san.remove_disk("sdb")
    story.at(10).look()
    story.san.logout(2)
    story.at(10.4).look()
    assert dict(story.path(SECOND).failures) == {Cause.LOGOUT: 1}


def test_a_disk_that_is_listed_twice_is_one_path() -> None:
    story = article()
    wwid = story.san.wwid("mpio")
    story.san.maps[wwid] = replace(story.san.maps[wwid], slaves=("sda", "sdb", "sdb"))
    story.at(10).look()
    assert set(story.map().paths) == {FIRST, SECOND}
    assert story.map().health is MapHealth.HEALTHY


def test_a_disk_that_was_removed_by_itself_stays_removed_when_its_session_is_logged_out_later() -> None:
    story = article()
    story.san.remove_disk("sdb")
    story.at(10).look()
    assert dict(story.path(SECOND).failures) == {}
    story.at(10 + CAUSE_GRACE)
    assert dict(story.path(SECOND).failures) == {Cause.REMOVED: 1}
    story.at(100).san.logout(2)
    story.look()
    outage = story.path(SECOND).outage
    assert outage
    assert outage.cause is Cause.REMOVED
    assert "is missing: it is no longer in the map" in story.told_of("path_missing").message


def test_a_session_that_is_seen_to_go_first_takes_its_path_along() -> None:
    story = article()
    story.at(10).san.logout(2)
    story.feed(story.san.sessions_read())
    assert story.path(SECOND).health is Health.MISSING
    assert story.wants(Scope.SYSTEM)


@pytest.mark.parametrize("seen_gone", [True, False])
def test_a_new_session_brings_no_disk_of_the_old_one_back(seen_gone: bool) -> None:
    """Seen on a host so busy that reading sysfs took 15 s: the next disk of the name was another LUN's."""
    story = article()
    story.at(10).san.logout(2)
    if seen_gone:
        story.feed(story.san.sessions_read())
        assert story.path(SECOND).health is Health.MISSING
    story.san.login("192.168.2.1", sid=7)
    story.at(15).feed(story.san.sessions_read())
    assert story.path(SECOND).health is (Health.MISSING if seen_gone else Health.UNKNOWN)
    assert story.map().health is (MapHealth.AT_RISK if seen_gone else MapHealth.UNKNOWN)
    assert story.wants(Scope.SYSTEM)
    story.look()
    assert story.health(SECOND) == (Health.MISSING, MapHealth.AT_RISK)


def test_sessions_that_are_all_replaced_between_two_polls_are_no_lost_map() -> None:
    """Their disks may be in the map already."""
    story = article()
    for sid, address in ((1, "192.168.1.1"), (2, "192.168.2.1")):
        story.san.logout(sid)
        story.san.login(address, sid=sid + 6)
    story.at(10).feed(story.san.sessions_read())
    assert story.map().health is MapHealth.UNKNOWN
    assert "map_lost" not in {event for _, event, _ in story.alerts(0)}


def test_a_disk_read_again_under_a_number_that_is_not_its_own_says_nothing_of_the_path() -> None:
    story = article()
    stranger = replace(story.san.devices["sdb"], dev_t="8:999", state=DeviceState.OFFLINE)
    story.at(10).feed(DevicesRead((stranger,)))
    assert story.path(SECOND).health is Health.UP


def test_a_disk_whose_session_was_not_found_yet_is_left_out_until_both_are_there() -> None:
    story = article()
    wwid = story.san.wwid("mpio")
    sid = story.san.login("192.168.3.1")
    story.san.add_disk(wwid, sid)
    whole = story.san.system_read()
    story.at(10).feed(replace(whole, sessions=whole.sessions[:2]))
    assert set(story.map().paths) == {FIRST, SECOND}
    assert story.wants(Scope.SYSTEM)
    story.at(10.2).feed(whole)
    assert set(story.map().paths) == {FIRST, SECOND, "192.168.3.1:3260"}


def test_a_known_disk_keeps_its_session_when_one_look_missed_it() -> None:
    story = article()
    whole = story.san.system_read()
    story.at(10).feed(replace(whole, sessions=whole.sessions[:1]))
    assert story.path(SECOND).nexus == f"{SECOND}/{TARGET}"
    assert story.path(SECOND).health is Health.MISSING
    story.at(11).feed(whole)
    assert story.path(SECOND).health is Health.UP


def test_a_lun_that_is_added_settles_before_it_is_called_at_risk_and_one_that_goes_is_reported_path_by_path() -> None:
    story = article()
    wwid = story.san.add_map("data", sids=[1])
    story.at(10).look().listing()
    assert story.map("data").health is MapHealth.AT_RISK
    story.san.add_disk(wwid, 2)
    story.at(12).look().listing()
    story.at(30)
    assert story.map("data").health is MapHealth.HEALTHY
    del story.san.maps[wwid]
    story.at(40).look()
    assert set(story.state.maps) == {story.san.wwid("mpio")}
    assert story.alerts() == [
        (10, "path_added", FIRST),
        (12, "path_added", SECOND),
        (40, "path_removed", FIRST),
        (40, "path_removed", SECOND),
        (40, "map_removed", "data"),
    ]
    assert story.parts[0].alert.message == f"data: new path {FIRST} (sdc), expected from now on."
    assert story.parts[2].alert.message == f"data: the map was removed, and path {FIRST} (sdc) with it."


def test_a_map_that_has_only_one_path_when_it_has_settled_is_at_risk() -> None:
    story = article()
    story.san.add_map("data", sids=[1])
    story.at(10).look().listing()
    story.at(14.9)
    assert not [event for _, event, who in story.alerts() if who == "data"]
    story.at(15)
    at_risk = story.told_of("map_at_risk", "data")
    assert at_risk.message == f"data: {FIRST} (sdc) is its only path; if it fails, I/O fails at once."
    assert (at_risk.fields["PREVIOUS_HEALTH"], at_risk.fields["HEALTH"]) == ("unknown", "at_risk")


def test_a_map_found_at_the_start_is_judged_as_soon_as_its_paths_are_known() -> None:
    san = San.of(["mpio"], PORTALS)
    san.add_map("data", sids=[1])
    story = Story(san).begun()
    assert not story.waits
    assert [(told.at, told.event, told.who) for told in story.parts] == [(-60, "map_at_risk", "data")]
    assert story.told_of("map_at_risk").fields["PREVIOUS_HEALTH"] == "unknown"


@pytest.mark.parametrize("named", ["data", "36000data"])
def test_a_map_for_which_one_path_is_enough_is_healthy_with_one(named: str) -> None:
    san = San.of(["mpio"], PORTALS)
    san.add_map("data", sids=[1])
    story = Story(san, single_path_ok=[named]).begun()
    assert story.map("data").health is MapHealth.HEALTHY
    story.at(10).session(1, SessionStatus.FREE)
    assert story.map("data").health is MapHealth.LOST


def test_a_map_that_is_allowed_one_path_but_has_two_is_at_risk_with_one_left() -> None:
    story = Story(San.of(["mpio"], PORTALS), single_path_ok=["mpio"]).begun()
    story.at(10).session(2, SessionStatus.FREE)
    assert story.map().health is MapHealth.AT_RISK


def test_a_reload_of_the_settings_judges_every_map_again() -> None:
    san = San.of(["mpio"], PORTALS[:1])
    story = Story(san).begun()
    assert story.map().health is MapHealth.AT_RISK
    story.at(10).feed(SettingsChanged(settle_seconds=1.0, single_path_ok=frozenset({"mpio"})))
    assert story.map().health is MapHealth.HEALTHY
    assert story.alerts() == [(10, "map_recovered", "mpio")]


# --- one path by itself -----------------------------------------------------------------------------------------------


def test_a_device_set_offline_is_failed_though_its_session_is_fine() -> None:
    story = article()
    story.at(0.06).device("sdb", DeviceState.OFFLINE)
    story.at(14.1).checker("sdb", CheckerState.FAULTY).dm("sdb", DmState.FAILED)
    story.at(20).device("sdb", DeviceState.RUNNING)
    story.at(25).checker("sdb", CheckerState.READY).dm("sdb", DmState.ACTIVE)
    assert [health for _, health in story.healths_of(SECOND)] == [Health.FAILED, Health.RECOVERING, Health.UP]
    assert dict(story.path(SECOND).failures) == {Cause.DEVICE_OFFLINE: 1}
    assert "failed: its device is offline; cause: the SCSI device is offline" in story.told_of("path_failed").message


def test_a_device_set_offline_that_the_uevent_shows_before_the_disk_is_read_is_counted_as_offline() -> None:
    story = article()
    story.at(10).dm("sdb", DmState.FAILED)
    assert story.told_of("path_failed").message == (
        f"mpio: path {SECOND} (sdb) failed: dm has failed it; cause: not known yet. 1 of 2 paths usable."
    )
    assert [refresh.devices for refresh in story.wanted if refresh.scope is Scope.DEVICES] == [("sdb",)]
    story.at(10.05).device("sdb", DeviceState.OFFLINE).checker("sdb", CheckerState.FAULTY)
    outage = story.path(SECOND).outage
    assert outage
    assert (outage.cause, outage.transport_lost, outage.counted) == (Cause.DEVICE_OFFLINE, True, True)
    assert dict(story.path(SECOND).failures) == {Cause.DEVICE_OFFLINE: 1}
    assert not story.waits
    story.at(20).device("sdb", DeviceState.RUNNING)
    assert story.path(SECOND).health is Health.RECOVERING
    story.at(24).dm("sdb", DmState.ACTIVE).checker("sdb", CheckerState.READY)
    assert story.healths_of(SECOND) == [(10, Health.FAILED), (20, Health.RECOVERING), (24, Health.UP)]
    assert dict(story.path(SECOND).failures) == {Cause.DEVICE_OFFLINE: 1}
    assert story.told_of("path_recovering").fields["CAUSE"] == "device_offline"
    assert story.told_of("path_reinstated").message == (
        f"mpio: path {SECOND} (sdb) is up again after 14.0 s (reinstated 4.0 s after its transport was back); "
        "cause: the SCSI device is offline. 2 of 2 paths usable."
    )


def test_a_device_that_is_blocked_under_a_working_session_is_stalled_for_an_unknown_time() -> None:
    story = article()
    story.at(10).device("sdb", DeviceState.BLOCKED)
    assert story.told_of("path_stalled").message == (
        "mpio: path 192.168.2.1:3260 (sdb) stalled: its device is blocked. I/O on it is held. 1 of 2 paths usable."
    )


def test_a_path_failed_by_an_administrator_fails_without_a_guess_at_the_cause() -> None:
    story = article()
    story.at(10).dm("sdb", DmState.FAILED).listing()
    assert story.health(SECOND) == (Health.FAILED, MapHealth.AT_RISK)
    assert "failed: dm has failed it; cause: not known yet." in story.told_of("path_failed").message
    story.at(20).dm("sdb", DmState.ACTIVE)
    assert [health for _, health in story.healths_of(SECOND)] == [Health.FAILED, Health.UP]
    assert dict(story.path(SECOND).failures) == {Cause.UNKNOWN: 1}


def test_a_checker_that_finds_a_path_faulty_on_a_working_transport_is_the_cause() -> None:
    story = article()
    story.at(10).checker("sdb", CheckerState.FAULTY)
    assert story.path(SECOND).health is Health.FAILED
    assert dict(story.path(SECOND).failures) == {}
    story.at(12)
    assert dict(story.path(SECOND).failures) == {Cause.CHECKER: 1}
    assert story.told_of("path_failed").message == (
        f"mpio: path {SECOND} (sdb) failed: multipathd's checker reports faulty; "
        "cause: multipathd's checker reports it faulty, though its transport works. 1 of 2 paths usable."
    )
    story.at(20).checker("sdb", CheckerState.READY)
    assert story.healths_of(SECOND) == [(10, Health.FAILED), (20, Health.UP)]


def test_a_checker_that_calls_a_path_faulty_that_dm_has_failed_is_no_cause() -> None:
    story = article()
    story.at(10).dm("sdb", DmState.FAILED)
    story.at(10.5).checker("sdb", CheckerState.FAULTY)
    story.at(20).listing()
    outage = story.path(SECOND).outage
    assert outage
    assert outage.cause is Cause.UNKNOWN
    assert dict(story.path(SECOND).failures) == {Cause.UNKNOWN: 1}
    story.at(30).dm("sdb", DmState.ACTIVE)
    assert "is up again after 20.0 s; cause: unknown." in story.told_of("path_reinstated").message


def test_the_words_are_not_known_yet_only_in_the_alert_of_an_outages_first_instant() -> None:
    story = article()
    story.at(10).device("sdb", DeviceState.BLOCKED)
    story.at(12).device("sdb", DeviceState.TRANSPORT_OFFLINE)
    assert story.told_of("path_failed").message == (
        f"mpio: path {SECOND} (sdb) failed after 2.0 s stalled: its device is transport-offline; cause: unknown. "
        "1 of 2 paths usable."
    )


# --- dm takes a path back that the checker still condemns -------------------------------------------------------------


def reinstated_by_an_administrator() -> Story:
    """``multipathd fail path`` at 10, ``multipathd reinstate path`` at 20; the checker has not looked since."""
    story = article()
    story.at(10).dm("sdb", DmState.FAILED)
    story.at(10.1).checker("sdb", CheckerState.FAULTY)
    return story.at(20).dm("sdb", DmState.ACTIVE)


def test_a_reinstated_path_that_the_listing_still_calls_faulty_stays_up_until_the_checker_has_looked() -> None:
    story = reinstated_by_an_administrator()
    story.at(20.1).listing()
    story.at(25).feed(story.san.paths_listed(START.monotonic + 25))
    path = story.path(SECOND)
    assert (path.dm.state, path.checker.state, path.checker.overruled) == (DmState.ACTIVE, CheckerState.FAULTY, True)
    assert story.health(SECOND) == (Health.UP, MapHealth.HEALTHY)
    story.at(26).checker("sdb", CheckerState.READY)
    assert not story.path(SECOND).checker.overruled
    assert story.healths_of(SECOND) == [(10, Health.FAILED), (20, Health.UP)]
    assert story.alerts() == [
        (10, "path_failed", SECOND),
        (10, "map_at_risk", "mpio"),
        (20, "path_reinstated", SECOND),
        (20, "map_recovered", "mpio"),
    ]
    assert (dict(story.path(SECOND).failures), story.path(SECOND).reinstatements) == ({Cause.UNKNOWN: 1}, 1)


def test_a_checker_that_has_looked_since_the_reinstatement_counts_again() -> None:
    story = reinstated_by_an_administrator()
    story.at(21).listing().checker("sdb", CheckerState.READY)
    story.at(40).checker("sdb", CheckerState.FAULTY)
    assert story.path(SECOND).dm.state is DmState.ACTIVE
    assert story.health(SECOND) == (Health.FAILED, MapHealth.AT_RISK)
    assert story.healths_of(SECOND) == [(10, Health.FAILED), (20, Health.UP), (40, Health.FAILED)]
    story.at(42)
    assert dict(story.path(SECOND).failures) == {Cause.UNKNOWN: 1, Cause.CHECKER: 1}


@pytest.mark.parametrize("told_by", ["uevent", "listing"])
def test_a_path_that_dm_fails_again_while_the_checker_is_overruled_fails(told_by: str) -> None:
    story = reinstated_by_an_administrator()
    story.at(21).listing()
    if told_by == "uevent":
        story.at(25).dm("sdb", DmState.FAILED)
    story.san.dm["sdb"] = DmState.FAILED
    story.at(25).feed(story.san.maps_listed(START.monotonic + 25))
    assert not story.path(SECOND).checker.overruled
    story.at(25.1).listing()
    assert story.healths_of(SECOND) == [(10, Health.FAILED), (20, Health.UP), (25, Health.FAILED)]


def test_a_path_that_is_no_longer_listed_is_judged_by_its_checker_when_it_is_listed_again() -> None:
    story = reinstated_by_an_administrator()
    listed = story.san.paths_listed(START.monotonic + 21)
    story.at(21).feed(replace(listed, paths=listed.paths[:1]))
    assert not story.path(SECOND).checker.overruled
    story.at(26).listing()
    assert story.path(SECOND).health is Health.FAILED


def test_a_checker_is_overruled_by_the_kernels_status_as_by_its_uevent() -> None:
    story = article()
    story.at(10).dm("sdb", DmState.FAILED).checker("sdb", CheckerState.FAULTY)
    story.san.dm["sdb"] = DmState.ACTIVE
    story.at(20).listing()
    assert story.health(SECOND) == (Health.UP, MapHealth.HEALTHY)
    assert story.path(SECOND).checker.overruled


def test_a_reinstatement_overrules_the_checker_though_the_failure_before_it_came_late() -> None:
    story = article()
    story.san.dm["sdb"], story.san.checkers["sdb"] = DmState.FAILED, CheckerState.FAULTY
    failed = story.san.dm_event("sdb")
    story.at(10).dm("sdb", DmState.ACTIVE)
    story.feed(failed)
    story.at(10.1).listing()
    assert story.healths_of(SECOND) == []
    assert story.path(SECOND).checker.overruled


def test_a_listing_from_before_a_reinstatement_does_not_give_the_checker_its_word_back() -> None:
    story = article()
    early = story.san.paths_listed(START.monotonic + 9.9)
    story.at(10).dm("sdb", DmState.FAILED)
    story.at(10.2).dm("sdb", DmState.ACTIVE)
    story.at(10.3).feed(early)
    assert story.path(SECOND).checker.state is CheckerState.READY
    story.at(10.4).checker("sdb", CheckerState.FAULTY)
    assert story.healths_of(SECOND) == [(10, Health.FAILED), (10.2, Health.UP)]


def test_the_checker_stays_overruled_while_nobody_vouches_for_dms_word() -> None:
    story = reinstated_by_an_administrator()
    story.at(21).feed(EventsLost())
    listed = story.san.maps_listed(START.monotonic + 21)
    story.at(21.1).feed(replace(listed, maps=()))
    assert story.path(SECOND).dm.state is DmState.UNKNOWN
    story.at(21.2).listing()
    assert story.path(SECOND).health is Health.UP
    assert [health for _, health in story.healths_of(SECOND)] == [
        Health.FAILED,
        Health.UP,
        Health.UNKNOWN,
        Health.UP,
    ]


def test_the_checker_of_another_disk_is_not_overruled_for_what_the_old_one_was() -> None:
    story = reinstated_by_an_administrator()
    story.at(21).san.logout(2)
    story.look()
    assert not story.path(SECOND).checker.overruled
    story.san.login("192.168.2.1")
    dev = story.san.add_disk(story.san.wwid("mpio"), 2)
    story.san.checkers[dev] = CheckerState.FAULTY
    story.at(30).look().listing()
    assert (story.path(SECOND).place.dev, story.path(SECOND).health) == (dev, Health.RECOVERING)


def test_the_checker_of_a_disk_that_took_anothers_place_between_two_looks_is_not_overruled() -> None:
    story = reinstated_by_an_administrator()
    story.san.devices["sdb"] = replace(story.san.devices["sdb"], dev_t="8:240")
    story.at(21).look().listing()
    assert story.path(SECOND).place.dev_t == "8:240"
    assert story.path(SECOND).health is Health.FAILED


def test_a_listing_from_before_a_reinstatement_does_not_fail_the_path_again() -> None:
    story = article()
    story.at(10).dm("sdb", DmState.FAILED).checker("sdb", CheckerState.FAULTY)
    story.at(20).dm("sdb", DmState.ACTIVE)
    assert story.path(SECOND).health is Health.UP
    story.at(20.1).feed(story.san.paths_listed(START.monotonic + 15))
    assert story.path(SECOND).health is Health.UP


def test_a_path_on_another_transport_is_named_by_its_address() -> None:
    san = San.of(["mpio"], [])
    san.add_disk(san.wwid("mpio"), None)
    san.add_disk(san.wwid("mpio"), None)
    story = Story(san).begun()
    assert set(story.map().paths) == {"0:0:0:0", "1:0:0:0"}
    story.at(10).device("sda", DeviceState.BLOCKED)
    told = story.told_of("path_stalled")
    assert told.message == (
        "mpio: path 0:0:0:0 (sda) stalled: its device is blocked. I/O on it is held. 1 of 2 paths usable."
    )
    assert "PORTAL" not in told.fields
    story.at(20).device("sda", DeviceState.RUNNING)
    outage = story.last_outage("0:0:0:0")
    assert outage
    assert (outage.timeouts, outage.cause) == (None, Cause.UNKNOWN)


# --- the cause comes a moment later -----------------------------------------------------------------------------------


def test_a_failure_is_counted_under_the_cause_that_comes_a_moment_after_it() -> None:
    story = article()
    story.at(10).dm("sdb", DmState.FAILED)
    assert dict(story.path(SECOND).failures) == {}
    story.at(11).session(2, SessionStatus.FREE)
    assert dict(story.path(SECOND).failures) == {Cause.CONNECTION_ERROR: 1}
    story.at(60)
    assert dict(story.path(SECOND).failures) == {Cause.CONNECTION_ERROR: 1}


def test_a_failure_without_a_cause_is_counted_as_unknown_when_the_grace_is_over_and_only_once() -> None:
    story = article()
    story.at(10).dm("sdb", DmState.FAILED)
    story.at(10 + CAUSE_GRACE - 0.01)
    assert dict(story.path(SECOND).failures) == {}
    story.at(10 + CAUSE_GRACE)
    assert dict(story.path(SECOND).failures) == {Cause.UNKNOWN: 1}
    story.at(30).session(2, SessionStatus.FREE)
    assert dict(story.path(SECOND).failures) == {Cause.UNKNOWN: 1}


def test_a_failure_that_is_over_within_the_grace_is_counted_at_its_end() -> None:
    story = article()
    story.at(10).dm("sdb", DmState.FAILED)
    story.at(11).dm("sdb", DmState.ACTIVE)
    assert dict(story.path(SECOND).failures) == {Cause.UNKNOWN: 1}
    story.at(30)
    assert dict(story.path(SECOND).failures) == {Cause.UNKNOWN: 1}


def test_a_failure_whose_path_recovers_or_turns_unknown_within_the_grace_is_counted_all_the_same() -> None:
    story = article()
    story.at(10).device("sdb", DeviceState.BLOCKED).device("sda", DeviceState.BLOCKED)
    story.at(10.5).dm("sdb", DmState.FAILED).device("sdb", DeviceState.RUNNING)
    story.feed(SourceDown(SourceName.SYSFS, "timeout", "a read has not returned"))
    assert story.path(FIRST).health is Health.UNKNOWN
    story.at(20)
    assert dict(story.path(FIRST).failures) == {Cause.UNKNOWN: 1}
    assert dict(story.path(SECOND).failures) == {Cause.UNKNOWN: 1}


def test_a_path_that_recovers_before_the_grace_is_over_is_counted() -> None:
    story = article()
    story.at(10).device("sdb", DeviceState.BLOCKED)
    story.at(10.5).dm("sdb", DmState.FAILED).device("sdb", DeviceState.RUNNING)
    assert story.path(SECOND).health is Health.RECOVERING
    story.at(20).dm("sdb", DmState.ACTIVE)
    assert dict(story.path(SECOND).failures) == {Cause.UNKNOWN: 1}


# --- the daemon comes late --------------------------------------------------------------------------------------------


def test_a_daemon_started_in_mid_outage_says_so_and_counts_no_failure() -> None:
    san = San.of(["mpio"], PORTALS)
    san.sessions[2] = replace(san.sessions[2], state=SessionStatus.FREE)
    san.devices["sdb"] = replace(san.devices["sdb"], state=DeviceState.TRANSPORT_OFFLINE)
    san.dm["sdb"], san.checkers["sdb"] = DmState.FAILED, CheckerState.FAULTY
    story = Story(san).begun()
    assert story.health(SECOND) == (Health.FAILED, MapHealth.AT_RISK)
    failed = story.told_of("path_failed")
    assert failed.message == (
        "mpio: path 192.168.2.1:3260 (sdb) failed: its session is down, its device is "
        "transport-offline; cause: connection error. It was already in this state when mpathd-watch started. "
        "0 of 2 paths usable, 1 unknown."
    )
    assert failed.fields["PREVIOUS_HEALTH"] == "unknown"
    story.at(10).session(2, SessionStatus.LOGGED_IN).device("sdb", DeviceState.RUNNING)
    story.at(15).dm("sdb", DmState.ACTIVE)
    recovering = story.told_of("path_recovering").message
    assert "(sdb) recovering: its transport is back, waiting for multipathd to reinstate it. 1 of 2" in recovering
    assert "is up again (reinstated 5.0 s after its transport was back)" in story.told_of("path_reinstated").message
    assert not story.path(SECOND).failures
    assert [event for _, event, _ in story.alerts()] == ["path_recovering", "path_reinstated", "map_recovered"]


def test_a_path_that_multipathd_calls_failed_at_the_first_listing_was_so_before() -> None:
    san = San.of(["mpio"], PORTALS)
    san.dm["sdb"] = DmState.FAILED
    story = Story(san).begun()
    assert "It was already in this state when mpathd-watch started." in story.told_of("path_failed").message
    assert not story.path(SECOND).failures


def test_an_outage_that_begins_under_the_eyes_of_a_daemon_without_multipathd_is_no_inherited_one() -> None:
    story = Story(San.of(["mpio"], PORTALS), multipathd=False).begun()
    assert story.health(SECOND) == (Health.UP, MapHealth.HEALTHY)
    story.at(10).session(2, SessionStatus.FAILED)
    story.at(11).dm("sda", DmState.FAILED)
    for label in (FIRST, SECOND):
        outage = story.path(label).outage
        assert outage
        assert not outage.inherited
    assert "first seen" not in story.told_of("path_stalled").message
    assert dict(story.path(SECOND).failures) == {Cause.CONNECTION_ERROR: 1}


def test_a_host_without_multipath_shows_once_that_nobody_answers_and_is_quiet() -> None:
    story = Story(San(), multipathd=False).begun()
    story.at(10).look().multipathd_down()
    story.at(20).look().multipathd_down()
    assert [told.event for told in story.parts] == ["source_down"]
    assert story.state.started
    assert not story.state.maps


# --- one cause, one alert ---------------------------------------------------------------------------------------------


def test_a_lost_session_is_the_alert_for_all_its_paths() -> None:
    story = Story(San.of(["mpio", "data"], PORTALS)).begun()
    story.at(10).session(2, SessionStatus.FAILED)
    story.at(15).session(2, SessionStatus.FREE)
    for dev in ("sdb", "sdd"):
        story.dm(dev, DmState.FAILED)
    story.at(40).session(2, SessionStatus.LOGGED_IN)
    for dev in ("sdb", "sdd"):
        story.dm(dev, DmState.ACTIVE)
    lost = story.told_of("session_lost")
    assert lost.message == f"iSCSI session {SECOND}/{TARGET} is down (FAILED): 2 paths of 2 maps went through it."
    assert lost.fields == {
        "SESSION": f"{SECOND}/{TARGET}",
        "TARGET": TARGET,
        "PORTAL": SECOND,
        "PATHS": "2",
        "MAPS": "2",
        "INCIDENT": story.told_of("incident_began").fields["INCIDENT"],
    }
    restored = story.told_of("session_restored")
    assert restored.message == (
        f"iSCSI session {SECOND}/{TARGET} is logged in again; multipathd now checks its 2 paths."
    )
    assert [event for _, event, _ in story.alerts()].count("path_failed") == 2
    assert {told.alert.priority for told in story.parts} == {Priority.INFO}
    assert {told.alert.fields["INCIDENT"] for told in story.told} == {lost.fields["INCIDENT"]}
    assert story.parts[0].event == "session_lost"
    assert story.incidents() == [
        (
            11,
            Priority.ERR,
            f"2 paths of 2 maps are out, with session {SECOND}/{TARGET}; cause: connection error. "
            "data and mpio have one usable path left; if it fails, I/O fails at once.",
        ),
        (
            40,
            Priority.NOTICE,
            f"All 2 paths of 2 maps (session {SECOND}/{TARGET}) are up again after 30.0 s; cause: connection error; "
            "all these maps are healthy.",
        ),
    ]


def test_a_path_that_stalled_a_moment_before_its_session_was_seen_down_belongs_to_it() -> None:
    story = Story(San.of(["mpio", "data"], PORTALS)).begun()
    story.at(10).device("sdb", DeviceState.BLOCKED)
    story.at(10.5).session(2, SessionStatus.FAILED)
    story.at(15).session(2, SessionStatus.FREE)
    failed = [told.alert for told in story.told if told.event == "path_failed"]
    assert [alert.priority for alert in failed] == [Priority.INFO, Priority.INFO]
    assert [(at, priority) for at, priority, _ in story.incidents()] == [(11, Priority.ERR)]
    assert story.told_of("incident_began").fields["PATHS"] == "2"


def test_a_path_that_had_failed_by_itself_long_before_is_an_incident_before_its_session_is_lost() -> None:
    story = Story(San.of(["mpio", "data"], PORTALS)).begun()
    story.at(10).dm("sdb", DmState.FAILED)
    story.at(100).session(2, SessionStatus.FAILED)
    assert story.told_of("session_lost")
    story.at(110).session(2, SessionStatus.LOGGED_IN)
    story.at(120).dm("sdb", DmState.ACTIVE)
    own = [told.alert for told in story.told if told.alert.fields.get("DEV") == "sdb"]
    assert [alert.kind.event for alert in own] == [
        "path_failed",
        "incident_began",
        "path_recovering",
        "path_reinstated",
    ]
    assert [(at, priority) for at, priority, _ in story.incidents()] == [
        (11, Priority.ERR),
        (101, Priority.ERR),
        (107, Priority.ERR),
        (110, Priority.NOTICE),
        (120, Priority.NOTICE),
    ]
    first, second = (told.alert for told in story.told if told.event == "incident_began")
    assert (first.fields["MAP"], second.fields["MAP"]) == ("mpio", "data")
    assert first.fields["INCIDENT"] != second.fields["INCIDENT"]


def test_a_session_that_is_logged_out_with_all_its_paths_is_reported_as_gone_and_as_back() -> None:
    story = Story(San.of(["mpio", "data"], PORTALS)).begun()
    story.at(10).san.logout(2)
    story.look()
    assert story.told_of("session_lost").message == (
        f"iSCSI session {SECOND}/{TARGET} is gone, logged out: 2 paths of 2 maps went through it. "
        "If that was intended and is for good, run mpathd-watch forget for these paths."
    )
    story.san.login("192.168.2.1")
    for name in ("mpio", "data"):
        story.san.add_disk(story.san.wwid(name), 2)
    story.at(60).look().listing()
    assert story.told_of("session_restored")
    assert {known.health for known in story.state.maps.values()} == {MapHealth.HEALTHY}


def test_a_session_without_paths_is_news_only_if_it_had_been_up() -> None:
    san = San.of(["mpio"], PORTALS)
    san.login("192.168.9.1")
    story = Story(san).begun()
    sid = san.login("192.168.8.1", state=SessionStatus.FREE)
    story.at(5).feed(san.sessions_read())
    assert story.alerts() == []
    story.at(10).session(3, SessionStatus.FAILED)
    assert story.told_of("session_lost").message.endswith("is down (FAILED): no path of any map went through it.")
    story.at(20).session(3, SessionStatus.LOGGED_IN)
    assert story.told_of("session_restored").message.endswith("logged in again; no path of any map goes through it.")
    san.logout(3)
    san.logout(sid)
    story.at(30).look()
    assert len(story.alerts()) == 2
    assert [session.facts.handle for session in story.state.nexuses.values()] == [1, 2]


def test_the_only_path_of_a_lost_session_is_the_alert() -> None:
    story = article()
    story.at(10).session(2, SessionStatus.FAILED)
    assert [event for _, event, _ in story.alerts()] == ["path_stalled", "map_at_risk"]


# --- names ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("portals", "labels"),
    [
        (["192.168.1.1", "192.168.1.1"], {"192.168.1.1:3260", "192.168.1.1:3260#2"}),
        (["2001:DB8:0:0:0:0:0:1", "[fe80::2]"], {"[2001:db8::1]:3260", "[fe80::2]:3260"}),
        (["192.168.1.1@storage0", "192.168.1.1@storage1"], {"192.168.1.1:3260@storage0", "192.168.1.1:3260@storage1"}),
        (["san.example", "192.168.1.1"], {"san.example:3260", "192.168.1.1:3260"}),
    ],
)
def test_paths_are_named_by_portal_iface_and_number(portals: list[str], labels: set[str]) -> None:
    story = Story(San.of(["mpio"], portals)).begun()
    assert set(story.map().paths) == labels
    assert set(story.state.nexuses) == {f"{label}/{TARGET}" for label in labels}


def test_two_targets_behind_one_portal_are_two_sessions_and_two_paths() -> None:
    san = San.of([], ["192.168.1.1"])
    san.login("192.168.1.1", target="iqn.2009-02.com.example:other")
    san.add_map("mpio")
    story = Story(san).begun()
    assert set(story.state.nexuses) == {f"{FIRST}/{TARGET}", f"{FIRST}/iqn.2009-02.com.example:other"}
    assert set(story.map().paths) == {FIRST, f"{FIRST}#2"}
    story.at(10).session(2, SessionStatus.FAILED)
    assert story.path(f"{FIRST}#2").health is Health.STALLED
    assert story.told_of("path_stalled").fields["PORTAL"] == FIRST


def test_the_second_session_to_a_portal_keeps_its_number_while_the_first_is_away_and_comes_back() -> None:
    story = Story(San.of(["mpio"], ["192.168.1.1", "192.168.1.1"])).begun()
    story.at(10).san.logout(1)
    story.look()
    assert story.path(FIRST).health is Health.MISSING
    assert story.path(f"{FIRST}#2").health is Health.UP
    sid = story.san.login("192.168.1.1")
    story.san.add_disk(story.san.wwid("mpio"), sid)
    story.at(20).look().listing()
    assert (story.path(FIRST).place.dev, story.path(f"{FIRST}#2").place.dev) == ("sdc", "sdb")
    assert {path.health for path in story.map().paths.values()} == {Health.UP}


def test_two_maps_of_one_name_are_reported_apart_and_a_map_without_a_name_goes_by_its_wwid() -> None:
    san = San.of(["mpio", "data"], PORTALS)
    data = san.wwid("data")
    san.maps[data] = replace(san.maps[data], name="mpio")
    nameless = san.add_map("x")
    san.maps[nameless] = replace(san.maps[nameless], name="")
    story = Story(san).begun()
    assert sorted(known.label for known in story.state.maps.values()) == ["36000x", "mpio", "mpio#2"]


def test_a_map_that_is_renamed_takes_its_history_along() -> None:
    story = article()
    wwid = story.san.wwid("mpio")
    story.at(10).session(2, SessionStatus.FAILED)
    story.san.maps[wwid] = replace(story.san.maps[wwid], name="alias")
    story.at(12).look()
    assert story.map("alias").paths[SECOND].health is Health.STALLED
    assert story.alerts(since=10) == []


# --- reloads, losses, sources -----------------------------------------------------------------------------------------


def test_a_reload_while_multipathd_is_down_leaves_a_failed_path_unknown() -> None:
    story = article()
    story.at(10).dm("sdb", DmState.FAILED)
    story.at(20).multipathd_down()
    story.at(30).reloaded("mpio")
    assert story.path(SECOND).dm.state is DmState.UNKNOWN
    assert story.path(FIRST).dm.state is DmState.ACTIVE
    assert story.health(SECOND) == (Health.UNKNOWN, MapHealth.UNKNOWN)
    story.at(40).feed(SourceUp(SourceName.MULTIPATHD))
    assert story.wants(Scope.SYSTEM, Scope.MAPS, Scope.PATHS)
    story.listing()
    assert story.path(SECOND).health is Health.UP


def test_a_reload_while_multipathd_is_up_has_it_asked() -> None:
    story = article()
    story.at(10).dm("sdb", DmState.FAILED)
    story.at(30).reloaded("mpio")
    assert story.wants(Scope.SYSTEM, Scope.MAPS, Scope.PATHS)
    assert story.path(SECOND).health is Health.FAILED
    story.listing()
    assert story.path(SECOND).health is Health.UP


def test_a_map_made_again_counts_its_events_from_the_start() -> None:
    story = article()
    for second in range(5):
        story.at(second).dm("sdb", DmState.FAILED).dm("sdb", DmState.ACTIVE)
    wwid = story.san.wwid("mpio")
    story.san.maps[wwid] = replace(story.san.maps[wwid], sysfs_name="dm-7")
    story.san.seqnums.clear()
    story.at(10).look()
    assert story.wants(Scope.MAPS, Scope.PATHS)
    story.listing().at(20).dm("sdb", DmState.FAILED)
    assert story.path(SECOND).health is Health.FAILED
    assert not story.wants(Scope.MAPS)


def test_a_dm_device_that_was_removed_and_came_back_between_two_looks_is_another() -> None:
    story = article()
    story.at(5).dm("sdb", DmState.FAILED)
    story.at(6).dm("sdb", DmState.ACTIVE)
    story.at(10).feed(BlockEvent("remove", "dm-0"))
    assert story.wants(Scope.SYSTEM)
    story.san.seqnums.clear()
    story.look()
    assert story.wants(Scope.MAPS, Scope.PATHS)
    story.listing().at(20).dm("sdb", DmState.FAILED)
    assert story.path(SECOND).health is Health.FAILED
    assert not story.wants(Scope.MAPS)


def test_lost_events_have_everything_read_again_and_dm_believed_until_then_while_multipathd_is_up() -> None:
    story = article()
    story.at(10).feed(EventsLost())
    assert story.wants(Scope.SYSTEM, Scope.NEXUSES, Scope.MAPS, Scope.PATHS)
    assert story.path(SECOND).dm.state is DmState.ACTIVE
    assert story.state.counters.overflows == 1
    assert dict(story.state.counters.resyncs) == {"events_lost": 1}
    story.san.dm["sdb"] = DmState.FAILED
    story.at(10.2).listing()
    assert story.path(SECOND).health is Health.FAILED
    assert story.state.dm_stale is None


def test_lost_events_leave_dm_unknown_while_multipathd_is_down() -> None:
    story = article()
    story.at(5).multipathd_down()
    story.at(10).feed(EventsLost())
    assert {path.dm.state for path in story.map().paths.values()} == {DmState.UNKNOWN}
    assert story.map().health is MapHealth.UNKNOWN
    story.at(20).feed(SourceUp(SourceName.MULTIPATHD))
    story.listing()
    assert story.map().health is MapHealth.HEALTHY


def test_multipathd_that_goes_down_before_it_made_up_for_lost_events_takes_dm_and_the_checkers_along() -> None:
    story = article()
    story.at(10).feed(EventsLost())
    story.multipathd_down()
    for path in story.map().paths.values():
        assert (path.dm.state, path.checker.state) == (DmState.UNKNOWN, CheckerState.UNKNOWN)


def test_a_listing_asked_for_before_the_loss_does_not_make_up_for_it() -> None:
    story = article()
    story.at(10).feed(EventsLost())
    story.at(11).feed(story.san.maps_listed(START.monotonic + 9))
    assert story.state.dm_stale is not None


def test_a_map_that_the_listing_after_a_loss_leaves_out_is_unknown() -> None:
    story = Story(San.of(["mpio", "data"], PORTALS)).begun()
    story.at(10).feed(EventsLost())
    listed = story.san.maps_listed(START.monotonic + 10)
    story.feed(replace(listed, maps=listed.maps[:1]))
    assert (story.map("mpio").health, story.map("data").health) == (MapHealth.HEALTHY, MapHealth.UNKNOWN)


def test_each_loss_of_events_is_reported_and_numbered() -> None:
    story = article()
    story.at(10).feed(EventsLost())
    story.at(11).feed(EventsLost())
    assert [told.alert.message for told in story.parts] == [
        "The kernel dropped uevents: they came faster than they were read. Reading the whole state again.",
        "The kernel dropped uevents (2 times since the start): they came faster than they were read. "
        "Reading the whole state again.",
    ]


def test_a_source_that_goes_and_comes_is_reported_once_each_way_and_again_for_another_reason() -> None:
    story = article()
    for seconds in (10, 11, 12):
        story.at(seconds).multipathd_down()
    story.at(20).multipathd_down("timeout")
    story.at(30).feed(SourceUp(SourceName.MULTIPATHD))
    story.at(31).feed(SourceUp(SourceName.MULTIPATHD))
    assert story.alerts() == [
        (10, "source_down", "multipathd"),
        (20, "source_down", "multipathd"),
        (30, "source_up", "multipathd"),
    ]
    assert [told.alert.message for told in story.parts] == [
        "Cannot read multipathd's paths and maps: multipathd is not running; start it. "
        "Checker states and queueing are unknown; failures still arrive from the kernel.",
        "Cannot read multipathd's paths and maps: multipathd is not running; start it. "
        "Checker states and queueing are unknown; failures still arrive from the kernel.",
        "Can read multipathd's paths and maps again.",
    ]
    assert story.parts[0].alert.fields == {"SOURCE": "multipathd", "REASON": "not_running"}
    assert dict(story.state.source(SourceName.MULTIPATHD).errors) == {"not_running": 3, "timeout": 1}


def test_a_bad_configuration_is_reported_and_makes_nothing_unknown() -> None:
    story = article()
    story.at(10).feed(SourceDown(SourceName.CONFIG, "bad_file", "/etc/mpathd-watch/config.toml: no such key 'a'."))
    assert story.map().health is MapHealth.HEALTHY
    assert story.told_of("source_down").message == (
        "Cannot read the configuration of mpathd-watch: /etc/mpathd-watch/config.toml: no such key 'a'. "
        "The previous settings stay in force."
    )


def test_a_web_configuration_that_can_not_be_applied_makes_nothing_unknown() -> None:
    story = article()
    story.at(10).feed(SourceDown(SourceName.WEB, "bad_file", "/etc/web.yml: key_file a: No such file; fix it"))
    assert story.map().health is MapHealth.HEALTHY
    assert story.told_of("source_down").message == (
        "Cannot read or apply the web configuration: /etc/web.yml: key_file a: No such file; fix it. "
        "TLS and passwords stay as they are."
    )


def test_without_sysfs_devices_and_sessions_are_unknown_and_dm_goes_on() -> None:
    story = article()
    story.at(10).feed(SourceDown(SourceName.SYSFS, "timeout", "a read has not returned"))
    assert story.health(SECOND) == (Health.UNKNOWN, MapHealth.UNKNOWN)
    assert story.session_state("192.168.2.1").status is SessionStatus.UNKNOWN
    story.at(11).dm("sdb", DmState.FAILED)
    assert story.health(SECOND) == (Health.FAILED, MapHealth.UNKNOWN)
    story.at(20).checker("sda", CheckerState.FAULTY)
    assert "failed: multipathd's checker reports faulty; cause: not known yet." in (
        story.told_of("path_failed", FIRST).message
    )
    story.at(30).look()
    assert story.path(SECOND).disk.state is DeviceState.RUNNING


def test_a_checker_alone_can_condemn_a_path_whose_device_nobody_knows() -> None:
    san = San.of(["mpio"], [])
    san.add_disk(san.wwid("mpio"), None)
    story = Story(san).begun()
    story.at(10).feed(SourceDown(SourceName.SYSFS, "timeout", "a read has not returned"))
    story.at(20).checker("sda", CheckerState.FAULTY)
    assert "(sda) failed: multipathd's checker reports faulty; cause: not known yet. 0 of 1 path" in (
        story.told_of("path_failed").message
    )


def test_without_uevents_multipathds_memory_is_believed_and_without_both_nobody() -> None:
    story = article()
    story.at(10).feed(SourceDown(SourceName.UEVENT, "no_socket", "no netlink socket"))
    story.san.dm["sdb"] = DmState.FAILED
    story.at(15).checker("sdb", CheckerState.FAULTY)
    assert story.path(SECOND).dm.state is DmState.FAILED
    story.at(20).multipathd_down()
    assert {path.dm.state for path in story.map().paths.values()} == {DmState.UNKNOWN}
    assert {path.checker.state for path in story.map().paths.values()} == {CheckerState.UNKNOWN}


def test_multipathds_memory_is_not_believed_against_a_uevent_and_the_kernel_is_asked() -> None:
    story = article()
    story.at(10).dm("sdb", DmState.FAILED)
    story.san.dm["sdb"] = DmState.ACTIVE
    story.at(11).checker("sdb", CheckerState.READY)
    assert story.path(SECOND).dm.state is DmState.FAILED
    assert story.wants(Scope.MAPS)


def test_the_kernels_status_overrules_a_uevent_from_before_and_yields_to_one_from_after_the_request() -> None:
    story = article()
    story.at(10).dm("sdb", DmState.FAILED)
    story.san.dm["sdb"] = DmState.ACTIVE
    story.at(11).feed(story.san.maps_listed(START.monotonic + 9))
    assert story.path(SECOND).dm.state is DmState.FAILED
    story.at(12).feed(story.san.maps_listed(START.monotonic + 11))
    assert story.path(SECOND).dm.state is DmState.ACTIVE


def test_a_listing_that_does_not_know_dms_state_changes_nothing_about_it() -> None:
    story = article()
    story.at(10).dm("sdb", DmState.FAILED)
    story.san.dm["sdb"] = DmState.UNKNOWN
    story.at(11).listing()
    assert story.path(SECOND).dm.state is DmState.FAILED


def test_a_path_that_multipathd_no_longer_lists_has_no_checker_state() -> None:
    story = article()
    listed = story.san.paths_listed(START.monotonic + 10)
    story.at(10).feed(replace(listed, paths=listed.paths[:1]))
    assert (story.path(FIRST).checker.state, story.path(SECOND).checker.state) == (
        CheckerState.READY,
        CheckerState.UNKNOWN,
    )


def test_a_map_that_sysfs_has_not_shown_yet_has_sysfs_read() -> None:
    story = article()
    story.san.add_map("data")
    story.at(10).feed(story.san.maps_listed(START.monotonic + 10))
    assert story.wants(Scope.SYSTEM)
    story.feed(story.san.paths_listed(START.monotonic + 10))
    assert story.wants(Scope.SYSTEM)
    story.look()
    assert story.wants(Scope.MAPS, Scope.PATHS)


def test_what_comes_late_of_a_missing_path_changes_nothing_about_it() -> None:
    story = article()
    late = (story.san.maps_listed(START.monotonic + 11), story.san.paths_listed(START.monotonic + 11))
    disk = DevicesRead((story.san.devices["sdb"],), ("sdb",))
    story.at(10).san.logout(2)
    story.look()
    missing = story.path(SECOND)
    for event in (*late, disk):
        story.at(11).feed(event)
        assert story.path(SECOND) is missing


def test_a_listing_that_comes_after_a_later_one_does_not_overrule_it() -> None:
    story = article()
    older = story.san.paths_listed(START.monotonic + 10)
    story.at(12).checker("sdb", CheckerState.FAULTY)
    story.feed(older)
    assert story.path(SECOND).health is Health.FAILED


def test_a_second_loss_of_events_finds_dm_unknown_already() -> None:
    story = article()
    story.at(5).multipathd_down()
    story.feed(EventsLost())
    before = story.map().paths
    story.at(6).feed(EventsLost())
    assert all(story.map().paths[label] is path for label, path in before.items())


def test_an_answer_without_news_and_errors_on_the_way_are_noted() -> None:
    story = article()
    story.at(10).feed(SourceAnswered(SourceName.SYSFS))
    story.feed(SourceErrors(SourceName.SYSFS, "bad_value", 2))
    story.feed(SourceErrors(SourceName.SYSFS, "bad_value", 1))
    sysfs = story.state.source(SourceName.SYSFS)
    assert (sysfs.up, sysfs.last_success, dict(sysfs.errors)) == (True, moment(10), {"bad_value": 3})
    assert story.alerts() == []


def test_a_tick_before_its_time_takes_nothing_up() -> None:
    story = article()
    story.at(10).dm("sdb", DmState.FAILED)
    before = story.state
    story.feed(Tick())
    assert story.state == before
    assert next_deadline(story.state) == START.monotonic + 10 + GATHER
    assert next_deadline(story.at(11).state) == START.monotonic + 10 + CAUSE_GRACE


# --- uevents ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "stranger",
    [
        DmPathEvent(DmAction.PATH_FAILED, "36000nobody", "nobody", "dm-9", "8:16", 1),
        DmPathEvent(DmAction.PATH_FAILED, "36000mpio", "mpio", "dm-0", "8:999", 1),
    ],
    ids=["unknown map", "unknown path"],
)
def test_an_event_of_something_unknown_has_everything_read_again(stranger: DmPathEvent) -> None:
    story = article()
    story.at(10).feed(stranger)
    assert story.wants(Scope.SYSTEM, Scope.MAPS, Scope.PATHS)
    assert dict(story.state.counters.resyncs) == {"unknown_path": 1}
    assert story.health(SECOND) == (Health.UP, MapHealth.HEALTHY)


def test_an_event_has_its_disk_the_sessions_and_the_checkers_read() -> None:
    story = article()
    story.at(10).dm("sdb", DmState.FAILED)
    assert story.wants(Scope.PATHS, Scope.NEXUSES)
    assert [refresh.devices for refresh in story.wanted if refresh.scope is Scope.DEVICES] == [("sdb",)]
    assert not story.wants(Scope.MAPS)
    story.at(11).dm("sda", DmState.FAILED)
    assert not story.wants(Scope.MAPS)


@pytest.mark.parametrize("step", [-2, -1, 1, 3], ids=["two back", "the same", "one missing", "ahead"])
def test_a_gap_or_a_step_back_in_the_numbers_has_the_kernel_asked(step: int) -> None:
    story = article()
    story.at(10).dm("sdb", DmState.FAILED)
    story.san.seqnums["36000mpio"] += step
    story.at(11).dm("sda", DmState.FAILED)
    assert story.wants(Scope.MAPS)


def test_an_older_event_that_comes_later_changes_nothing() -> None:
    story = article()
    story.san.dm["sdb"] = DmState.FAILED
    failed = story.san.dm_event("sdb")
    story.at(10).dm("sdb", DmState.ACTIVE)
    for seqnum in (1, 2):
        story.feed(replace(failed, seqnum=seqnum))
        assert story.path(SECOND).health is Health.UP
    assert story.alerts() == []


def test_an_event_without_a_number_is_believed_and_does_not_let_older_ones_through() -> None:
    story = article()
    story.san.dm["sdb"] = DmState.FAILED
    failed = story.san.dm_event("sdb")
    story.at(10).dm("sdb", DmState.ACTIVE)
    story.feed(replace(failed, seqnum=None))
    assert story.path(SECOND).health is Health.FAILED
    story.feed(replace(failed, action=DmAction.PATH_REINSTATED))
    assert story.path(SECOND).health is Health.FAILED


@pytest.mark.parametrize(
    ("event", "scopes"),
    [
        (BlockEvent("add", "sdz"), {Scope.SYSTEM}),
        (BlockEvent("remove", "sdb"), {Scope.SYSTEM}),
        (BlockEvent("change", "sdb", resized=True), {Scope.SYSTEM}),
        (BlockEvent("move", "sdz"), {Scope.SYSTEM}),
        (BlockEvent("change", "sdb"), set()),
        (BlockEvent("change", "sdb", reloaded=True), set()),
        (BlockEvent("change", "dm-0"), set()),
        (BlockEvent("change", "dm-9", reloaded=True), {Scope.SYSTEM}),
        (BlockEvent("remove", "dm-9"), {Scope.SYSTEM}),
    ],
    ids=str,
)
def test_a_block_event_wakes_those_who_can_show_what_it_means(event: BlockEvent, scopes: set[Scope]) -> None:
    story = article()
    story.at(10).feed(event)
    assert {refresh.scope for refresh in story.wanted} == scopes
    assert story.map().health is MapHealth.HEALTHY


def test_uevents_are_counted_by_the_actions_the_kernel_knows() -> None:
    story = article()
    for action in ("add", "add", "change", "", "pwned\n"):
        story.feed(BlockEvent(action, "sdz"))
    story.dm("sdb", DmState.FAILED)
    assert dict(story.state.counters.uevents) == {"add": 2, "change": 2, "other": 2}


# --- counters, clocks -------------------------------------------------------------------------------------------------


def read_counter(story: Story, errors: int | None, timeouts: int | None = 0) -> tuple[int, int]:
    """Our totals after the kernel's counters of ``sdb`` were read."""
    story.san.devices["sdb"] = replace(story.san.devices["sdb"], io_errors=errors, io_timeouts=timeouts)
    story.feed(DevicesRead((story.san.devices["sdb"],)))
    path = story.path(SECOND)
    return path.disk_errors.errors.total, path.disk_errors.timeouts.total


def test_io_counters_follow_the_kernels_over_a_wrap_and_ignore_a_step_back() -> None:
    story = article()
    assert read_counter(story, 7, 1) == (7, 1)
    assert read_counter(story, None, None) == (7, 1)
    assert read_counter(story, 0xFFFFFFF0) == (7, 1)
    assert read_counter(story, 5) == (28, 1)
    assert read_counter(story, 0) == (28, 1)
    assert read_counter(story, 2) == (30, 1)


def test_io_counters_go_on_from_where_they_were_on_another_disk() -> None:
    story = article()
    read_counter(story, 7)
    story.san.logout(2)
    story.at(10).look()
    story.san.login("192.168.2.1")
    dev = story.san.add_disk(story.san.wwid("mpio"), 2)
    story.san.devices[dev] = replace(story.san.devices[dev], io_errors=1000)
    story.at(20).look()
    assert story.path(SECOND).disk_errors.errors.total == 7
    story.san.devices[dev] = replace(story.san.devices[dev], io_errors=1001)
    story.at(30).look()
    assert story.path(SECOND).disk_errors.errors.total == 8


def test_a_disk_read_again_unchanged_leaves_the_very_same_path() -> None:
    story = article().at(10)
    before = story.state
    story.feed(DevicesRead(tuple(story.san.devices.values())))
    story.feed(story.san.paths_listed(story.path(FIRST).checker.read or 0))
    story.feed(story.san.maps_listed(story.path(FIRST).checker.read or 0))
    for label, path in story.map().paths.items():
        assert path is before.maps["36000mpio"].paths[label]
    story.look()
    assert story.state.maps == before.maps
    assert story.state.nexuses == before.nexuses
    assert story.alerts() == []


def test_health_keeps_the_moment_it_began() -> None:
    story = article()
    story.at(10).session(2, SessionStatus.FAILED)
    story.at(12).look()
    assert story.path(SECOND).verdict.since == moment(10)
    assert story.map().since == moment(10)


@pytest.mark.parametrize(
    ("tmo", "held"),
    [
        (5, "I/O on it is held for up to 5 s (recovery_tmo), then the path fails"),
        (-1, "I/O on it is held without end, because recovery_tmo is off"),
        (None, "I/O on it is held"),
    ],
)
def test_a_stalled_path_shows_how_long_the_kernel_holds_its_io(tmo: int | None, held: str) -> None:
    san = San.of(["mpio"], PORTALS)
    san.sessions[2] = replace(san.sessions[2], recovery_tmo=tmo)
    story = Story(san).begun()
    story.at(10).session(2, SessionStatus.FAILED)
    assert f"stalled: its session is FAILED. {held}. 1 of 2" in story.told_of("path_stalled").message


def test_a_stall_after_a_failure_is_measured_from_its_own_beginning() -> None:
    story = article()
    story.at(10).session(2, SessionStatus.FREE).dm("sdb", DmState.FAILED)
    story.at(20).session(2, SessionStatus.FAILED).dm("sdb", DmState.ACTIVE)
    assert story.path(SECOND).health is Health.STALLED
    story.at(24).session(2, SessionStatus.LOGGED_IN)
    assert "is up again after 14.0 s (stalled 4.0 s)" in story.told_of("path_reinstated").message
