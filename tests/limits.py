"""What a test may take: one that loops fails with a clear line, and neither hangs nor fills the machine.

A timer looks once a second at how long the test has been running and how much memory the process has taken meanwhile.
pytest-timeout can't do this: Hypothesis takes its exception for a failure of the property, and runs the loop once more
to find a smaller example.
"""

from __future__ import annotations

import gc
import os
import resource
import signal
import traceback
from collections.abc import Iterator
from contextlib import contextmanager

# As they are now: tests replace what is in the modules.
from os import close, read
from os import open as open_
from time import monotonic

SECONDS = 120.0
SECONDS_OF_PROCESSES = 300.0
"""For the component tests: they start processes, and wait for them."""
MEMORY = 1 << 30
"""Bytes by which the process may grow during a test."""
DATA = 4 << 30
"""Bytes that RLIMIT_DATA leaves to the process during a test, and to its children: for what grows within one second, or
in another process. It counts 8 MiB for each thread that tests have left behind, so it is set again for each test.
RLIMIT_AS would not do: malloc() reserves 64 MiB and more for each thread, and hardly ever uses it."""

EVERY = 1.0
AGAIN_AFTER = 10.0
"""Seconds that a test has to clean up. After that the exception has been lost on the way, and comes again."""

_PAGE = os.sysconf("SC_PAGE_SIZE")


class LimitError(BaseException):
    """A test took too long or too much. Like KeyboardInterrupt it is no Exception, so that nothing handles it."""


def release(error: LimitError) -> None:
    """Drop what the frames of a ``LimitError`` hold: pytest keeps them, and the tests after it need the memory."""
    traceback.clear_frames(error.__traceback__)
    gc.collect()


@contextmanager
def limited(seconds: float, memory: int = MEMORY, every: float = EVERY) -> Iterator[None]:
    """Raise ``LimitError`` in the main thread, which must be the one that calls, when the block exceeds a limit."""
    began, (before, data) = monotonic(), _memory()
    quiet_until = began

    def look(*_: object) -> None:
        nonlocal quiet_until
        now = monotonic()
        if now < quiet_until:
            return
        grown = _memory()[0] - before
        if now - began > seconds:
            quiet_until = now + AGAIN_AFTER
            raise LimitError(f"the test was stopped after {seconds:g} s: does it loop, or wait for what never comes?")
        if grown > memory:
            quiet_until = now + AGAIN_AFTER
            took = f"it took {grown >> 20} MiB of memory in {now - began:.0f} s"
            raise LimitError(f"the test was stopped: {took}, more than {memory >> 20} MiB. Does it loop?")

    soft, hard = resource.getrlimit(resource.RLIMIT_DATA)
    if hard == resource.RLIM_INFINITY:
        resource.setrlimit(resource.RLIMIT_DATA, (data + DATA, hard))
    handler = signal.signal(signal.SIGALRM, look)
    timer = signal.setitimer(signal.ITIMER_REAL, every, every)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, *timer)
        signal.signal(signal.SIGALRM, handler)
        resource.setrlimit(resource.RLIMIT_DATA, (soft, hard))


def _memory() -> tuple[int, int]:
    """The bytes of this process that are in memory, and those that RLIMIT_DATA counts (and its stack)."""
    descriptor = open_("/proc/self/statm", os.O_RDONLY)
    try:
        fields = read(descriptor, 200).split()
    finally:
        close(descriptor)
    return int(fields[1]) * _PAGE, int(fields[5]) * _PAGE
