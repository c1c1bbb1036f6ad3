"""Whether multipathd runs, found out without touching its socket.

Up to 0.9.7, and so on Debian 12, multipathd.socket is enabled by default: systemd holds the socket, and merely
connecting would start a multipathd that somebody stopped. A watcher must not do that.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

PIDFILE = Path("/run/multipathd.pid")
"""Where multipathd writes its pid at start, in decimal; unlinked as the last thing (multipathd/main.c, pidfile.c)."""

PROC = Path("/proc")

_LONGEST_PID = 7  # digits of PID_MAX_LIMIT, 4194304


@dataclass(frozen=True, slots=True)
class Presence:
    """``running`` with its ``pid``, or not, and then ``why`` we think so, as a clause without a full stop."""

    running: bool
    pid: int | None
    why: str


def signal_reaches(pid: int) -> bool:
    """Whether process ``pid`` exists, by signal 0; one of another user does."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def check_presence(
    pidfile: Path = PIDFILE, proc: Path = PROC, exists: Callable[[int], bool] = signal_reaches
) -> Presence:
    """Whether the process that ``pidfile`` names lives and is a multipathd. Never raises; reads two small files."""
    try:
        with pidfile.open("rb") as file:
            text = file.read(64).strip()
    except FileNotFoundError:
        return Presence(running=False, pid=None, why=f"multipathd is not running: there is no {pidfile}")
    except OSError as error:
        return Presence(running=False, pid=None, why=f"nobody knows if multipathd runs: {pidfile}: {error.strerror}")
    if not text.isdigit() or len(text) > _LONGEST_PID or int(text) == 0:
        return Presence(running=False, pid=None, why=f"nobody knows if multipathd runs: no pid in {pidfile}: {text!r}")
    return _presence_of(int(text), pidfile, proc, exists)


def _presence_of(pid: int, pidfile: Path, proc: Path, exists: Callable[[int], bool]) -> Presence:
    try:
        comm = (proc / str(pid) / "comm").read_bytes().strip()
    except OSError:
        # ProtectProc=invisible and hidepid= hide the processes of others; signal 0 still tells them from dead ones.
        if exists(pid):
            return Presence(running=True, pid=pid, why=f"process {pid} of {pidfile} exists")
        why = f"multipathd is not running: process {pid} of {pidfile} is gone, it was killed or it crashed"
        return Presence(running=False, pid=None, why=why)
    if comm.startswith(b"multipathd"):
        return Presence(running=True, pid=pid, why=f"process {pid} of {pidfile} is a multipathd")
    why = f"multipathd is not running: {pidfile} is a leftover, process {pid} is {comm.decode(errors='replace')!a}"
    return Presence(running=False, pid=None, why=why)
