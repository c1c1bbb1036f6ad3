"""Whether iscsid is running. It logs in again the sessions that were lost; without it none of them returns."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from mpathd_watch.sources.reading.presence import Daemon
from mpathd_watch.sources.reading.service_unit import ServiceUnit

PIDFILE = "run/iscsid.pid"
ADDRESS = "@ISCSIADM_ABSTRACT_NAMESPACE"
"""Where iscsiadm reaches it (usr/iscsid.h of open-iscsi); systemd's iscsid.socket has the same."""
SEARCH_EVERY = 60.0
"""Seconds between searches among all processes."""


class Iscsid:
    """Finds iscsid by its pidfile or, if there is none, among all processes: ``iscsid -f`` writes no pidfile."""

    def __init__(self, root: Path, clock: Callable[[], float]) -> None:
        self._daemon = Daemon(
            "iscsid",
            root / PIDFILE,
            root / "proc",
            unit=ServiceUnit("iscsid", (ADDRESS,), root),
            clock=clock,
            search_every=SEARCH_EVERY,
        )

    def is_running(self) -> bool | None:
        """Whether it is running; ``None`` if that can't be determined. Never raises."""
        found = self._daemon.look()
        return found.running if found.running or found.certain else None
