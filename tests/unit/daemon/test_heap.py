"""Memory that is freed leaves the process."""

from __future__ import annotations

import subprocess
import sys

PROGRAM = """
import sys
from mpathd_watch.daemon.heap import give_back, keep_little

def resident():
    with open("/proc/self/statm") as statm:
        return int(statm.read().split()[1]) * 4096

if "keep_little" in sys.argv:
    keep_little()
before, kept = resident(), []
for _ in range(10):
    large = [b"x" * (1 << 20) for _ in range(20)]
    kept.append(b"y" * 5000)
    del large
if "give_back" in sys.argv:
    give_back()
print(resident() - before)
"""


def growth(*how: str) -> int:
    """Bytes that a process has more after it has freed what it needed, in a process of its own."""
    command = [sys.executable, "-c", PROGRAM, *how]
    done = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603  # our own program
    return int(done.stdout)


def test_large_blocks_that_are_freed_do_not_stay() -> None:
    assert growth() > 10 << 20, "this libc gives everything back by itself"
    assert growth("keep_little") < 2 << 20


def test_what_is_free_between_others_is_given_back_when_asked_for() -> None:
    assert growth("give_back") < 2 << 20
