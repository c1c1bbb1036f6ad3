"""The kernel's report of a connection error: when it becomes the cause of an outage, and when it must not."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mpathd_watch.core.catalog.alerts import Priority
from mpathd_watch.core.effects import Refresh, Scope
from mpathd_watch.core.events import ConnectionFailed, SourceDown, SourceErrors, SourceUp
from mpathd_watch.core.folding.transport_errors import LOOK_AGAIN
from mpathd_watch.core.model.outage import Outage
from mpathd_watch.core.model.vocabulary import (
    NO_MODULE,
    Cause,
    DeviceState,
    DmState,
    Health,
    IscsiError,
    SessionStatus,
    SourceName,
)
from mpathd_watch.core.state import ERROR_FRESH, NexusState
from mpathd_watch.core.verdicts.outage import CAUSE_GRACE
from tests.story import San, Story

FIRST, SECOND = "192.168.1.1:3260", "192.168.2.1:3260"
PORTALS = ["192.168.1.1", "192.168.2.1"]
CONN_FAILED, XMIT_FAILED, TCP_CONN_CLOSE, NOP_TIMEDOUT = 1011, 1019, 1020, 1022


def listening(maps: tuple[str, ...] = ("mpio",)) -> Story:
    """Healthy maps with two paths each, and a daemon that receives the kernel's reports."""
    story = Story(San.of(maps, PORTALS)).begun()
    story.feed(SourceUp(SourceName.ISCSI))
    return story


def outage(story: Story) -> Outage:
    """The open outage of the second path."""
    found = story.path(SECOND).outage
    assert found
    return found


def failures(story: Story) -> dict[Cause, int]:
    """What has been counted for the second path."""
    return dict(story.path(SECOND).failures)


def session(story: Story) -> NexusState:
    """The session of the second path."""
    return story.session_state("192.168.2.1")


# --- numbers ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("number", "word"),
    [
        (1001, "datasn"),
        (1008, "proto"),
        (1011, "conn_failed"),
        (1014, "hdr_dgst"),
        (1019, "xmit_failed"),
        (1020, "tcp_conn_close"),
        (1021, "scsi_eh_session_rst"),
        (1022, "nop_timedout"),
        *((number, "unknown") for number in (0, 1000, 1023, 1024, -1, 2**32 - 1, 10**30)),
    ],
)
def test_an_error_has_the_name_that_the_kernel_gave_it(number: int, word: str) -> None:
    assert IscsiError.numbered(number) == word


# --- the error comes first, as the kernel sends it --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("number", "word", "cause"),
    [
        (NOP_TIMEDOUT, "nop_timedout", Cause.NOP_TIMEOUT),
        (TCP_CONN_CLOSE, "tcp_conn_close", Cause.CONNECTION_CLOSED),
        (XMIT_FAILED, "xmit_failed", Cause.CONNECTION_ERROR),
        (1999, "unknown", Cause.CONNECTION_ERROR),
    ],
)
def test_what_the_kernel_says_as_the_session_goes_is_the_cause(number: int, word: str, cause: Cause) -> None:
    story = listening()
    story.at(15).connection_error(2, number)
    assert story.health(SECOND)[0] is Health.UP
    story.at(15.2).session(2, SessionStatus.FAILED, alive=0.0)
    stalled = story.told_of("path_stalled")
    assert f"its session is FAILED, 15.2 s after its last sign of life (the kernel: {word}). I/O" in stalled.message
    assert stalled.fields["CAUSE"] == cause.value
    assert failures(story) == {cause: 1}
    assert dict(session(story).errors) == {IscsiError(word): 1}
    assert not story.path(FIRST).failures


def test_the_cause_stays_until_the_path_is_up_again_and_its_phases_are_measured() -> None:
    story = listening()
    story.at(15).connection_error(2, NOP_TIMEDOUT)
    story.at(15.2).session(2, SessionStatus.FAILED, alive=0.0)
    story.at(20.2).session(2, SessionStatus.FREE).device("sdb", DeviceState.TRANSPORT_OFFLINE)
    said = story.told_of("path_failed").message
    assert "cause: no answer on 192.168.2.1:3260 for 15.2 s, its sibling is fine" in said
    story.at(30).session(2, SessionStatus.LOGGED_IN).device("sdb", DeviceState.RUNNING)
    last = story.last_outage(SECOND)
    assert last
    assert last.cause is Cause.NOP_TIMEOUT
    assert "within budget: failover took 20.2 s" in story.told_of("path_reinstated").message
    assert (session(story).lost, session(story).error) == (None, None)


def test_a_lost_session_that_speaks_for_several_paths_carries_the_word() -> None:
    story = listening(("mpio", "data"))
    story.at(15).connection_error(2, NOP_TIMEDOUT).session(2, SessionStatus.FAILED)
    assert "192.168.2.1:3260" in story.told_of("session_lost").message
    assert "is down (FAILED; the kernel: nop_timedout): 2 paths of 2 maps" in story.told_of("session_lost").message


def test_an_error_has_the_session_and_its_disks_read_and_the_session_once_more() -> None:
    story = listening(("mpio", "data"))
    story.at(15).connection_error(2, NOP_TIMEDOUT)
    assert story.wanted == [Refresh(Scope.NEXUSES), Refresh(Scope.DEVICES, ("sdb", "sdd"))]
    story.wanted = []
    story.at(15 + LOOK_AGAIN / 2)
    assert story.wanted == []
    story.at(15 + LOOK_AGAIN)
    assert story.wanted == [Refresh(Scope.NEXUSES)]
    story.at(15.3).session(2, SessionStatus.FAILED)
    story.at(16).connection_error(2, CONN_FAILED)
    story.wanted = []
    story.at(17)
    assert story.wanted == []


def test_an_error_of_a_session_nobody_knows_has_the_sessions_read() -> None:
    story = listening()
    story.at(10).connection_error(77, NOP_TIMEDOUT)
    assert story.wanted == [Refresh(Scope.NEXUSES)]
    story.at(20).session(2, SessionStatus.FAILED)
    assert outage(story).cause is Cause.CONNECTION_ERROR
    assert not session(story).errors


def test_an_error_of_a_session_without_disks_reads_none() -> None:
    story = listening()
    story.san.login("192.168.3.1")
    story.look().at(10).connection_error(3, TCP_CONN_CLOSE)
    assert story.wanted == [Refresh(Scope.NEXUSES)]
    assert dict(story.session_state("192.168.3.1").errors) == {IscsiError.TCP_CONN_CLOSE: 1}


def test_a_session_that_is_gone_is_not_the_one_the_kernel_speaks_of() -> None:
    story = listening()
    story.san.logout(2)
    story.at(10).look().connection_error(2, TCP_CONN_CLOSE)
    assert session(story).status is SessionStatus.MISSING
    assert not session(story).errors
    assert outage(story).cause is Cause.LOGOUT


def test_the_disk_of_a_missing_path_is_not_asked_for() -> None:
    story = listening()
    story.san.remove_disk("sdb")
    story.at(10).look().connection_error(2, NOP_TIMEDOUT)
    assert story.wanted == [Refresh(Scope.NEXUSES)]


# --- the look comes first ---------------------------------------------------------------------------------------------


def test_a_word_that_comes_after_the_look_takes_the_place_of_the_general_cause() -> None:
    story = listening()
    story.at(15).session(2, SessionStatus.FAILED)
    assert story.told_of("path_stalled").fields["CAUSE"] == "connection_error"
    assert "the kernel" not in story.told_of("path_stalled").message
    assert failures(story) == {}
    story.at(15.1).connection_error(2, NOP_TIMEDOUT)
    assert outage(story).cause is Cause.NOP_TIMEOUT
    assert failures(story) == {Cause.NOP_TIMEOUT: 1}
    story.at(20).session(2, SessionStatus.FREE)
    assert story.told_of("path_failed").fields["CAUSE"] == "nop_timeout"
    story.at(60)
    assert failures(story) == {Cause.NOP_TIMEOUT: 1}


def test_a_word_without_a_cause_of_its_own_ends_the_wait() -> None:
    story = listening()
    story.at(15).session(2, SessionStatus.FAILED)
    story.at(15.1).connection_error(2, CONN_FAILED)
    assert failures(story) == {Cause.CONNECTION_ERROR: 1}


def test_a_word_that_never_comes_is_waited_for_only_so_long() -> None:
    story = listening()
    story.at(15).session(2, SessionStatus.FAILED)
    story.at(15 + CAUSE_GRACE - 0.01)
    assert failures(story) == {}
    story.at(15 + CAUSE_GRACE)
    assert failures(story) == {Cause.CONNECTION_ERROR: 1}
    story.connection_error(2, NOP_TIMEDOUT)
    assert outage(story).cause is Cause.CONNECTION_ERROR
    assert failures(story) == {Cause.CONNECTION_ERROR: 1}


@pytest.mark.parametrize("reason", ["not_permitted", NO_MODULE])
def test_nobody_waits_for_a_word_that_nobody_listens_for(reason: str) -> None:
    story = listening()
    story.feed(SourceDown(SourceName.ISCSI, reason, "listening needs CAP_NET_ADMIN"))
    story.at(15).session(2, SessionStatus.FAILED)
    assert failures(story) == {Cause.CONNECTION_ERROR: 1}


def test_a_word_comes_in_time_however_long_the_path_has_been_in_trouble_without_failing() -> None:
    story = listening()
    story.at(10).dm("sdb", DmState.FAILED)
    story.at(11).session(2, SessionStatus.FAILED)
    story.at(11.5).connection_error(2, TCP_CONN_CLOSE)
    assert failures(story) == {Cause.CONNECTION_CLOSED: 1}


# --- words that are about something else ------------------------------------------------------------------------------


def test_an_error_on_the_way_back_is_counted_and_changes_nothing() -> None:
    story = listening()
    story.at(15).connection_error(2, NOP_TIMEDOUT).session(2, SessionStatus.FAILED)
    story.at(16).connection_error(2, TCP_CONN_CLOSE)
    story.at(18).connection_error(2, CONN_FAILED)
    story.at(20).session(2, SessionStatus.FREE).connection_error(2, TCP_CONN_CLOSE)
    assert outage(story).cause is Cause.NOP_TIMEOUT
    assert failures(story) == {Cause.NOP_TIMEOUT: 1}
    assert session(story).lost_to is IscsiError.NOP_TIMEDOUT
    assert dict(session(story).errors) == {
        IscsiError.NOP_TIMEDOUT: 1,
        IscsiError.TCP_CONN_CLOSE: 2,
        IscsiError.CONN_FAILED: 1,
    }


def test_an_error_on_the_way_back_is_no_cause_where_the_first_word_was_missed() -> None:
    story = listening()
    story.at(15).session(2, SessionStatus.FAILED)
    story.at(18).connection_error(2, TCP_CONN_CLOSE)
    assert outage(story).cause is Cause.CONNECTION_ERROR
    assert session(story).lost_to is None
    assert dict(session(story).errors) == {IscsiError.TCP_CONN_CLOSE: 1}


def test_an_old_error_is_no_cause() -> None:
    story = listening()
    story.at(10).connection_error(2, TCP_CONN_CLOSE)
    story.at(10 + ERROR_FRESH + 0.1).session(2, SessionStatus.FAILED)
    assert outage(story).cause is Cause.CONNECTION_ERROR
    story.at(15.2).connection_error(2, NOP_TIMEDOUT)
    assert outage(story).cause is Cause.NOP_TIMEOUT


def test_of_a_burst_the_first_error_is_the_cause_and_a_new_one_begins_a_new_story() -> None:
    story = listening()
    story.at(10).connection_error(2, TCP_CONN_CLOSE)
    story.at(20).connection_error(2, NOP_TIMEDOUT)
    story.at(20.1).connection_error(2, CONN_FAILED).session(2, SessionStatus.FAILED)
    assert outage(story).cause is Cause.NOP_TIMEOUT


def test_the_bounds_within_which_errors_belong_together_are_inclusive() -> None:
    story = listening()
    story.at(10).connection_error(2, TCP_CONN_CLOSE).at(10 + ERROR_FRESH).connection_error(2, NOP_TIMEDOUT)
    first = session(story).error
    assert first is not None
    assert first.reason is IscsiError.TCP_CONN_CLOSE
    story.at(20).session(2, SessionStatus.FAILED).at(20 + CAUSE_GRACE).connection_error(2, NOP_TIMEDOUT)
    assert session(story).lost_to is IscsiError.NOP_TIMEDOUT


def test_the_error_of_one_outage_is_not_that_of_the_next() -> None:
    story = listening()
    story.at(10).connection_error(2, TCP_CONN_CLOSE).session(2, SessionStatus.FAILED)
    story.at(12).session(2, SessionStatus.LOGGED_IN)
    story.at(13).session(2, SessionStatus.FAILED)
    assert outage(story).cause is Cause.CONNECTION_ERROR
    story.at(14).connection_error(2, NOP_TIMEDOUT)
    assert outage(story).cause is Cause.NOP_TIMEOUT
    assert failures(story) == {Cause.CONNECTION_CLOSED: 1, Cause.NOP_TIMEOUT: 1}


def test_an_outage_from_before_the_daemon_keeps_its_cause() -> None:
    san = San.of(["mpio"], PORTALS)
    san.sessions[2] = replace(san.sessions[2], state=SessionStatus.FAILED)
    story = Story(san)
    story.feed(SourceUp(SourceName.ISCSI))
    story.look().at(-59.5).connection_error(2, TCP_CONN_CLOSE)
    assert outage(story).inherited
    assert outage(story).cause is Cause.CONNECTION_ERROR
    assert failures(story) == {}


def test_a_silent_sysfs_makes_no_session_come_back() -> None:
    story = listening()
    story.at(15).connection_error(2, NOP_TIMEDOUT).session(2, SessionStatus.FAILED)
    story.at(16).feed(SourceDown(SourceName.SYSFS, "timeout", "a read has not returned"))
    story.at(17).session(2, SessionStatus.UNKNOWN)
    story.at(18).session(2, SessionStatus.FAILED)
    assert session(story).lost_to is IscsiError.NOP_TIMEDOUT
    assert outage(story).cause is Cause.NOP_TIMEOUT


# --- the source's states ----------------------------------------------------------------------------------------------


def test_without_the_right_to_listen_one_notice_says_what_is_not_known() -> None:
    story = Story(San.of(["mpio"], PORTALS)).begun()
    for _ in range(3):
        story.feed(SourceDown(SourceName.ISCSI, "not_permitted", "it needs CAP_NET_ADMIN"))
    told = story.told_of("source_down", "iscsi")
    assert told.priority is Priority.NOTICE
    assert told.message == (
        "Cannot read the kernel's iSCSI errors: it needs CAP_NET_ADMIN. "
        "Failed connections are still detected, but not why they failed."
    )
    assert story.state.source(SourceName.ISCSI).up is False
    story.feed(SourceUp(SourceName.ISCSI))
    assert story.told_of("source_up", "iscsi").message == "Can read the kernel's iSCSI errors again."


def test_a_host_without_iscsi_gets_no_alert() -> None:
    story = Story(San()).begun()
    before = len(story.told)
    story.feed(SourceDown(SourceName.ISCSI, NO_MODULE, "scsi_transport_iscsi is not loaded"))
    assert story.state.source(SourceName.ISCSI).up is False
    assert dict(story.state.source(SourceName.ISCSI).errors) == {NO_MODULE: 1}
    story.feed(SourceUp(SourceName.ISCSI))
    assert story.state.source(SourceName.ISCSI).up is True
    assert len(story.told) == before


def test_errors_that_were_dropped_have_the_sessions_read() -> None:
    story = listening()
    story.feed(SourceErrors(SourceName.ISCSI, "overflow", 1))
    assert story.wanted == [Refresh(Scope.NEXUSES)]
    story.feed(SourceErrors(SourceName.SYSFS, "bad_value", 1))
    assert story.wanted == []


def test_an_error_is_an_answer() -> None:
    story = Story(San.of(["mpio"], PORTALS)).begun()
    story.feed(ConnectionFailed(2, NOP_TIMEDOUT))
    assert story.state.source(SourceName.ISCSI).up is True
