"""Blocking reads on a separate thread, each with a deadline."""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import Callable
from typing import Any, TypeVar

Result = TypeVar("Result")
Submit = Callable[[Callable[[], Any], "asyncio.Future[Any]"], None]
"""Has a read done, and its outcome given to the future by ``settle``. It returns at once."""


class StalledError(Exception):
    """This read, or one before it, did not return within its deadline."""


class Worker:
    """Runs one read at a time on a daemon thread: a read that never returns does not keep the process alive.

    A system call on a thread can't be cancelled. After a missed deadline every further read is refused with
    ``StalledError`` until the one that hangs has returned. ``submit`` does the reads one after the other; by default a
    thread called ``name``.
    """

    def __init__(self, name: str, submit: Submit | None = None) -> None:
        self._submit = submit or _Thread(name).submit
        self._hangs = False

    async def run(self, job: Callable[[], Result], deadline: float) -> Result:
        """Return or raise what ``job`` does; raise ``StalledError`` after ``deadline`` seconds."""
        if self._hangs:
            raise StalledError
        future: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        future.add_done_callback(_retrieve)
        self._submit(job, future)
        try:
            async with asyncio.timeout(deadline):  # not wait_for: before Python 3.12 it could swallow a cancellation
                return await asyncio.shield(future)
        except TimeoutError:
            if future.done():  # the job itself raised it: ETIMEDOUT
                return future.result()
            self._hangs = True
            future.add_done_callback(self._returned)
            raise StalledError from None

    def _returned(self, _future: asyncio.Future[Any]) -> None:
        self._hangs = False


class _Thread:
    """A daemon thread that does what is submitted."""

    def __init__(self, name: str) -> None:
        self._jobs: queue.SimpleQueue[tuple[Callable[[], Any], asyncio.Future[Any]]] = queue.SimpleQueue()
        threading.Thread(target=self._serve, name=name, daemon=True).start()

    def submit(self, job: Callable[[], Any], future: asyncio.Future[Any]) -> None:
        """As ``Submit``."""
        self._jobs.put((job, future))

    def _serve(self) -> None:
        while True:
            job, future = self._jobs.get()
            try:
                settle(future, job)
            except RuntimeError:  # the loop is closed: no one waits for it now
                return


def settle(future: asyncio.Future[Any], job: Callable[[], Any]) -> None:
    """Do ``job`` now, and give its outcome to ``future`` in its loop. Raises ``RuntimeError`` if that is closed."""
    try:
        outcome, failure = job(), None
    except Exception as error:  # noqa: BLE001  # passed on to the caller that awaits it
        outcome, failure = None, error
    future.get_loop().call_soon_threadsafe(_settle, future, outcome, failure)


def _retrieve(future: asyncio.Future[Any]) -> None:
    """Fetch the outcome. Otherwise asyncio logs a failure for which no caller waits any longer."""
    if not future.cancelled():
        future.exception()


def _settle(future: asyncio.Future[Any], outcome: object, failure: Exception | None) -> None:
    if future.done():
        return
    if failure is None:
        future.set_result(outcome)
    else:
        future.set_exception(failure)
