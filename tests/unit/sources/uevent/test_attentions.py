"""Unit attentions are reported at once, a storm of them seldom, and none is lost."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mpathd_watch.core.events import Event, SourceErrors, UnitAttention, UnitAttentions
from mpathd_watch.core.model.vocabulary import AttentionKind, SourceName
from mpathd_watch.sources.uevent import attentions as module
from mpathd_watch.sources.uevent.attentions import PAUSE, AttentionGatherer

CAPACITY, RESET = AttentionKind.CAPACITY, AttentionKind.RESET
DISK = "2:0:0:1"


class Timer:
    """One call of a function to come."""

    def __init__(self, due: float, callback: Callable[[], None]) -> None:
        self.due = due
        self.callback = callback
        self.cancelled = False

    def cancel(self) -> None:
        """Do not call."""
        self.cancelled = True


class Host:
    """A gatherer, what it has emitted, and a clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 0.0
        self.events: list[Event] = []
        self.timers: list[Timer] = []
        self.gatherer = AttentionGatherer(self.events.append, self._call_later)

    def _call_later(self, seconds: float, callback: Callable[[], None]) -> Timer:
        timer = Timer(self.now + seconds, callback)
        self.timers.append(timer)
        return timer

    def take(self, *found: tuple[str, str]) -> None:
        """Attentions that wait together."""
        for name, word in found:
            self.gatherer.take(name, word)
        self.gatherer.report()

    def wait(self, seconds: float) -> None:
        """Let time pass."""
        self.now += seconds
        for timer in tuple(self.timers):
            if timer.due <= self.now and not timer.cancelled:
                self.timers.remove(timer)
                timer.callback()

    def emitted(self) -> list[Event]:
        """What has been emitted since the last time."""
        events = list(self.events)
        self.events.clear()
        return events


@pytest.fixture
def host() -> Host:
    return Host()


def attentions(*found: UnitAttention) -> UnitAttentions:
    return UnitAttentions(found)


def test_the_first_is_reported_at_once(host: Host) -> None:
    host.take((DISK, CAPACITY))
    assert host.emitted() == [attentions(UnitAttention(CAPACITY, DISK))]
    host.wait(10 * PAUSE)
    host.take((DISK, CAPACITY))
    assert host.emitted() == [attentions(UnitAttention(CAPACITY, DISK))]


def test_nothing_is_reported_and_no_timer_set_if_nothing_was_taken(host: Host) -> None:
    host.take()
    host.gatherer.close()
    assert (host.emitted(), host.timers) == ([], [])


def test_those_that_come_together_are_one_event_each_once_with_its_count_in_the_order_of_the_first(host: Host) -> None:
    host.take(("3:0:0:1", RESET), (DISK, CAPACITY), ("3:0:0:1", RESET), ("3:0:0:1", CAPACITY), ("3:0:0:1", RESET))
    assert host.emitted() == [
        attentions(
            UnitAttention(RESET, "3:0:0:1", 3), UnitAttention(CAPACITY, DISK), UnitAttention(CAPACITY, "3:0:0:1")
        )
    ]


def test_after_a_report_others_are_gathered(host: Host) -> None:
    host.take((DISK, CAPACITY))
    host.emitted()
    for _ in range(5):
        host.wait(PAUSE / 8)
        host.take((DISK, CAPACITY), (DISK, RESET))
    assert host.emitted() == []
    host.wait(PAUSE)
    assert host.emitted() == [attentions(UnitAttention(CAPACITY, DISK, 5), UnitAttention(RESET, DISK, 5))]
    host.wait(PAUSE / 2)
    host.take((DISK, RESET))
    assert host.emitted() == []
    host.wait(PAUSE / 2)
    assert host.emitted() == [attentions(UnitAttention(RESET, DISK))]
    host.wait(PAUSE)
    assert (host.emitted(), host.timers) == ([], [])


def test_what_makes_no_sense_is_counted_and_gathered_as_well(host: Host) -> None:
    host.take(("sda", CAPACITY), (DISK, "LIGHT_CHANGED"))
    assert host.emitted() == [
        attentions(UnitAttention(AttentionKind.UNKNOWN, DISK)),
        SourceErrors(SourceName.UEVENT, "bad_attention", 1),
        SourceErrors(SourceName.UEVENT, "unknown_value", 1),
    ]
    for _ in range(3):
        host.take(("sda", CAPACITY))
    assert host.emitted() == []
    host.wait(PAUSE)
    assert host.emitted() == [SourceErrors(SourceName.UEVENT, "bad_attention", 3)]


def test_more_different_ones_than_anybody_can_mean_are_counted(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_KEPT", 3)
    host.take(*((f"2:0:0:{lun}", RESET) for lun in range(5)), ("2:0:0:0", RESET))
    kept = [UnitAttention(RESET, "2:0:0:0", 2), UnitAttention(RESET, "2:0:0:1"), UnitAttention(RESET, "2:0:0:2")]
    assert host.emitted() == [attentions(*kept), SourceErrors(SourceName.UEVENT, "too_many", 2)]
    host.wait(PAUSE)
    host.take(("2:0:0:4", RESET))
    assert host.emitted() == [attentions(UnitAttention(RESET, "2:0:0:4"))]


def test_what_is_gathered_is_reported_at_the_end(host: Host) -> None:
    host.take((DISK, CAPACITY))
    host.take((DISK, RESET))
    host.emitted()
    host.gatherer.close()
    assert host.emitted() == [attentions(UnitAttention(RESET, DISK))]
    assert [timer.cancelled for timer in host.timers] == [True]


taken_together = st.lists(
    st.tuples(st.sampled_from([DISK, "2:0:0:2", "3:0:0:1", "sda"]), st.sampled_from([*AttentionKind, "LIGHT_CHANGED"])),
    max_size=4,
)


@settings(deadline=None)
@given(st.lists(taken_together | st.floats(0.0, 2 * PAUSE), max_size=30))
def test_none_is_lost_none_is_late_and_reports_are_apart(steps: list[list[tuple[str, str]] | float]) -> None:
    host, taken, reported = Host(), Counter[object](), Counter[object]()
    moments: list[float] = []
    waits_since = 0.0

    def reports() -> None:
        if host.events:
            moments.append(host.now)
        for event in host.emitted():
            if isinstance(event, UnitAttentions):
                found = {(each.kind, each.hctl): each.count for each in event.attentions}
                assert len(found) == len(event.attentions)
                reported.update(found)
            elif isinstance(event, SourceErrors) and event.reason == "bad_attention":
                reported["bad"] += event.count

    for step in steps:
        if isinstance(step, float):
            host.wait(step)
        else:
            host.take(*step)
            taken.update("bad" if name == "sda" else (AttentionKind.parse(word), name) for name, word in step)
        waited = reported != taken
        reports()
        if reported == taken or not waited:
            waits_since = host.now
        assert host.now - waits_since <= PAUSE
    assert all(later - earlier >= PAUSE - 1e-9 for earlier, later in pairwise(moments))
    host.gatherer.close()
    reports()
    assert reported == taken
