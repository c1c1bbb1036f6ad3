"""Blocking reads with a deadline."""

from __future__ import annotations

import asyncio
import errno
import gc
import threading
import time
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

import pytest

from mpathd_watch.sources.reading.worker import StalledError, Worker, settle


@pytest.fixture
def gate() -> Iterator[threading.Event]:
    """What a job may wait for; opened at the end, so that its thread ends with the test."""
    event = threading.Event()
    yield event
    event.set()


def run(scenario: Callable[[Worker], Coroutine[Any, Any, None]]) -> list[dict[str, Any]]:
    """Run the scenario and return what asyncio complained of meanwhile."""
    complaints: list[dict[str, Any]] = []

    async def main() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _loop, context: complaints.append(context))
        await scenario(Worker("test-worker"))
        await asyncio.sleep(0.02)
        gc.collect()
        await asyncio.sleep(0)

    asyncio.run(main())
    return complaints


def test_the_result_is_returned_from_a_daemon_thread_of_that_name() -> None:
    async def scenario(worker: Worker) -> None:
        thread = await worker.run(threading.current_thread, 1.0)
        assert (thread.name, thread.daemon) == ("test-worker", True)
        assert await worker.run(threading.current_thread, 1.0) is thread

    assert run(scenario) == []


def test_the_reads_can_be_done_by_another_than_a_thread() -> None:
    async def main() -> None:
        worker = Worker("unused", lambda job, future: settle(future, job))
        assert await worker.run(threading.current_thread, 1.0) is threading.main_thread()
        with pytest.raises(OSError, match="gone"):
            await worker.run(fail, 1.0)

    def fail() -> None:
        raise OSError(errno.ENODEV, "gone")

    asyncio.run(main())


def test_jobs_run_one_at_a_time_in_their_order() -> None:
    async def scenario(worker: Worker) -> None:
        order: list[str] = []

        def job(number: int) -> Callable[[], int]:
            def work() -> int:
                order.append(f"begin {number}")
                time.sleep(0.01)
                order.append(f"end {number}")
                return number

            return work

        assert await asyncio.gather(*(worker.run(job(number), 5.0) for number in range(3))) == [0, 1, 2]
        assert order == [f"{what} {number}" for number in range(3) for what in ("begin", "end")]

    assert run(scenario) == []


@pytest.mark.parametrize(
    "error",
    [OSError(errno.EIO, "Input/output error"), ValueError("no"), TimeoutError(errno.ETIMEDOUT, "Connection timed out")],
)
def test_what_the_job_raises_is_raised_and_the_worker_goes_on(error: Exception) -> None:
    def fail() -> None:
        raise error

    async def scenario(worker: Worker) -> None:
        with pytest.raises(type(error)) as caught:
            await worker.run(fail, 1.0)
        assert caught.value is error
        assert await worker.run(lambda: 1, 1.0) == 1

    assert run(scenario) == []


def test_a_job_that_hangs_is_given_up_at_its_deadline_and_the_loop_goes_on(gate: threading.Event) -> None:
    async def scenario(worker: Worker) -> None:
        turns = 0

        async def count_turns() -> None:
            nonlocal turns
            while True:
                turns += 1
                await asyncio.sleep(0.005)

        counting = asyncio.create_task(count_turns())
        began = time.monotonic()
        with pytest.raises(StalledError):
            await worker.run(gate.wait, 0.1)
        assert 0.09 < time.monotonic() - began < 0.5
        assert turns > 5
        counting.cancel()

    assert run(scenario) == []


def test_while_one_hangs_others_are_refused_at_once_and_never_run(gate: threading.Event) -> None:
    async def scenario(worker: Worker) -> None:
        with pytest.raises(StalledError):
            await worker.run(gate.wait, 0.05)
        ran: list[int] = []
        for number in range(3):
            began = time.monotonic()
            with pytest.raises(StalledError):
                await worker.run(lambda number=number: ran.append(number), 5.0)  # type: ignore[misc]
            assert time.monotonic() - began < 0.5
        gate.set()
        await asyncio.sleep(0.05)
        assert ran == []

    assert run(scenario) == []


def test_the_worker_serves_again_when_the_one_that_hung_has_returned(gate: threading.Event) -> None:
    async def scenario(worker: Worker) -> None:
        with pytest.raises(StalledError):
            await worker.run(gate.wait, 0.05)
        gate.set()
        for _ in range(100):
            try:
                assert await worker.run(lambda: 7, 1.0) == 7
            except StalledError:
                await asyncio.sleep(0.01)
            else:
                return
        pytest.fail("the worker refuses for ever")

    assert run(scenario) == []


def test_the_worker_serves_again_even_if_the_one_that_hung_failed_in_the_end(gate: threading.Event) -> None:
    def hang_and_fail() -> None:
        gate.wait()
        raise OSError(errno.EIO, "Input/output error")

    async def scenario(worker: Worker) -> None:
        with pytest.raises(StalledError):
            await worker.run(hang_and_fail, 0.05)
        gate.set()
        await asyncio.sleep(0.05)
        assert await worker.run(lambda: 7, 1.0) == 7

    assert run(scenario) == []  # no caller fetched the late failure, and asyncio logs no error about it


def test_a_job_that_waits_behind_one_that_hangs_is_given_up_with_it(gate: threading.Event) -> None:
    async def scenario(worker: Worker) -> None:
        answers = await asyncio.gather(worker.run(gate.wait, 0.05), worker.run(lambda: 7, 0.05), return_exceptions=True)
        assert [type(answer) for answer in answers] == [StalledError, StalledError]
        gate.set()
        await asyncio.sleep(0.05)
        assert await worker.run(lambda: 7, 1.0) == 7

    assert run(scenario) == []


@pytest.mark.parametrize("fails", [False, True])
def test_a_cancelled_wait_ends_at_once_and_its_outcome_is_dropped(gate: threading.Event, fails: bool) -> None:
    def work() -> None:
        gate.wait()
        if fails:
            raise OSError(errno.EIO, "Input/output error")

    async def scenario(worker: Worker) -> None:
        waiting = asyncio.create_task(worker.run(work, 60.0))
        await asyncio.sleep(0.02)
        began = time.monotonic()
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        assert time.monotonic() - began < 0.5
        gate.set()
        assert await worker.run(lambda: 7, 1.0) == 7

    assert run(scenario) == []


@pytest.mark.parametrize("turns", range(5))
def test_a_cancellation_that_meets_the_result_is_not_swallowed(gate: threading.Event, turns: int) -> None:
    async def scenario(worker: Worker) -> None:
        went_on = False

        async def work() -> None:
            nonlocal went_on
            await worker.run(gate.wait, 60.0)
            await asyncio.sleep(0.05)
            went_on = True

        working = asyncio.create_task(work())
        await asyncio.sleep(0.02)
        gate.set()
        time.sleep(0.02)  # noqa: ASYNC251  # the result is on its way, and the loop has not seen it yet
        for _ in range(turns):
            await asyncio.sleep(0)
        working.cancel()
        with pytest.raises(asyncio.CancelledError):
            await working
        assert not went_on

    assert run(scenario) == []


def test_a_job_that_returns_after_the_loop_was_closed_ends_its_thread_in_silence(
    gate: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    complaints: list[object] = []
    monkeypatch.setattr(threading, "excepthook", complaints.append)
    threads: list[threading.Thread] = []

    def work() -> None:
        threads.append(threading.current_thread())
        gate.wait()

    async def scenario(worker: Worker) -> None:
        with pytest.raises(StalledError):
            await worker.run(work, 0.05)

    run(scenario)  # closing the loop does not wait for the thread, or this would never end
    gate.set()
    threads[0].join(5.0)
    assert not threads[0].is_alive()
    assert complaints == []
