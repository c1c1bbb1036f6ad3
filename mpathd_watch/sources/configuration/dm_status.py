"""dm's own status of the multipath maps, which only root can read (dmsetup(8), package dmsetup).

multipathd reads the same and lists it. This is for the time in which multipathd does not run.
"""

from __future__ import annotations

import contextlib
import subprocess
import time
from pathlib import Path

from mpathd_watch.core.events import DmStatusRead
from mpathd_watch.core.formats.printed import dmsetup
from mpathd_watch.core.model.facts import DmStatus

SYSFS = Path("/sys")
DEADLINE = 5.0
"""Seconds that each of the two commands may take."""
AFTER_KILL = 1.0
"""Seconds that a command may take to end after SIGKILL."""
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
        process = subprocess.Popen(  # noqa: S603  # a fixed command
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=_ENVIRONMENT,
        )
    except OSError:
        return None
    try:
        output, _ = process.communicate(timeout=DEADLINE)
    except subprocess.TimeoutExpired:
        _end(process)
        return None
    return output.decode(errors="replace") if process.returncode == 0 else None


def _end(process: subprocess.Popen[bytes]) -> None:
    """Kill ``process``, but do not wait long for its end: in an ioctl that does not return it outlives SIGKILL.

    dm's ioctls wait uninterruptibly, for example for a suspend of the same map (drivers/md/dm-ioctl.c).
    """
    process.kill()
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(AFTER_KILL)
    if process.stdout is not None:
        process.stdout.close()
