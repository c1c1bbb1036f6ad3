"""Whether a daemon runs, by its pidfile and /proc: found out without connecting to it."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")

_LONGEST_PID = 7  # digits of PID_MAX_LIMIT, 4194304


@dataclass(frozen=True, slots=True)
class Presence:
    """``running`` with its ``pid``, or not, and then ``why`` we think so, as a clause without a full stop.

    Not ``certain``: nobody knows, and it is taken for one that does not run.
    """

    running: bool
    pid: int | None
    why: str
    certain: bool = True


def signal_reaches(pid: int) -> bool:
    """Whether process ``pid`` exists, by signal 0; one of another user does."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def check(name: str, pidfile: Path, proc: Path = PROC, exists: Callable[[int], bool] = signal_reaches) -> Presence:
    """Whether the process that ``pidfile`` names lives and is a ``name``. Never raises; reads two small files."""
    try:
        with pidfile.open("rb") as file:
            text = file.read(64).strip()
    except FileNotFoundError:
        return Presence(running=False, pid=None, why=f"{name} is not running: there is no {pidfile}")
    except OSError as error:
        return _unknown(f"nobody knows if {name} runs: {pidfile}: {error.strerror}")
    if not text.isdigit() or len(text) > _LONGEST_PID or int(text) == 0:
        return _unknown(f"nobody knows if {name} runs: no pid in {pidfile}: {text!r}")
    return _presence_of(int(text), name, pidfile, proc, exists)


def find(name: str, proc: Path = PROC) -> int | None:
    """The pid of some process called ``name``, out of all that there are; ``None`` without one. Never raises."""
    try:
        with os.scandir(proc) as listing:
            pids = [entry.name for entry in listing if entry.name.isdecimal()]
    except OSError:
        return None
    return next((int(pid) for pid in pids if is_called(int(pid), name, proc)), None)


def is_called(pid: int, name: str, proc: Path = PROC) -> bool:
    """Whether process ``pid`` is there to be seen and called ``name``. Never raises."""
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
        # ProtectProc=invisible and hidepid= hide the processes of others; signal 0 still tells them from dead ones.
        if exists(pid):
            return Presence(running=True, pid=pid, why=f"process {pid} of {pidfile} exists")
        why = f"{name} is not running: process {pid} of {pidfile} is gone, it was killed or it crashed"
        return Presence(running=False, pid=None, why=why)
    if comm.startswith(name.encode()):
        return Presence(running=True, pid=pid, why=f"process {pid} of {pidfile} is a {name}")
    why = f"{name} is not running: {pidfile} is a leftover, process {pid} is {comm.decode(errors='replace')!a}"
    return Presence(running=False, pid=None, why=why)
