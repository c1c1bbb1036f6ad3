"""Reading single attributes: short, bounded, and never one that causes I/O or holds a secret."""

from __future__ import annotations

import errno
import os
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Protocol, Self, TypeVar

from mpathd_watch.core.model.text import clean
from mpathd_watch.core.model.vocabulary import Word

Term = TypeVar("Term", bound=Word)
Parsed = TypeVar("Parsed")
PAGE = 4096
"""No sysfs attribute is longer (fs/sysfs/file.c)."""
GONE = frozenset({errno.ENOENT, errno.ENODEV, errno.ENXIO})
"""The errors of a read of something that does not exist, or no longer exists."""
_ABSENT = frozenset({"", "(null)"})
COUNTER_MASK = 0xFFFFFFFF
_DIRECTORY = os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC
_READING = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC


class Open(Protocol):
    """An attribute that is already open."""

    def content(self) -> bytes:
        """Its present content, at most ``PAGE`` bytes. Raises ``OSError``."""


class Below:
    """What is below a directory, for directories of which many attributes are read: a ``Path`` for each costs more.

    Within ``with`` the directory is open, and the kernel finds an attribute from there: of sysfs that takes a quarter
    less, since the way to a disk leads through symbolic links. So all that is read then is of one object, even if
    another one takes its name. What can't be opened is read by its path. At most ``size`` bytes are read.
    """

    __slots__ = ("_descriptor", "_path", "_size")

    def __init__(self, directory: Path | str, size: int = PAGE) -> None:
        self._path = str(directory)
        self._size = size
        self._descriptor: int | None = None

    def __enter__(self) -> Self:
        try:
            self._descriptor = os.open(self._path, _DIRECTORY)
        except OSError:
            self._descriptor = None
        return self

    def __exit__(self, *_: object) -> None:
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)

    def __truediv__(self, name: str) -> Attribute:
        return Attribute(self._path, name, self._descriptor, self._size)

    def __str__(self) -> str:
        return self._path


class Attribute:
    """An attribute ``name`` below a directory, which may be open."""

    __slots__ = ("_descriptor", "_directory", "_name", "_size")

    def __init__(self, directory: str, name: str, descriptor: int | None, size: int) -> None:
        self._directory = directory
        self._name = name
        self._descriptor = descriptor
        self._size = size

    def __str__(self) -> str:
        return f"{self._directory}/{self._name}"

    def content(self) -> bytes:
        """Its present content. Raises ``OSError``."""
        path = str(self) if self._descriptor is None else self._name
        return _content(os.open(path, _READING, dir_fd=self._descriptor), self._size)


class GoneError(Exception):
    """The attribute, or the object it belongs to, does not exist, or no longer exists."""


class Attributes:
    """Reads attributes, and counts by reason what it could not read or understand."""

    def __init__(self) -> None:
        self.problems: Counter[str] = Counter()

    def content(self, path: Path | Open) -> bytes:
        """The content, of a ``Path`` at most ``PAGE`` bytes; ``b""`` if it can't be read. Raises ``GoneError``."""
        try:
            return _read(path, PAGE) if isinstance(path, Path) else path.content()
        except OSError as error:
            self._count(error, path)
            return b""

    def whole(self, path: Path, limit: int) -> bytes:
        """Like ``content``, for a file of /proc, which gives only a part of its content to each read."""
        try:
            return read_whole(path, limit)
        except OSError as error:
            self._count(error, path)
            return b""

    def text(self, path: Path | Open) -> str:
        """The attribute's text; ``""`` if it is empty, unset, or can't be read. Raises ``GoneError``."""
        text = clean(self.content(path))
        return "" if text in _ABSENT else text

    def names(self, directory: Path) -> list[str] | None:
        """The names in ``directory``, sorted; ``None`` if it can't be read. Raises ``GoneError``."""
        try:
            return entries(directory)
        except OSError as error:
            self._count(error, directory)
            return None

    def optional(self, path: Path | Open) -> str:
        """Like ``text``, but ``""`` for an attribute that this kernel or driver does not have."""
        try:
            return self.text(path)
        except GoneError:
            return ""

    def link(self, path: Path | str) -> str:
        """The target of a symbolic link; ``""`` if it can't be read. Raises ``GoneError``."""
        try:
            return os.readlink(path)  # noqa: PTH115  # text: a Path for each disk of a large host costs too much
        except OSError as error:
            self._count(error, path)
            return ""

    def number(self, path: Path | Open) -> int | None:
        """A decimal number; ``None`` if there is none."""
        return self.parsed(path, _decimal)

    def counter(self, path: Path | Open) -> int | None:
        """A SCSI device counter, unsigned 32 bits.

        The kernel prints it as sign-extended hexadecimal: from 2**31 on as 0xffffffff8... (drivers/scsi/scsi_sysfs.c).
        """
        return self.parsed(path, _hexadecimal)

    def parsed(self, path: Path | Open, parse: Callable[[str], Parsed]) -> Parsed | None:
        """The text as ``parse`` reads it; ``None`` if there is none, or if ``parse`` raises ``ValueError``."""
        text = self.optional(path)
        if not text:
            return None
        try:
            return parse(text)
        except ValueError:
            self.problems["unknown_value"] += 1
            return None

    def word(self, path: Path | Open, vocabulary: type[Term]) -> Term:
        """A term of ``vocabulary``, ``unknown`` for any other word. Raises ``GoneError``."""
        return self.term(self.text(path), vocabulary)

    def term(self, text: str, vocabulary: type[Term]) -> Term:
        """The term of ``vocabulary`` spelled ``text``; ``unknown`` for any other text, which is counted."""
        term = vocabulary.parse(text)
        if term == "unknown" and text not in ("unknown", ""):
            self.problems["unknown_value"] += 1
        return term

    def _count(self, error: OSError, path: Path | str | Open) -> None:
        if error.errno in GONE:
            raise GoneError(str(path)) from error
        self.problems[errno.errorcode.get(error.errno or 0, "error")] += 1


def entries(directory: Path) -> list[str]:
    """The names in ``directory``, sorted. Raises ``OSError``."""
    return sorted(os.listdir(directory))  # noqa: PTH208  # names only: a Path for each entry of a large directory costs too much


def _read(path: Path, size: int) -> bytes:
    return _content(os.open(path, _READING), size)


def _content(descriptor: int, size: int) -> bytes:
    """The first ``size`` bytes of what is open, and is closed then. Raises ``OSError``."""
    try:
        return os.read(descriptor, size)
    finally:
        os.close(descriptor)


def read_whole(path: Path, limit: int) -> bytes:
    """Up to ``limit`` bytes of a file of /proc, which gives only a part of it to each read. Raises ``OSError``."""
    descriptor = os.open(path, _READING)
    with os.fdopen(descriptor, "rb") as file:
        return file.read(limit)


def _decimal(text: str) -> int:
    if not text.lstrip("-").isdecimal() or len(text) > 20:
        raise ValueError(text)
    return int(text)


def _hexadecimal(text: str) -> int:
    if len(text) > 20:
        raise ValueError(text)
    return int(text, 16) & COUNTER_MASK
