"""Whether multipathd runs, found out without touching its socket.

Up to 0.9.7, and so on Debian 12, multipathd.socket is enabled by default: systemd holds the socket, and merely
connecting would start a multipathd that somebody stopped. A watcher must not do that.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from mpathd_watch.sources.reading.presence import PROC, Presence, check, signal_reaches

__all__ = ["PIDFILE", "Presence", "check_presence"]

PIDFILE = Path("/run/multipathd.pid")
"""Where multipathd writes its pid at start, in decimal; unlinked as the last thing (multipathd/main.c, pidfile.c)."""


def check_presence(
    pidfile: Path = PIDFILE, proc: Path = PROC, exists: Callable[[int], bool] = signal_reaches
) -> Presence:
    """Whether the process that ``pidfile`` names lives and is a multipathd. Never raises; reads two small files."""
    return check("multipathd", pidfile, proc, exists)
