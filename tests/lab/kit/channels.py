"""The two sockets of a QEMU process: to the agent in its guest, and to QEMU itself (QMP)."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

CONNECT_PATIENCE = 3.0
"""Seconds that QEMU may take to listen on a socket it has bound, or to accept who is next there."""

QMP_PATIENCE = 30.0
"""Seconds that QEMU may take for one of its own commands."""

SILENCE = 5.0
"""Seconds without a reply of the agent after which somebody looks after it."""

AGENT_PATIENCE = 60.0
"""Seconds that the agent may take for a reply."""


class JsonSocket:
    """JSON objects, one per line, over a Unix socket. A receive that has timed out may be repeated."""

    def __init__(self, path: Path, timeout: float) -> None:
        self._socket = _connected(path, timeout)
        self._received = b""

    def send(self, message: dict[str, Any], prefix: bytes = b"") -> None:
        """Send one object, with these bytes in front of it."""
        self._socket.sendall(prefix + json.dumps(message).encode() + b"\n")

    def receive(self) -> dict[str, Any]:
        """Return the next object.

        Raises:
            TimeoutError: none came in time.
            ConnectionError: QEMU has closed the socket.
        """
        while b"\n" not in self._received:
            received = self._socket.recv(1 << 16)
            if not received:
                raise ConnectionError("closed by QEMU")
            self._received += received
        line, _, self._received = self._received.partition(b"\n")
        # The agent puts 0xff in front of the first reply after a synchronisation.
        message: dict[str, Any] = json.loads(line.lstrip(b"\xff"))
        return message

    def settimeout(self, timeout: float) -> None:
        """Let every later receive take so many seconds at most."""
        self._socket.settimeout(timeout)

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()


class Agent:
    """The agent in a guest: one request at a time.

    `silent` is called with the seconds waited, again and again while the agent owes a reply.
    """

    def __init__(self, path: Path, timeout: float, silent: Callable[[float], None]) -> None:
        """Wait for the agent for `timeout` seconds.

        Raises:
            OSError: it did not reply in time, or QEMU has ended.
            ValueError: what it replied is no JSON.
        """
        self._silent = silent
        # One connection and one request, however long the answer takes: QEMU keeps both until the agent opens its end,
        # while connections that come and go before that can leave the channel mute.
        self._channel = JsonSocket(path, timeout)
        token = time.monotonic_ns() & 0x7FFFFFFF
        try:
            # 0xff makes the agent drop a half-received request of an earlier connection.
            self._channel.send({"execute": "guest-sync-delimited", "arguments": {"id": token}}, prefix=b"\xff")
            while self._channel.receive().get("return") != token:
                pass
        except (OSError, ValueError):
            self._channel.close()
            raise
        self._channel.settimeout(SILENCE)

    def call(self, command: str, arguments: dict[str, Any]) -> dict[str, Any]:
        """Send one command and return the reply, which may be an error.

        Raises:
            TimeoutError: no reply within AGENT_PATIENCE.
            ConnectionError: QEMU has ended.
        """
        self._channel.send({"execute": command, "arguments": arguments})
        began = time.monotonic()
        while True:
            try:
                return self._channel.receive()
            except TimeoutError:
                waited = time.monotonic() - began
                if waited > AGENT_PATIENCE:
                    raise
                self._silent(waited)

    def close(self) -> None:
        """End the connection; the agent stays."""
        self._channel.close()


def qmp(path: Path, command: str, arguments: dict[str, Any]) -> dict[str, Any]:
    """Have QEMU execute one command, and return its reply, which may be an error.

    Raises:
        OSError: QEMU does not answer.
    """
    connection = JsonSocket(path, QMP_PATIENCE)
    try:
        connection.receive()
        for each in ({"execute": "qmp_capabilities"}, {"execute": command, "arguments": arguments}):
            connection.send(each)
            reply = connection.receive()
            # Events come at any time between.
            while not reply.keys() & {"return", "error"}:
                reply = connection.receive()
            if "error" in reply:
                break
        return reply
    finally:
        connection.close()


def _connected(path: Path, timeout: float) -> socket.socket:
    """Connect to a socket of QEMU.

    It binds a moment before it listens: until then the kernel refuses. One connection may wait to be accepted: the next
    gets EAGAIN.
    """
    deadline = time.monotonic() + CONNECT_PATIENCE
    while True:
        connection = socket.socket(socket.AF_UNIX)
        connection.settimeout(timeout)
        try:
            connection.connect(str(path))
        except (ConnectionRefusedError, BlockingIOError):
            connection.close()
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
        else:
            return connection
