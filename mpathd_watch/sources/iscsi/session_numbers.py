"""The numbers of the existing iSCSI sessions (class iscsi_session, scsi_transport_iscsi.c)."""

from __future__ import annotations

import re
from pathlib import Path

from mpathd_watch.sources.reading.attributes import entries

SESSIONS = "class/iscsi_session"
CONNECTIONS = "class/iscsi_connection"
"""Each session of iscsi_tcp has one, ``connectionS:0`` (MaxConnections is 1 in open-iscsi)."""

HOST = re.compile(r"/(host\d{1,10})/session\d{1,10}/", re.ASCII)
"""The SCSI host in the path of a session."""

_SESSION = re.compile(r"session(\d{1,10})\Z", re.ASCII)


def sids(sysfs: Path) -> list[int]:
    """The numbers of all sessions, sorted. Raises ``OSError`` if sysfs is not mounted."""
    directory = sysfs / SESSIONS
    try:
        names = entries(directory)
    except FileNotFoundError:
        # Without the module there is no such class, but every sysfs has classes.
        directory.parent.stat()
        return []
    return sorted(int(match[1]) for name in names if (match := _SESSION.match(name)))
