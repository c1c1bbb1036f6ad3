"""dm's own status of the multipath maps, which only root can read (dmsetup(8), package dmsetup).

multipathd reads the same and lists it. This is for the time in which multipathd does not run.
"""

from __future__ import annotations

import subprocess
import time
from pathlib import Path

from mpathd_watch.core.events import DmStatusRead
from mpathd_watch.core.formats.printed import dmsetup
from mpathd_watch.core.model.facts import DmStatus

SYSFS = Path("/sys")
DEADLINE = 5.0
"""Seconds that each of the two commands may take."""
MODULE = Path("/sys/module/dm_multipath")
"""Without the module there is no map, and dmsetup would load device-mapper."""

# Names as the kernel and sysfs have them. Without --noflush the kernel would first flush the I/O that a map queues.
_STATUS = ("dmsetup", "status", "--noflush", "--target", "multipath", "--manglename", "none")
_TABLE = ("dmsetup", "table", "--target", "multipath", "--manglename", "none")
_ENVIRONMENT = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C"}


def read() -> tuple[DmStatus, ...] | None:
    """The status of all maps; ``None`` if it can't be read, as by a user other than root."""
    if not MODULE.exists():
        return None
    status = _printed(_STATUS)
    if status is None:
        return None
    queues = {target.name: target.queues for target in dmsetup.tables(_printed(_TABLE) or "")}
    return tuple(DmStatus(target.name, queues.get(target.name), target.paths) for target in dmsetup.statuses(status))


def read_here(sysfs: Path = SYSFS) -> DmStatusRead | None:
    """What ``read`` returns, as an event; ``None`` also if ``sysfs`` is not this host's."""
    requested = time.monotonic()
    maps = read() if sysfs == SYSFS else None
    return None if maps is None else DmStatusRead(maps, requested)


def _printed(command: tuple[str, ...]) -> str | None:
    try:
        done = subprocess.run(  # noqa: S603  # a fixed command
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=DEADLINE,
            check=False,
            env=_ENVIRONMENT,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.decode(errors="replace") if done.returncode == 0 else None
