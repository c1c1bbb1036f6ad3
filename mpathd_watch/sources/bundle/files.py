"""Files below a bundle's directory: with limits, without blocking, and never outside of it."""

from __future__ import annotations

import os
from pathlib import Path

from mpathd_watch.core.configuration import Reason
from mpathd_watch.sources.configuration.reader import MAX_NAMES_HERE, Reader, open_regular

MAX_OUTPUT = 16 << 20
"""Bytes of a command's output that are read: ``udevadm info --export-db`` of 4,000 disks has about 8 MiB."""

OUTSIDE = "it is a link that leads out of the bundle, so it is not read"


class Confined(Reader):
    """Reads only below ``root``: a link that leads elsewhere would show this host, and not the bundle's."""

    def __init__(self, root: Path) -> None:
        super().__init__()
        self._root = Path(os.path.realpath(root))

    def entries(self, directory: Path, most: int = MAX_NAMES_HERE) -> list[Path] | None:
        """Like ``Reader.entries``."""
        return super().entries(directory, most) if self._inside(directory) else None

    def content(self, path: Path, limit: int | None = None) -> bytes | None:
        """Like ``Reader.content``."""
        if not self._inside(path):
            return None
        return super().content(path) if limit is None else super().content(path, limit)

    def _inside(self, path: Path) -> bool:
        if is_inside(self._root, path):
            return True
        self.note(path, Reason.FAILED, OUTSIDE)
        return False


def is_inside(root: Path, path: Path) -> bool:
    """Whether ``path`` with all its links followed is below ``root``, which has none itself."""
    return Path(os.path.realpath(path)).is_relative_to(root)


class Files:
    """The text files below ``root``; what can't be read is as if it were not there."""

    def __init__(self, root: Path) -> None:
        self.root = Path(os.path.realpath(root))

    def names(self, directory: str) -> list[str]:
        """The names in a directory below the root, sorted."""
        path = self.root / directory
        try:
            return sorted(os.listdir(path)) if is_inside(self.root, path) else []  # noqa: PTH208  # names only
        except OSError:
            return []

    def text(self, path: str, limit: int = MAX_OUTPUT) -> str | None:
        """The text of a file, at most its first ``limit`` bytes."""
        return self._read(path, limit, from_end=False)

    def tail(self, path: str, limit: int = MAX_OUTPUT) -> str | None:
        """The text of a file, at most its last ``limit`` bytes: logs grow at the end."""
        return self._read(path, limit, from_end=True)

    def modified(self, path: str) -> float | None:
        """When a file was last written (POSIX seconds)."""
        try:
            return (self.root / path).lstat().st_mtime
        except OSError:
            return None

    def link(self, path: str) -> str:
        """The target of a link, which is not followed; empty if there is none."""
        try:
            return str((self.root / path).readlink())
        except OSError:
            return ""

    def _read(self, path: str, limit: int, *, from_end: bool) -> str | None:
        whole = self.root / path
        if not is_inside(self.root, whole):
            return None
        try:
            descriptor = open_regular(whole)
            if descriptor is None:
                return None
            with os.fdopen(descriptor, "rb") as file:
                if from_end:
                    file.seek(max(0, os.fstat(descriptor).st_size - limit))
                return file.read(limit).decode("utf-8", "surrogateescape")
        except (OSError, ValueError):
            return None
