"""When a drill has passed: only with evidence for every path and every phase."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from mpathd_watch.core.drill.following import Following, advance, begun
from mpathd_watch.core.drill.promise import Promise
from mpathd_watch.core.drill.result import DrillRecord, Ending, Outcome, conclude, drill_id
from mpathd_watch.core.drill.target import Kind, Target
from mpathd_watch.core.effects import OutageEnded
from mpathd_watch.core.model.budget import Bounds
from mpathd_watch.core.model.outage import Outage
from mpathd_watch.core.model.vocabulary import Cause, Health, MapHealth, Phase
from mpathd_watch.core.state import State
from tests.factories import at, make_map
from tests.unit.core.drill.drilling import (
    BOUNDS,
    ONE,
    P2,
    TWO,
    ended,
    host,
    lost,
    outage,
    passed,
    planned,
    with_map,
    with_path,
)


def after(whole: Outage, *more: OutageEnded) -> DrillRecord:
    """The result of a drill whose path had this outage and is back."""
    state = host()
    following = begun(planned(state), state, at(0))
    following = advance(following, lost(state), (), at(16))
    following = advance(following, state, (ended(whole=whole), *more), at(58))
    return conclude(advance(following, state, (), at(62)), Ending.BACK)


def left(state: State, ending: Ending = Ending.LIMIT) -> DrillRecord:
    """The result of a drill that ended in this state, which is another one than at the beginning."""
    whole = host()
    return conclude(advance(begun(planned(whole), whole, at(0)), state, (), at(100)), ending)


def test_it_has_passed_if_the_path_is_back_and_each_phase_kept_its_promise() -> None:
    record = conclude(passed(host()), Ending.BACK)
    assert (record.outcome, record.reasons) == (Outcome.PASSED, ())
    assert [(phase.phase, phase.measured, phase.kept) for phase in record.worst] == [
        (Phase.DETECTION, 12, True),
        (Phase.REPLACEMENT, 5, True),
        (Phase.FAILOVER, 17, True),
        (Phase.REINSTATEMENT, 5, True),
    ]
    (path,) = record.paths
    assert path.proven
    assert (record.began, record.ended) == (at(0), at(62))
    assert record.promise.moved_worst == 21


def test_each_drill_has_an_id_of_its_own() -> None:
    ids = {drill_id(P2, at(0)), drill_id(P2, at(1)), drill_id(Target(Kind.PORTAL, "p2"), at(0))}
    assert len(ids) == 3
    assert conclude(passed(host()), Ending.BACK).id in ids


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"last_alive": at(-30)}, "broke its budget: detection took longer than promised"),
        ({"failed": at(40)}, "broke its budget: failover took longer than promised"),
        ({"reinstated": at(200)}, "broke its budget: reinstatement took longer than promised"),
        ({"last_alive": None}, "was not seen from the beginning to the end: failover is not proven"),
        ({"stalled": None}, "was not seen from the beginning to the end: replacement is not proven"),
        ({"transport_up": None}, "was not seen from the beginning to the end: reinstatement is not proven"),
        ({"failed": None}, "was back before its I/O had to move: failover is not proven"),
        ({"bounds": None}, "had timeouts that promise nothing: failover is not proven"),
        (
            {"cause": Cause.ADMINISTRATOR},
            "was not lost with its connection (cause: an administrator failed it): failover is not proven",
        ),
        ({"inherited": True}, "was not seen from the beginning to the end: failover is not proven"),
    ],
)
def test_it_has_failed_without_evidence_for_each_phase(changes: dict[str, Any], reason: str) -> None:
    record = after(outage(**changes))
    assert record.outcome is Outcome.FAILED
    assert f"{TWO} of mpio {reason}" in record.reasons
    assert not record.paths[0].proven


def test_a_phase_may_be_late_by_the_slack_and_what_the_kernels_timers_are() -> None:
    assert after(outage(last_alive=at(-8))).outcome is Outcome.PASSED
    assert after(outage(last_alive=at(-8.1))).outcome is Outcome.FAILED
    slow = Bounds(detection=16, replacement=120, failover=136, reinstatement=82)
    late: dict[str, Any] = {"bounds": slow, "failed": at(147), "transport_up": at(150), "reinstated": at(151)}
    assert after(outage(**late)).outcome is Outcome.PASSED


def test_where_io_is_not_held_at_all_there_is_no_such_phase_to_prove() -> None:
    at_once = outage(stalled=None, failed=at(10), bounds=replace(BOUNDS, replacement=0, failover=16))
    record = after(at_once)
    assert record.reasons == ()
    assert [phase.phase for phase in record.worst] == [Phase.DETECTION, Phase.FAILOVER, Phase.REINSTATEMENT]


def test_it_has_failed_if_no_path_did() -> None:
    record = left(host())
    assert record.reasons == ("it had not ended after 1 min 40 s", "no path failed")
    assert record.worst == ()
    assert [path.health for path in record.paths] == [Health.UP]


def test_it_has_failed_if_a_path_did_not_come_back() -> None:
    record = left(lost(host(), health=Health.RECOVERING))
    assert record.outcome is Outcome.FAILED
    assert f"{TWO} of mpio did not come back: it is recovering" in record.reasons


def test_it_has_failed_if_one_of_its_paths_did_not_fail() -> None:
    state = host(make_map("mpio"), make_map("lun2"))
    record = conclude(passed(state), Ending.BACK)
    assert record.reasons == (f"{TWO} of lun2 did not fail",)


def test_it_has_failed_if_a_path_failed_twice() -> None:
    record = after(outage(), ended())
    assert record.reasons == (f"{TWO} of mpio failed 2 times",)
    assert not record.paths[0].proven


def test_it_has_failed_if_another_path_did_too() -> None:
    record = after(outage(), ended(ONE))
    assert record.reasons == (f"{ONE} of mpio failed too, which is no part of the drill",)
    assert [path.expected for path in record.paths] == [False, True]


def test_another_path_that_is_not_up_at_the_end_stands_against_it_and_one_that_was_suspect_does_not() -> None:
    whole = host()
    unknown = with_path(whole, ONE, health=Health.UNKNOWN)
    following = advance(begun(planned(whole), whole, at(0)), unknown, (ended(),), at(58))
    assert f"{ONE} of mpio is unknown, which is no part of the drill" in conclude(following, Ending.LIMIT).reasons
    following = advance(begun(planned(whole), whole, at(0)), lost(whole, ONE, Health.SUSPECT), (), at(1))
    following = advance(following, whole, (ended(),), at(58))
    assert conclude(following, Ending.BACK).outcome is Outcome.PASSED


def test_it_has_failed_if_a_map_was_lost_for_a_while_or_something_broke_in_ourselves() -> None:
    state = host()
    gone = with_map(state, replace(state.maps["wwid-of-mpio"], health=MapHealth.LOST))
    following = advance(begun(planned(state), state, at(0)), gone, (), at(1))
    following = advance(following, state, (ended(),), at(2))
    record = conclude(replace(following, broken=("internal error",)), Ending.BACK)
    assert record.reasons == ("map mpio had no usable path for a while", "internal error")


def test_it_is_interrupted_if_somebody_stops_it_whatever_it_has_shown() -> None:
    record = conclude(passed(host()), Ending.STOPPED)
    assert record.outcome is Outcome.INTERRUPTED
    assert record.reasons == ("it was stopped before everything was back",)


def test_many_paths_with_the_same_reason_are_one_line() -> None:
    names = [f"lun{number}" for number in range(9)]
    record = conclude(passed(host(*map(make_map, ["mpio", *names]))), Ending.BACK)
    shown = f"{TWO} of lun0, {TWO} of lun1, {TWO} of lun2 and 6 more"
    assert record.reasons == (f"9 paths: {shown} did not fail",)


def test_a_path_of_a_map_that_is_gone_has_the_name_of_its_wwid() -> None:
    state = host()
    following = replace(begun(planned(state), state, at(0)), maps={})
    assert [path.map for path in conclude(following, Ending.LIMIT).paths] == ["wwid-of-mpio"]


def test_of_a_map_of_which_nothing_failed_nothing_is_promised_yet() -> None:
    state = host()
    following: Following = begun(planned(state, Target(Kind.MAP, "mpio")), state, at(0))
    record = conclude(following, Ending.STOPPED)
    assert (record.promise, record.paths) == (Promise(), ())
