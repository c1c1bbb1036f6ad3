"""What was promised, what really happened: budgets, deadlines while a phase runs, and the verdict at its end."""

from __future__ import annotations

from dataclasses import replace
from math import inf
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mpathd_watch.core.catalog.alerts import Priority
from mpathd_watch.core.events import SettingsChanged, Tick
from mpathd_watch.core.layers.dm_multipath import DM_MULTIPATH
from mpathd_watch.core.model.budget import Bounds, Budget, timer_lateness
from mpathd_watch.core.model.facts import RECOVERY_OFF
from mpathd_watch.core.model.histogram import BOUNDS, Histogram
from mpathd_watch.core.model.outage import Judgement, Outage
from mpathd_watch.core.model.vocabulary import (
    Cause,
    CheckerState,
    DeviceState,
    DmState,
    Health,
    Phase,
    SessionStatus,
    Verdict,
)
from mpathd_watch.core.state import Due, Wait
from mpathd_watch.core.step import step
from mpathd_watch.core.transports import iscsi
from mpathd_watch.core.transports.row import Nexus
from mpathd_watch.core.verdicts.budget import bounds
from mpathd_watch.core.verdicts.outage import judge, phases
from tests.factories import make_session
from tests.story import START, San, Story, moment

PORTALS = ["192.168.1.1", "192.168.2.1"]
SECOND = "192.168.2.1:3260"


def live(recv_tmo: int | None, ping_tmo: int | None, recovery_tmo: int | None) -> Nexus:
    """A session with these timeouts in force."""
    return make_session(recv_tmo=recv_tmo, ping_tmo=ping_tmo, recovery_tmo=recovery_tmo).facts


LIVE = bounds(live(5, 10, 5), DM_MULTIPATH, 5)


def article(**facts: Any) -> Story:
    """Two paths; the second session has these facts, and multipathd checks failed paths every 5 s."""
    san = San.of(["mpio"], PORTALS)
    san.sessions[2] = replace(san.sessions[2], **facts)
    return Story(san).begun().expects(recheck_interval=5)


def down(story: Story, at: float = 15.0, alive: float | None = -0.3) -> Story:
    """The second session fails, and its disk is held."""
    return story.at(at).session(2, SessionStatus.FAILED, alive=alive).device("sdb", DeviceState.BLOCKED)


def given_up(story: Story, at: float = 20.0) -> Story:
    """The kernel gives the disk up, and dm fails the path."""
    story.at(at).session(2, SessionStatus.FREE).device("sdb", DeviceState.TRANSPORT_OFFLINE)
    return story.dm("sdb", DmState.FAILED).checker("sdb", CheckerState.FAULTY)


def back(story: Story, at: float) -> Story:
    """The session is logged in again, and the disk running."""
    return story.at(at).session(2, SessionStatus.LOGGED_IN).device("sdb", DeviceState.RUNNING)


def reinstated(story: Story, at: float) -> Story:
    """Multipathd's checker finds the path up, and reinstates it."""
    return story.at(at).checker("sdb", CheckerState.READY).dm("sdb", DmState.ACTIVE)


def judgement(story: Story) -> Judgement:
    """Of the last outage of the second path."""
    outage = story.last_outage(SECOND)
    assert outage is not None
    assert outage.judgement is not None
    return outage.judgement


# --- budgets ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("nexus", "promised"),
    [
        (live(5, 10, 5), Budget(10, 16, 15, 21)),
        (live(5, 5, 120), Budget(5, 11, 125, 131)),
        (live(2, 3, 0), Budget(3, 6, 3, 6)),
        (live(5, 5, RECOVERY_OFF), Budget(5, 11, inf, inf)),
        (live(0, 0, 5), Budget(inf, inf, inf, inf)),
        (live(None, 5, 5), None),
        (live(5, None, 5), None),
        (live(5, 5, None), None),
    ],
)
def test_what_live_timeouts_promise(nexus: Nexus, promised: Budget | None) -> None:
    assert nexus.budget == promised
    assert iscsi.budget(nexus.timeouts) == promised


def test_a_budget_without_a_bound_can_be_spelled() -> None:
    assert Budget(10, 16, 10, inf).finite() == {
        "detection_best": 10,
        "detection_worst": 16,
        "failover_best": 10,
        "failover_worst": None,
    }


def test_the_bound_of_each_phase() -> None:
    assert [LIVE.of(phase) for phase in Phase] == [16, 5, 21, 60, 12]
    for nexus in (live(0, 0, RECOVERY_OFF), live(None, None, None)):
        assert [bounds(nexus, DM_MULTIPATH, None).of(phase) for phase in Phase] == [inf, inf, inf, 60, inf]


@pytest.mark.parametrize(
    ("version", "seconds"),
    [((0, 9, 4), 10), ((0, 10, 0), 40), ((0, 10, 4), 10), ((0, 11, 1), 40), ((0, 12, 0), 10), (None, 40)],
)
def test_how_often_a_failed_path_is_checked(version: tuple[int, int, int] | None, seconds: int) -> None:
    assert DM_MULTIPATH.checks is not None
    assert DM_MULTIPATH.checks.interval(10, 40, version) == seconds
    assert DM_MULTIPATH.reinstated_within(seconds) == 2 * seconds + 2


# --- deadlines --------------------------------------------------------------------------------------------------------


def test_while_a_phase_runs_its_deadline_is_known() -> None:
    story = down(article())
    assert story.path(SECOND).verdict.deadline == moment(20.0)
    given_up(story)
    assert story.path(SECOND).verdict.deadline is None
    back(story, 45.0)
    assert story.path(SECOND).verdict.deadline == moment(57.0)
    reinstated(story, 50.0)
    assert story.path(SECOND).verdict.deadline is None
    assert Wait.OVERDUE not in {due.wait for due in story.state.deadlines}


def test_a_stalled_path_that_does_not_fail_in_time_is_reported_once() -> None:
    story = down(article())
    assert story.state.deadlines[Due(Wait.OVERDUE, story.san.wwid("mpio"), SECOND)] == START.monotonic + 22.0
    story.at(60)
    assert [at for at, event, _ in story.alerts() if event == "path_overdue"] == [22.0]
    told = story.told_of("path_overdue")
    assert told.priority is Priority.ERR
    assert told.message == (
        "mpio: path 192.168.2.1:3260 (sdb) is overdue: stalled for 7.0 s, and not failed; recovery_tmo is 5 s. "
        "I/O hangs that other paths could carry. 1 of 2 paths usable."
    )
    assert (told.fields["PHASE"], told.fields["BUDGET_SEC"]) == ("replacement", "5.000")
    assert story.path(SECOND).verdict.overdue
    given_up(story, 61)
    assert not story.path(SECOND).verdict.overdue


@pytest.mark.parametrize(("unread", "overdue_at"), [(2.5, 22.0), (4.0, 27.5)])
def test_a_session_that_went_unread_while_it_was_down_may_have_been_back(unread: float, overdue_at: float) -> None:
    """Simulator, n27-885: it was back for a moment while reading sysfs hung, and failed again."""
    story = down(article())
    for half in range(60):
        second = 15.5 + half / 2
        if not 16.5 < second < 16.5 + unread:
            story.at(second).poll()
    assert [at for at, event, _ in story.alerts() if event == "path_overdue"] == [overdue_at]


def test_a_session_that_is_made_anew_is_down_since_it_was_found_so() -> None:
    story = down(article())
    story.at(17).san.logout(2)
    story.poll().at(40)
    sid = story.san.login(PORTALS[1])
    story.session(sid, SessionStatus.FAILED)
    (nexus,) = [nexus for nexus in story.state.nexuses.values() if nexus.facts.handle == sid]
    assert nexus.down_since is not None
    assert nexus.down_since.monotonic == START.monotonic + 40


def test_a_path_that_stays_overdue_is_reported_once_whatever_else_comes() -> None:
    story = down(article()).at(30)
    assert story.path(SECOND).verdict.overdue
    story.session(2, SessionStatus.FAILED, alive=-0.3).listing()
    story.at(31).device("sdb", DeviceState.BLOCKED).look().checker("sdb", CheckerState.PENDING)
    assert story.path(SECOND).verdict.overdue
    assert [at for at, event, _ in story.alerts() if event == "path_overdue"] == [22.0]


def test_a_path_that_is_not_reinstated_in_time_is_reported_once() -> None:
    story = back(given_up(down(article())), 45.0).at(90)
    assert [at for at, event, _ in story.alerts() if event == "path_overdue"] == [59.0]
    overdue = story.told_of("path_overdue").message
    assert "its transport has been back for 14.0 s, and it is not reinstated; " in overdue
    assert "; multipathd's checks should have taken 12 s at most. " in overdue
    reinstated(story, 95.0)
    assert not story.path(SECOND).verdict.overdue
    assert judgement(story).verdict is Verdict.OVER_BUDGET
    assert judgement(story).broken is Phase.REINSTATEMENT
    ended = story.told_of("path_reinstated")
    assert "over budget: reinstatement took 50.0 s of at most 12 s" in ended.message
    assert (ended.fields["VERDICT"], ended.fields["PHASE"]) == ("over_budget", "reinstatement")


def test_an_overdue_path_says_that_multipathd_is_not_there_to_reinstate_it() -> None:
    story = back(given_up(down(article())), 45.0)
    story.multipathd_down().at(60)
    assert "multipathd does not answer, and without it nothing reinstates the path" in (
        story.told_of("path_overdue").message
    )


def test_a_return_within_the_slack_is_not_overdue() -> None:
    story = given_up(down(article()), 21.9)
    reinstated(back(story, 45.0), 58.9)
    assert "path_overdue" not in {event for _, event, _ in story.alerts()}
    assert judgement(story).verdict is Verdict.WITHIN_BUDGET


def test_the_slack_is_the_administrators() -> None:
    story = article()
    story.feed(SettingsChanged(settle_seconds=5.0, single_path_ok=frozenset(), slack_seconds=10.0))
    down(story).at(60)
    assert [at for at, event, _ in story.alerts() if event == "path_overdue"] == [30.0]


def test_one_path_speaks_for_all_that_a_lost_session_took_along() -> None:
    san = San.of(["a", "b", "c"], PORTALS)
    story = Story(san).begun()
    story.at(15).session(2, SessionStatus.FAILED, alive=0).at(60)
    told = [told.alert for told in story.told if told.event == "path_overdue"]
    assert [alert.priority for alert in told] == [Priority.ERR, Priority.INFO, Priority.INFO]
    assert "is overdue, and so are 2 more paths of its session: stalled" in told[0].message
    assert ["more path" in alert.message for alert in told] == [True, False, False]


def test_what_has_no_bound_has_no_deadline() -> None:
    off = down(article(recovery_tmo=RECOVERY_OFF))
    assert off.path(SECOND).verdict.deadline is None
    unknown = back(given_up(down(Story(San.of(["mpio"], PORTALS)).begun())), 45.0)
    assert unknown.path(SECOND).verdict.deadline is None
    held = down(article())
    held.san.sessions[2] = replace(held.san.sessions[2], state=SessionStatus.LOGGED_IN)
    held.feed(held.san.sessions_read())
    assert held.path(SECOND).health is Health.STALLED  # its device is blocked, and no timeout runs
    assert held.path(SECOND).verdict.deadline is None


def test_how_often_multipathd_checks_may_become_known_while_a_path_is_out() -> None:
    story = given_up(down(Story(San.of(["mpio"], PORTALS)).begun()))
    back(story.at(30).expects(recheck_interval=5), 45.0)
    assert story.path(SECOND).verdict.deadline == moment(57.0)
    reinstated(story, 62.0)
    result = judgement(story)
    assert (result.verdict, result.broken) == (Verdict.OVER_BUDGET, Phase.REINSTATEMENT)


def test_a_path_that_multipathd_holds_back_has_no_deadline() -> None:
    story = back(given_up(down(article())), 45.0)
    assert story.path(SECOND).verdict.deadline is not None
    story.at(46).checker("sdb", CheckerState.DELAYED)
    assert story.path(SECOND).health is Health.RECOVERING
    assert story.path(SECOND).verdict.deadline is None


def test_an_outage_that_was_there_before_us_has_no_deadline_for_what_nobody_saw_begin() -> None:
    san = San.of(["mpio"], PORTALS)
    san.sessions[2] = replace(san.sessions[2], state=SessionStatus.FAILED, alive=START.monotonic - 70)
    story = Story(san).begun().expects(recheck_interval=5)
    assert story.path(SECOND).health is Health.STALLED
    assert story.path(SECOND).verdict.deadline is None
    reinstated(back(given_up(story), 45.0), 47.0)
    assert judgement(story) == Judgement({Phase.REINSTATEMENT: 2.0}, Verdict.NO_BUDGET)


def test_a_step_of_the_wall_clock_changes_no_duration_and_no_deadline() -> None:
    story = down(article()).at(17)
    later = replace(moment(19.0), wall=moment(19.0).wall + 86400)
    state, effects = step(story.state, Tick(), later)
    assert effects == ()
    assert state.maps[story.san.wwid("mpio")].paths[SECOND].verdict.deadline == moment(20.0)


# --- verdicts ---------------------------------------------------------------------------------------------------------


def test_an_outage_has_an_id_of_its_own_and_the_timeouts_in_force_when_it_began() -> None:
    story = Story(San.of(["mpio", "data"], PORTALS)).begun()
    for sid in (1, 2):
        story.at(15).session(sid, SessionStatus.FAILED)
    outages = [path.outage for known in story.state.maps.values() for path in known.paths.values()]
    ids = {outage.id for outage in outages if outage is not None}
    assert len(ids) == 4
    assert all(len(each) == 16 and int(each, 16) >= 0 for each in ids)
    story.san.sessions[2] = replace(story.san.sessions[2], recovery_tmo=120)
    story.look()
    outage = story.path(SECOND).outage
    assert outage is not None
    assert outage.timeouts is not None
    assert dict(outage.timeouts) == {"noop_out_interval": 5, "noop_out_timeout": 10, "replacement_timeout": 5}


def test_the_last_proof_of_life_is_that_before_the_loss() -> None:
    story = down(article(), 15.0, alive=10.0)
    story.at(16).session(2, SessionStatus.FAILED, alive=12.0)
    outage = story.path(SECOND).outage
    assert outage is not None
    assert outage.last_alive == moment(10)


def test_each_outage_adds_to_the_totals() -> None:
    story = article()
    for begun in (100, 200):
        reinstated(back(given_up(down(story, begun, begun - 15.3), begun + 5), begun + 10), begun + 12)
    assert dict(story.state.counters.verdicts) == {Verdict.WITHIN_BUDGET: 2}
    assert {phase: histogram.count for phase, histogram in story.state.counters.phases.items()} == dict.fromkeys(
        judgement(story).phases, 2
    )


def test_the_outage_from_before_the_daemon_ends_with_a_judgement_that_claims_nothing() -> None:
    san = San.of(["mpio"], PORTALS)
    san.dm["sdb"], san.checkers["sdb"] = DmState.FAILED, CheckerState.FAULTY
    story = reinstated(Story(san).begun(), 10)
    assert judgement(story) == Judgement()
    assert sum(story.state.counters.verdicts.values()) == 1


def test_a_failover_within_its_budget() -> None:
    story = reinstated(back(given_up(down(article())), 45.0), 50.0)
    assert judgement(story).verdict is Verdict.WITHIN_BUDGET
    assert judgement(story).broken is None
    ended = story.told_of("path_reinstated")
    assert ended.message.endswith("within budget: failover took 20.3 s of at most 21 s. 2 of 2 paths usable.")
    assert (ended.fields["VERDICT"], ended.fields["BUDGET_SEC"]) == ("within_budget", "21.000")
    assert story.state.counters.verdicts == {Verdict.WITHIN_BUDGET: 1}
    sums = {phase: round(histogram.sum, 1) for phase, histogram in story.state.counters.phases.items()}
    assert sums == {
        Phase.DETECTION: 15.3,
        Phase.REPLACEMENT: 5.0,
        Phase.FAILOVER: 20.3,
        Phase.REINSTATEMENT: 5.0,
    }


def test_a_session_that_returns_before_its_path_fails_has_no_failover() -> None:
    story = back(down(article()), 18.0)
    assert judgement(story).verdict is Verdict.WITHIN_BUDGET
    assert set(judgement(story).phases) == {Phase.DETECTION}
    assert story.told_of("path_reinstated").message.endswith("; within budget. 2 of 2 paths usable.")


def test_io_that_was_held_too_long_breaks_the_promise_even_if_the_path_never_failed() -> None:
    story = back(down(article()), 40.0)
    assert (judgement(story).verdict, judgement(story).broken) == (Verdict.OVER_BUDGET, Phase.REPLACEMENT)
    assert "over budget: replacement took longer of at most 5 s" in story.told_of("path_reinstated").message


@pytest.mark.parametrize(
    "live", [{"recv_tmo": 0, "ping_tmo": 0}, {"recovery_tmo": RECOVERY_OFF}, {"recovery_tmo": None}]
)
def test_there_is_no_verdict_without_a_bound(live: dict[str, int | None]) -> None:
    story = back(given_up(down(article(**live))), 45.0)
    reinstated(story, 50.0)
    assert judgement(story).verdict is Verdict.NO_BUDGET
    assert "budget" not in story.told_of("path_reinstated").message
    assert "promised" not in story.told_of("path_failed").message


def test_without_a_proof_of_life_nobody_can_show_how_long_it_took() -> None:
    story = reinstated(back(given_up(down(article(), alive=None)), 45.0), 50.0)
    assert judgement(story).verdict is Verdict.NO_BUDGET
    assert set(judgement(story).phases) == {Phase.REPLACEMENT, Phase.REINSTATEMENT}
    assert "failed after 5.0 s stalled: its" in story.told_of("path_failed").message


def test_what_no_timeout_has_to_do_with_is_not_judged() -> None:
    story = article().at(5).session(2, SessionStatus.LOGGED_IN, alive=4.0)
    story.at(10).device("sdb", DeviceState.OFFLINE).dm("sdb", DmState.FAILED)
    story.at(30).device("sdb", DeviceState.RUNNING)
    reinstated(story, 32.0)
    assert judgement(story) == Judgement({Phase.REINSTATEMENT: 2.0}, Verdict.NO_BUDGET)


def outage(**changes: Any) -> Outage:
    """The article's, over."""
    return replace(
        Outage(
            "id",
            moment(15),
            Cause.CONNECTION_ERROR,
            bounds=LIVE,
            last_alive=moment(0),
            stalled=moment(15),
            failed=moment(20),
            transport_up=moment(45),
            reinstated=moment(50),
        ),
        **changes,
    )


def test_the_part_that_broke_the_whole_is_named_and_else_the_whole() -> None:
    assert judge(outage(failed=moment(30)), 2.0).broken is Phase.REPLACEMENT
    assert judge(outage(last_alive=moment(-10)), 2.0).broken is Phase.DETECTION
    both = outage(last_alive=moment(-2.5), failed=moment(21.5))
    assert judge(both, 1.0).verdict is Verdict.OVER_BUDGET
    assert judge(replace(both, last_alive=moment(-2.9), failed=moment(21.9)), 2.0).broken is Phase.FAILOVER


def test_a_phase_may_take_its_bound_and_the_slack() -> None:
    assert judge(outage(failed=moment(22)), 2.0).verdict is Verdict.WITHIN_BUDGET
    assert judge(outage(failed=moment(22.5)), 2.0).verdict is Verdict.OVER_BUDGET


def test_io_of_a_path_that_never_failed_was_held_until_its_transport_was_back() -> None:
    held = outage(failed=None, transport_up=moment(18), reinstated=moment(30))
    assert judge(held, 2.0) == Judgement({Phase.DETECTION: 15}, Verdict.WITHIN_BUDGET)
    assert judge(replace(held, transport_up=None), 2.0).broken is Phase.REPLACEMENT


def test_an_outage_whose_timeouts_are_not_known_is_not_judged() -> None:
    assert judge(outage(bounds=None), 2.0).verdict is Verdict.NO_BUDGET


def test_instants_that_do_not_follow_each_other_make_no_phase() -> None:
    assert set(phases(outage(failed=moment(10)))) == {Phase.DETECTION, Phase.FAILOVER, Phase.REINSTATEMENT}
    assert set(phases(outage(failed=moment(10), last_alive=moment(12)))) == {Phase.DETECTION, Phase.REINSTATEMENT}
    assert set(phases(outage(stalled=None, last_alive=moment(21)))) == {Phase.REINSTATEMENT}
    assert phases(outage(stalled=None))[Phase.DETECTION] == 20
    assert phases(outage(stalled=None, failed=None)) == {}
    assert phases(outage(stalled=moment(20)))[Phase.REPLACEMENT] == 0
    assert phases(outage(stalled=None, last_alive=moment(20)))[Phase.FAILOVER] == 0
    assert set(phases(outage(cause=Cause.CHECKER))) == {Phase.REINSTATEMENT}
    assert set(phases(outage(inherited=True))) == {Phase.REINSTATEMENT}
    waited = outage(cause=Cause.ARRAY_TRANSITIONING)
    assert phases(waited)[Phase.TRANSITION] == 5
    assert phases(replace(waited, failed=None))[Phase.TRANSITION] == 30
    assert phases(replace(waited, failed=None, transport_up=None))[Phase.TRANSITION] == 35
    assert phases(outage(failed=None, last_alive=moment(15), transport_up=None)) == {Phase.DETECTION: 0}
    held = judge(outage(failed=None, transport_up=None, reinstated=None), 2.0)
    assert held.verdict is Verdict.WITHIN_BUDGET


# --- histogram --------------------------------------------------------------------------------------------------------


@given(st.lists(st.floats(0, 1000)))
def test_a_histogram_counts_as_prometheus_does(values: list[float]) -> None:
    histogram = Histogram()
    for value in values:
        histogram = histogram.observed(value)
    assert histogram.count == len(values)
    assert histogram.sum == pytest.approx(sum(values))
    assert list(histogram.buckets()) == [(edge, sum(value <= edge for value in values)) for edge in (*BOUNDS, inf)]


# --- the kernel's timers ----------------------------------------------------------------------------------------------


def test_a_long_timer_of_the_kernel_may_be_late_by_an_eighth() -> None:
    late = {seconds: timer_lateness(seconds) for seconds in (5, 16, 20, 120, inf)}
    assert late == {5: 0, 16: 0, 20: 2.5, 120: 15, inf: 0}
    shipped = Bounds(detection=16, replacement=120, failover=136, reinstatement=12)
    assert [shipped.lateness(phase) for phase in Phase] == [0, 15, 15, 4, 0]
    held = outage(bounds=shipped, failed=moment(15 + 122.5), transport_up=moment(150), reinstated=moment(155))
    assert judge(held, 2.0).verdict is Verdict.WITHIN_BUDGET
    assert judge(replace(held, failed=moment(15 + 138)), 2.0).broken is Phase.REPLACEMENT


def test_a_path_with_the_shipped_timeout_is_not_overdue_because_a_timer_is_late() -> None:
    story = down(article(recovery_tmo=120))
    stalled = story.path(SECOND).verdict.since.monotonic - START.monotonic
    story.at(stalled + 136)
    assert not story.path(SECOND).verdict.overdue
    story.at(stalled + 138)
    assert story.path(SECOND).verdict.overdue
