"""Asks a running daemon for its status. This module imports nothing that takes time to load."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Final

from mpathd_watch.sinks.status.document import Document, parse

_PATIENCE: Final = 5.0
_CHUNK: Final = 1 << 16
_MOST: Final = 256 << 20


class NoAnswerError(Exception):
    """No daemon answers. The text is one line with the path and the reason."""


def read_status(path: Path, timeout: float = _PATIENCE) -> Document:
    """Ask the daemon that serves ``path``. Each read blocks for at most ``timeout`` seconds.

    Raises ``NoAnswerError`` if there is no answer, ``StatusError`` if the answer is not a status.
    """
    chunks: list[bytes] = []
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
            client.settimeout(timeout)
            client.connect(str(path))
            while (chunk := client.recv(_CHUNK)) and len(chunks) * _CHUNK < _MOST:
                chunks.append(chunk)
    except OSError as error:
        raise NoAnswerError(f"no mpathd-watch answers on {path}: {error.strerror or error}") from error
    if not chunks:
        raise NoAnswerError(f"mpathd-watch on {path} is too busy to answer; try again")
    return parse(b"".join(chunks))
