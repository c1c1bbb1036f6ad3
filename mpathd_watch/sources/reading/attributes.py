"""Reading single attributes: short, bounded, and never one that causes I/O or holds a secret."""

from __future__ import annotations

import errno
import os
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Protocol, TypeVar

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


class Open(Protocol):
    """An attribute that is already open."""

    def content(self) -> bytes:
        """Its present content, at most ``PAGE`` bytes. Raises ``OSError``."""


class Below:
    """What is below a directory, for directories of which many attributes are read: a ``Path`` for each costs more."""

    __slots__ = ("_path",)

    def __init__(self, directory: Path | str) -> None:
        self._path = str(directory)

    def __truediv__(self, name: str) -> Below:
        return Below(f"{self._path}/{name}")

    def __str__(self) -> str:
        return self._path

    def content(self) -> bytes:
        """The attribute's content, at most ``PAGE`` bytes. Raises ``OSError``."""
        return _read(self._path, PAGE)


class GoneError(Exception):
    """The attribute, or the object it belongs to, does not exist, or no longer exists."""


class Attributes:
    """Reads attributes, and counts by reason what it could not read or understand."""

    def __init__(self) -> None:
        self.problems: Counter[str] = Counter()

    def content(self, path: Path | Open, size: int = PAGE) -> bytes:
        """The first ``size`` bytes; ``b""`` if they can't be read. Raises ``GoneError``."""
        try:
            return _read(path, size) if isinstance(path, Path) else path.content()
        except OSError as error:
            self._count(error, path)
            return b""

    def whole(self, path: Path, limit: int) -> bytes:
        """Like ``content``, for a file of /proc, which gives only a part of its content to each read."""
        try:
            return _read_whole(path, limit)
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

    def link(self, path: Path) -> str:
        """The target of a symbolic link; ``""`` if it can't be read. Raises ``GoneError``."""
        try:
            return str(path.readlink())
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

    def _count(self, error: OSError, path: Path | Open) -> None:
        if error.errno in GONE:
            raise GoneError(str(path)) from error
        self.problems[errno.errorcode.get(error.errno or 0, "error")] += 1


def entries(directory: Path) -> list[str]:
    """The names in ``directory``, sorted. Raises ``OSError``."""
    return sorted(os.listdir(directory))  # noqa: PTH208  # names only: a Path for each entry of a large directory costs too much


def _read(path: Path | str, size: int) -> bytes:
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        return os.read(descriptor, size)
    finally:
        os.close(descriptor)


def _read_whole(path: Path, limit: int) -> bytes:
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
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
