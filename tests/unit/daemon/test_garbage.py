"""After the start, garbage is looked for among what is young."""

from __future__ import annotations

import gc
import subprocess
import sys

from mpathd_watch.daemon import garbage

PROGRAM = """
import gc
from mpathd_watch.daemon.garbage import look_rarely
held = [[] for _ in range(100_000)]
look_rarely()
print(gc.get_freeze_count() > 100_000, gc.isenabled(), *gc.get_threshold())
circle = []
circle.append(circle)
del circle
print(gc.collect(0) > 0)
"""


def test_what_is_here_is_looked_at_no_more_and_what_is_young_still_is() -> None:
    """In a process of its own, because it holds for all of one."""
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)  # noqa: S603  # our own program
    first, second, _ = gc.get_threshold()
    assert done.stdout.split() == ["True", "True", str(first), str(second), str(garbage.RARELY), "True"]
