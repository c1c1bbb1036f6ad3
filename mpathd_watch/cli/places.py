"""Where the commands find a running daemon or replay, and what root has read for the daemon."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

RUNTIME_DIRECTORY = Path("/run/mpathd-watch")
STATE_DIRECTORY = Path("/var/lib/mpathd-watch")
STATUS_SOCKET = "status.sock"
CONTROL_SOCKET = "control.sock"
HTTP_SOCKET = "http.sock"
REPLAY_SOCKET = "replay.sock"
"""A name of its own, so that a replay can neither block a daemon nor be taken for one."""
ROOT_ONLY = "root-only.json"


def runtime_directory() -> Path | None:
    """The daemon's directory. ``None`` if it does not exist."""
    directory = _daemon_directory()
    # Path.is_dir raises before Python 3.14 where a directory above may not be searched.
    return directory if os.path.isdir(directory) else None  # noqa: PTH112


def state_directory() -> Path:
    """Where the daemon keeps what outlives it: what systemd's StateDirectory= has created, otherwise the usual one."""
    given = os.environ.get("STATE_DIRECTORY", "").partition(":")[0]
    return Path(given) if given else STATE_DIRECTORY


def replay_sockets() -> list[Path]:
    """Where the status of a running replay may be served."""
    return [directory / REPLAY_SOCKET for directory in _replay_directories()]


@contextmanager
def replay_socket() -> Iterator[Path | None]:
    """Where a replay serves its status: the first of ``replay_sockets`` whose directory exists or can be created.

    A directory of another user, such as the daemon's, is not used: its owner could replace the socket by a link. A
    directory that is created here is removed afterwards.
    """
    for directory in _replay_directories():
        made = False
        with suppress(OSError):
            directory.mkdir(0o755)
            made = True
        if _is_ours(directory):
            try:
                yield directory / REPLAY_SOCKET
            finally:
                if made:
                    with suppress(OSError):  # another process uses it by now
                        directory.rmdir()
            return
    yield None


def unreadable_root(root: Path) -> str:
    """Why the directory of ``--root`` can't be read, with its name; empty if it can."""
    try:
        with os.scandir(root):
            return ""
    except OSError as error:
        return f"--root {root}: {error.strerror}"


def _daemon_directory() -> Path:
    """The directory that systemd's RuntimeDirectory= has created, otherwise the usual one."""
    given = os.environ.get("RUNTIME_DIRECTORY", "").partition(":")[0]
    return Path(given) if given else RUNTIME_DIRECTORY


def _replay_directories() -> list[Path]:
    """The daemon's directory, for users who may write there; then one in the user's own runtime directory."""
    directories = [_daemon_directory()]
    if own := os.environ.get("XDG_RUNTIME_DIR"):
        directories.append(Path(own) / "mpathd-watch")
    return directories


def _is_ours(directory: Path) -> bool:
    try:
        found = directory.lstat()
    except OSError:
        return False
    return (
        stat.S_ISDIR(found.st_mode)
        and found.st_uid == os.geteuid()
        and not found.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
    )
