"""When Python's garbage collector does not run."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def collector_paused() -> Iterator[None]:
    """Make within this context what stays until the process ends: modules, and the state that a command shows.

    The garbage collector would look at all of it again and again, while it is made, later, and once more when the
    process ends. That would be a seventh of the time of a command.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()
