"""The database of a directory, opened to write, whatever is found in its place or was moved out of it before."""

from __future__ import annotations

import sqlite3
import time
from pathlib import Path
from typing import Final

from mpathd_watch.store.aside import put_back, set_aside
from mpathd_watch.store.database import errors, fault, opened

CHECKED_WITHIN: Final = 5.0
"""Seconds that the check of databases may take at the start; the rest of larger ones is not checked."""


def open_to_write(path: Path) -> tuple[sqlite3.Connection, str]:
    """The database in this file, new if there is none, and what was moved aside or put back, in one line.

    Raises ``StoreError``. It may block for as long as the file system does.
    """
    with errors(path):
        until = time.monotonic() + CHECKED_WITHIN
        found = fault(path, until)
        notes = [set_aside(path, found)] if found else []
        notes += put_back(path, until)
        return opened(path), " ".join(notes)
