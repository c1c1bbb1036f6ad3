"""The last 24 hours for the page, read from the store by a thread of its own: a store that hangs delays no answer."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final, TypeAlias

from mpathd_watch.store.day import Day, read_day
from mpathd_watch.store.read_only import HistoryError

SPAN: Final = 86400.0
FRESH: Final = 30.0
"""Seconds for which what was read is shown again. Changes since then come from the daemon's state."""
FIRST: Final = 0.25
"""Seconds that the first page waits for the store."""

Past: TypeAlias = Callable[[], Day | None]
"""Returns what is known of the last 24 hours, ``None`` if nothing is. It returns almost at once."""


def no_past() -> Day | None:
    """There is no store."""
    return None


class PastDay:
    """The health of the maps in the last 24 hours, from the state directory. ``now`` is the wall clock.

    One thread reads at a time, when somebody asks and what was read is old. While it hangs, no further one is started,
    and what was read before is shown for as long as it is about the last 24 hours.
    """

    def __init__(self, directory: Path, now: Callable[[], float] = time.time) -> None:
        self._directory = directory
        self._now = now
        self._day: Day | None = None
        self._tried = float("-inf")
        self._thread: threading.Thread | None = None

    def __call__(self) -> Day | None:
        """What is known; it may be half a minute old."""
        began = time.monotonic()
        if (self._thread is None or not self._thread.is_alive()) and began - self._tried >= FRESH:
            first, self._tried = self._thread is None, began
            self._thread = threading.Thread(target=self._read, name="past", daemon=True)
            self._thread.start()
            if first:
                self._thread.join(FIRST)
        day = self._day
        return day if day is not None and self._now() - day.end < SPAN / 2 else None

    def _read(self) -> None:
        now = self._now()
        try:
            self._day = read_day(self._directory, now - SPAN, now)
        except (HistoryError, OSError):
            self._day = None  # the source "store" says what is wrong
