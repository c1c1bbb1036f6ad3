"""The engine: events that come together lead where they lead one by one, and are shown as one change."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from mpathd_watch.core.effects import Effect, Scope
from mpathd_watch.core.events import (
    ConnectionFailed,
    DmPathEvent,
    Event,
    EventsLost,
    SourceDown,
    SourceUp,
    Tick,
)
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
    """An engine whose clock goes on by 10 ms with each event, what it has shown, and what has followed."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.engine = Engine(self._now, self)
        self.effects: list[Effect] = []
        self.shown: list[State] = []
        self.recording: list[tuple[Event, Instant]] = []
        self.reports: list[Event] = []

    def _now(self) -> Instant:
        self.seconds += 0.01
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


def parts(events: Sequence[Event], cuts: Sequence[int]) -> list[Sequence[Event]]:
    """The events, cut before these places."""
    places = [0, *sorted({cut for cut in cuts if 0 < cut < len(events)}), len(events)]
    return [events[begin:end] for begin, end in pairwise(places)]


@given(events=st.lists(path_events | others, max_size=25), cuts=st.lists(st.integers(1, 30), max_size=8))
def test_it_does_not_matter_which_events_come_together(events: list[Event], cuts: list[int]) -> None:
    together, apart = Seen(), Seen()
    for part in parts([*BEGINNING, *events], cuts):
        together.engine.feed(*part)
    for event in [*BEGINNING, *events]:
        apart.engine.feed(event)
    assert together.engine.state == apart.engine.state
    assert together.effects == apart.effects
    assert together.recording == apart.recording
    assert together.reports == apart.reports == []


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
