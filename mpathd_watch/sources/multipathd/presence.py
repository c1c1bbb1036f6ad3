"""Whether multipathd is running, without any use of its socket.

Up to 0.9.7, and so on Debian 12, multipathd.socket is enabled by default. systemd holds the socket then, and a connect
would start a multipathd that an administrator has stopped. A monitoring program must not do that.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from mpathd_watch.sources.reading.presence import PROC, Presence, check, signal_reaches

__all__ = ["PIDFILE", "Presence", "check_presence"]

PIDFILE = Path("/run/multipathd.pid")
"""multipathd writes its pid to it at start, in decimal, and removes it at its end (multipathd/main.c, pidfile.c)."""


def check_presence(
    pidfile: Path = PIDFILE, proc: Path = PROC, exists: Callable[[int], bool] = signal_reaches
) -> Presence:
    """Whether the process in ``pidfile`` exists and is a multipathd. Never raises; reads two small files."""
    return check("multipathd", pidfile, proc, exists)
