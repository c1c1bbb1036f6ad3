"""What a process has taken so far: processor time, memory, threads."""

from __future__ import annotations

import contextlib
import ctypes
import os
import re
import time
from pathlib import Path

_LIBC = ctypes.CDLL(None, use_errno=True)


def processor_time(pid: int) -> float:
    """Seconds of all its threads, those that have ended included. More exact than the 10 ms of /proc/PID/stat."""
    clock = ctypes.c_int()
    if error := _LIBC.clock_getcpuclockid(pid, ctypes.byref(clock)):
        raise OSError(error, os.strerror(error))
    return time.clock_gettime(clock.value)


def memory(pid: int) -> tuple[float, float]:
    """Resident memory now, and its peak, in MiB."""
    text = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    found = {name: int(kib) / 1024 for name, kib in re.findall(r"^(\w+):\s+(\d+) kB$", text, re.MULTILINE)}
    return found["VmRSS"], found["VmHWM"]


def threads(pid: int) -> int:
    """How many threads it has."""
    return sum(1 for _ in Path(f"/proc/{pid}/task").iterdir())


def wait_quiet(pid: int, share: float = 0.05, every: float = 0.5, patience: float = 60.0) -> None:
    """Wait until it takes less than this share of a core."""
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        before = processor_time(pid)
        time.sleep(every)
        if processor_time(pid) - before < share * every:
            return
    raise TimeoutError(f"process {pid} is still busy after {patience:g} s")


def descriptors(pid: int) -> list[str]:
    """What its open descriptors lead to, in the words of the kernel: a path, or socket:[NUMBER] and the like."""
    found = []
    for each in Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):  # it has been closed meanwhile
            found.append(str(each.readlink()))
    return found


def sockets(pid: int) -> int:
    """How many sockets it has open."""
    return sum(each.startswith("socket:") for each in descriptors(pid))


def thread_names(pid: int) -> list[str]:
    """The names of its threads."""
    found = []
    for each in Path(f"/proc/{pid}/task").iterdir():
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # it has ended meanwhile
            found.append((each / "comm").read_text(encoding="utf-8", errors="replace").rstrip("\n"))
    return found


def children(pid: int) -> list[int]:
    """Its child processes, those that have ended and were not waited for included."""
    found = list[int]()
    for each in Path(f"/proc/{pid}/task").iterdir():
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            found += map(int, (each / "children").read_text(encoding="ascii").split())
    return found


def pages(pid: int) -> tuple[float, float]:
    """Resident memory, and the part of it that counts if shared pages are divided among their users (PSS), in KiB."""
    text = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="utf-8")
    found = {name: float(kib) for name, kib in re.findall(r"^(\w+):\s+(\d+) kB$", text, re.MULTILINE)}
    return found["Rss"], found["Pss"]
