"""For commands that read passwords: their memory must not come into a file or into other hands."""

from __future__ import annotations

import resource

_PR_SET_DUMPABLE = 4
"""prctl(2)."""


def forbid() -> None:
    """Have the kernel write no core of this process, and let no other user read its memory.

    The limit alone is not enough: the kernel pipes a core to a program such as systemd-coredump whatever the limit is,
    and leaves it to that program (core(5)).
    """
    # Imported only now: most commands have nothing to hide, and it takes time to load.
    import ctypes  # noqa: PLC0415

    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
