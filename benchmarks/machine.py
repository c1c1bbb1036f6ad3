"""The machine on which figures were measured, without its name."""

from __future__ import annotations

import os
import platform
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from mpathd_watch import __version__


@dataclass(frozen=True, slots=True)
class Machine:
    """What a reader has to know about it, and when it was."""

    processor: str
    cores: int
    memory: float
    """GiB."""
    kernel: str
    python: str
    version: str
    """Of mpathd-watch."""
    date: str


def this_machine(proc: Path = Path("/proc")) -> Machine:
    """The machine that this runs on, now."""
    found = re.search(r"^model name\s*:\s*(.+)$", _text(proc / "cpuinfo"), re.MULTILINE)
    total = re.search(r"^MemTotal:\s*(\d+) kB$", _text(proc / "meminfo"), re.MULTILINE)
    return Machine(
        processor=" ".join(found[1].split()) if found else platform.machine(),
        cores=len(os.sched_getaffinity(0)),
        memory=int(total[1]) / (1 << 20) if total else 0.0,
        kernel=f"Linux {platform.release()}",
        python=platform.python_version(),
        version=__version__,
        date=datetime.now(UTC).date().isoformat(),
    )


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace")
