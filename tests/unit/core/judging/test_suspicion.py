"""Silence and a lost carrier: what is said before the kernel gives a session up, and what is never said."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mpathd_watch.core.catalog.alerts import Priority
from mpathd_watch.core.effects import Scope
from mpathd_watch.core.events import (
    ConnectionFailed,
    Event,
    NetworkRead,
    SessionsRead,
    SettingsChanged,
    SourceDown,
    SourceUp,
    SystemRead,
    Tick,
)
from mpathd_watch.core.model.facts import LinkFacts, SessionFacts, TcpFacts
from mpathd_watch.core.model.instant import Instant
from mpathd_watch.core.model.vocabulary import (
    DOWN_SESSION,
    Cause,
    DeviceState,
    DmState,
    Health,
    MapHealth,
    Phase,
    SessionStatus,
    SourceName,
    Suspicion,
    Verdict,
)
from mpathd_watch.core.state import Due, State, Wait
from mpathd_watch.core.step import next_deadline, step
from tests.story import START, San, Story, moment

FIRST, SECOND = "192.168.1.1:3260", "192.168.2.1:3260"
PORTALS = ["192.168.1.1", "192.168.2.1"]
NOP_TIMEDOUT, TCP_CONN_CLOSE = 1022, 1020


def idle(*maps: str, **facts: object) -> Story:
    """Maps of two paths, wired, nothing read since the first look; ``facts`` are those of the second session."""
    san = San.of(maps or ["mpio"], PORTALS).wired()
    san.sessions[2] = replace(san.sessions[2], **facts)  # type: ignore[arg-type]
    return Story(san).begun()


def cut(*maps: str, **facts: object) -> Story:
    """The same, alive until the second session falls silent at 0."""
    return idle(*maps, **facts).live().at(0).cut(2)


def second(story: Story) -> Suspicion | None:
    """The suspicion of the second session."""
    return story.session_state("192.168.2.1").suspicion


def silence_due(story: Story) -> float | None:
    """The second at which the core wants to look for silence."""
    due = story.state.deadlines.get(Due(Wait.SILENCE))
    return None if due is None else due - START.monotonic


# --- silence ----------------------------------------------------------------------------------------------------------


def test_a_silent_session_makes_its_path_suspect_after_noop_out_interval_and_the_grace() -> None:
    story = cut()
    assert silence_due(story) == 7
    story.at(6.9)
    assert story.health(SECOND) == (Health.UP, MapHealth.HEALTHY)
    story.at(7)
    assert story.health(SECOND) == (Health.SUSPECT, MapHealth.DEGRADED)
    assert story.health(FIRST)[0] is Health.UP
    suspect = story.told_of("path_suspect")
    assert suspect.priority is Priority.WARNING
    assert suspect.message == (
        "mpio: path 192.168.2.1:3260 (sdb) is suspect: no answer from 192.168.2.1:3260 for 7.0 s (expected at "
        "least every 5 s), NIC eth2 has carrier, its sibling through eth1 is fine. Unless the target answers, the "
        "kernel drops the session within 9 s; I/O on it may hang until then. 2 of 2 paths usable."
    )
    assert (suspect.fields["SILENCE_SEC"], suspect.fields["BUDGET_SEC"]) == ("7.000", "16.000")
    assert (suspect.fields["CAUSE"], suspect.fields["HEALTH"]) == ("unknown", "suspect")
    path = story.path(SECOND)
    assert path.verdict.deadline == moment(16)
    assert path.outage
    assert (path.outage.began, path.outage.suspected, path.outage.real) == (moment(7), moment(7), False)
    assert (path.outage.failed, path.outage.stalled, path.outage.inherited) == (None, None, False)
    assert story.session_state("192.168.2.1").suspected == moment(7)


def test_the_warning_comes_well_before_the_kernels_own() -> None:
    story = cut()
    story.at(20)
    (warned,) = (at for at, event, _ in story.alerts() if event == "path_suspect")
    recv_tmo, ping_tmo = 5, 10
    assert recv_tmo + ping_tmo - warned >= ping_tmo - 3


def test_the_grace_is_the_administrators() -> None:
    story = cut()
    story.feed(SettingsChanged(silence_grace_seconds=0.5))
    story.at(5.5)
    assert second(story) is Suspicion.SILENCE
    story.feed(SettingsChanged(silence_grace_seconds=4.0))
    assert second(story) is None
    assert silence_due(story) == 9


def test_the_deadline_asks_for_the_sessions_once() -> None:
    story = idle().heard(1, 0).heard(2, 0).at(0.1).poll().at(6.9)
    story.seconds = 7
    story.feed(Tick())
    assert story.wants(Scope.NEXUSES)
    story.feed(Tick())
    assert not story.wants(Scope.NEXUSES)
    assert silence_due(story) is None
    assert next_deadline(story.state) != START.monotonic + 7


def test_only_a_reading_that_was_asked_for_after_the_grace_makes_a_session_silent() -> None:
    story = idle().heard(1, 6).heard(2, 0).at(6).poll()
    story.at(7.3)
    for requested in (-1.0, 6.0, 6.99):
        story.poll(requested)
        assert second(story) is None
        assert story.path(SECOND).health is Health.UP
        assert story.wants(Scope.NEXUSES)
        assert silence_due(story) is None
    story.poll(7.0)
    assert second(story) is Suspicion.SILENCE
    assert not story.wants(Scope.NEXUSES)


def test_a_reading_of_unknown_time_makes_no_session_silent() -> None:
    story = idle().heard(1, 0).heard(2, 0).at(100)
    story.feed(story.san.sessions_read())
    assert (second(story), silence_due(story)) == (None, None)
    assert not story.wants(Scope.NEXUSES)


def test_while_it_is_silent_it_is_asked_every_half_second() -> None:
    story = cut().at(9)
    assert story.polled[-5:] == [7, 7.5, 8, 8.5, 9]
    assert silence_due(story) == 9.5


def test_a_healthy_session_is_asked_only_when_it_may_have_fallen_silent() -> None:
    story = idle().live().at(70)
    assert story.polled == [-50, *range(-43, 71, 7)]
    assert story.alerts() == []


@pytest.mark.parametrize("proof", ["exp_statsn", "tcp"])
def test_a_move_makes_the_path_up_again_and_leaves_no_trace(proof: str) -> None:
    story = cut().at(8)
    outage = story.path(SECOND).outage
    assert outage
    story.heard(2, 8.2 if proof == "exp_statsn" else 0, tcp=None if proof == "exp_statsn" else 8.2)
    story.at(8.5)
    path = story.path(SECOND)
    assert (path.health, second(story), path.outage, story.last_outage(SECOND)) == (Health.UP, None, None, None)
    assert (dict(path.failures), path.reinstatements, path.verdict.deadline) == ({}, 0, None)
    assert path.flaps.instants == ()
    assert dict(story.state.counters.verdicts) == {}
    assert dict(story.state.counters.phases) == {}
    again = story.told_of("path_reinstated")
    assert again.message == (
        "mpio: path 192.168.2.1:3260 (sdb) is up again after 1.5 s; it was only suspect and never failed. "
        "2 of 2 paths usable."
    )
    assert again.priority is Priority.INFO
    ((_, priority, message),) = story.incidents(8)
    assert priority is Priority.NOTICE
    assert message == "mpio: path 192.168.2.1:3260 (sdb) answered again after 1.5 s; none had failed."
    assert (again.fields["OUTAGE"], again.fields["PREVIOUS_HEALTH"]) == (outage.id, "suspect")
    assert "VERDICT" not in again.fields
    assert [event for _, event, _ in story.alerts()] == [
        "path_suspect",
        "map_degraded",
        "path_reinstated",
        "map_recovered",
    ]
    assert story.waits == {Wait.SILENCE}


@pytest.mark.parametrize(
    "facts",
    [
        {"recv_tmo": 0},
        {"ping_tmo": 0},
        {"recv_tmo": 0, "ping_tmo": 0},
        {"recv_tmo": None},
        {"ping_tmo": None},
        {"state": SessionStatus.UNKNOWN},
        {"alive": None},
    ],
)
def test_nothing_is_claimed_of_a_session_without_pings_or_of_which_something_is_not_known(
    facts: dict[str, object],
) -> None:
    story = idle().heard(1, 0).heard(2, 0).at(0)
    story.san.sessions[2] = replace(story.san.sessions[2], **facts)  # type: ignore[arg-type]
    story.poll().at(60)
    story.heard(1, 60).poll()
    assert second(story) is None
    assert story.path(SECOND).health in (Health.UP, Health.UNKNOWN)
    assert not [event for _, event, who in story.alerts() if who == SECOND]
    assert not story.wants(Scope.NEXUSES)


@pytest.mark.parametrize("state", sorted(DOWN_SESSION))
def test_a_session_that_is_down_is_not_silent_besides(state: SessionStatus) -> None:
    story = cut().at(7.5).session(2, state)
    assert (second(story), story.session_state("192.168.2.1").suspected) == (None, None)
    story.poll()
    assert second(story) is None
    story.at(30)
    assert not [event for _, event, _ in story.alerts(8) if event == "path_suspect"]


def test_nothing_is_claimed_while_sysfs_does_not_answer() -> None:
    story = cut().at(5)
    story.prompt = False
    story.feed(SourceDown(SourceName.SYSFS, "timeout", "no answer"))
    story.at(30)
    assert story.path(SECOND).health is Health.UNKNOWN
    assert "path_suspect" not in {event for _, event, _ in story.alerts()}
    assert story.waits == set()


def test_a_suspicion_ends_with_the_source_that_reported_it() -> None:
    story = cut().at(8)
    story.prompt = False
    story.feed(SourceDown(SourceName.SYSFS, "timeout", "no answer"))
    assert story.path(SECOND).health is Health.UNKNOWN
    assert second(story) is None


def test_what_was_suspect_before_sysfs_fell_silent_is_one_outage_with_what_came_after() -> None:
    story = cut().at(8)
    outage = story.path(SECOND).outage
    assert outage
    story.prompt = False
    story.feed(SourceDown(SourceName.SYSFS, "timeout", "no answer"))
    story.at(17).feed(SourceUp(SourceName.SYSFS))
    story.san.sessions[2] = replace(story.san.sessions[2], state=SessionStatus.FAILED)
    story.look()
    path = story.path(SECOND)
    assert path.health is Health.STALLED
    assert path.outage
    assert (path.outage.id, path.outage.inherited) == (outage.id, False)


def test_a_long_read_over_a_slow_link_is_not_silence() -> None:
    """exp_statsn stands still while Data-In comes; TCP receives it."""
    story = idle().live(1).at(0).heard(2, 0, tcp=0).poll()
    for seconds in range(1, 40):
        story.at(seconds).heard(2, 0, tcp=seconds - 0.01)
    assert story.san.sessions[2].alive == START.monotonic
    assert story.alerts() == []
    story.at(60)
    assert [health for _, health in story.healths_of(SECOND)] == [Health.SUSPECT]
    assert story.healths_of(SECOND)[0][0] == pytest.approx(45.99)


def test_a_full_scan_that_took_long_neither_ends_nor_begins_a_silence() -> None:
    """Its sessions are read last; when it was asked for says nothing of when they were."""
    story = cut().at(7.2)
    assert second(story) is Suspicion.SILENCE
    story.feed(replace(story.san.system_read(), requested=START.monotonic + 6.5))
    assert second(story) is Suspicion.SILENCE
    assert [event for _, event, who in story.alerts() if who == SECOND] == ["path_suspect"]


def test_a_reading_that_comes_late_does_not_make_an_older_word_the_last() -> None:
    """Two readings overtake each other: the session had answered in the one that was asked for later."""
    story = idle().heard(1, 20).heard(2, 19.5).at(20).poll(20)
    story.heard(2, 0).poll(19)
    assert second(story) is None
    story.at(20.1)
    assert second(story) is None


def test_a_full_scan_may_find_a_session_silent() -> None:
    story = idle().heard(1, 9).heard(2, 0).at(9)
    story.feed(replace(story.san.system_read(), requested=START.monotonic + 9))
    assert second(story) is Suspicion.SILENCE
    assert story.path(SECOND).health is Health.SUSPECT


def test_a_daemon_that_starts_while_a_session_is_silent_learns_it_from_tcp_and_has_seen_the_outage_begin() -> None:
    story = Story(San.of(["mpio"], PORTALS).wired())
    story.seconds = 0
    story.heard(1, None, tcp=-1).heard(2, None, tcp=-9)
    story.feed(SourceUp(SourceName.SYSFS))
    story.feed(replace(story.san.system_read(), requested=START.monotonic))
    assert story.path(SECOND).health is Health.UNKNOWN
    story.listing()
    path = story.path(SECOND)
    assert path.health is Health.SUSPECT
    assert path.verdict.deadline == moment(7)
    assert path.outage
    assert not path.outage.inherited
    story.at(7).session(2, SessionStatus.FAILED)
    path = story.path(SECOND)
    assert (path.health, dict(path.failures)) == (Health.STALLED, {Cause.CONNECTION_ERROR: 1})
    assert "It was already in this state when mpathd-watch started" not in story.told_of("path_stalled").message


def test_a_session_whose_timeouts_are_over_already_is_not_said_to_have_time_left() -> None:
    story = Story(San.of(["mpio"], PORTALS).wired())
    story.seconds = 0
    story.heard(1, None, tcp=-1).heard(2, None, tcp=-50)
    story.feed(SourceUp(SourceName.SYSFS))
    story.feed(replace(story.san.system_read(), requested=START.monotonic))
    story.listing()
    message = story.told_of("path_suspect").message
    assert "Its timeouts are over, and the kernel has not dropped the session; I/O on it may hang." in message


def test_a_daemon_that_starts_without_any_proof_of_life_waits_for_one() -> None:
    story = idle().at(0).poll()
    assert silence_due(story) is None
    story.at(30)
    assert story.alerts() == []


def test_a_session_that_has_just_logged_in_again_is_given_its_time() -> None:
    """With no proof of life of its own yet; sysfs counts the login as one."""
    story = cut().at(16).session(2, SessionStatus.FAILED)
    story.at(30).heard(1, 30).heard(2, 30).session(2, SessionStatus.LOGGED_IN)
    story.poll()
    assert second(story) is None
    assert silence_due(story) == 37


def test_a_new_session_under_the_old_label_is_not_doubted_for_the_old_ones_silence() -> None:
    story = cut().at(8)
    story.prompt = False
    story.san.logout(2)
    story.at(9).poll()
    assert second(story) is None
    story.san.sessions[3] = replace(story.san.sessions[1], sid=3, address="192.168.2.1", alive=None, tcp=None)
    story.at(20).poll()
    assert story.session_state("192.168.2.1").status is SessionStatus.LOGGED_IN
    assert second(story) is None


# --- and then ---------------------------------------------------------------------------------------------------------


def test_suspect_then_failed_is_one_outage_with_its_cause_and_its_last_sign_of_life_by_tcp() -> None:
    story = idle().live(1).at(0).heard(2, -6, tcp=0).poll()
    story.feed(SourceUp(SourceName.ISCSI))
    story.at(15.2)
    outage = story.path(SECOND).outage
    assert outage
    assert (outage.began, outage.last_alive) == (moment(7), None)
    story.connection_error(2, NOP_TIMEDOUT).session(2, SessionStatus.FAILED, alive=-6)
    path = story.path(SECOND)
    assert path.outage
    assert (path.health, path.outage.id, path.outage.suspected) == (Health.STALLED, outage.id, moment(7))
    assert (path.outage.cause, path.outage.counted) == (Cause.NOP_TIMEOUT, True)
    assert path.outage.last_alive == moment(0)
    assert dict(path.failures) == {Cause.NOP_TIMEOUT: 1}
    stalled = story.told_of("path_stalled")
    assert "its session is FAILED, 15.2 s after its last sign of life (the kernel: nop_timedout)" in stalled.message
    assert (stalled.fields["SILENCE_SEC"], stalled.fields["PREVIOUS_HEALTH"]) == ("15.200", "suspect")
    assert stalled.fields["OUTAGE"] == story.told_of("path_suspect").fields["OUTAGE"]
    assert len([event for _, event, who in story.alerts() if who == SECOND]) == 2


def test_the_last_sign_of_life_outlives_the_connection_that_reported_it() -> None:
    """TCP is asked of logged-in sessions only: the reading that finds the session FAILED has none."""
    story = idle().live(1).at(0).heard(2, -20, tcp=0).poll().at(15.2)
    story.heard(2, -20)
    story.session(2, SessionStatus.FAILED)
    outage = story.path(SECOND).outage
    assert outage
    assert outage.last_alive == moment(0)
    story.at(20).session(2, SessionStatus.LOGGED_IN, alive=20)
    last = story.last_outage(SECOND)
    assert last
    assert last.judgement
    assert last.judgement.verdict is Verdict.WITHIN_BUDGET
    assert last.judgement.phases[Phase.DETECTION] == pytest.approx(15.2)


def test_a_suspect_session_that_the_kernel_does_not_give_up_is_overdue_after_the_slack() -> None:
    story = cut().at(17.9)
    assert not story.path(SECOND).verdict.overdue
    story.at(18)
    assert story.path(SECOND).verdict.overdue
    overdue = story.told_of("path_overdue")
    assert overdue.message == (
        "mpio: path 192.168.2.1:3260 (sdb) is overdue: its session is silent, and the kernel has not dropped it; "
        "noop_out_interval and noop_out_timeout promise that it does within 16 s. I/O hangs that other paths could "
        "carry. 2 of 2 paths usable."
    )
    assert (overdue.fields["PHASE"], overdue.fields["BUDGET_SEC"]) == ("detection", "16.000")
    assert overdue.priority is Priority.ERR
    story.at(40)
    assert len([event for _, event, _ in story.alerts() if event == "path_overdue"]) == 1
    story.heard(2, 40).poll()
    assert (story.path(SECOND).verdict.overdue, story.path(SECOND).verdict.deadline) == (False, None)


def test_a_suspect_session_with_long_timeouts_is_overdue_only_after_what_the_timer_may_be_late() -> None:
    story = cut(recv_tmo=25, ping_tmo=5).at(31 + 31 / 8 + 1.9)
    assert story.path(SECOND).health is Health.SUSPECT
    assert not story.path(SECOND).verdict.overdue
    assert story.at(31 + 31 / 8 + 2.1).path(SECOND).verdict.overdue


def test_many_paths_of_one_silent_session_are_overdue_once() -> None:
    story = cut("alpha", "beta", "gamma").at(20)
    told = [told.alert for told in story.told if told.event == "path_overdue"]
    assert [alert.priority for alert in told] == [Priority.ERR, Priority.INFO, Priority.INFO]
    assert "and so are 2 more paths of its session" in told[0].message


def test_a_path_that_dm_has_failed_already_is_not_suspect() -> None:
    story = cut().at(2).dm("sdb", DmState.FAILED).looked("sdb", errors=1).at(8)
    assert story.path(SECOND).health is Health.FAILED
    assert "path_suspect" not in {event for _, event, _ in story.alerts()}
    story.at(9).dm("sdb", DmState.ACTIVE)
    assert story.path(SECOND).health is Health.SUSPECT
    assert "is suspect: no answer" in story.told_of("path_suspect").message


# --- one cause, one alert ---------------------------------------------------------------------------------------------


def test_many_paths_of_one_session_are_one_warning_and_one_notice() -> None:
    story = cut("alpha", "beta", "gamma").at(8)
    told = [told.alert for told in story.told if told.event == "path_suspect"]
    assert [alert.fields["MAP"] for alert in told] == ["alpha", "beta", "gamma"]
    assert [alert.priority for alert in told] == [Priority.WARNING, Priority.INFO, Priority.INFO]
    assert "is suspect, and so are 2 more paths of its session: no answer" in told[0].message
    assert "more path" not in told[1].message + told[2].message
    story.heard(2, 8).poll()
    back = [told.alert for told in story.told if told.event == "path_reinstated"]
    assert [alert.fields["MAP"] for alert in back] == ["alpha", "beta", "gamma"]
    assert [priority for _, priority, _ in story.incidents()] == [Priority.WARNING, Priority.NOTICE]
    assert story.told_of("incident_ended").message == (
        "All 3 paths of 3 maps answered again after 1.0 s; none had failed."
    )


def test_two_silent_sessions_to_one_target_are_one_warning() -> None:
    story = idle("alpha", "beta").live().at(0).cut(1, 2).at(8)
    told = [told.alert for told in story.told if told.event == "path_suspect"]
    assert [alert.priority for alert in told] == [Priority.WARNING, *[Priority.INFO] * 3]
    assert all("its sibling is suspect, too" in alert.message for alert in told)
    assert story.map("alpha").health is MapHealth.DEGRADED


def test_a_session_that_is_lost_after_it_was_suspect_speaks_for_its_paths() -> None:
    story = cut("alpha", "beta").at(15.5).session(2, SessionStatus.FAILED)
    assert story.told_of("session_lost").priority is Priority.INFO
    stalled = [told.alert for told in story.told if told.event == "path_stalled"]
    assert [alert.priority for alert in stalled] == [Priority.INFO, Priority.INFO]
    story.at(17).session(2, SessionStatus.LOGGED_IN, alive=17)
    back = [told.alert for told in story.told if told.event == "path_reinstated"]
    assert [alert.priority for alert in back] == [Priority.INFO, Priority.INFO]
    assert story.told_of("session_restored").priority is Priority.INFO
    assert [(at, priority) for at, priority, _ in story.incidents()] == [
        (7, Priority.WARNING),
        (16.5, Priority.ERR),
        (17, Priority.NOTICE),
    ]


# --- carrier ----------------------------------------------------------------------------------------------------------


def test_a_lost_carrier_makes_the_path_suspect_at_once() -> None:
    story = idle().live().at(3.2).poll().carrier("eth2", carrier=False)
    assert (second(story), story.path(SECOND).health) == (Suspicion.CARRIER, Health.SUSPECT)
    suspect = story.told_of("path_suspect")
    assert suspect.message == (
        "mpio: path 192.168.2.1:3260 (sdb) is suspect: NIC eth2 has no carrier, its sibling through eth1 is fine. "
        "Unless the target answers, the kernel drops the session within 16 s; I/O on it may hang until then. "
        "2 of 2 paths usable."
    )
    assert (suspect.priority, suspect.fields["CAUSE"]) == (Priority.WARNING, "carrier_lost")
    outage = story.path(SECOND).outage
    assert outage
    assert (outage.cause, outage.began) == (Cause.CARRIER_LOST, moment(3.2))


def test_a_carrier_that_was_gone_for_two_seconds() -> None:
    story = idle().live().at(3).carrier("eth2", carrier=False).at(5).carrier("eth2", carrier=True)
    assert story.healths_of(SECOND) == [(3, Health.SUSPECT), (5, Health.UP)]
    assert story.told_of("path_reinstated").message == (
        "mpio: path 192.168.2.1:3260 (sdb) is up again after 2.0 s; it was only suspect and never failed; "
        "cause: its NIC has lost its carrier or its address. 2 of 2 paths usable."
    )
    assert dict(story.path(SECOND).failures) == {}


def test_a_session_that_is_silent_and_without_carrier_is_not_read_in_a_loop() -> None:
    story = idle().live().at(0).cut(2).carrier("eth2", carrier=False).at(7.2)
    story.prompt = False
    story.poll()
    assert second(story) is Suspicion.CARRIER
    assert not story.wants(Scope.NEXUSES)
    assert silence_due(story) == pytest.approx(7.7)


def test_a_carrier_that_returns_to_a_silent_session_leaves_it_suspect() -> None:
    story = idle().live().at(0).cut(2).carrier("eth2", carrier=False).at(6)
    story.prompt = False
    story.at(9).poll().carrier("eth2", carrier=True)
    assert second(story) is Suspicion.SILENCE
    assert story.healths_of(SECOND) == [(0, Health.SUSPECT)]
    assert len([event for _, event, _ in story.alerts() if event == "path_suspect"]) == 1


def test_a_carrier_that_returns_makes_no_path_up_whose_session_was_not_read_for_long() -> None:
    story = idle().live().at(0).cut(2).carrier("eth2", carrier=False)
    story.prompt = False
    story.at(9).carrier("eth2", carrier=True)
    assert story.wants(Scope.NEXUSES)
    assert story.path(SECOND).health is Health.SUSPECT
    story.san.answering.add(2)
    story.poll()
    assert story.path(SECOND).health is Health.UP


def test_a_carrier_that_goes_while_the_session_is_silent_already_is_the_cause() -> None:
    story = cut().at(8).carrier("eth2", carrier=False)
    outage = story.path(SECOND).outage
    assert outage
    assert (second(story), outage.cause) == (Suspicion.CARRIER, Cause.CARRIER_LOST)
    assert len([event for _, event, _ in story.alerts() if event == "path_suspect"]) == 1


def test_a_session_that_loses_its_address_is_reported_so() -> None:
    story = idle().live().at(3)
    story.network(replace(story.san.nics["eth2"], addresses=()))
    assert second(story) is Suspicion.CARRIER
    assert "is suspect: address 192.168.2.10 is gone from NIC eth2, its sibling" in (
        story.told_of("path_suspect").message
    )


def test_an_address_that_moved_to_another_interface_still_carries() -> None:
    story = idle().live().at(3)
    story.network(replace(story.san.nics["eth2"], addresses=()), LinkFacts("br0", True, True, (), ("192.168.2.10",)))
    assert second(story) is None


def test_a_nic_that_is_renamed_is_found_by_its_address() -> None:
    story = idle().live().at(3)
    nic = story.san.nics.pop("eth2")
    story.network(replace(nic, name="san0"))
    assert second(story) is None
    story.at(4).carrier("san0", carrier=False)
    assert second(story) is Suspicion.CARRIER
    assert "is suspect: NIC san0 has no carrier" in story.told_of("path_suspect").message


def test_a_nic_that_is_gone_is_called_gone() -> None:
    story = idle().live().at(3)
    del story.san.nics["eth2"]
    story.network()
    assert second(story) is Suspicion.CARRIER
    assert "is suspect: NIC eth2 is gone, its sibling" in story.told_of("path_suspect").message


def test_a_bond_that_has_lost_its_last_member() -> None:
    story = idle(netdev="bond0.7", local_address="192.168.7.10")
    ports = [LinkFacts(f"eth{number}", True, True) for number in (3, 4)]
    above = [
        LinkFacts("bond0", True, True, ("eth3", "eth4")),
        LinkFacts("bond0.7", True, True, ("bond0",), ("192.168.7.10",)),
    ]
    story.network(*ports, *above).live().at(3).carrier("eth3", carrier=False)
    assert second(story) is None
    story.at(4).carrier("eth4", carrier=False)
    assert second(story) is Suspicion.CARRIER
    assert "NIC bond0.7 (bond0, eth3, eth4) has no carrier" in story.told_of("path_suspect").message


@pytest.mark.parametrize("netdev", ["eth2", ""])
def test_nothing_is_claimed_where_the_address_was_never_seen_on_an_interface(netdev: str) -> None:
    """An iscsid in a network namespace of its own: what the host's interfaces do is nothing to it."""
    story = idle(local_address="10.9.9.9", netdev=netdev).live().at(3).carrier("eth2", carrier=False)
    assert second(story) is None
    story.network(LinkFacts("eth2", up=False, carrier=None))
    assert second(story) is None
    story.at(30)
    assert story.alerts() == []
    story.cut(2).at(38)
    assert "NIC" not in story.told_of("path_suspect").message


def test_a_nic_that_never_had_a_carrier_since_the_start_is_not_lost() -> None:
    story = idle()
    story.san.nics["eth2"] = replace(story.san.nics["eth2"], carrier=False)
    story.live().at(10)
    assert second(story) is None
    story.carrier("eth2", carrier=True).at(20).carrier("eth2", carrier=False)
    assert second(story) is Suspicion.CARRIER


@pytest.mark.parametrize("how", ["failed", "stalled"])
def test_a_suspect_path_that_is_lost_long_before_its_session_is_of_the_same_incident(how: str) -> None:
    story = cut("mpio", "data").at(10)
    assert story.path(SECOND).health is Health.SUSPECT
    if how == "failed":
        story.dm("sdb", DmState.FAILED)
    else:
        story.device("sdb", DeviceState.BLOCKED)
    assert story.path(SECOND).health.value == how
    story.at(14).session(2, SessionStatus.FAILED).at(20)
    assert {told.alert.fields["INCIDENT"] for told in story.told} == set(story.state.incidents)
    assert [(at, priority) for at, priority, _ in story.incidents()] == [(7, Priority.WARNING), (11, Priority.ERR)]


def test_until_it_is_read_again_a_nexus_may_have_answered_when_its_carrier_went() -> None:
    story = idle().live().at(10)
    story.carrier("eth2", carrier=False)
    dropped = story.session_state("192.168.2.1").facts.timing.dropped_after
    assert dropped is not None
    assert story.path(SECOND).verdict.deadline == moment(10 + dropped)
    story.heard(2, 8).feed(story.san.sessions_read(START.monotonic + 10))
    assert story.path(SECOND).verdict.deadline == moment(8 + dropped)


def test_a_nexus_whose_signs_of_life_are_not_known_is_dropped_at_an_unknown_moment() -> None:
    story = idle().at(10).network().carrier("eth2", carrier=False)
    assert story.session_state("192.168.2.1").heard is None
    assert (second(story), story.path(SECOND).verdict.deadline) == (Suspicion.CARRIER, None)


def test_without_the_network_only_a_sign_of_life_ends_the_suspicion() -> None:
    story = idle().live().at(3).carrier("eth2", carrier=False).at(4)
    suspected = story.session_state("192.168.2.1").suspected
    assert suspected is not None
    story.feed(SourceDown(SourceName.NETWORK, "error", "the network does not tell"))
    story.heard(2, suspected.monotonic - START.monotonic).feed(story.san.sessions_read(START.monotonic + 4))
    assert second(story) is Suspicion.CARRIER
    story.heard(2, 3.5).feed(story.san.sessions_read(START.monotonic + 4))
    assert second(story) is None


def test_an_address_that_moves_has_the_sessions_local_ends_read_again() -> None:
    story = idle().at(0)
    assert not story.network().wants(Scope.SYSTEM), "nothing was known before"
    assert not story.network().wants(Scope.SYSTEM)
    other = LinkFacts("eth9", up=True, carrier=True, addresses=("10.0.0.9",))
    assert not story.network(other).wants(Scope.SYSTEM)
    there = replace(story.san.nics["eth2"], addresses=())
    here = LinkFacts("eth3", up=True, carrier=True, addresses=story.san.nics["eth2"].addresses)
    assert story.network(there, here).wants(Scope.SYSTEM)


def test_nothing_is_claimed_without_the_network() -> None:
    story = idle().live().at(3).carrier("eth2", carrier=False).at(4)
    story.feed(SourceDown(SourceName.NETWORK, "error", "the network does not tell"))
    assert (second(story), story.path(SECOND).health) == (Suspicion.CARRIER, Health.SUSPECT)  # what was seen, was seen
    assert story.state.links is None
    assert not story.session_state("192.168.2.1").carried
    story.at(5).network()
    assert second(story) is None
    story.at(8).cut(2).at(15)
    assert second(story) is Suspicion.SILENCE
    assert "NIC" not in story.parts[-2].alert.message


def test_a_session_whose_place_is_another_after_its_login_has_yet_to_be_seen_carrying() -> None:
    story = idle().live().at(3)
    story.san.sessions[2] = replace(story.san.sessions[2], local_address="10.9.9.9", netdev="eth9")
    story.poll()
    assert (second(story), story.session_state("192.168.2.1").carried) == (None, False)


def test_a_carrier_is_lost_without_pings_too_and_has_no_deadline_then() -> None:
    story = idle(recv_tmo=0).live().at(3).carrier("eth2", carrier=False)
    assert (second(story), story.path(SECOND).verdict.deadline) == (Suspicion.CARRIER, None)
    assert story.told_of("path_suspect").message.endswith("is fine. I/O on it may hang. 2 of 2 paths usable.")
    story.at(60)
    assert [event for _, event, _ in story.alerts()] == ["path_suspect", "map_degraded"]


def test_many_sessions_through_one_nic_are_suspect_together() -> None:
    san = San.of(["mpio"], ["192.168.1.1", "192.168.2.1", "192.168.2.2"]).wired()
    story = Story(san).begun().live().at(3).carrier("eth2", carrier=False)
    assert [told.alert.fields["PATH"] for told in story.told if told.event == "path_suspect"] == [
        "192.168.2.1:3260",
        "192.168.2.2:3260",
    ]
    assert "1 of its 2 siblings fine through eth1" in story.told_of("path_suspect", "192.168.2.1:3260").message


@pytest.mark.parametrize("iscsi", [True, False])
@pytest.mark.parametrize("error", [None, TCP_CONN_CLOSE, NOP_TIMEDOUT, 1011])
def test_a_session_that_is_lost_with_its_carrier_was_lost_to_it(iscsi: bool, error: int | None) -> None:
    story = idle().live()
    if iscsi:
        story.feed(SourceUp(SourceName.ISCSI))
    story.at(3).carrier("eth2", carrier=False)
    if error is not None:
        story.connection_error(2, error)
    story.at(3.1).session(2, SessionStatus.FAILED).at(8)
    assert dict(story.path(SECOND).failures) == {Cause.CARRIER_LOST: 1}


@pytest.mark.parametrize(
    ("error", "cause"),
    [(TCP_CONN_CLOSE, Cause.CONNECTION_CLOSED), (1011, Cause.CARRIER_LOST), (None, Cause.CARRIER_LOST)],
)
def test_a_reset_that_is_seen_before_the_carrier_is_seen_to_go(error: int | None, cause: Cause) -> None:
    """The kernel's exact word stands; what it does not name, the carrier shows."""
    story = idle().live().at(2)
    story.feed(SourceUp(SourceName.ISCSI))
    story.at(3).session(2, SessionStatus.FAILED).at(3.1).carrier("eth2", carrier=False)
    if error is not None:
        story.connection_error(2, error)
    story.at(8)
    assert dict(story.path(SECOND).failures) == {cause: 1}


def test_a_carrier_that_goes_long_after_the_connection_has_not_taken_it() -> None:
    story = idle().live().at(3).session(2, SessionStatus.FAILED).at(30).carrier("eth2", carrier=False).poll().at(40)
    outage = story.path(SECOND).outage
    assert outage
    assert outage.cause is Cause.CONNECTION_ERROR


@pytest.mark.parametrize("failed", [False, True])
def test_a_logout_is_the_cause_though_the_carrier_was_lost_before(*, failed: bool) -> None:
    """The path is still silent after the carrier has returned. The kernel ends no session for want of a carrier."""
    story = idle().live().at(0).cut(2).carrier("eth2", carrier=False).at(9).carrier("eth2", carrier=True)
    assert story.path(SECOND).health is Health.SUSPECT
    if failed:
        # I/O that was on its way fails before the session is seen to be gone.
        story.at(9.9).dm("sdb", DmState.FAILED)
    story.san.logout(2)
    story.at(10).look().at(13)
    assert dict(story.path(SECOND).failures) == {Cause.LOGOUT: 1}


def test_a_carrier_that_has_returned_is_not_why_a_session_is_lost_that_was_alive_after_it() -> None:
    """Nothing could be read while the carrier returned, so that the path was not seen to be up again."""
    story = idle().live().at(0).carrier("eth2", carrier=False).at(1)
    story.feed(SourceDown(SourceName.SYSFS, "timeout", "a read has not returned"))
    story.prompt = False
    story.at(20).carrier("eth2", carrier=True)
    assert story.path(SECOND).health is Health.UNKNOWN
    story.at(40).session(2, SessionStatus.FAILED, alive=35).at(43)
    assert dict(story.path(SECOND).failures) == {Cause.CONNECTION_ERROR: 1}


def test_a_carrier_that_was_lost_again_is_why_a_session_is_lost() -> None:
    story = idle().live().at(0).carrier("eth2", carrier=False).at(1)
    story.feed(SourceDown(SourceName.SYSFS, "timeout", "a read has not returned"))
    story.prompt = False
    story.at(20).carrier("eth2", carrier=True).at(36).carrier("eth2", carrier=False)
    story.at(50).session(2, SessionStatus.FAILED, alive=35).at(53)
    assert dict(story.path(SECOND).failures) == {Cause.CARRIER_LOST: 1}


def test_a_suspect_path_that_was_offline_before_is_not_recovering_when_dm_fails_it() -> None:
    """It was in use in between: nothing has returned."""
    story = idle().live().at(0).cut(2).carrier("eth2", carrier=False)
    story.at(1).device("sdb", DeviceState.OFFLINE).at(5).device("sdb", DeviceState.RUNNING)
    assert story.path(SECOND).health is Health.SUSPECT
    story.at(8).dm("sdb", DmState.FAILED)
    assert story.path(SECOND).health is Health.FAILED


def test_a_carrier_that_goes_long_after_a_failure_that_was_counted_did_not_cause_it() -> None:
    story = idle().live().at(3).dm("sdb", DmState.FAILED).looked("sdb").listing().at(6)
    assert dict(story.path(SECOND).failures) == {Cause.ADMINISTRATOR: 1}
    story.at(1000).carrier("eth2", carrier=False)
    outage = story.path(SECOND).outage
    assert outage
    assert outage.cause is Cause.ADMINISTRATOR


# --- the clocks -------------------------------------------------------------------------------------------------------


def test_a_step_of_the_wall_clock_changes_nothing() -> None:
    story = cut().at(6.5)
    state, effects = step(story.state, Tick(), Instant(START.monotonic + 6.9, 1.0))
    assert effects == ()
    read = story.san.sessions_read(START.monotonic + 7)
    state, _ = step(state, read, Instant(START.monotonic + 7, 4e9))
    path = state.maps[story.san.wwid("mpio")].paths[SECOND]
    assert path.health is Health.SUSPECT
    assert path.verdict.deadline == Instant(START.monotonic + 16, 4e9 + 9)


def test_a_suspend_changes_nothing() -> None:
    """CLOCK_MONOTONIC stands still meanwhile, as the kernel's timers do; only the wall clock has gone on."""
    story = idle().heard(1, 0).heard(2, 0).at(0).poll()
    later = Instant(START.monotonic + 1, START.wall + 86400)
    for event in (Tick(), story.san.sessions_read(START.monotonic + 1)):
        story.state, effects = step(story.state, event, later)
        assert effects == ()
    assert silence_due(story) == 7


# --- whatever comes ---------------------------------------------------------------------------------------------------

SECONDS = st.one_of(st.none(), st.floats(-30, 70))
TIMES = st.one_of(st.none(), st.integers(-1, 12), st.integers(0, 1 << 64))


@st.composite
def some_sessions(draw: st.DrawFn) -> tuple[SessionFacts, ...]:
    """The two sessions in whatever condition."""
    found = []
    for sid in draw(st.sampled_from([(1, 2), (1, 2), (2,), ()])):
        alive, heard = draw(SECONDS), draw(SECONDS)
        san = San.of([], PORTALS).wired()
        found.append(
            replace(
                san.sessions[sid],
                state=draw(st.sampled_from([SessionStatus.LOGGED_IN, *SessionStatus])),
                recv_tmo=draw(st.one_of(st.just(5), TIMES)),
                ping_tmo=draw(st.one_of(st.just(10), TIMES)),
                local_address=draw(st.sampled_from(["192.168.1.10", "192.168.2.10", ""])),
                netdev=draw(st.sampled_from(["eth1", "eth2", "eth3", ""])),
                alive=None if alive is None else START.monotonic + alive,
                tcp=TcpFacts(0.001, 1, 0, None if heard is None else START.monotonic + heard),
            )
        )
    return tuple(found)


NAMES = st.sampled_from(["eth1", "eth2", "eth3"])
LINKS = st.builds(
    LinkFacts,
    name=NAMES,
    up=st.booleans(),
    carrier=st.sampled_from([None, True, False]),
    below=st.lists(NAMES, max_size=2).map(tuple),
    addresses=st.lists(st.sampled_from(["192.168.1.10", "192.168.2.10"]), max_size=2).map(tuple),
)
REQUESTED = st.one_of(st.just(0.0), st.floats(START.monotonic - 10, START.monotonic + 70))
EVENTS: st.SearchStrategy[Event] = st.one_of(
    st.builds(SessionsRead, some_sessions(), REQUESTED),
    st.builds(SessionsRead, some_sessions(), REQUESTED),
    st.builds(NetworkRead, st.lists(LINKS, max_size=4).map(tuple)),
    st.builds(ConnectionFailed, st.sampled_from([1, 2]), st.sampled_from([1011, 1020, 1022])),
    st.builds(SourceDown, st.sampled_from([SourceName.NETWORK, SourceName.SYSFS]), st.just("error"), st.just("it.")),
    st.builds(SettingsChanged, silence_grace_seconds=st.floats(0, 10)),
    st.builds(Tick),
    st.builds(Tick),
)


def check(state: State, now: float) -> None:
    """What holds for suspicions whatever has come."""
    for session in state.nexuses.values():
        assert (session.suspicion is None) == (session.suspected is None)
        if session.suspicion is not None and session.status is not SessionStatus.UNKNOWN:
            assert session.status is SessionStatus.LOGGED_IN
        if session.suspicion is Suspicion.CARRIER:
            # While the network is not known, the suspicion stays until there is a sign of life.
            assert session.carried or state.links is None
        if session.suspicion is Suspicion.SILENCE:
            assert session.read is not None
            assert session.heard is not None
            assert session.facts.timing.silent_after
            limit = session.heard + session.facts.timing.silent_after + state.settings.silence_grace_seconds
            assert session.read >= limit
    for known in state.maps.values():
        for path in known.paths.values():
            if path.health is Health.SUSPECT:
                assert state.nexuses[path.nexus].suspicion is not None
    assert all(moment >= now for moment in state.deadlines.values())


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(st.sampled_from([0.0, 0.5, 3.0, 9.0]), EVENTS), max_size=20))
def test_in_whatever_order_they_come_no_path_is_suspect_without_a_suspicion(events: list[tuple[float, Event]]) -> None:
    story = Story(San.of(["mpio", "data"], PORTALS).wired()).begun().at(0)
    for pause, event in events:
        due = next_deadline(story.state)
        story.seconds = max(story.seconds, min(story.seconds + pause, (due or 1e9) - START.monotonic))
        if due is not None and due <= START.monotonic + story.seconds:
            story.feed(Tick())
        story.feed(event)
        check(story.state, START.monotonic + story.seconds)


@example(
    tuple(replace(facts, alive=START.monotonic) for facts in San.of([], PORTALS).wired().sessions.values()),
    (LinkFacts("eth1", up=False, carrier=None),),
)
@settings(max_examples=100, deadline=None)
@given(some_sessions(), st.lists(LINKS, max_size=3).map(tuple))
def test_a_fresh_reading_never_asks_for_another_one_at_once(
    sessions: tuple[SessionFacts, ...], links: tuple[LinkFacts, ...]
) -> None:
    """Else sysfs and the core would keep each other busy."""
    story = Story(San.of(["mpio"], PORTALS).wired()).begun().at(0)
    story.network()
    story.feed(SessionsRead(sessions, START.monotonic))
    story.network(*links)
    story.seconds = 75
    story.feed(Tick())
    story.feed(SessionsRead(sessions, START.monotonic + 75))
    assert not story.wants(Scope.NEXUSES)


def test_a_system_read_and_a_poll_say_the_same() -> None:
    story = idle().heard(1, 9).heard(2, 0).at(9)
    system = story.san.system_read()
    whole, _ = step(
        story.state, SystemRead(system.maps, system.devices, system.sessions, START.monotonic + 9), moment(9)
    )
    polled, _ = step(story.state, story.san.sessions_read(START.monotonic + 9), moment(9))
    assert {label: session.suspicion for label, session in whole.nexuses.items()} == {
        label: session.suspicion for label, session in polled.nexuses.items()
    }
