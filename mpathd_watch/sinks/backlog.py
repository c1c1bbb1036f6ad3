"""A bounded queue with a thread of its own: to put an item in never blocks."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable
from typing import Final, Generic, TypeVar

Item = TypeVar("Item")

CAPACITY: Final = 8192
"""Enough entries for all paths of 2,048 maps to fail at once and come back. About 10 MiB at worst."""


FAILURES: Final = (OSError, ValueError)
"""What a write may raise: the other end is gone, the stream is closed, the encoding lacks a character."""


class Backlog(Generic[Item]):
    """Passes items to ``deliver`` one by one, in order, on a daemon thread named ``name``.

    An item is dropped if ``capacity`` items are queued already, or if ``deliver`` raises one of ``FAILURES``. Before
    the next item, that thread calls ``report_loss`` with the number of dropped items.
    """

    def __init__(
        self,
        name: str,
        deliver: Callable[[Item], None],
        report_loss: Callable[[int], None],
        capacity: int = CAPACITY,
    ) -> None:
        self._deliver = deliver
        self._report_loss = report_loss
        self._items: queue.Queue[Item | None] = queue.Queue(capacity)
        self._lock = threading.Lock()
        self._dropped = 0
        self._unreported = 0
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    @property
    def dropped(self) -> int:
        """How many items were never delivered."""
        return self._dropped

    def put(self, item: Item) -> None:
        """Queue an item, or drop it. Returns at once. May be called from any thread."""
        try:
            self._items.put_nowait(item)
        except queue.Full:
            self._lost()

    def stop(self, deadline: float) -> bool:
        """Deliver what is queued, for at most ``deadline`` seconds, and end the thread. Returns whether all got out."""
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
            count, self._unreported = self._unreported, 0
        if count:
            try:
                self._report_loss(count)
            except FAILURES:
                with self._lock:
                    self._unreported += count

    def _lost(self) -> None:
        with self._lock:
            self._dropped += 1
            self._unreported += 1
