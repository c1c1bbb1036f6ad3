"""An attribute that stays open because it is read often: each read is one system call."""

from __future__ import annotations

import os
from pathlib import Path

from mpathd_watch.sources.reading.attributes import GONE, PAGE


class OpenAttribute:
    """One attribute below sysfs, opened at the first read.

    At each read from the beginning the kernel prints the present value (seq_read_iter() in fs/seq_file.c). ENODEV means
    that the object is gone, even if there is a new one with its name (kernfs_get_active() in fs/kernfs/dir.c). An open
    attribute keeps neither its object nor the module alive. Not thread-safe.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor: int | None = None

    def __str__(self) -> str:
        return str(self._path)

    def __del__(self) -> None:
        self.close()

    def content(self) -> bytes:
        """The present content, at most ``PAGE`` bytes, of what has this path now. Raises ``OSError``."""
        if self._descriptor is not None:
            try:
                return os.pread(self._descriptor, PAGE, 0)
            except OSError as error:
                self.close()
                if error.errno not in GONE:
                    raise
        descriptor = os.open(self._path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            content = os.pread(descriptor, PAGE, 0)
        except OSError:
            os.close(descriptor)
            raise
        self._descriptor = descriptor
        return content

    def close(self) -> None:
        """Close the descriptor; the next read opens it again."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)
