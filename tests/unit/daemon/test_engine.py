"""The engine: events that come together lead where they lead one by one, and are shown as one change."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from mpathd_watch.core.effects import Effect, IncidentChanged, Refresh, Scope
from mpathd_watch.core.events import (
    ConnectionFailed,
    DmPathEvent,
    DmPathEvents,
    Event,
    EventsLost,
    SourceDown,
    SourceUp,
    Tick,
)
from mpathd_watch.core.model.incident import Incident
from mpathd_watch.core.model.instant import Instant
from mpathd_watch.core.model.vocabulary import DmAction, SourceName
from mpathd_watch.core.state import State
from mpathd_watch.core.step import step
from mpathd_watch.daemon.engine import Engine, Outlets
from tests.story import San, moment

if TYPE_CHECKING:
    import pytest

SAN = San.of(["mpio", "data", "logs"], ["192.168.1.1", "192.168.2.1"]).wired()
BEGINNING: list[Event] = [
    SourceUp(SourceName.UEVENT),
    SAN.system_read(),
    SAN.network_read(),
    SAN.paths_listed(moment(0).monotonic),
    SAN.maps_listed(moment(0).monotonic),
]

path_events = st.builds(
    DmPathEvent,
    st.sampled_from(DmAction),
    st.sampled_from(sorted(SAN.maps)),
    st.just("mpio"),
    st.just("dm-0"),
    st.sampled_from([device.dev_t for device in SAN.devices.values()]),
    st.integers(1, 40),
)
others: st.SearchStrategy[Event] = st.sampled_from(
    [
        *BEGINNING,
        *(EventsLost(), Tick(), ConnectionFailed(1, 1011), SAN.sessions_read(moment(0).monotonic)),
        *(SourceDown(name, "timeout", "it hangs") for name in (SourceName.MULTIPATHD, SourceName.SYSFS)),
    ]
)


class Seen(Outlets):
    """An engine whose clock goes on by ``pace`` seconds with each event, what it has shown, and what has followed."""

    def __init__(self, pace: float = 0.01) -> None:
        self.pace = pace
        self.seconds = 0.0
        self.engine = Engine(self._now, self)
        self.effects: list[Effect] = []
        self.shown: list[State] = []
        self.recording: list[tuple[Event, Instant]] = []
        self.reports: list[Event] = []

    def _now(self) -> Instant:
        self.seconds += self.pace
        return moment(self.seconds)

    def handle(self, effect: Effect) -> None:
        self.effects.append(effect)
        self.shown.append(self.engine.state)

    def recorded(self, event: Event, now: Instant) -> None:
        self.recording.append((event, now))
        self.shown.append(self.engine.state)

    def broken(self, event: Event, report: str) -> None:
        assert report
        self.reports.append(event)


def followed(seen: Seen) -> tuple[Counter[str], set[Refresh], dict[str, Incident]]:
    """What has followed, in any order, and what was asked for once or more; of incidents what was kept last.

    Of paths that fail together, the maps are reported after all paths.
    """
    asked = {effect for effect in seen.effects if isinstance(effect, Refresh)}
    kept = {each.incident.id: each.incident for each in seen.effects if isinstance(each, IncidentChanged)}
    rest = Counter(repr(each) for each in seen.effects if not isinstance(each, Refresh | IncidentChanged))
    return rest, asked, kept


def parts(events: Sequence[Event], cuts: Sequence[int]) -> list[Sequence[Event]]:
    """The events, cut before these places."""
    places = [0, *sorted({cut for cut in cuts if 0 < cut < len(events)}), len(events)]
    return [events[begin:end] for begin, end in pairwise(places)]


@given(events=st.lists(path_events | others, max_size=25), cuts=st.lists(st.integers(1, 30), max_size=8))
def test_it_does_not_matter_which_events_come_together(events: list[Event], cuts: list[int]) -> None:
    together, apart = Seen(pace=0.0), Seen(pace=0.0)
    for part in parts([*BEGINNING, *events], cuts):
        together.engine.feed(*part)
    for event, _ in together.recording:
        for each in event.events if isinstance(event, DmPathEvents) else (event,):
            apart.engine.feed(each)
    assert together.engine.state == apart.engine.state
    assert followed(together) == followed(apart)
    assert together.reports == apart.reports == []


@given(events=st.lists(path_events | others, max_size=25))
def test_what_is_judged_in_one_step_is_recorded_as_one_event(events: list[Event]) -> None:
    live, replayed = Seen(), Seen()
    live.engine.feed(*BEGINNING, *events)
    for event, at in live.recording:
        replayed.engine.feed(event, at=at)
    assert replayed.engine.state == live.engine.state
    assert replayed.effects == live.effects


def test_a_state_that_only_some_of_the_events_have_led_to_is_not_shown() -> None:
    seen = Seen()
    before = seen.engine.state
    seen.engine.feed(*BEGINNING)
    assert {id(state) for state in seen.shown} == {id(before), id(seen.engine.state)}
    assert len(seen.engine.state.maps) == 3


def test_an_event_that_breaks_the_core_is_reported_and_the_others_count(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(state: State, event: Event, now: Instant) -> tuple[State, tuple[Effect, ...]]:
        if isinstance(event, EventsLost):
            raise KeyError("sdb")
        return step(state, event, now)

    monkeypatch.setattr("mpathd_watch.daemon.engine.step", broken)
    seen = Seen()
    seen.engine.feed(BEGINNING[0], EventsLost(), *BEGINNING[1:])
    assert seen.reports == [EventsLost()]
    assert len(seen.engine.state.maps) == 3
    assert any(getattr(effect, "scope", None) is Scope.MAPS for effect in seen.effects)


def test_of_events_that_are_judged_together_only_the_one_that_breaks_the_core_is_lost(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    one, broken, other = (DmPathEvent(DmAction.PATH_FAILED, wwid, wwid, "dm-0", "8:16", 1) for wwid in sorted(SAN.maps))

    def step_or_not(state: State, event: Event, now: Instant) -> tuple[State, tuple[Effect, ...]]:
        if event == broken or (isinstance(event, DmPathEvents) and broken in event.events):
            raise KeyError("sdb")
        return step(state, event, now)

    monkeypatch.setattr("mpathd_watch.daemon.engine.step", step_or_not)
    seen = Seen()
    seen.engine.feed(*BEGINNING)
    seen.engine.feed(other, broken, one)
    assert [event for event, _ in seen.recording[len(BEGINNING) :]] == [DmPathEvents((one, broken, other))]
    assert seen.reports == [broken]
    assert seen.engine.state.counters.uevents == {"change": 2}
