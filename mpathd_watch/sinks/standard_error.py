"""Standard error that never makes its writers wait.

Under systemd it is a stream to journald, otherwise a terminal or a pipe: any of them may not be read. Python's own
object would then stop whoever writes, the loop included: asyncio and uncaught exceptions of threads are reported there.
"""

from __future__ import annotations

import io
import os
import select
from typing import Final

from mpathd_watch.sinks.backlog import Backlog, BusyError, Outlet

_CAPACITY: Final = 1 << 20
"""Characters that may wait."""
_PATIENCE: Final = 0.25
"""Seconds that one attempt waits for a reader."""
_AT_ONCE: Final = 512
"""Bytes of one write: poll(2) reports a pipe as writable where PIPE_BUF bytes fit, which is at least this many."""


class StandardError(io.TextIOBase):
    """A text stream onto ``descriptor``, which stays open. A thread of its own writes, and waits where it must."""

    def __init__(self, descriptor: int, capacity: int = _CAPACITY) -> None:
        super().__init__()
        self._descriptor = descriptor
        self._rest = memoryview(b"")
        self._backlog: Backlog[str] = Backlog("stderr", self._deliver, _loss, capacity, weigh=len)

    @property
    def outlet(self) -> Outlet:
        """How many pieces of text are not written."""
        return self._backlog.outlet

    def writable(self) -> bool:
        """Text may be written."""
        return True

    def fileno(self) -> int:
        """The descriptor."""
        return self._descriptor

    def isatty(self) -> bool:
        """Whether it is a terminal."""
        return os.isatty(self._descriptor)

    def write(self, text: str) -> int:
        """Queue text. Returns at once."""
        if text:
            self._backlog.put(text)
        return len(text)

    def stop(self, deadline: float = 2.0) -> bool:
        """Write what is queued, for at most ``deadline`` seconds. Returns whether all of it was written."""
        return self._backlog.stop(deadline)

    def _deliver(self, text: str) -> None:
        # After a BusyError the same text comes again: what is left of it is still here.
        rest = self._rest or memoryview(text.encode("utf-8", "backslashreplace"))
        self._rest = memoryview(b"")
        while rest:
            poll = select.poll()
            poll.register(self._descriptor, select.POLLOUT)
            if not poll.poll(_PATIENCE * 1000):
                self._rest = rest
                raise BusyError(waited=True)
            try:
                rest = rest[os.write(self._descriptor, rest[:_AT_ONCE]) :]
            except BlockingIOError:  # another process has made the terminal or pipe non-blocking, and was faster
                self._rest = rest
                raise BusyError(waited=False) from None


def _loss(count: int) -> str:
    return f"mpathd-watch: standard error was not read in time; pieces of text dropped here: {count}\n"
