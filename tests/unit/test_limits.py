"""The limits of the tests themselves, and of the stories."""

from __future__ import annotations

import contextlib
import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests import limits, story
from tests.limits import LimitError, limited
from tests.story import START, San, Story


def loop() -> None:
    while True:
        pass


def test_a_test_that_loops_is_stopped() -> None:
    with pytest.raises(LimitError, match=r"^the test was stopped after 0\.1 s: "), limited(0.1, every=0.05):
        loop()


def test_a_property_that_loops_is_stopped_at_its_first_example() -> None:
    examples = []

    @settings(database=None)
    @given(st.integers())
    def loops(number: int) -> None:
        examples.append(number)
        loop()

    # Hypothesis needs a moment before the first example, on a busy host even a second.
    with pytest.raises(LimitError), limited(5.0, every=0.05):
        loops()
    assert len(examples) == 1


def test_a_test_that_takes_ever_more_memory_is_stopped() -> None:
    taken = []

    def take() -> None:
        while True:
            taken.append(bytes(1 << 16) + b"x")

    told = r"took \d+ MiB of memory in \d+ s, more than 32 MiB"
    with pytest.raises(LimitError, match=told), limited(60, memory=32 << 20, every=0.01):
        take()


def test_a_lost_exception_comes_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "AGAIN_AFTER", 0.1)

    def loop_twice() -> None:
        with contextlib.suppress(LimitError):
            loop()
        loop()

    with pytest.raises(LimitError), limited(0.1, every=0.05):
        loop_twice()


def test_what_ends_in_time_is_left_alone() -> None:
    with limited(60, every=0.001):
        total = sum(range(1_000_000))
    assert total == 499_999_500_000


def test_one_allocation_can_not_fill_the_machine() -> None:
    with limited(60), pytest.raises(MemoryError):
        bytearray(2 * limits.DATA)


def test_threads_that_are_left_behind_are_no_reason_to_stop() -> None:
    """Each of them counts as 8 MiB."""
    waiting, threads = threading.Event(), []
    try:
        for _ in range(3):
            with limited(60):
                for _ in range(limits.DATA // (16 << 20)):
                    threads.append(threading.Thread(target=waiting.wait))
                    threads[-1].start()
    finally:
        waiting.set()
        for thread in threads:
            thread.join()


@pytest.mark.parametrize("ahead", [-1.0, 0.0, 1e-6])
def test_a_deadline_that_never_passes_ends_the_story(monkeypatch: pytest.MonkeyPatch, ahead: float) -> None:
    told = Story(San.of(["mpio"], ["192.168.1.1", "192.168.2.1"])).begun().at(5)
    monkeypatch.setattr(story, "next_deadline", lambda _: START.monotonic + told.seconds + ahead)
    with pytest.raises(pytest.fail.Exception, match=r"^at 5(\.0\d+)? s the core wants ticks for ever, for "):
        told.at(6)
    assert told.seconds < 5.01
