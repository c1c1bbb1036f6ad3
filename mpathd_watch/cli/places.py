"""Where a running daemon can be asked, and where it finds what root has read for it."""

from __future__ import annotations

import os
from pathlib import Path

RUNTIME_DIRECTORY = Path("/run/mpathd-watch")
STATUS_SOCKET = "status.sock"
ROOT_ONLY = "root-only.json"


def runtime_directory() -> Path | None:
    """The directory that RuntimeDirectory= has made, otherwise the usual one. ``None`` if it does not exist."""
    given = os.environ.get("RUNTIME_DIRECTORY", "").partition(":")[0]
    directory = Path(given) if given else RUNTIME_DIRECTORY
    return directory if directory.is_dir() else None
