"""Commands that change the store of a daemon that does not run do so as the owner of its directory."""

from __future__ import annotations

import os
from pathlib import Path


def become_owner_of(directory: Path) -> None:
    """Go on as the owner of the directory, so that the files that SQLite makes there are the daemon's.

    What root creates in a directory of another user could be a link that this user has put there. Raises ``OSError``.
    """
    found = os.stat(directory)  # noqa: PTH116  # the test replaces this one
    if os.geteuid() == 0 and found.st_uid != 0:
        os.setgroups([])
        os.setgid(found.st_gid)
        os.setuid(found.st_uid)
