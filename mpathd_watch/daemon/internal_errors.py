"""Where a bug of ours is, as text that is made without reading a file.

A traceback of the standard library quotes the source, which it reads from the disk: the root file system may hang.
"""

from __future__ import annotations

import traceback
from itertools import islice
from typing import Final

_MOST: Final = 50
"""Frames of a report: an endless recursion has a thousand."""


def where(error: BaseException) -> str:
    """One line a frame, the outermost first, and last the error itself."""
    frames = [
        f"{frame.f_code.co_filename}:{line} in {frame.f_code.co_qualname}"
        for frame, line in islice(traceback.walk_tb(error.__traceback__), _MOST)
    ]
    return "\n".join([*frames, f"{type(error).__name__}: {error}"])
