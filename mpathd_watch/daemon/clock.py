"""The host's clocks."""

from __future__ import annotations

import time

from mpathd_watch.core.model.instant import Instant


def now() -> Instant:
    """The present moment by CLOCK_MONOTONIC and CLOCK_REALTIME."""
    return Instant(time.monotonic(), time.time())
