"""Writing, as root, into a directory that somebody else owns and may have laid traps in."""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Collection
from pathlib import Path


class WriteError(Exception):
    """The file could not be written; one line that names it and says why."""


def replace_file(path: Path, data: bytes, owners: Collection[int]) -> None:
    """Put a file with ``data`` in the place of ``path``, for everybody to read. Raises ``WriteError``.

    Its directory must belong to one of ``owners`` (user numbers), and nobody else may write to it. Whatever such an
    owner has laid there is replaced or in the way, never followed or opened, at whatever moment it comes; it may
    replace the file again, so a reader must not trust it more than its owner. On failure what stood there before is
    gone, if it can be: old facts must not pass for new ones.
    """
    try:
        directory = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError as error:
        raise WriteError(f"{path.parent}: {error.strerror}") from None
    try:
        found = os.fstat(directory)
        if found.st_uid not in owners:
            raise WriteError(f"{path.parent} belongs to user {found.st_uid}: nothing is written there")
        if found.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
            raise WriteError(f"others than its owner may write to {path.parent}: nothing is written there")
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
            # By the descriptor: the name may have been given to something else by now.
            os.fchmod(file.fileno(), 0o644)
        os.rename(draft, name, src_dir_fd=directory, dst_dir_fd=directory)
    except OSError:
        with contextlib.suppress(OSError):
            os.unlink(draft, dir_fd=directory)
        raise
