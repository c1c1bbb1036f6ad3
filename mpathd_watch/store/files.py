"""Write, as root, into a directory that another user owns, who may try to misdirect the write."""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Collection
from pathlib import Path


class WriteError(Exception):
    """The file could not be written. The text is one line with the file and the reason."""


def replace_file(path: Path, data: bytes, owners: Collection[int]) -> None:
    """Replace ``path`` by a file with ``data`` that everybody can read. Raises ``WriteError``.

    Its directory must belong to one of ``owners`` (user numbers), and no other user may be able to write to it. What
    the owner has placed there, at any moment, is replaced or makes the write fail; it is never followed or opened. The
    owner can replace the file afterwards, so a reader must not trust the file more than its owner. On failure the old
    file is removed if possible: old facts must not be taken for new ones.
    """
    try:
        directory = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError as error:
        raise WriteError(f"{path.parent}: {error.strerror}") from None
    try:
        found = os.fstat(directory)
        if found.st_uid not in owners:
            raise WriteError(f"{path.parent} belongs to user {found.st_uid}: refusing to write there")
        if found.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
            raise WriteError(f"{path.parent} can be written by others than its owner: refusing to write there")
        try:
            _replace(directory, path.name, data)
        except OSError as error:
            with contextlib.suppress(OSError):
                os.unlink(path.name, dir_fd=directory)
            raise WriteError(f"{path}: {error.strerror}") from None
    finally:
        os.close(directory)


def _replace(directory: int, name: str, data: bytes) -> None:
    draft = f".{name}.new"
    with contextlib.suppress(FileNotFoundError):
        os.unlink(draft, dir_fd=directory)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    descriptor = os.open(draft, flags, 0o600, dir_fd=directory)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            # By the descriptor: the name may belong to another file by now.
            os.fchmod(file.fileno(), 0o644)
        os.rename(draft, name, src_dir_fd=directory, dst_dir_fd=directory)
    except OSError:
        with contextlib.suppress(OSError):
            os.unlink(draft, dir_fd=directory)
        raise
