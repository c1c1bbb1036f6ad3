"""Reads the files of a host below some directory, with limits, without blocking, and without leaving that directory.

A support bundle that is unpacked in ``/tmp/bundle`` has links such as ``/lib/systemd/system/multipathd.service``. They
mean the file in the bundle, never the one of the host that reads it. What can't be read does not exist for the reader.
"""

from __future__ import annotations

import os
import stat
from collections import deque
from itertools import islice
from pathlib import Path

MAX_SIZE = 1 << 18
"""Bytes of a file that are read."""
MAX_NAMES = 16384
"""Names in a directory that are read; a host may have as many block devices."""
MAX_LINKS = 40
"""Links on the way to a file, as in the kernel (MAXSYMLINKS in include/linux/namei.h)."""

Mark = tuple[int, ...]
"""Numbers that change whenever a file or directory does; empty if it does not exist."""


class Tree:
    """The files below ``root``. Every path begins at ``root``, with or without a slash. Never raises ``OSError``."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._everything = root == Path("/")
        """Nothing is outside: the kernel may follow the links."""

    def content(self, path: str, limit: int = MAX_SIZE) -> bytes | None:
        """The content of a regular file of at most ``limit`` bytes; ``None`` if it is anything else."""
        place = self.resolved(path)
        if place is None:
            return None
        try:
            # Looked at before it is opened, since some devices act when they are, and again in case it was replaced.
            if not stat.S_ISREG(self._status(place).st_mode):
                return None
            follow = 0 if self._everything else os.O_NOFOLLOW
            descriptor = os.open(place, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC | follow)
            with os.fdopen(descriptor, "rb") as file:
                if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                    return None
                raw = file.read(limit + 1)
        except OSError:
            return None
        return raw if len(raw) <= limit else None

    def text(self, path: str, limit: int = MAX_SIZE) -> str | None:
        """The same as text, in which each byte that is not UTF-8 is a surrogate."""
        raw = self.content(path, limit)
        return None if raw is None else raw.decode("utf-8", "surrogateescape")

    def names(self, path: str, limit: int = MAX_NAMES) -> list[str]:
        """The names in a directory, sorted, at most ``limit`` of them; none if it is anything else."""
        place = self.resolved(path)
        if place is None:
            return []
        try:
            with os.scandir(place) as listing:
                return sorted(entry.name for entry in islice(listing, limit))
        except OSError:
            return []

    def link(self, path: str) -> str:
        """The target of a symbolic link, as it is written; ``""`` if it is none."""
        directory, _, name = path.strip("/").rpartition("/")
        place = self.resolved(directory)
        try:
            return "" if place is None else str((place / name).readlink())
        except (OSError, ValueError):  # ValueError: a name with a null byte
            return ""

    def status(self, path: str) -> os.stat_result | None:
        """What is known of the file; ``None`` if it does not exist."""
        place = self.resolved(path)
        try:
            return None if place is None else self._status(place)
        except OSError:
            return None

    def exists(self, path: str) -> bool:
        """Whether the file exists."""
        return self.status(path) is not None

    def mark(self, path: str) -> Mark:
        """The present mark of the file."""
        found = self.status(path)
        if found is None:
            return ()
        return (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)

    def resolved(self, path: str) -> Path | None:
        """The file itself, always below ``root``; it need not exist.

        Unless ``root`` is the whole file system, there is no link on the way to it. ``None`` if there are too many
        links, or if it is no path.
        """
        if "\0" in path:
            return None
        if self._everything:
            return self._root / path.lstrip("/")
        waiting = deque(path.split("/"))
        place: list[str] = []
        links = 0
        while waiting:
            part = waiting.popleft()
            if part in ("", "."):
                continue
            if part == "..":
                del place[-1:]
                continue
            try:
                target = os.readlink(self._root.joinpath(*place, part))  # noqa: PTH115  # text: ".." must stay in it
            except OSError:
                place.append(part)
                continue
            links += 1
            if links > MAX_LINKS:
                return None
            if target.startswith("/"):
                place.clear()
            waiting.extendleft(reversed(target.split("/")))
        return self._root.joinpath(*place)

    def _status(self, place: Path) -> os.stat_result:
        return place.stat() if self._everything else os.lstat(place)
