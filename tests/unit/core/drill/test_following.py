"""A drill from its beginning to its end: which paths it follows, when it is over, what is shown meanwhile."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mpathd_watch.core.drill.following import Following, advance, begun
from mpathd_watch.core.drill.io_wait import SlowIo, slowest
from mpathd_watch.core.drill.lines import changes
from mpathd_watch.core.drill.plan import Plan
from mpathd_watch.core.drill.progress import steps
from mpathd_watch.core.drill.target import Kind, Target
from mpathd_watch.core.model.facts import IoFacts
from mpathd_watch.core.model.vocabulary import Cause, Health, MapHealth, Phase
from mpathd_watch.core.state import State, frozen
from tests.factories import at, make_map, make_path
from tests.unit.core.drill.drilling import ONE, P2, TWO, ended, host, lost, outage, passed, planned, with_map, with_path

MAP = Target(Kind.MAP, "mpio")
KEY = ("wwid-of-mpio", TWO)


def started(state: State, target: Target = P2) -> Following:
    return begun(planned(state, target), state, at(0))


def said(before: Following, state: State, *over: object, seconds: float = 1.0) -> list[str]:
    after = advance(before, state, over, at(seconds))  # type: ignore[arg-type]  # OutageEnded, as the caller has them
    return list(changes(before, after))


# --- following --------------------------------------------------------------------------------------------------------


def test_nothing_is_followed_as_long_as_nothing_happens() -> None:
    state = host()
    following = advance(started(state), state, (), at(1))
    assert following.tracks == {}
    assert not following.over


def test_it_is_over_a_moment_after_everything_is_back() -> None:
    following = passed(host())
    assert following.over
    assert following.tracks[KEY].ended == (outage(),)
    assert following.tracks[KEY].back


def test_it_goes_on_while_a_path_is_out() -> None:
    state = host()
    following = advance(started(state), lost(state), (), at(16))
    assert not advance(following, lost(state), (), at(1000)).over


def test_it_goes_on_if_the_path_was_suspect_and_never_failed() -> None:
    state = host()
    following = advance(started(state), lost(state, health=Health.SUSPECT), (), at(1))
    following = advance(following, state, (), at(2))
    assert not advance(following, state, (), at(100)).over


def test_another_path_that_fails_in_the_last_moment_keeps_it_from_ending() -> None:
    state = host()
    following = advance(started(state), lost(state), (), at(16))
    following = advance(following, state, (ended(),), at(58))
    following = advance(following, lost(state, ONE), (), at(59))
    assert not advance(following, lost(state, ONE), (), at(90)).over


def test_an_outage_that_began_and_ended_between_two_looks_is_there() -> None:
    state = host()
    following = advance(started(state), state, (ended(), ended(ONE)), at(1))
    assert [key[1] for key in following.tracks] == [TWO, ONE]
    assert following.tracks[KEY].map == "mpio"


def test_of_a_map_that_is_chosen_of_which_a_path_is_lost_first() -> None:
    state = host()
    following = started(state, MAP)
    assert following.choice is None
    assert not following.expected(KEY)
    following = advance(following, lost(state, health=Health.SUSPECT), (), at(1))
    assert following.choice is None
    following = advance(following, lost(state), (), at(2))
    assert following.choice is not None
    assert following.choice.fault.target.name == TWO
    assert following.expected(KEY)


def test_a_path_that_no_portal_of_the_map_takes_along_chooses_nothing() -> None:
    other = make_map("other", [make_path("192.168.8.1:3260", "sdx"), make_path("192.168.9.1:3260", "sdy")])
    state = host(make_map("mpio"), other)
    following = advance(started(state, MAP), lost(state, "192.168.9.1:3260", wwid="wwid-of-other"), (), at(1))
    assert following.choice is None


def test_a_map_or_a_path_that_is_taken_away_is_missing() -> None:
    state = host(make_map("mpio"), make_map("other"))
    following = advance(
        started(state), replace(state, maps=frozen({"wwid-of-mpio": state.maps["wwid-of-mpio"]})), (), at(1)
    )
    assert {key: track.health for key, track in following.tracks.items()} == {
        ("wwid-of-other", ONE): Health.MISSING,
        ("wwid-of-other", TWO): Health.MISSING,
    }
    map_ = state.maps["wwid-of-mpio"]
    less = with_map(state, replace(map_, paths=frozen({ONE: map_.paths[ONE]})))
    following = advance(advance(started(state), lost(state), (), at(1)), less, (), at(2))
    assert following.tracks[KEY].health is Health.MISSING


def test_a_map_without_a_usable_path_is_noted_once() -> None:
    state = host()
    gone = with_map(state, replace(state.maps["wwid-of-mpio"], health=MapHealth.LOST))
    following = advance(started(state), gone, (), at(1))
    following = advance(advance(following, state, (), at(2)), gone, (), at(3))
    assert following.lost_maps == ("mpio",)


# --- the slowest I/O --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "now", "found"),
    [
        (None, IoFacts(1, 1, 1, 1), (0.0, 0)),
        (IoFacts(1, 1, 1, 1), None, (0.0, 0)),
        (IoFacts(1, 1, 1, 1), IoFacts(1, 1, 1, 1), (0.0, 0)),
        (IoFacts(1, 1000, 1, 1000), IoFacts(3, 3000, 2, 1500), (1.0, 2)),
        (IoFacts(1, 1000, 1, 1000), IoFacts(3, 3000, 2, 21_000), (20.0, 1)),
        # Counters of another disk, or such that have wrapped.
        (IoFacts(9, 9, 9, 9), IoFacts(1, 1, 1, 1), (0.0, 0)),
        (IoFacts(9, 9, 9, 9), IoFacts(10, 1, 9, 9), (0.0, 0)),
    ],
)
def test_the_slowest_io_took_at_least_the_mean_between_two_readings(
    before: IoFacts | None, now: IoFacts | None, found: tuple[float, int]
) -> None:
    assert slowest(before, now) == found


def test_the_slowest_io_of_the_maps_of_the_drill_is_kept() -> None:
    other = make_map("other", [make_path(), make_path("192.168.1.1:3260#2", "sdy")])
    state = with_path(host(make_map("mpio"), other), TWO, io=IoFacts(0, 0, 0, 0))
    following = started(state)
    following = advance(following, with_path(state, TWO, io=IoFacts(0, 0, 2, 40_000)), (), at(1))
    assert following.slowest == SlowIo("mpio", TWO, 20.0, 2)
    following = advance(following, with_path(state, TWO, io=IoFacts(0, 0, 3, 41_000)), (), at(2))
    assert following.slowest == SlowIo("mpio", TWO, 20.0, 2)
    elsewhere = with_path(state, ONE, "wwid-of-other", io=IoFacts(0, 0, 1, 90_000))
    assert advance(following, elsewhere, (), at(3)).slowest == SlowIo("mpio", TWO, 20.0, 2)


# --- what is shown ----------------------------------------------------------------------------------------------------


def test_each_health_is_a_sentence_with_what_is_promised_and_what_it_took() -> None:
    state = host()
    following = started(state)
    told = []
    for second, health in enumerate((Health.SUSPECT, Health.STALLED, Health.FAILED, Health.RECOVERING), 1):
        told += said(following, lost(state, health=health), seconds=second)
        following = advance(following, lost(state, health=health), (), at(second))
    told += said(following, state, ended(), seconds=58)
    cause = "no answer to the initiator's ping"
    assert told == [
        f"path {TWO} of mpio is suspect ({cause}); the kernel must notice within 29.0 s",
        f"path {TWO} of mpio is stalled ({cause}); its I/O is held; noticed after 12.0 s (promised: 16.0 s at most); "
        "it must move within 28.0 s",
        f"path {TWO} of mpio has failed ({cause}); its I/O has moved after 17.0 s (promised: 21.0 s at most)",
        f"path {TWO} of mpio has its connection back; it must be reinstated within 26.0 s",
        f"path {TWO} of mpio is in use again; reinstated after 5.0 s (promised: 1 min 22 s at most)",
    ]


def test_what_happens_to_many_maps_at_once_is_one_sentence() -> None:
    names = [f"lun{number}" for number in range(24)]
    state = host(*map(make_map, names))
    out = state
    for name in names:
        out = lost(out, wwid=f"wwid-of-{name}")
    assert [line.split(" has ")[0] for line in said(started(state), out)] == [f"path {TWO} of 24 maps"]


def test_what_is_no_part_of_the_drill_is_a_warning_and_its_end_is_none() -> None:
    state = host()
    following = started(state)
    (line,) = said(following, lost(state, ONE))
    assert line.startswith(f"WARNING: not part of the drill: path {ONE} of mpio has failed")
    following = advance(following, lost(state, ONE), (), at(1))
    (line,) = said(following, state, ended(ONE), seconds=2)
    assert line.startswith(f"path {ONE} of mpio is in use again")


def test_while_it_is_not_known_what_fails_nothing_is_a_warning() -> None:
    state = host()
    (line,) = said(started(state, MAP), lost(state, ONE, Health.SUSPECT))
    assert line.startswith(f"path {ONE} of mpio is suspect")


@pytest.mark.parametrize(
    ("health", "words"),
    [
        (Health.MISSING, "is missing: it has left its map"),
        (Health.UNKNOWN, "is not known: the sources do not answer"),
        (Health.RECOVERING, "has its connection back"),
        (Health.FAILED, "has failed; its I/O has moved"),
    ],
)
def test_healths_of_which_nothing_more_is_known(health: Health, words: str) -> None:
    state = host()
    assert said(started(state), with_path(state, TWO, health=health)) == [f"path {TWO} of mpio {words}"]


def test_a_path_that_was_only_suspect_never_failed() -> None:
    state = host()
    following = advance(started(state), lost(state, health=Health.SUSPECT), (), at(1))
    assert said(following, state, seconds=2) == [f"path {TWO} of mpio is up again; it never failed"]


def test_a_phase_that_took_too_long_is_named_so() -> None:
    state = host()
    late = outage(last_alive=at(-50), transport_up=None, reinstated=None)
    (line,) = said(started(state), with_path(state, TWO, health=Health.FAILED, outage=late))
    assert line.endswith("after 1 min 5 s (promised: 21.0 s at most, TOO LATE)")


def test_a_promise_without_limit_is_named_so() -> None:
    state = host()
    endless = outage(bounds=None, transport_up=None, reinstated=None)
    (line,) = said(started(state), with_path(state, TWO, health=Health.FAILED, outage=endless))
    assert line.endswith("after 17.0 s (nothing was promised)")


def test_a_map_without_a_path_is_a_warning_with_the_commands_that_undo_the_fault() -> None:
    state = host()
    gone = with_map(state, replace(state.maps["wwid-of-mpio"], health=MapHealth.LOST))
    undo = "; undo the fault now: ip link set p2 up"
    assert said(started(state), gone) == [f"WARNING: map mpio has no usable path left{undo}"]
    assert said(started(state, MAP), gone) == ["WARNING: map mpio has no usable path left; undo the fault now"]


def test_what_undoes_a_fault_that_has_no_command_is_for_the_administrator_to_know() -> None:
    state = host()
    plan = planned(state)
    bare = Plan(plan.target, tuple(replace(choice, ways=()) for choice in plan.choices))
    gone = with_map(state, replace(state.maps["wwid-of-mpio"], health=MapHealth.LOST))
    assert said(begun(bare, state, at(0)), gone) == ["WARNING: map mpio has no usable path left; undo the fault now"]


def test_the_steps_show_what_is_done_and_what_is_left() -> None:
    state = host()
    following = started(state)
    assert [(step.phase, step.paths, step.done, step.left) for step in steps(following)] == [
        (phase, 1, 0, None) for phase in (Phase.DETECTION, Phase.REPLACEMENT, Phase.FAILOVER, Phase.REINSTATEMENT)
    ]
    following = advance(following, lost(state, health=Health.STALLED), (), at(20))
    detection, replacement, failover, reinstatement = steps(following)
    assert (detection.done, detection.left) == (1, None)
    assert detection.worst is not None
    assert detection.worst.measured == 12
    assert (replacement.done, replacement.left) == (0, 10)
    assert (failover.done, failover.left) == (0, 10)
    assert (reinstatement.done, reinstatement.left) == (0, None)
    assert all(step.done == 1 for step in steps(passed(host())))


def test_without_a_choice_there_are_no_paths_to_wait_for() -> None:
    assert {step.paths for step in steps(started(host(), MAP))} == {0}


def test_a_path_that_is_not_out_any_more_has_no_step_of_its_own() -> None:
    state = host()
    following = advance(started(state), lost(state, health=Health.SUSPECT), (), at(1))
    following = advance(following, state, (), at(2))
    assert {step.done for step in steps(following)} == {0}


def test_the_cause_that_comes_later_is_no_news() -> None:
    state = host()
    following = advance(started(state), lost(state), (), at(1))
    known = with_path(state, TWO, health=Health.FAILED, outage=outage(cause=Cause.CONNECTION_CLOSED))
    assert said(following, known) == []
