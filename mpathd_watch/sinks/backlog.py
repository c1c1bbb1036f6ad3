"""A bounded queue with a thread of its own: to put an item in never blocks, whatever the other end does."""

from __future__ import annotations

import contextlib
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, Generic, TypeVar

from mpathd_watch.immutable import immutable

Item = TypeVar("Item")

CAPACITY: Final = 8192
"""Enough entries for all paths of 2,048 maps to fail at once and come back. About 10 MiB at worst."""
RETRY_EVERY: Final = 0.5
"""Seconds between two attempts where the other end does not exist at present."""
RETRY_EVERY_AT_THE_END: Final = 0.05

FAILURES: Final = (OSError, ValueError)
"""What a write may raise: the other end is gone, the stream is closed, the encoding lacks a character."""


class BusyError(Exception):
    """The other end accepts nothing at present. The item is kept, and tried again: at once if ``waited``."""

    def __init__(self, *, waited: bool) -> None:
        super().__init__()
        self.waited = waited


@immutable
class Outlet:
    """What a receiver has not accepted: how many items are ``lost``, and how many are ``waiting`` for it.

    ``stalled``: it has accepted nothing for a while, and what has waited since then is not delivered yet.
    """

    lost: int
    waiting: int
    stalled: bool


@immutable
class Stall:
    """A time in which the other end accepted nothing: how long it was, and what became of the items that came.

    ``late`` items were delivered when it was over; ``lost`` items never were.
    """

    seconds: float
    late: int
    lost: int


@immutable
class _Queued(Generic[Item]):
    """An item with its share of the capacity. ``count`` is 0 for a report of our own, else 1."""

    item: Item
    weight: int
    count: int


@dataclass(slots=True)
class _Tally:
    """What is counted. ``cut`` and ``failed`` are not reported yet: did not fit in, and could not be delivered.

    ``late`` and ``lost`` are counted until nothing waits.
    """

    weight: int = 0
    dropped: int = 0
    cut: int = 0
    failed: int = 0
    overflowing: bool = False
    stalled: float | None = field(default=None)
    late: int = 0
    lost: int = 0

    def lose(self, count: int) -> None:
        """Count items that are never delivered."""
        self.dropped += count
        self.lost += count


class Backlog(Generic[Item]):
    """Passes items to ``deliver`` one by one, in order, on a daemon thread named ``name``.

    ``deliver`` raises ``BusyError`` if the other end accepts nothing at present. Then this item waits, and those after
    it. When they take up the whole ``capacity``, new items are dropped until half of it is free again. An item is also
    dropped if ``deliver`` raises one of ``FAILURES`` for it. Where items are missing, the item that ``loss`` makes
    reports how many. When a stall is over and nothing waits any longer, ``over`` may make an item that reports that.

    ``weigh`` gives the share of the capacity that an item takes, by default 1.
    """

    def __init__(
        self,
        name: str,
        deliver: Callable[[Item], None],
        loss: Callable[[int], Item],
        capacity: int = CAPACITY,
        *,
        over: Callable[[Stall], Item | None] = lambda _: None,
        weigh: Callable[[Item], int] = lambda _: 1,
    ) -> None:
        self._deliver = deliver
        self._loss = loss
        self._over = over
        self._weigh = weigh
        self._capacity = capacity
        self._items: deque[_Queued[Item]] = deque()
        self._changed = threading.Condition()
        self._tally = _Tally()
        self._ending = self._ended = False
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    @property
    def outlet(self) -> Outlet:
        """What was not accepted, as of now. May be read from any thread."""
        return Outlet(self._tally.dropped, len(self._items), self._tally.stalled is not None)

    def put(self, item: Item) -> bool:
        """Queue an item, or drop it. Returns at once whether it is queued. May be called from any thread."""
        weight = self._weigh(item)
        with self._changed:
            tally = self._tally
            if self._ended or tally.overflowing or (self._items and tally.weight + weight > self._capacity):
                tally.overflowing = True
                tally.cut += 1
                tally.lose(1)
                return False
            self._append(item, weight, 1)
            self._changed.notify()
        return True

    def stop(self, deadline: float) -> bool:
        """Deliver what is queued, for at most ``deadline`` seconds, and end the thread. Returns whether all got out.

        What is left then is dropped, and counted.
        """
        with self._changed:
            self._ending = True
            self._changed.notify()
        self._thread.join(deadline)
        with self._changed:
            self._ended = True
            left = sum(queued.count for queued in self._items)
            self._items.clear()
            self._tally.lose(left)
            self._changed.notify()
        return not left and not self._thread.is_alive()

    def _append(self, item: Item, weight: int, count: int) -> None:
        self._items.append(_Queued(item, weight, count))
        self._tally.weight += weight

    def _run(self) -> None:
        while (queued := self._next()) is not None:
            try:
                self._report_failed()
                self._deliver(queued.item)
            except BusyError as busy:
                self._stall(pause=not busy.waited)
            except FAILURES:
                self._done(queued, delivered=False)
            else:
                self._done(queued, delivered=True)
        if not self._ended:
            with contextlib.suppress(BusyError):
                self._report_failed()

    def _next(self) -> _Queued[Item] | None:
        """The item at the head, which stays there until it is delivered or dropped; ``None`` at the end."""
        with self._changed:
            while not self._items and not self._ending:
                self._changed.wait()
            return self._items[0] if self._items else None

    def _stall(self, *, pause: bool) -> None:
        """Note that nothing is accepted at present, and wait before the next attempt."""
        with self._changed:
            if self._tally.stalled is None:
                self._tally.stalled = time.monotonic()
            if pause and not self._ended:
                until = time.monotonic() + RETRY_EVERY
                while not self._ending and (left := until - time.monotonic()) > 0:
                    self._changed.wait(left)
                if self._ending:
                    self._changed.wait(RETRY_EVERY_AT_THE_END)

    def _report_failed(self) -> None:
        """Report how many items were refused, if any were. If this report is refused, the next one includes them."""
        failed = self._tally.failed
        if failed:
            with contextlib.suppress(*FAILURES):
                self._deliver(self._loss(failed))
                self._tally.failed -= failed

    def _done(self, queued: _Queued[Item], *, delivered: bool) -> None:
        with self._changed:
            if not self._items:  # stop() has waited long enough, and has counted this item as lost
                return
            self._items.popleft()
            tally = self._tally
            tally.weight -= queued.weight
            if not delivered:
                tally.failed += queued.count
                tally.lose(queued.count)
            elif tally.stalled is not None:
                tally.late += queued.count
            if tally.overflowing and 2 * tally.weight <= self._capacity:
                # What did not fit in came after all that is still queued, and the report has the same place.
                cut, tally.cut, tally.overflowing = tally.cut, 0, False
                self._report(self._loss(cut))
            if self._items:
                return
            late, lost, began = tally.late, tally.lost, tally.stalled
            tally.late, tally.lost, tally.stalled = 0, 0, None
            if began is not None and delivered:
                self._report(self._over(Stall(time.monotonic() - began, late, lost)))

    def _report(self, report: Item | None) -> None:
        if report is not None:
            self._append(report, self._weigh(report), 0)
