"""Asks a running daemon to do something. This module imports nothing that takes time to load."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Final

from mpathd_watch.sinks.control.message import (
    MOST,
    DrillMade,
    MessageError,
    Reply,
    Request,
    decode_reply,
    encode_request,
)

_PATIENCE: Final = 10.0


class NoDaemonError(Exception):
    """Nobody serves the socket: no daemon runs."""


class ControlError(Exception):
    """A daemon runs and does not take the request. The text is one line with the path and the reason."""


def ask(path: Path, request: Request | DrillMade, timeout: float = _PATIENCE) -> Reply:
    """The daemon's reply; each step of the conversation blocks for at most ``timeout`` seconds.

    Raises ``NoDaemonError`` or ``ControlError``.
    """
    received = b""
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
            client.settimeout(timeout)
            client.connect(str(path))
            client.sendall(encode_request(request))
            while not received.endswith(b"\n") and len(received) <= MOST and (part := client.recv(MOST)):
                received += part
    except (FileNotFoundError, ConnectionRefusedError) as error:
        raise NoDaemonError(str(path)) from error
    except (ConnectionResetError, BrokenPipeError):
        received = b""
    except OSError as error:
        hint = "; only root and members of its group may use it" if isinstance(error, PermissionError) else ""
        raise ControlError(f"{path}: {error.strerror or error}{hint}") from error
    if not received:
        raise ControlError(f"{path}: the daemon has refused the request, or is too busy; try again as root")
    try:
        return decode_reply(received)
    except MessageError as error:
        raise ControlError(f"{path}: the daemon's reply can't be read: {error}") from error
