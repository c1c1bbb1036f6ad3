"""Whether iscsid is running. It logs in again the sessions that were lost; without it none of them returns."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from mpathd_watch.sources.reading import presence

PIDFILE = "run/iscsid.pid"
SEARCH_EVERY = 60.0
"""Seconds between searches among all processes, of which a host may have thousands."""


class Iscsid:
    """Finds iscsid by its pidfile or, if there is none, among all processes: ``iscsid -f`` writes no pidfile."""

    def __init__(self, root: Path, clock: Callable[[], float]) -> None:
        self._pidfile = root / PIDFILE
        self._proc = root / "proc"
        self._clock = clock
        self._found: int | None = None
        self._search_at = float("-inf")

    def is_running(self) -> bool | None:
        """Whether it is running; ``None`` if that can't be determined. Never raises."""
        found = presence.check("iscsid", self._pidfile, self._proc)
        if found.running:
            return True
        if self._found is not None and presence.is_called(self._found, "iscsid", self._proc):
            return True
        if self._clock() >= self._search_at:
            self._search_at = self._clock() + SEARCH_EVERY
            self._found = presence.find("iscsid", self._proc)
            if self._found is not None:
                return True
        return False if found.certain else None
