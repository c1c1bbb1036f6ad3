"""Whether multipathd is running, without any use of its socket.

Up to 0.9.7, and so on Debian 12, multipathd.socket is enabled by default. systemd holds the socket then, and a connect
would start a multipathd that an administrator has stopped. A monitoring program must not do that.
"""

from __future__ import annotations

from pathlib import Path

from mpathd_watch.sources.multipathd.protocol import addresses, spell
from mpathd_watch.sources.reading.presence import Daemon, Presence
from mpathd_watch.sources.reading.service_unit import ServiceUnit

__all__ = ["NAME", "PIDFILE", "Presence", "multipathd"]

NAME = "multipathd"
PIDFILE = Path("/run/multipathd.pid")
"""multipathd writes its pid to it at start, in decimal, and removes it at its end (multipathd/main.c, pidfile.c)."""


def multipathd() -> Daemon:
    """This host's multipathd."""
    return Daemon(NAME, PIDFILE, unit=ServiceUnit(NAME, map(spell, addresses())))
