"""``mpathd-watch export-config``: exports what only root can read, for the daemon."""

from __future__ import annotations

import asyncio
import contextlib
import os
import pwd
from pathlib import Path

from mpathd_watch.core.model.text import clean
from mpathd_watch.sources.configuration import RootOnly, RootOnlyError, dump, read_root_only
from mpathd_watch.sources.configuration.reader import Reader
from mpathd_watch.sources.reading.worker import StalledError, Worker
from mpathd_watch.store.files import replace_file

USER = "mpathd-watch"
"""The account that the daemon runs under."""
DEADLINE = 20.0
"""Seconds: the service waits for the export before it starts, and it must start even if a file hangs."""


def hand_over(root: Path, output: Path) -> None:
    """Write the export of the files below ``root`` to ``output``.

    Raises ``RootOnlyError`` or ``WriteError``.
    """
    replace_file(output, dump(_read(root)).encode(), _owners())


def shown(root: Path) -> str:
    """The export, formatted for people. Raises ``RootOnlyError``."""
    return dump(_read(root), indent=2)


def _read(root: Path) -> RootOnly:
    reader = Reader()
    try:
        return asyncio.run(Worker("export-config").run(lambda: read_root_only(root, reader), DEADLINE))
    except StalledError:
        # By list(), because the thread may still be adding to it.
        last = clean(str((list(reader.marks) or [root])[-1]))
        text = f"reading the files below {root} has not ended within {DEADLINE:g} s; the last file is {last}; see dmesg"
        raise RootOnlyError(text) from None


def _owners() -> set[int]:
    """The users who may own the directory: root, the user who runs this, and the daemon."""
    owners = {0, os.geteuid()}
    with contextlib.suppress(KeyError):  # no such account: the package is not installed
        owners.add(pwd.getpwnam(USER).pw_uid)
    return owners
