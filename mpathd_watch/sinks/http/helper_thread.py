"""A thread beside the server's loop, for jobs that may block."""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any, TypeVar

Result = TypeVar("Result")


class HelperThread:
    """Does jobs one after the other. A job that never returns does not keep the process alive.

    The thread is started with the first job.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._jobs: queue.SimpleQueue[tuple[Callable[[], Any], asyncio.Future[Any]] | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None

    def do(self, job: Callable[[], Result]) -> asyncio.Future[Result]:
        """Have a job done. The future of the running loop gets what it returns or raises."""
        future: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        self._jobs.put((job, future))
        if self._thread is None:
            self._thread = threading.Thread(target=self._serve, name=self._name, daemon=True)
            self._thread.start()
        return future

    def stop(self) -> None:
        """End the thread when its job is done."""
        self._jobs.put(None)

    def _serve(self) -> None:
        while (next_one := self._jobs.get()) is not None:
            job, future = next_one
            result, failure = None, None
            try:
                result = job()
            except Exception as error:  # noqa: BLE001  # passed on to the caller
                failure = error
            with suppress(RuntimeError):  # the loop has ended
                future.get_loop().call_soon_threadsafe(_settle, future, result, failure)


def _settle(future: asyncio.Future[Any], result: object, failure: Exception | None) -> None:
    if future.done():
        return
    if failure is None:
        future.set_result(result)
    else:
        future.set_exception(failure)
