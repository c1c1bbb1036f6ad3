"""The host's clocks, in whole microseconds: nothing here is measured more closely, and a recording has fewer digits."""

from __future__ import annotations

import time
from typing import Final

from mpathd_watch.core.model.instant import Instant

STEP: Final = 1_000
"""Microseconds by which the wall clock must have moved against CLOCK_MONOTONIC to have been set. NTP slews both alike
(the kernel derives them from one source, kernel/time/timekeeping.c); what is less is the time between two readings."""


class Clock:
    """Reads both clocks. The distance between them stays the same until the wall clock is set, or the host sleeps."""

    def __init__(self) -> None:
        self._ahead: int | None = None

    def now(self) -> Instant:
        """The present moment by CLOCK_MONOTONIC and CLOCK_REALTIME."""
        monotonic = time.monotonic_ns() // 1_000
        ahead = time.time_ns() // 1_000 - monotonic
        if self._ahead is None or abs(ahead - self._ahead) > STEP:
            self._ahead = ahead
        return Instant(monotonic / 1e6, (monotonic + self._ahead) / 1e6)


now = Clock().now
"""The present moment of this host. Any thread may call it."""


def monotonic() -> float:
    """CLOCK_MONOTONIC seconds."""
    return time.monotonic_ns() // 1_000 / 1e6
