"""When a source reads again: rounds, back-offs, and sleep that a wake ends."""

from __future__ import annotations

import asyncio
import time

import pytest

from mpathd_watch.sources.reading.pace import SHARE, Backoff, Cost, Round, wait_at_most


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.mark.parametrize(("cost", "pause"), [(0.0, 5.0), (0.01, 5.0), (0.1, 0.1 * SHARE), (3.0, 3.0 * SHARE)])
def test_a_round_is_repeated_when_due_and_costs_only_a_share_of_the_time(cost: float, pause: float) -> None:
    clock = Clock()
    rounds = Round(clock, every=5.0)
    assert rounds.due < clock.now
    rounds.postpone(cost)
    assert rounds.due == pytest.approx(1000.0 + pause)


def test_another_reading_puts_a_round_off() -> None:
    clock = Clock()
    rounds = Round(clock, every=5.0)
    rounds.postpone(0.5)
    assert rounds.due == 1000.0 + 0.5 * SHARE
    clock.now = 1004.0
    rounds.postpone(0.5)
    assert rounds.due == 1004.0 + 0.5 * SHARE


def test_a_reading_that_waits_costs_nothing() -> None:
    """Rounds were a quarter of an hour apart after two readings that had waited for 5 s."""

    def waiting() -> str:
        time.sleep(0.2)
        return "read"

    cost = Cost()
    assert cost.of(waiting)() == "read"
    assert cost.seconds < 0.1


def test_what_readings_compute_is_their_cost_even_if_they_fail() -> None:
    def computing() -> None:
        began = time.thread_time()
        while time.thread_time() < began + 0.02:
            pass
        raise OSError("unreadable")

    cost = Cost()
    for number in (1, 2):
        with pytest.raises(OSError, match="unreadable"):
            cost.of(computing)()
        assert cost.seconds >= number * 0.02


def test_each_failure_doubles_the_pause_up_to_the_longest_until_one_try_succeeds() -> None:
    backoff = Backoff(1.0, 10.0)
    assert [backoff.next() for _ in range(6)] == [1.0, 2.0, 4.0, 8.0, 10.0, 10.0]
    backoff.reset()
    assert [backoff.next() for _ in range(2)] == [1.0, 2.0]


def test_a_wait_ends_when_the_event_is_set() -> None:
    async def waiting() -> float:
        event = asyncio.Event()
        asyncio.get_running_loop().call_later(0.02, event.set)
        began = time.monotonic()
        await wait_at_most(event, 10.0)
        return time.monotonic() - began

    assert asyncio.run(waiting()) < 5.0


def test_a_wait_ends_when_its_time_is_over() -> None:
    async def waiting() -> bool:
        event = asyncio.Event()
        await wait_at_most(event, 0.01)
        return event.is_set()

    assert asyncio.run(waiting()) is False


def test_a_wait_that_is_cancelled_is_cancelled_even_if_the_event_is_set() -> None:
    async def cancelling() -> None:
        event = asyncio.Event()
        waiting = asyncio.create_task(wait_at_most(event, 10.0))
        await asyncio.sleep(0)
        event.set()
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting

    asyncio.run(cancelling())
