"""multipathd's listings, requested as ``MultipathdSource`` does."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

from mpathd_watch.core.events import Event, MapsListed, MultipathdConfigured, PathsListed
from mpathd_watch.core.formats.multipath_conf import Document
from mpathd_watch.core.model.vocabulary import SourceName
from tests.sim.clock import Clock, Timer
from tests.sim.sources.source import Emit, Source
from tests.sim.world.host import World

PATHS_EVERY, MAPS_EVERY, WAKES_APART = 5.0, 60.0, 0.5
SETTLE, LONGEST_SETTLE = 0.1, 1.0
DEADLINE = 4.1
BACKOFF = (1.0, 2.0, 4.0, 8.0, 10.0)
PRESENCE_EVERY = 1.0


class _Listing:
    """One kind of listing."""

    def __init__(self, every: float, take: Callable[[], tuple[Any, ...]], event: Callable[..., Event]) -> None:
        self.every = every
        self.take = take
        self.event = event
        self.due = 0.0
        self.wakes: tuple[float, float] | None = None
        self.asked = -WAKES_APART
        self.last: tuple[Any, ...] | None = None

    def next(self) -> float:
        """When it is requested next."""
        if self.wakes is None:
            return self.due
        first, last = self.wakes
        settled = min(last + SETTLE, first + LONGEST_SETTLE)
        return min(self.due, max(settled, self.asked + WAKES_APART))

    def wake(self, now: float) -> None:
        """Have it requested soon."""
        self.wakes = (now if self.wakes is None else self.wakes[0], now)

    def begin(self, now: float) -> tuple[Any, ...] | None:
        """Note a request: a wake that comes during it leads to another one. Returns what the last one held."""
        previous = self.last if self.wakes is None else None
        if self.wakes is not None:
            self.asked = now
        self.wakes, self.due, self.last = None, now + self.every, None
        return previous


class MultipathdSource(Source):
    """The source ``multipathd``."""

    def __init__(self, clock: Clock, random: Random, emit: Emit, world: World, document: Document) -> None:
        super().__init__(SourceName.MULTIPATHD, clock, random, emit)
        self._slow = self._slowest = 0.0
        self._slow_until = float("-inf")
        self._world = world
        self._document = document
        self._configured = False
        daemon = world.multipathd
        self._paths = _Listing(PATHS_EVERY, daemon.listed_paths, PathsListed)
        self._maps = _Listing(MAPS_EVERY, daemon.listed_maps, MapsListed)
        self._timer: Timer | None = None
        self._asking = False
        self._failures = 0
        self._failed_pid: int | None = None
        self._retry_at = 0.0

    @property
    def slow(self) -> float:
        """The most seconds that an answer may take beside the usual."""
        return self._slow

    @slow.setter
    def slow(self, seconds: float) -> None:
        if self._slow:
            # Of several faults that overlap, an answer may still be late by the longest.
            self._slowest, self._slow_until = self.slowness, self.clock.now + 2 * DEADLINE
        self._slow = seconds

    @property
    def slowness(self) -> float:
        """The same, of answers to what was asked a moment ago, too."""
        return max(self._slow, self._slowest if self.clock.now < self._slow_until else 0.0)

    def begin(self) -> None:
        """Ask for everything."""
        self._ask_at(self.clock.now)

    def wake_paths(self) -> None:
        """Request the paths soon."""
        self._paths.wake(self.clock.now)
        self._plan()

    def wake_maps(self) -> None:
        """Request the maps soon."""
        self._maps.wake(self.clock.now)
        self._plan()

    # --- when it asks -------------------------------------------------------------------------------------------------

    def _plan(self) -> None:
        if self._asking or self.closed:
            return
        if self.up is False:
            return
        self._ask_at(max(self.clock.now, min(self._paths.next(), self._maps.next())))

    def _ask_at(self, moment: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self.clock.at(moment, self._ask)

    def _ask(self) -> None:
        self._timer = None
        if self.closed or self._asking:
            return
        now = self.clock.now
        daemon = self._world.multipathd
        if daemon.pid is None:
            self._fail("not_running")
            return
        due = [listing for listing in (self._maps, self._paths) if listing.next() <= now + 1e-9]
        if not due:
            self._plan()
            return
        self._asking = True
        self._exchange(due, [], now)

    def _exchange(self, due: list[_Listing], news: list[Event], began: float) -> None:
        """Ask one listing after the other; the answer shows what is so when it is given."""
        daemon, pid = self._world.multipathd, self._world.multipathd.pid
        listing, requested = due[0], self.clock.now
        previous = listing.begin(requested)
        took = self.random.uniform(*self._world.laws.command) + self.random.uniform(0.0, self.slow)
        deadline = self.clock.at(requested + DEADLINE, lambda: self._timed_out(attempt))
        attempt = [True]

        def answer() -> None:
            if not attempt[0] or self.closed:
                return
            if daemon.pid != pid or daemon.pid is None:
                attempt[0] = False
                deadline.cancel()
                self._asking = False
                self._fail("closed")
            elif daemon.hung:
                self.clock.after(0.1, answer)
            else:
                attempt[0] = False
                deadline.cancel()
                listing.last = items = listing.take()
                if items != previous:
                    news.append(listing.event(items, requested))
                if due[1:]:
                    self._exchange(due[1:], news, began)
                else:
                    self._succeed(news)

        self.clock.after(took, answer)

    def _timed_out(self, attempt: list[bool]) -> None:
        if attempt[0]:
            attempt[0] = False
            self._asking = False
            self._fail("timeout")

    def _succeed(self, news: list[Event]) -> None:
        self._asking = False
        self._failures = 0
        self.report_up()
        if not news:
            self.report_unchanged()
        for event in news:
            self.emit(event)
        if not self._configured:
            self._configured = True
            self.emit(MultipathdConfigured(self._document))
        self._plan()

    # --- when it does not answer --------------------------------------------------------------------------------------

    def _fail(self, reason: str) -> None:
        for listing in (self._paths, self._maps):
            listing.due, listing.last = 0.0, None
        self._failed_pid = self._world.multipathd.pid
        self._retry_at = self.clock.now + BACKOFF[min(self._failures, len(BACKOFF) - 1)]
        self._failures += 1
        self._configured = False
        self.report_down(reason)
        self._look_again()

    def _look_again(self) -> None:
        self._ask_at(min(self.clock.now + PRESENCE_EVERY, max(self._retry_at, self.clock.now)))
        assert self._timer is not None
        self._timer.action = self._presence

    def _presence(self) -> None:
        self._timer = None
        if self.closed or self._asking:
            return
        pid = self._world.multipathd.pid
        if pid is None:
            self._failed_pid = None
            self.report_down("not_running")
            self._timer = self.clock.after(PRESENCE_EVERY, self._presence)
        elif pid != self._failed_pid:
            self._failures = 0
            self._ask()
        elif self.clock.now >= self._retry_at - 1e-9:
            self._ask()
        else:
            self._look_again()
