"""One daemon for each state directory."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from typing import Final

NAME: Final = "lock"


class TakenError(Exception):
    """Another daemon uses the directory."""


class Lock:
    """Holds the directory until it is released, or the process ends in whatever way.

    Raises ``TakenError``, and ``OSError`` if the file can't be opened.
    """

    def __init__(self, directory: Path) -> None:
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
        self._descriptor = os.open(directory / NAME, flags, 0o644)
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self.release()
            raise TakenError from None
        except OSError:
            self.release()
            raise

    def release(self) -> None:
        """Leave the directory to others."""
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)
