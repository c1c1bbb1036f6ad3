"""A bounded queue with a thread of its own: what is put in never waits for whoever takes it out."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable
from typing import Final, Generic, TypeVar

Item = TypeVar("Item")

CAPACITY: Final = 8192
"""Enough for every path of 2,048 maps to fail at once and come back; about 10 MiB at worst."""


FAILURES: Final = (OSError, ValueError)
"""What a write may raise: the other end is gone, a stream was closed, a character has no place in its encoding."""


class Backlog(Generic[Item]):
    """Hands items to ``deliver`` one by one, in order, on a daemon thread named ``name``.

    What comes while ``capacity`` items wait, or makes ``deliver`` raise one of ``FAILURES``, is dropped; ``tell_loss``
    is then called with the number on that thread, before the next item that gets through. ``stop`` waits for the rest.
    """

    def __init__(
        self,
        name: str,
        deliver: Callable[[Item], None],
        tell_loss: Callable[[int], None],
        capacity: int = CAPACITY,
    ) -> None:
        self._deliver = deliver
        self._tell_loss = tell_loss
        self._items: queue.Queue[Item | None] = queue.Queue(capacity)
        self._lock = threading.Lock()
        self._dropped = 0
        self._untold = 0
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    @property
    def dropped(self) -> int:
        """How many items were never delivered."""
        return self._dropped

    def put(self, item: Item) -> None:
        """Queue an item, or drop it; returns at once. May be called from any thread."""
        try:
            self._items.put_nowait(item)
        except queue.Full:
            self._lost()

    def stop(self, deadline: float) -> bool:
        """Deliver what waits, for at most ``deadline`` seconds, and end the thread; whether all of it got out."""
        until = time.monotonic() + deadline
        try:
            self._items.put(None, timeout=deadline)
        except queue.Full:
            return False
        self._thread.join(max(0.0, until - time.monotonic()))
        return not self._thread.is_alive()

    def _run(self) -> None:
        while (item := self._items.get()) is not None:
            self._attempt(item)
        self._attempt_loss()

    def _attempt(self, item: Item) -> None:
        self._attempt_loss()
        try:
            self._deliver(item)
        except FAILURES:
            self._lost()

    def _attempt_loss(self) -> None:
        with self._lock:
            count, self._untold = self._untold, 0
        if count:
            try:
                self._tell_loss(count)
            except FAILURES:
                with self._lock:
                    self._untold += count

    def _lost(self) -> None:
        with self._lock:
            self._dropped += 1
            self._untold += 1
