"""Reads files and directories with limits and without blocking, and notes what can't be read."""

from __future__ import annotations

import os
import stat
import time
from itertools import islice
from pathlib import Path

from mpathd_watch.core.configuration import Reason, Unreadable
from mpathd_watch.core.model.text import clean

MAX_SIZE = 1 << 20
"""Bytes of a file. A node record has about 4 KiB, and the parsers stop long before this limit."""

MAX_RECORDS = 4096

MAX_NAMES = 4 * MAX_RECORDS
"""Directory entries that are read altogether. A record has at most three directories above it."""

MAX_NAMES_HERE = MAX_RECORDS
"""Entries of one directory that are read at most, so that a full one leaves room for the others."""

ATTEMPTS = 10
"""How often a file is read that changes meanwhile."""
PAUSE = 0.02
"""Seconds between two attempts. Changes within a tick of the kernel's clock, at most 10 ms, have the same mtime."""
MAX_PAUSES = 50
"""Pauses altogether: 1 s of the deadlines of those who wait for all files."""
_CHUNK = 1 << 16

Mark = tuple[int, ...]
"""Numbers that change whenever a file or directory does; the error number alone if ``stat`` fails."""


def mark(path: Path) -> Mark:
    """The present mark of ``path``. It includes ctime: if a file becomes readable, nothing else changes."""
    try:
        found = path.stat()
    except OSError as error:
        return (error.errno or 0,)
    return (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)


class Reader:
    """Reads files and directories. Never raises because of them.

    ``unreadable`` lists what can't be read, with the reason. ``marks`` has the mark of each path just before it was
    read. If the path changes during the read, its mark differs afterwards. A file that changes is read again until it
    holds still, since iscsiadm writes a record in several pieces, and in place (idbm_rec_write() in usr/idbm.c).
    """

    def __init__(self) -> None:
        self.unreadable: list[Unreadable] = []
        self.marks: dict[Path, Mark] = {}
        self._names_left = MAX_NAMES
        self._pauses_left = MAX_PAUSES
        self._cut = False

    def entries(self, directory: Path, most: int = MAX_NAMES_HERE) -> list[Path] | None:
        """The paths in ``directory``, sorted by bytes; none if it can't be read; ``None`` if it is not a directory.

        At most ``most`` of them.
        """
        self.marks[directory] = mark(directory)
        most = min(self._names_left, most)
        try:
            with os.scandir(directory) as listing:
                names = [entry.name for entry in islice(listing, most + 1)]
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            self._failed(directory, error)
            return []
        if len(names) > most:
            if not self._cut:
                self.note(
                    directory, Reason.TOO_MANY, "there are too many files and directories; the others are not read"
                )
            self._cut = most == self._names_left
            del names[most:]
        self._names_left -= len(names)
        return [directory / name for name in sorted(names, key=os.fsencode)]

    def content(self, path: Path, limit: int = MAX_SIZE) -> bytes | None:
        """The content of the file; ``None`` if there is none, or it can't be read."""
        try:
            raw = self._settled(path, limit)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except _NotRegularError:
            self.note(path, Reason.NOT_REGULAR, "it is not a regular file, so it is not read")
            return None
        except OSError as error:
            self._failed(path, error)
            return None
        if raw is None:
            # No mark is like this one, so that the file is read again at the next look.
            self.marks[path] = ()
            self.note(path, Reason.FAILED, "it changes while it is read, so it is not read")
            return None
        if len(raw) > limit:
            self.note(path, Reason.TOO_LARGE, f"it is larger than {limit >> 20} MiB, so it is not read")
            return None
        return raw

    def _settled(self, path: Path, limit: int) -> bytes | None:
        """The content of a file that has not changed meanwhile, at most ``limit`` bytes and one.

        ``None`` if it goes on changing. Raises ``OSError``, also ``_NotRegularError``.
        """
        for _ in range(ATTEMPTS):
            self.marks[path] = before = mark(path)
            failure, raw = None, b""
            try:
                raw = _beginning(path, limit + 1)
            except OSError as error:
                failure = error
            if len(raw) > limit or (mark(path) == before and not _is_young(before)):
                if failure is not None:
                    raise failure
                return raw
            if self._pauses_left == 0:
                break
            self._pauses_left -= 1
            time.sleep(PAUSE)
        return None

    def text(self, path: Path) -> str | None:
        """Like ``content``, as text in which each byte that is not UTF-8 is a surrogate, as the parsers expect."""
        raw = self.content(path)
        if raw is None:
            return None
        text = raw.decode("utf-8", "surrogateescape")
        # Not decoded strictly: the exception would hold the content, secrets included.
        if text.encode("utf-8", "ignore") != raw:
            self.note(path, Reason.NOT_UTF8, "it is not UTF-8")
        return text

    def note(self, path: Path, reason: Reason, text: str) -> None:
        """Note that ``path`` can't be read completely."""
        self.unreadable.append(Unreadable(shown(path), reason, text))

    def _failed(self, path: Path, error: OSError) -> None:
        denied = isinstance(error, PermissionError)
        self.note(
            path,
            Reason.NO_PERMISSION if denied else Reason.FAILED,
            "no permission to read it" if denied else error.strerror or "it can't be read",
        )


class _NotRegularError(OSError):
    """It is not a regular file."""


def _beginning(path: Path, size: int) -> bytes:
    """At most the first ``size`` bytes of the file. Raises ``OSError``, also ``_NotRegularError``."""
    descriptor = open_regular(path)
    if descriptor is None:
        raise _NotRegularError
    # Not by a file object: where a file of the kernel has nothing yet (EAGAIN), it returns None in place of bytes.
    found = bytearray()
    try:
        while part := os.read(descriptor, min(_CHUNK, size - len(found))):
            found += part
    finally:
        os.close(descriptor)
    return bytes(found)


def _is_young(changed: Mark) -> bool:
    """Whether a file with this mark has changed so recently that a further change may not show in it."""
    now = time.time_ns()
    return len(changed) > 1 and any(0 <= now - instant < PAUSE * 1e9 for instant in changed[-2:])


def open_regular(path: Path) -> int | None:
    """A descriptor for reading the file; ``None`` if it is not a regular file. Raises ``OSError``."""
    # Check before opening, since some devices act when they are opened, and again in case the file was replaced.
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
    """``path`` as text that is safe for messages and journal fields."""
    return clean(str(path))
