"""A call that may block for ever, for callers without a loop: at the start of the daemon."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from typing import TypeVar

Result = TypeVar("Result")


def within(seconds: float, job: Callable[[], Result]) -> Result:
    """Return or raise what ``job`` does; raise ``TimeoutError`` if it has not returned after ``seconds``.

    A system call can't be cancelled: the thread that it hangs in is left behind, and does not keep the process alive.
    """
    outcomes: queue.SimpleQueue[tuple[Result, None] | tuple[None, Exception]] = queue.SimpleQueue()

    def run() -> None:
        try:
            outcomes.put((job(), None))
        except Exception as error:  # noqa: BLE001  # passed on to the caller
            outcomes.put((None, error))

    threading.Thread(target=run, name="deadline", daemon=True).start()
    try:
        result, failure = outcomes.get(timeout=seconds)
    except queue.Empty:
        raise TimeoutError from None
    if failure is not None:
        raise failure
    return result  # type: ignore[return-value]  # it is the one without a failure
