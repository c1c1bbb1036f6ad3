"""Files and directories, read with bounds, without waiting, and with a note of all that can't be read."""

from __future__ import annotations

import os
import stat
from itertools import islice
from pathlib import Path

from mpathd_watch.core.configuration import Reason, Unreadable
from mpathd_watch.core.model.text import clean

MAX_SIZE = 1 << 20
"""Bytes of a file; a node record has some 4 KiB, and the parsers stop long before."""

MAX_RECORDS = 4096

MAX_NAMES = 4 * MAX_RECORDS
"""Directory entries that are looked at, in all: a record has three directories above it at most."""

Mark = tuple[int, ...]
"""What changes when a file or directory does; the error number alone of one that can't be looked at."""


def mark(path: Path) -> Mark:
    """What ``path`` is like now. The time of its inode too: a file that becomes readable changes nothing else."""
    try:
        found = path.stat()
    except OSError as error:
        return (error.errno or 0,)
    return (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)


class Reader:
    """Reads files and directories; never raises for their sake.

    ``unreadable`` names what can't be read, with the reason. ``marks`` has every path that was looked at as it was just
    before that, so that what changes in the meantime differs from its mark afterwards.
    """

    def __init__(self) -> None:
        self.unreadable: list[Unreadable] = []
        self.marks: dict[Path, Mark] = {}
        self._names_left = MAX_NAMES
        self._cut = False

    def entries(self, directory: Path) -> list[Path] | None:
        """What is in ``directory``, sorted by bytes; ``None`` if it is none. Nothing of one that can't be read."""
        self.marks[directory] = mark(directory)
        try:
            with os.scandir(directory) as listing:
                names = [entry.name for entry in islice(listing, self._names_left + 1)]
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            self._failed(directory, error)
            return []
        if len(names) > self._names_left:
            if not self._cut:
                self.note(directory, Reason.TOO_MANY, "too many files and directories: the rest is not read")
            self._cut = True
            del names[self._names_left :]
        self._names_left -= len(names)
        return [directory / name for name in sorted(names, key=os.fsencode)]

    def content(self, path: Path, limit: int = MAX_SIZE) -> bytes | None:
        """All that the file holds; ``None`` if there is none, or it can't be read."""
        self.marks[path] = mark(path)
        try:
            descriptor = open_regular(path)
            if descriptor is None:
                self.note(path, Reason.NOT_REGULAR, "not a regular file: not read")
                return None
            with os.fdopen(descriptor, "rb") as file:
                raw = file.read(limit + 1)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            self._failed(path, error)
            return None
        if len(raw) > limit:
            self.note(path, Reason.TOO_LARGE, f"larger than {limit >> 20} MiB: not read")
            return None
        return raw

    def text(self, path: Path) -> str | None:
        """What the file says, a byte that is not UTF-8 as a surrogate, as the parsers want it; ``None`` without it."""
        raw = self.content(path)
        if raw is None:
            return None
        text = raw.decode("utf-8", "surrogateescape")
        # No attempt to decode strictly: the exception would hold all of the file.
        if text.encode("utf-8", "ignore") != raw:
            self.note(path, Reason.NOT_UTF8, "not UTF-8")
        return text

    def note(self, path: Path, reason: Reason, text: str) -> None:
        """Note that ``path`` can't be read, or not completely."""
        self.unreadable.append(Unreadable(shown(path), reason, text))

    def _failed(self, path: Path, error: OSError) -> None:
        denied = isinstance(error, PermissionError)
        self.note(
            path,
            Reason.NO_PERMISSION if denied else Reason.FAILED,
            "no permission to read it" if denied else error.strerror or "can't be read",
        )


def open_regular(path: Path) -> int | None:
    """A descriptor to read the file by; ``None`` if it is no regular file. Raises ``OSError``."""
    # Looked at before it is opened, for there are devices that act on being opened, and again in case it was exchanged.
    if not stat.S_ISREG(path.stat().st_mode):
        return None
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    try:
        if stat.S_ISREG(os.fstat(descriptor).st_mode):
            return descriptor
    except OSError:
        os.close(descriptor)
        raise
    os.close(descriptor)
    return None


def shown(path: Path) -> str:
    """``path`` as people and journal fields may see it."""
    return clean(str(path))
