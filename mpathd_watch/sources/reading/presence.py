"""Whether a daemon is running, by its pidfile and /proc, without a connection to it."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")

_LONGEST_PID = 7  # digits of PID_MAX_LIMIT, 4194304


@dataclass(frozen=True, slots=True)
class Presence:
    """Whether the daemon is ``running``, its ``pid`` if so, and ``why`` we think so: a clause without a full stop.

    Not ``certain``: it can't be determined, and the daemon counts as not running.
    """

    running: bool
    pid: int | None
    why: str
    certain: bool = True


def signal_reaches(pid: int) -> bool:
    """Whether process ``pid`` exists, by signal 0. A process of another user exists, too."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def check(name: str, pidfile: Path, proc: Path = PROC, exists: Callable[[int], bool] = signal_reaches) -> Presence:
    """Whether the process in ``pidfile`` exists and is a ``name``. Never raises; reads two small files."""
    try:
        with pidfile.open("rb") as file:
            text = file.read(64).strip()
    except FileNotFoundError:
        return Presence(running=False, pid=None, why=f"{name} is not running: there is no {pidfile}")
    except OSError as error:
        return _unknown(f"cannot tell whether {name} is running: {pidfile}: {error.strerror}")
    if not text.isdigit() or len(text) > _LONGEST_PID or int(text) == 0:
        return _unknown(f"cannot tell whether {name} is running: no pid in {pidfile}: {text!r}")
    return _presence_of(int(text), name, pidfile, proc, exists)


def find(name: str, proc: Path = PROC) -> int | None:
    """The pid of a process called ``name``, found by a search of all; ``None`` if there is none. Never raises."""
    try:
        with os.scandir(proc) as listing:
            pids = [entry.name for entry in listing if entry.name.isdecimal()]
    except OSError:
        return None
    return next((int(pid) for pid in pids if is_called(int(pid), name, proc)), None)


def is_called(pid: int, name: str, proc: Path = PROC) -> bool:
    """Whether process ``pid`` is visible to us and called ``name``. Never raises."""
    try:
        return (proc / str(pid) / "comm").read_bytes().strip() == name.encode()
    except OSError:
        return False


def _unknown(why: str) -> Presence:
    return Presence(running=False, pid=None, why=why, certain=False)


def _presence_of(pid: int, name: str, pidfile: Path, proc: Path, exists: Callable[[int], bool]) -> Presence:
    try:
        comm = (proc / str(pid) / "comm").read_bytes().strip()
    except OSError:
        # ProtectProc=invisible and hidepid= hide the processes of other users. Signal 0 still reaches them.
        if exists(pid):
            return Presence(running=True, pid=pid, why=f"process {pid} of {pidfile} exists")
        why = f"{name} is not running: process {pid} of {pidfile} is gone; it crashed or was killed"
        return Presence(running=False, pid=None, why=why)
    if comm.startswith(name.encode()):
        return Presence(running=True, pid=pid, why=f"process {pid} of {pidfile} is a {name}")
    why = f"{name} is not running: {pidfile} is left over, and process {pid} is {comm.decode(errors='replace')!a}"
    return Presence(running=False, pid=None, why=why)
