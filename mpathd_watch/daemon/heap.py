"""What glibc's heap keeps of the memory that is freed.

The daemon reads a large host piece by piece, and needs megabytes for a moment: a listing of multipathd as text, then
as objects. By itself glibc keeps such memory. With the first large block that is freed, it takes the next one of this
size from the heap instead of from the kernel, and gives the end of the heap back only if twice that is free ("dynamic
mmap threshold" in malloc/malloc.c). Besides, each thread has a heap of its own. With 10,000 paths this was 20 of 120
MiB.
"""

from __future__ import annotations

import contextlib
import ctypes
from typing import Final

THRESHOLD: Final = 128 << 10
"""Bytes: glibc's own value, before it adapts it. A larger block is asked of the kernel, and given back when freed; as
much as this may be free at the end of the heap."""
_M_TRIM_THRESHOLD: Final = -1
_M_MMAP_THRESHOLD: Final = -3
_M_ARENA_MAX: Final = -8


def keep_little() -> None:
    """From now on keep little of what is freed. Call it before the first thread starts.

    One heap is enough: Python's threads allocate one at a time, as only one of them runs.
    """
    libc = ctypes.CDLL(None)
    with contextlib.suppress(AttributeError):  # another libc
        libc.mallopt(_M_ARENA_MAX, 1)
        # Either of these turns the adapting off (mallopt(3)).
        libc.mallopt(_M_MMAP_THRESHOLD, THRESHOLD)
        libc.mallopt(_M_TRIM_THRESHOLD, THRESHOLD)


def give_back() -> None:
    """Give back what is free in the middle of the heap, too. After the start that is 0.5 MiB."""
    libc = ctypes.CDLL(None)
    with contextlib.suppress(AttributeError):  # another libc
        libc.malloc_trim(0)
