"""An event loop whose time is that of the world: it advances to what is due next, and never waits."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable
from contextvars import Context
from typing import Any, TypeVarTuple, cast

from tests.sim.clock import Clock

MOST_AT_ONCE = 20_000
"""Turns of the loop without any progress of time from which on it is a busy loop."""

Watched = Any
"""What can be watched for reading: one of the fakes in ``sockets``, or its number."""
Ts = TypeVarTuple("Ts")


class BusyLoopError(Exception):
    """The loop turns and turns, and time stands still."""


class IdleError(Exception):
    """Nothing will ever happen any more."""


class _Selector(selectors.SelectSelector):
    """Waits for no file: what it waits for is the world."""

    def __init__(self, wait: Callable[[float | None], None]) -> None:
        super().__init__()
        self._wait = wait

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        self._wait(timeout)
        return []


class VirtualLoop(asyncio.SelectorEventLoop):
    """The loop. ``turns`` counts its iterations, and ``signals`` has the handlers of this process."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.turns = 0
        self.signals: dict[int, Callable[[], object]] = {}
        self._at_once = 0
        self._watched: dict[Watched, Callable[[], object]] = {}
        super().__init__(_Selector(self._wait))

    def time(self) -> float:
        """CLOCK_MONOTONIC of the world."""
        return self.clock.now

    def run_to(self, moment: float) -> None:
        """Run until the world's clock shows ``moment``."""
        self.clock.at(moment, self.stop)
        self.run_forever()

    def timers(self) -> int:
        """How many timers are set that are not cancelled."""
        return sum(not handle.cancelled() for handle in cast("Any", self)._scheduled)

    def _wait(self, timeout: float | None) -> None:
        """Run one action of the world, or advance to the loop's next timer."""
        self.turns += 1
        if timeout is not None and timeout <= 0:
            self._at_once += 1
            if self._at_once > MOST_AT_ONCE:
                raise BusyLoopError(f"{self._at_once} turns at once")
            return
        clock = self.clock
        moment = clock.next
        due = None if timeout is None else clock.now + timeout
        if moment is not None and (due is None or moment <= due):
            if moment > clock.now:
                self._at_once = 0
            clock.step()
        elif due is not None:
            self._at_once = 0
            clock.run(due)
        else:
            raise IdleError

    # --- what a real loop does with files and signals -----------------------------------------------------------------

    def call_soon_threadsafe(
        self, callback: Callable[[*Ts], object], *args: *Ts, context: Context | None = None
    ) -> asyncio.Handle:
        """There is only one thread."""
        return self.call_soon(callback, *args, context=context)

    def add_signal_handler(self, sig: int, callback: Callable[[*Ts], object], *args: *Ts) -> None:
        """Have ``signals`` call it."""
        self.signals[sig] = lambda: callback(*args)

    def add_reader(self, fd: Any, callback: Callable[[*Ts], Any], *args: *Ts) -> None:
        """Call ``callback`` now and after each arrival; it reads all that there is."""
        self._watched[fd] = lambda: callback(*args)
        self.readable(fd)

    def remove_reader(self, fd: Any) -> bool:
        """Do so no longer."""
        return self._watched.pop(fd, None) is not None

    def readable(self, fd: Any) -> None:
        """Something has arrived there."""
        if fd in self._watched:
            self.call_soon(self._read, fd)

    def _read(self, fd: Any) -> None:
        callback = self._watched.get(fd)
        if callback is not None:
            callback()

    async def sock_sendall(self, sock: Any, data: Any) -> None:
        """Send to a fake."""
        sock.take(bytes(data))

    async def sock_recv(self, sock: Any, nbytes: int) -> bytes:
        """Receive from a fake."""
        received: bytes = await sock.receive(nbytes)
        return received
