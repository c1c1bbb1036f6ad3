"""Whether iscsid is running. It logs in again the sessions that were lost; without it none of them returns."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from mpathd_watch.sources.reading.presence import Daemon

PIDFILE = "run/iscsid.pid"
SEARCH_EVERY = 60.0
"""Seconds between searches among all processes."""


class Iscsid:
    """Finds iscsid by its pidfile or, if there is none, among all processes: ``iscsid -f`` writes no pidfile."""

    def __init__(self, root: Path, clock: Callable[[], float]) -> None:
        self._daemon = Daemon("iscsid", root / PIDFILE, root / "proc", clock=clock, search_every=SEARCH_EVERY)

    def is_running(self) -> bool | None:
        """Whether it is running; ``None`` if that can't be determined. Never raises."""
        found = self._daemon.look()
        return found.running if found.running or found.certain else None
