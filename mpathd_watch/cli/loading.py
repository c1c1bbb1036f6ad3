"""Loads the modules of a command without the garbage collector."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def loading() -> Iterator[None]:
    """Import modules within this context.

    What they define stays until the process ends. The garbage collector would look at all of it again and again, while
    it is loaded, later, and once more when the process ends.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()
