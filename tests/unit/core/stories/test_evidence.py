"""What an outage's cause is taken from, and how it is reported: the disk's counters, the carrier, the siblings."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mpathd_watch.core.alerting import messages
from mpathd_watch.core.alerting.messages import evidence, sentences
from mpathd_watch.core.catalog.alerts import Priority
from mpathd_watch.core.effects import Refresh, Scope
from mpathd_watch.core.events import DevicesRead, SourceDown, SourceUp
from mpathd_watch.core.model.outage import Outage
from mpathd_watch.core.model.vocabulary import (
    Cause,
    CheckerState,
    DeviceState,
    DmState,
    Health,
    SessionStatus,
    SourceName,
    Suspicion,
)
from mpathd_watch.core.state import Due, Wait
from mpathd_watch.core.verdicts.outage import CAUSE_GRACE
from tests.factories import with_changes
from tests.story import START, San, Story, moment

FIRST, SECOND = "192.168.1.1:3260", "192.168.2.1:3260"
PORTALS = ["192.168.1.1", "192.168.2.1"]


def begun(*maps: str) -> Story:
    """Maps of two paths, wired, with sessions that answer."""
    return Story(San.of(maps or ["mpio"], PORTALS).wired()).begun().live()


def failed(story: Story) -> dict[Cause, int]:
    """The failures of the second path."""
    return dict(story.path(SECOND).failures)


def cause(story: Story) -> Cause:
    """The cause of the second path's outage."""
    outage = story.path(SECOND).outage
    assert outage
    return outage.cause


# --- which reading of a disk is older ---------------------------------------------------------------------------------


@pytest.mark.parametrize("scan", [False, True])
def test_a_reading_of_a_disk_that_was_asked_for_before_dm_reinstated_its_path_fails_nothing(scan: bool) -> None:
    story = begun().at(10).dm("sdb", DmState.FAILED).at(15).dm("sdb", DmState.ACTIVE)
    story.prompt = False

    def read(state: DeviceState, requested: float) -> None:
        story.san.devices["sdb"] = replace(story.san.devices["sdb"], state=state)
        at = START.monotonic + requested
        all_of_it = replace(story.san.system_read(), requested=at)
        story.feed(all_of_it if scan else DevicesRead((story.san.devices["sdb"],), requested=at))

    story.at(20)
    for state in (DeviceState.OFFLINE, DeviceState.BLOCKED):
        read(state, 14.9)
        assert story.path(SECOND).health is Health.UP
    assert not [told for told in story.told if told.at > 15]
    read(DeviceState.OFFLINE, 15.1)
    assert (story.path(SECOND).health, cause(story)) == (Health.FAILED, Cause.DEVICE_OFFLINE)


# --- administrator, checker, or not known -----------------------------------------------------------------------------


def test_a_path_that_dm_has_failed_without_any_error_was_failed_by_an_administrator() -> None:
    story = begun().at(10).dm("sdb", DmState.FAILED)
    assert Refresh(Scope.DEVICES, ("sdb",)) in story.wanted
    assert (cause(story), failed(story)) == (Cause.UNKNOWN, {})
    assert story.told_of("path_failed").message.endswith("cause: not known yet. 1 of 2 paths usable.")
    story.at(10.1).looked("sdb")
    assert (cause(story), failed(story)) == (Cause.UNKNOWN, {})
    story.checker("sdb", CheckerState.FAULTY)
    assert (cause(story), failed(story)) == (Cause.ADMINISTRATOR, {Cause.ADMINISTRATOR: 1})
    story.at(30).dm("sdb", DmState.ACTIVE)
    assert "is up again after 20.0 s; cause: an administrator failed it" in story.told_of("path_reinstated").message
    assert failed(story) == {Cause.ADMINISTRATOR: 1}
    assert not story.waits - {Wait.SILENCE}


@pytest.mark.parametrize(("seconds", "found"), [(1.3, Cause.UNKNOWN), (3, Cause.ADMINISTRATOR)])
def test_a_multipathd_that_has_just_gone_on_may_fail_a_path_for_an_old_check(seconds: float, found: Cause) -> None:
    """The disk has counted the check's error long before."""
    story = begun().at(5).looked("sdb", errors=1).multipathd_down("timeout").at(20)
    story.feed(SourceUp(SourceName.MULTIPATHD))
    story.at(20 + seconds).dm("sdb", DmState.FAILED).checker("sdb", CheckerState.FAULTY).looked("sdb", errors=1)
    assert cause(story) is found


@pytest.mark.parametrize(("reason", "found"), [("timeout", Cause.UNKNOWN), ("not_running", Cause.ADMINISTRATOR)])
def test_a_multipathd_that_does_not_run_fails_nothing(reason: str, found: Cause) -> None:
    story = begun().at(5).multipathd_down(reason).at(10).dm("sdb", DmState.FAILED).looked("sdb")
    assert cause(story) is found


@pytest.mark.parametrize("checker", [CheckerState.FAULTY, CheckerState.GHOST, CheckerState.UNKNOWN])
def test_what_the_checker_says_after_dm_has_failed_the_path_does_not_clear_the_administrator(
    checker: CheckerState,
) -> None:
    story = begun().at(10).dm("sdb", DmState.FAILED).checker("sdb", checker).looked("sdb")
    assert cause(story) is Cause.ADMINISTRATOR


@pytest.mark.parametrize(
    "checker",
    [
        CheckerState.TIMEOUT,
        CheckerState.DISCONNECTED,
        CheckerState.PENDING,
        CheckerState.SHAKY,
        CheckerState.DELAYED,
        CheckerState.UNDEF,
    ],
)
def test_a_checker_that_has_something_else_to_say_leaves_it_open(checker: CheckerState) -> None:
    story = begun().at(10).dm("sdb", DmState.FAILED).checker("sdb", checker).looked("sdb").at(20)
    assert (cause(story), failed(story)) == (Cause.UNKNOWN, {Cause.UNKNOWN: 1})


def test_a_disk_that_refused_and_a_checker_that_calls_it_faulty_are_the_checker() -> None:
    story = begun().at(10).dm("sdb", DmState.FAILED).looked("sdb", errors=1)
    assert cause(story) is Cause.UNKNOWN
    story.at(10.2).checker("sdb", CheckerState.FAULTY)
    assert (cause(story), failed(story)) == (Cause.CHECKER, {Cause.CHECKER: 1})


def test_a_disk_that_refused_and_that_the_checker_calls_ready_is_unknown() -> None:
    story = begun().at(10).dm("sdb", DmState.FAILED).looked("sdb", errors=1).at(12)
    assert (cause(story), failed(story)) == (Cause.UNKNOWN, {Cause.UNKNOWN: 1})


def test_an_error_that_was_counted_a_second_before_dm_was_reported_belongs_to_the_outage() -> None:
    story = begun().at(9).looked("sdb", errors=1, in_flight=None)
    story.at(10).dm("sdb", DmState.FAILED).looked("sdb", errors=1).checker("sdb", CheckerState.FAULTY)
    assert cause(story) is Cause.CHECKER


def test_an_error_of_long_before_does_not() -> None:
    story = begun().at(5).looked("sdb", errors=7, timeouts=2, in_flight=None)
    story.at(20).dm("sdb", DmState.FAILED).looked("sdb", errors=7, timeouts=2).listing()
    assert cause(story) is Cause.ADMINISTRATOR


def test_a_multipathd_that_was_stopped_unseen_may_fail_a_path_for_an_old_check() -> None:
    """Its lists are requested every 5 s: between two of them, nothing shows that it does not work."""
    story = begun().at(5).looked("sdb", errors=1, in_flight=None)
    story.at(12).dm("sdb", DmState.FAILED).looked("sdb", errors=1).listing()
    assert cause(story) is Cause.UNKNOWN


def test_commands_that_timed_out_say_nothing_of_who_it_was() -> None:
    story = begun().at(10).dm("sdb", DmState.FAILED).looked("sdb", timeouts=1).checker("sdb", CheckerState.FAULTY)
    assert (cause(story), failed(story)) == (Cause.UNKNOWN, {})
    assert Wait.LOOK not in story.waits, "nothing is on its way"
    story.at(10 + CAUSE_GRACE)
    assert failed(story) == {Cause.UNKNOWN: 1}


def test_commands_on_their_way_are_waited_for() -> None:
    story = begun().at(10).dm("sdb", DmState.FAILED).listing().looked("sdb", in_flight=3)
    assert (cause(story), failed(story)) == (Cause.UNKNOWN, {})
    look = Due(Wait.LOOK, story.san.wwid("mpio"), SECOND)
    assert story.state.deadlines[look] == START.monotonic + 10.5
    story.at(10.5)
    assert Refresh(Scope.DEVICES, ("sdb",)) in story.wanted
    story.looked("sdb", in_flight=1).at(11).looked("sdb", in_flight=0)
    assert (cause(story), failed(story)) == (Cause.ADMINISTRATOR, {Cause.ADMINISTRATOR: 1})
    assert not story.waits - {Wait.SILENCE}


def test_commands_that_stay_on_their_way_leave_it_open() -> None:
    story = begun().at(10).dm("sdb", DmState.FAILED)
    for number in range(10):
        story.at(10 + number * 0.4).looked("sdb", in_flight=3)
    assert (cause(story), failed(story)) == (Cause.UNKNOWN, {Cause.UNKNOWN: 1})
    assert not story.waits - {Wait.SILENCE}


def test_commands_that_come_back_with_an_error_are_the_checkers_if_it_says_so() -> None:
    story = begun().at(10).dm("sdb", DmState.FAILED).looked("sdb", in_flight=3)
    story.at(10.5).looked("sdb", errors=3, in_flight=0).checker("sdb", CheckerState.FAULTY)
    assert cause(story) is Cause.CHECKER


@pytest.mark.parametrize("in_flight", [None, 0])
def test_a_look_from_before_the_failure_shows_nothing(in_flight: int | None) -> None:
    story = begun().at(9.5).looked("sdb", in_flight=in_flight).at(10).dm("sdb", DmState.FAILED).at(13)
    assert (cause(story), failed(story)) == (Cause.UNKNOWN, {Cause.UNKNOWN: 1})


def test_a_look_that_does_not_show_what_is_on_its_way_shows_nothing() -> None:
    story = begun().at(10).dm("sdb", DmState.FAILED).looked("sdb", in_flight=None).at(13)
    assert cause(story) is Cause.UNKNOWN


def test_a_look_that_was_on_its_way_when_the_path_failed_accuses_nobody_for_good() -> None:
    """It was asked for when the path was reinstated, read before the I/O that failed, and comes after the uevent."""
    story = begun().at(10).dm("sdb", DmState.FAILED).looked("sdb", errors=1).checker("sdb", CheckerState.FAULTY)
    story.at(20).dm("sdb", DmState.ACTIVE)
    early = story.san.devices["sdb"]
    story.at(20.01).dm("sdb", DmState.FAILED).feed(DevicesRead((early,)))
    story.at(20.02).looked("sdb", errors=2)
    assert cause(story) is Cause.CHECKER
    assert Cause.ADMINISTRATOR not in failed(story)


@pytest.mark.parametrize("unknown", ["errors", "timeouts"])
def test_a_counter_that_can_not_be_read_accuses_nobody(unknown: str) -> None:
    story = begun().at(10).dm("sdb", DmState.FAILED)
    story.looked("sdb", errors=None if unknown == "errors" else 0, timeouts=None if unknown == "timeouts" else 0)
    assert cause(story) is Cause.UNKNOWN


def test_a_checker_that_finds_fault_without_any_error_is_not_an_administrator() -> None:
    """The checkers rdac and emc_clariion look into an answer that comes back well."""
    story = begun().at(10).dm("sdb", DmState.FAILED)
    story.san.checkers["sdb"] = CheckerState.FAULTY
    listed = story.san.paths_listed(START.monotonic + 10)
    story.feed(replace(listed, paths=tuple(replace(path, checker="rdac") for path in listed.paths)))
    story.looked("sdb")
    assert cause(story) is Cause.UNKNOWN


def test_a_disk_without_counters_accuses_nobody() -> None:
    san = San.of(["mpio"], PORTALS)
    san.devices["sdb"] = replace(san.devices["sdb"], io_errors=None, io_timeouts=None)
    story = Story(san).begun()
    story.at(10).dm("sdb", DmState.FAILED).looked("sdb", errors=None, timeouts=None)
    assert cause(story) is Cause.UNKNOWN


def test_a_disk_that_has_only_just_been_seen_accuses_nobody() -> None:
    story = Story(San.of(["mpio"], PORTALS))
    story.feed(SourceUp(SourceName.UEVENT))
    story.look().listing()
    story.at(-59).dm("sdb", DmState.FAILED).looked("sdb")
    assert cause(story) is Cause.UNKNOWN


def test_a_silent_session_may_be_the_reason_and_so_nobody_is_accused() -> None:
    story = begun().at(0).cut(2).at(8).dm("sdb", DmState.FAILED).looked("sdb").at(12)
    assert (cause(story), failed(story)) == (Cause.UNKNOWN, {Cause.UNKNOWN: 1})


def test_a_path_whose_way_was_gone_was_not_failed_by_an_administrator() -> None:
    story = begun().at(10).session(2, SessionStatus.FAILED).dm("sdb", DmState.FAILED)
    story.at(11).session(2, SessionStatus.LOGGED_IN).looked("sdb")
    assert cause(story) is Cause.CONNECTION_ERROR


def test_a_path_without_a_session_can_be_failed_by_an_administrator_too() -> None:
    san = San.of(["mpio"], PORTALS)
    san.add_disk(san.wwid("mpio"), None)
    story = Story(san).begun().at(10).dm("sdc", DmState.FAILED).looked("sdc").listing()
    outage = story.path("2:0:0:0").outage
    assert outage
    assert outage.cause is Cause.ADMINISTRATOR


def test_the_checker_says_so_itself_while_dm_goes_on() -> None:
    story = begun().at(10).checker("sdb", CheckerState.FAULTY)
    assert Refresh(Scope.DEVICES, ("sdb",)) in story.wanted
    assert (cause(story), failed(story)) == (Cause.CHECKER, {})
    story.dm("sdb", DmState.FAILED).looked("sdb", errors=1)
    assert (cause(story), failed(story)) == (Cause.CHECKER, {Cause.CHECKER: 1})


def test_a_path_that_is_listed_as_faulty_before_the_uevent_was_failed_by_an_administrator_all_the_same() -> None:
    """What was failed by hand is listed as faulty at once."""
    story = begun().at(10).checker("sdb", CheckerState.FAULTY).at(10.1).looked("sdb")
    assert (cause(story), failed(story)) == (Cause.CHECKER, {})
    story.at(10.5).dm("sdb", DmState.FAILED).looked("sdb").listing()
    assert (cause(story), failed(story)) == (Cause.ADMINISTRATOR, {Cause.ADMINISTRATOR: 1})


def test_a_failure_whose_uevent_was_lost_is_not_an_administrators() -> None:
    """When it failed is not known, and so not what its disk had counted before."""
    story = begun().at(10)
    story.san.dm["sdb"] = DmState.FAILED
    story.listing().looked("sdb").at(10.1).looked("sdb").at(13)
    assert (cause(story), failed(story)) == (Cause.UNKNOWN, {Cause.UNKNOWN: 1})


def test_a_path_that_was_up_only_for_a_moment_was_failed_by_nobody_on_purpose() -> None:
    """A check that was under way when its session returned may fail it a moment later."""
    story = begun().at(10).device("sdb", DeviceState.OFFLINE).at(20).device("sdb", DeviceState.RUNNING)
    story.at(21).dm("sdb", DmState.FAILED).looked("sdb").listing().at(24)
    assert (cause(story), failed(story)) == (Cause.UNKNOWN, {Cause.DEVICE_OFFLINE: 1, Cause.UNKNOWN: 1})


def test_a_path_that_was_up_although_its_checker_called_it_faulty_was_failed_by_nobody_on_purpose() -> None:
    """It had been reinstated by hand before its checker looked again: multipathd fails it at the next check."""
    story = begun().at(10).device("sdb", DeviceState.TRANSPORT_OFFLINE).dm("sdb", DmState.FAILED)
    story.at(11).checker("sdb", CheckerState.FAULTY).at(20).device("sdb", DeviceState.RUNNING)
    story.at(21).dm("sdb", DmState.ACTIVE).listing().looked("sdb")
    assert story.path(SECOND).health is Health.UP
    story.at(27).dm("sdb", DmState.FAILED).looked("sdb").listing().at(30)
    assert cause(story) is Cause.UNKNOWN
    assert Cause.ADMINISTRATOR not in failed(story)


@pytest.mark.parametrize(("fails", "cause_then"), [(10, Cause.UNKNOWN), (70, Cause.ADMINISTRATOR)])
def test_a_path_whose_session_was_lost_unseen_was_failed_by_nobody_on_purpose(fails: float, cause_then: Cause) -> None:
    """Simulator, fecfd796-1415: sysfs hung from before the session was lost until it was back."""
    story = begun().at(8).connection_error(2, 1020).at(fails).dm("sdb", DmState.FAILED)
    story.looked("sdb").listing().at(fails + 3)
    assert cause(story) is cause_then


def test_a_carrier_that_has_returned_is_not_why_a_path_fails_while_sysfs_is_silent() -> None:
    """Whether the target has answered meanwhile is not known then."""
    story = begun().at(10).carrier("eth2", carrier=False).at(11)
    assert cause(story) is Cause.CARRIER_LOST
    story.feed(SourceDown(SourceName.SYSFS, "timeout", "it hangs"))
    story.at(12).carrier("eth2", carrier=True).at(20).dm("sdb", DmState.FAILED)
    assert cause(story) is Cause.UNKNOWN
    assert "carrier" not in story.told_of("path_failed").message.partition("cause:")[2].partition(",")[0]


def test_a_carrier_is_not_why_a_path_fails_after_its_target_has_answered_again() -> None:
    """Simulator, m3-176: dm failed the path before the answer was read."""
    story = begun().at(10).cut(2).carrier("eth2", carrier=False).at(20).carrier("eth2", carrier=True)
    story.dm("sdb", DmState.FAILED)
    assert cause(story) is Cause.CARRIER_LOST
    story.live(2).poll()
    assert cause(story) is Cause.UNKNOWN
    assert failed(story.at(30)) == {Cause.UNKNOWN: 1}


def test_a_checker_that_was_listed_before_the_failure_shows_no_administrator() -> None:
    """It may have found a fault since: the next listing shows that."""
    story = begun().at(10).dm("sdb", DmState.FAILED).listing().at(10.1).looked("sdb")
    assert cause(story) is Cause.ADMINISTRATOR  # asked for at the instant of the failure
    story = begun().at(9).listing().at(10).dm("sdb", DmState.FAILED).looked("sdb")
    assert cause(story) is Cause.UNKNOWN
    story.at(10.5).checker("sdb", CheckerState.TIMEOUT)
    assert cause(story) is Cause.UNKNOWN


def test_a_disk_that_turns_out_to_be_offline_explains_what_the_checker_found() -> None:
    story = begun().at(10).checker("sdb", CheckerState.FAULTY).at(10.1).device("sdb", DeviceState.OFFLINE)
    assert (cause(story), failed(story)) == (Cause.DEVICE_OFFLINE, {Cause.DEVICE_OFFLINE: 1})


def test_a_device_that_is_offline_is_its_own_cause() -> None:
    story = begun().at(10).dm("sdb", DmState.FAILED).device("sdb", DeviceState.OFFLINE).looked("sdb")
    assert cause(story) is Cause.DEVICE_OFFLINE


def test_a_failure_is_counted_when_its_cause_is_known_or_the_grace_is_over() -> None:
    story = begun().at(10).dm("sdb", DmState.FAILED).at(10 + CAUSE_GRACE - 0.01)
    assert failed(story) == {}
    story.at(10 + CAUSE_GRACE)
    assert failed(story) == {Cause.UNKNOWN: 1}
    story.at(20).dm("sdb", DmState.ACTIVE).at(23).dm("sdb", DmState.FAILED).looked("sdb").listing()
    assert failed(story) == {Cause.UNKNOWN: 1, Cause.ADMINISTRATOR: 1}


def test_a_failure_that_is_over_before_its_cause_is_known_is_counted_all_the_same() -> None:
    story = begun().at(10).dm("sdb", DmState.FAILED).looked("sdb", in_flight=2).at(10.2).dm("sdb", DmState.ACTIVE)
    assert failed(story) == {Cause.UNKNOWN: 1}
    assert not story.waits - {Wait.SILENCE}


def test_a_disk_that_is_dropped_with_its_map_is_not_looked_at_again() -> None:
    story = begun("mpio", "data").at(10).dm("sdd", DmState.FAILED).looked("sdd", in_flight=1)
    assert Wait.LOOK in story.waits
    del story.san.maps[story.san.wwid("data")]
    story.at(10.2).look().at(12)
    assert not story.waits - {Wait.SILENCE}


def test_reading_what_is_on_its_way_of_a_path_that_is_up_judges_nothing() -> None:
    story = begun().at(10).looked("sdb", in_flight=4)
    assert (story.path(SECOND).disk_errors.in_flight, story.path(SECOND).disk_errors.looked) == (
        4,
        START.monotonic + 10,
    )
    story.at(11).looked("sdb", in_flight=None)
    assert (story.path(SECOND).disk_errors.in_flight, story.path(SECOND).disk_errors.looked) == (
        4,
        START.monotonic + 10,
    )
    assert story.alerts() == []


# --- the sentences ----------------------------------------------------------------------------------------------------


def test_a_failure_shows_the_evidence_of_its_cause() -> None:
    story = begun().at(0).cut(2)
    story.feed(SourceUp(SourceName.ISCSI))
    story.at(15.2).connection_error(2, 1022).session(2, SessionStatus.FAILED).at(20.3).dm("sdb", DmState.FAILED)
    assert story.told_of("path_failed").message == (
        "mpio: path 192.168.2.1:3260 (sdb) failed after 5.1 s stalled, 20.3 s after its last sign of life (budget: "
        "at most 21 s): dm has failed it, its session is down; cause: no answer on 192.168.2.1:3260 for 15.2 s, "
        "NIC eth2 has carrier, its sibling through eth1 is fine. 1 of 2 paths usable."
    )


def test_a_failure_without_a_carrier_names_it_once_and_nothing_else() -> None:
    story = begun().at(3)
    story.network(replace(story.san.nics["eth2"], addresses=()))
    story.at(19).session(2, SessionStatus.FREE)
    message = story.told_of("path_failed").message
    assert "address 192.168.2.10 is gone from NIC eth2" in message
    assert "lost its carrier," not in message


def test_without_the_network_nothing_is_said_of_it() -> None:
    story = Story(San.of(["mpio"], PORTALS)).begun().at(3).session(2, SessionStatus.FREE)
    assert "cause: connection error, its sibling is fine. 1 of" in story.told_of("path_failed").message


@pytest.mark.parametrize(
    ("others", "told"),
    [
        ([Health.UP], "its sibling through eth1 is fine"),
        ([Health.UP, Health.UP], "its siblings through eth1, eth3 are fine"),
        ([Health.SUSPECT], "its sibling is suspect, too"),
        ([Health.SUSPECT, Health.SUSPECT], "its siblings are suspect, too"),
        ([Health.FAILED], "its sibling is affected, too"),
        ([Health.SUSPECT, Health.STALLED], "its siblings are affected, too"),
        ([Health.UP, Health.FAILED], "1 of its 2 siblings fine through eth1"),
        ([Health.UP, Health.UNKNOWN], ""),
        ([Health.UNKNOWN], ""),
        ([], ""),
    ],
)
def test_how_the_siblings_fare(others: list[Health], told: str) -> None:
    san = San.of(["mpio"], ["192.168.2.1", *(f"192.168.{2 * number + 1}.1" for number in range(len(others)))]).wired()
    story = Story(san).begun().live()
    known = story.map()
    paths = dict(known.paths)
    for number, health in enumerate(others):
        label = f"192.168.{2 * number + 1}.1:3260"
        paths[label] = with_changes(paths[label], health=health)
    context = messages.Context(replace(known, paths=paths), story.state.nexuses, None, moment(0), managed=True)
    assert evidence.around(context, paths[SECOND]) == ([told] if told else [])


def context_of(story: Story) -> messages.Context:
    """What a message may refer to now."""
    return messages.Context(story.map(), story.state.nexuses, story.state.links, moment(story.seconds), managed=True)


def test_a_path_without_its_session_is_reported_without_it() -> None:
    story = begun()
    context = replace(context_of(story), nexuses={})
    path = story.path(SECOND)
    assert evidence.suspicion(context, path) == "its session is suspect"
    assert evidence.around(context, path) == []
    assert context.nexus_of(with_changes(path, nexus="")) is None


def test_paths_of_the_same_session_are_no_siblings() -> None:
    san = San.of(["mpio"], ["192.168.2.1"]).wired()
    san.add_disk(san.wwid("mpio"), 1)
    story = Story(san).begun().live()
    assert evidence.around(context_of(story), story.path(SECOND)) == ["NIC eth2 has carrier"]


def test_a_silence_of_which_nobody_knows_how_long_it_lasts() -> None:
    story = begun()
    session = story.session_state("192.168.2.1")
    context = replace(
        context_of(story), links=None, nexuses={session.label: replace(session, read=None, suspicion=Suspicion.SILENCE)}
    )
    told = evidence.suspicion(context, story.path(SECOND))
    assert told.startswith("no answer from 192.168.2.1:3260 (expected at least every 5 s)")


def test_a_ping_that_was_not_answered_for_nobody_knows_how_long() -> None:
    outage = Outage("", moment(0), cause=Cause.NOP_TIMEOUT)
    context, path = context_of(begun()), begun().path(SECOND)
    around = "NIC eth2 has carrier, its sibling through eth1 is fine"
    assert sentences.cause_so_far(replace(context, now=moment(1)), path, outage) == (
        f"no answer to the initiator's ping, {around}"
    )
    outage = replace(outage, last_alive=moment(-15), stalled=moment(0.2))
    assert sentences.cause_so_far(context, path, outage) == f"no answer on 192.168.2.1:3260 for 15.2 s, {around}"


def test_a_cause_that_is_found_after_the_failure_was_reported_is_reported_by_itself() -> None:
    story = Story(San.of(["mpio"], ["192.168.1.1", "192.168.2.1"])).begun()
    story.at(10).dm("sdb", DmState.FAILED)
    assert "cause: not known yet" in story.told_of("path_failed").message
    story.at(10.2).device("sdb", DeviceState.OFFLINE)
    told = story.told_of("path_cause")
    assert told.message == (
        "mpio: why path 192.168.2.1:3260 (sdb) failed: the SCSI device is offline. 1 of 2 paths usable."
    )
    assert (told.priority, told.fields["CAUSE"]) == (Priority.INFO, "device_offline")
    assert told.fields["OUTAGE"] == story.told_of("path_failed").fields["OUTAGE"]
    story.at(11).device("sdb", DeviceState.OFFLINE)
    story.at(30)
    assert [event for _, event, _ in story.alerts()].count("path_cause") == 1
    ((at, priority, message),) = story.incidents()
    assert (at, priority) == (11, Priority.ERR)
    assert "; cause: the SCSI device is offline. " in message


def test_a_cause_that_stays_unknown_is_not_reported_again() -> None:
    story = Story(San.of(["mpio"], ["192.168.1.1", "192.168.2.1"])).begun()
    story.at(10).dm("sdb", DmState.FAILED).at(60)
    assert "path_cause" not in {event for _, event, _ in story.alerts()}


def test_a_path_that_is_up_again_has_its_disk_read_lest_old_errors_count_as_new() -> None:
    story = Story(San.of(["mpio"], ["192.168.1.1", "192.168.2.1"])).begun()
    story.at(10).dm("sdb", DmState.FAILED)
    story.at(20).dm("sdb", DmState.ACTIVE)
    assert Refresh(Scope.DEVICES, ("sdb",)) in story.wanted


def test_a_carrier_that_is_lost_is_said_once() -> None:
    story = Story(San.of(["mpio"], ["192.168.1.1", "192.168.2.1"]).wired()).begun().live()
    story.at(5).network().carrier("eth2", carrier=False)
    story.at(16).session(2, SessionStatus.FAILED)
    story.at(21).dm("sdb", DmState.FAILED)
    said = story.told_of("path_failed").message
    assert "; cause: NIC eth2 has no carrier, its sibling through eth1 is fine." in said
    assert story.told_of("path_failed").fields["CAUSE"] == "carrier_lost"


def test_only_what_carried_a_session_can_cut_it_off() -> None:
    story = Story(San.of(["mpio"], ["192.168.1.1", "192.168.2.1"])).begun()
    path = story.path("192.168.2.1:3260")
    context = messages.Context(story.map(), story.state.nexuses, None, moment(0), managed=True)
    assert not evidence.is_cut_off(context, path)
    assert not evidence.is_cut_off(replace(context, links={}), path)
    assert not evidence.is_cut_off(context, with_changes(path, nexus=""))


@pytest.mark.parametrize(("pause", "cause"), [(1.0, Cause.UNKNOWN), (14.0, Cause.UNKNOWN), (16.0, Cause.ADMINISTRATOR)])
def test_errors_of_the_outage_before_accuse_nobody(pause: float, cause: Cause) -> None:
    story = Story(San.of(["mpio"], ["192.168.1.1", "192.168.2.1"])).begun()
    story.at(0).looked("sdb", errors=4)
    story.at(10).device("sdb", DeviceState.OFFLINE).dm("sdb", DmState.FAILED)
    story.at(15).device("sdb", DeviceState.RUNNING).dm("sdb", DmState.ACTIVE)
    story.at(15.1).looked("sdb", errors=7)
    story.at(15.1 + pause).dm("sdb", DmState.FAILED)
    story.at(15.2 + pause).looked("sdb", errors=7).listing()
    outage = story.path("192.168.2.1:3260").outage
    assert outage
    assert outage.cause is cause
