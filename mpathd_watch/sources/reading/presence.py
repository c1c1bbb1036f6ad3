"""Whether a daemon is running, without a connection to it: by the lock on its pidfile, its pidfile, /proc, and systemd.

A pidfile alone is no proof. It is left over when its daemon is killed, and in a container it names a process of another
PID namespace. So a daemon counts as not running only where no clue says that it runs, and either all processes can be
seen, or, where /proc hides those of other users, its unit has none and nobody but systemd listens on its socket.
"""

from __future__ import annotations

import fcntl
import os
import struct
import time
from collections.abc import Callable
from enum import Enum
from pathlib import Path

from mpathd_watch.immutable import immutable, replace
from mpathd_watch.sources.reading.service_unit import ServiceUnit

PROC = Path("/proc")
SEARCH_EVERY = 30.0
"""Seconds between searches among all processes, of which a host may have thousands."""

_LONGEST_PID = 7  # digits of PID_MAX_LIMIT, 4194304
_INITIAL_NAMESPACE = "pid:[4026531836]"
"""PROC_PID_INIT_INO in include/linux/proc_ns.h: who is in this namespace sees the processes of all others."""
_FLOCK = struct.Struct("@hhqqi4x")
"""struct flock (fcntl(2)) where offsets have 64 bits: l_type, l_whence, l_start, l_len, l_pid."""


@immutable
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


class Daemon:
    """Looks for the daemon ``name``, which writes its pid to ``pidfile``. Not thread-safe.

    A search among all processes follows where the pidfile does not lead to it: at once, and then every
    ``search_every`` seconds of ``clock``. ``unit`` is asked where /proc hides the processes of other users.
    """

    def __init__(
        self,
        name: str,
        pidfile: Path,
        proc: Path = PROC,
        exists: Callable[[int], bool] = signal_reaches,
        *,
        unit: ServiceUnit | None = None,
        clock: Callable[[], float] = time.monotonic,
        search_every: float = SEARCH_EVERY,
    ) -> None:
        self._name = name
        self._pidfile = pidfile
        self._proc = proc
        self._exists = exists
        self._unit = unit
        self._clock = clock
        self._search_every = search_every
        self._found: int | None = None
        self._search_at = float("-inf")

    def look(self) -> Presence:
        """Whether it is running. Never raises; reads a few small files."""
        presence = self._by_pidfile()
        if presence.running:
            return presence
        pid = self._by_name()
        if pid is not None:
            return Presence(running=True, pid=pid, why=f"process {pid} is called {self._name}")
        seen = _sight(self._proc)
        if seen is Sight.OF_ALL:
            return presence
        if self._unit is not None and seen is Sight.OF_OWN:
            process = self._unit.process()
            if process is not None:
                return Presence(running=True, pid=process, why=f"process {process} belongs to {self._unit.service}")
            if presence.certain and self._unit.is_out_of_use():
                return presence
        if not presence.certain:
            return presence
        why = presence.why.removeprefix(f"{self._name} is not running: ")
        return replace(presence, why=f"{self._unknown}: {why}, and not all processes can be seen", certain=False)

    def _by_pidfile(self) -> Presence:
        try:
            text, locked = _read_with_lock(self._pidfile)
        except FileNotFoundError:
            return Presence(running=False, pid=None, why=f"{self._name} is not running: there is no {self._pidfile}")
        except OSError as error:
            return self._uncertain(f"{self._pidfile}: {error.strerror}")
        if not text.isdigit() or len(text) > _LONGEST_PID or int(text) == 0:
            return self._uncertain(f"no pid in {self._pidfile}: {text!r}")
        if locked:
            return Presence(running=True, pid=int(text), why=f"{self._pidfile} is locked by the process that wrote it")
        return self._of_pid(int(text))

    def _of_pid(self, pid: int) -> Presence:
        try:
            comm = (self._proc / str(pid) / "comm").read_bytes().strip()
        except OSError:
            # ProtectProc=invisible and hidepid= hide the processes of other users. Signal 0 still reaches them.
            if self._exists(pid):
                return Presence(running=True, pid=pid, why=f"process {pid} of {self._pidfile} exists")
            why = f"{self._name} is not running: process {pid} of {self._pidfile} is gone; it crashed or was killed"
            return Presence(running=False, pid=None, why=why)
        if comm.startswith(self._name.encode()):
            return Presence(running=True, pid=pid, why=f"process {pid} of {self._pidfile} is a {self._name}")
        shown = comm.decode(errors="replace")
        why = f"{self._name} is not running: {self._pidfile} is left over, and process {pid} is {shown!a}"
        return Presence(running=False, pid=None, why=why)

    def _by_name(self) -> int | None:
        if self._found is not None and is_called(self._found, self._name, self._proc):
            return self._found
        if self._found is not None or self._clock() >= self._search_at:
            self._search_at = self._clock() + self._search_every
            self._found = find(self._name, self._proc)
        return self._found

    @property
    def _unknown(self) -> str:
        return f"cannot tell whether {self._name} is running"

    def _uncertain(self, why: str) -> Presence:
        return Presence(running=False, pid=None, why=f"{self._unknown}: {why}", certain=False)


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


class Sight(Enum):
    """Whose processes /proc shows."""

    OF_ALL = "all"
    OF_OWN = "this user's"
    OF_NAMESPACE = "those of a PID namespace"


def _sight(proc: Path) -> Sight:
    """Whose processes ``proc`` shows.

    In a container it shows those of its own PID namespace. With ProtectProc= (systemd.exec(5)) or hidepid= (proc(5)) it
    shows those of this user.
    """
    try:
        if (proc / "self/ns/pid").readlink() != Path(_INITIAL_NAMESPACE):
            return Sight.OF_NAMESPACE
    except OSError:
        # Where there is no "self", the files of a host are looked at that does not run.
        return Sight.OF_ALL if proc.is_dir() and not (proc / "self").is_symlink() else Sight.OF_NAMESPACE
    try:
        (proc / "1/comm").read_bytes()
    except OSError:
        return Sight.OF_OWN
    return Sight.OF_ALL


def _read_with_lock(pidfile: Path) -> tuple[bytes, bool]:
    """What is in the file, and whether another process holds a lock on it. Raises ``OSError``.

    A FIFO in its place must not make us wait for its writer.
    """
    descriptor = os.open(pidfile, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    try:
        return os.read(descriptor, 64).strip(), _is_locked(descriptor)
    finally:
        os.close(descriptor)


def _is_locked(descriptor: int) -> bool:
    """Whether another process holds a lock on the file, in whatever namespace it is.

    multipathd locks its pidfile until it ends (pidfile_create() in libmultipath or multipathd, pidfile.c, 0.9.4 to
    0.15), and the kernel removes the lock with the process.
    """
    wanted = _FLOCK.pack(fcntl.F_RDLCK, os.SEEK_SET, 0, 0, 0)
    try:
        answer = fcntl.fcntl(descriptor, fcntl.F_GETLK, wanted)
    except OSError:
        return False
    kind: int = _FLOCK.unpack(answer)[0]
    return kind != fcntl.F_UNLCK
