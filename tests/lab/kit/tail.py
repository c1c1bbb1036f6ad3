"""Follows a file of JSON lines that grows in the guest."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from tests.lab.kit.errors import LabError, WaitTimeoutError
from tests.lab.kit.guest import Guest

T = TypeVar("T")

POLL_INTERVAL = 0.1

SLOWEST = 5.0
"""Seconds of the host's that one of the guest may take: the guest's clock counts its instructions (`guest.MACHINE`)."""


class JsonTail:
    """The lines of one JSON-lines file in the guest, each an object. Reads only what is new since the last look."""

    def __init__(self, guest: Guest, path: str) -> None:
        self._guest = guest
        self._path = path
        self._offset = 0
        self._rest = b""
        self._raw = bytearray()

    def new(self) -> list[dict[str, Any]]:
        """Return the objects of the lines completed since the last call. A file that is not there yet is empty."""
        try:
            data = self._guest.read_file(self._path, self._offset)
        except LabError:
            return []
        self._offset += len(data)
        self._raw += data
        *lines, self._rest = (self._rest + data).split(b"\n")
        return [json.loads(line) for line in lines if line]

    def store(self, path: Path) -> None:
        """Write all that was read so far to a file on the host."""
        path.write_bytes(bytes(self._raw))


def wait_for(look: Callable[[], T | None], what: str, timeout: float) -> T:
    """Call `look` until it returns something other than None, and return that.

    Raises:
        WaitTimeoutError: it did not within `timeout` seconds of the guest's; the text says what was awaited.
    """
    deadline = time.monotonic() + SLOWEST * timeout
    while True:
        found = look()
        if found is not None:
            return found
        if time.monotonic() > deadline:
            raise WaitTimeoutError(f"waited {timeout:g} s in vain for: {what}")
        time.sleep(POLL_INTERVAL)
