"""Whatever happens, in whatever order: a drill never passes without evidence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from mpathd_watch.core.drill.following import Following, advance, begun
from mpathd_watch.core.drill.lines import changes
from mpathd_watch.core.drill.progress import steps
from mpathd_watch.core.drill.result import PHASES, Ending, Outcome, conclude
from mpathd_watch.core.drill.target import Kind, Target
from mpathd_watch.core.effects import OutageEnded
from mpathd_watch.core.model.budget import Bounds
from mpathd_watch.core.model.outage import Outage
from mpathd_watch.core.model.vocabulary import Cause, Health, MapHealth, Phase
from mpathd_watch.core.state import State, frozen
from mpathd_watch.core.verdicts.outage import phases
from tests.factories import at, make_map
from tests.unit.core.drill.drilling import BOUNDS, ONE, P2, TWO, ended, host, outage, planned, with_map, with_path

MAPS = ("mpio", "lun2")
SLACK = 2.0
TARGETS = (P2, Target(Kind.PORTAL, TWO), Target(Kind.MAP, "mpio"))

instants = st.none() | st.integers(-20, 120).map(at)
outages = st.builds(
    outage,
    cause=st.sampled_from(
        [Cause.NOP_TIMEOUT, Cause.CARRIER_LOST, Cause.CONNECTION_ERROR, Cause.ADMINISTRATOR, Cause.UNKNOWN]
    ),
    bounds=st.sampled_from([BOUNDS, BOUNDS, BOUNDS, None, Bounds(), replace(BOUNDS, replacement=0)]),
    last_alive=st.just(at(-2)) | instants,
    stalled=st.just(at(10)) | instants,
    failed=st.just(at(15)) | instants,
    transport_up=st.just(at(53)) | instants,
    reinstated=st.just(at(58)) | instants,
    inherited=st.sampled_from([False, False, False, True]),
)
labels, names = st.sampled_from([TWO, TWO, TWO, ONE]), st.sampled_from(MAPS)
events = st.one_of(
    st.tuples(st.just("ends"), labels, names, outages),
    st.tuples(st.just("ends"), st.just(TWO), names, st.just(outage())),
    st.tuples(st.sampled_from(sorted(Health)), labels, names, outages),
    st.tuples(st.just("lost"), labels, names, outages),
    st.tuples(st.just("gone"), labels, names, outages),
    st.tuples(st.just("whole"), labels, names, outages),
)
Event = tuple[str, str, str, Outage]


def happened(state: State, event: Event) -> tuple[State, list[OutageEnded]]:
    """The host after an event, and the outages that ended with it."""
    what, label, name, of = event
    wwid = f"wwid-of-{name}"
    if what == "whole":
        return host(*map(make_map, MAPS)), []
    if wwid not in state.maps:
        return state, []
    if what == "gone":
        return replace(state, maps=frozen({key: map_ for key, map_ in state.maps.items() if key != wwid})), []
    if what == "lost":
        return with_map(state, replace(state.maps[wwid], health=MapHealth.LOST)), []
    if what == "ends":
        return with_path(state, label, wwid, health=Health.UP, outage=None), [ended(label, wwid, of)]
    running = None if what == Health.UP else of
    return with_path(state, label, wwid, health=Health(what), outage=running), []


def played(target: Target, story: Sequence[Event]) -> tuple[Following, list[OutageEnded], State, bool]:
    """The drill after the story, what ended in it, the last state, and whether a map was lost."""
    state = host(*map(make_map, MAPS))
    following = begun(planned(state, target), state, at(0))
    over: list[OutageEnded] = []
    was_lost = False
    for second, event in enumerate(story, 1):
        state, now = happened(state, event)
        over += now
        was_lost |= any(map_.health is MapHealth.LOST for map_ in state.maps.values())
        before, following = following, advance(following, state, now, at(second))
        assert all("\n" not in line for line in changes(before, following))
        assert [step.phase for step in steps(following)] == list(PHASES)
    return following, over, state, was_lost


def kept(whole: Outage) -> bool:
    """Whether each phase was measured and is within what was promised, by another way than the drill's."""
    taken, bounds = phases(whole), whole.bounds or Bounds()
    needed = set(PHASES) - ({Phase.REPLACEMENT} if bounds.replacement == 0 else set())
    return needed <= set(taken) and all(
        taken[phase] <= bounds.of(phase) + SLACK + bounds.lateness(phase) and bounds.of(phase) < float("inf")
        for phase in taken
        if phase in PHASES
    )


@given(st.sampled_from(TARGETS), st.lists(events, max_size=8), st.sampled_from(sorted(Ending)))
def test_a_drill_never_passes_unless_each_path_came_back_and_each_phase_kept_its_budget(
    target: Target, story: list[Event], ending: Ending
) -> None:
    following, over, state, was_lost = played(target, story)
    record = conclude(following, ending)
    assert (record.outcome is Outcome.PASSED) == (not record.reasons)
    if record.outcome is not Outcome.PASSED:
        return
    assert ending is Ending.BACK
    assert not was_lost
    assert following.choice is not None
    lost = [(each.wwid, each.path) for each in over]
    assert sorted(lost) == sorted(following.choice.fault.paths)
    assert all(kept(each.outage) for each in over)
    assert all(path.health is Health.UP for map_ in state.maps.values() for path in map_.paths.values())


@given(st.sampled_from(TARGETS), st.permutations(MAPS), st.lists(st.sampled_from(MAPS), max_size=3))
def test_a_drill_in_which_every_path_fails_once_and_returns_passes_in_any_order(
    target: Target, returning: list[str], suspect: list[str]
) -> None:
    whole = outage()
    story: list[Event] = [(Health.SUSPECT, TWO, name, outage(stalled=None, failed=None)) for name in suspect]
    story += [(Health.FAILED, TWO, name, outage(transport_up=None, reinstated=None)) for name in MAPS]
    story += [("ends", TWO, name, whole) for name in returning]
    following, _, state, _ = played(target, story)
    assert not following.over
    following = advance(following, state, (), following.now.later(3))
    assert following.over
    assert conclude(following, Ending.BACK).outcome is Outcome.PASSED
