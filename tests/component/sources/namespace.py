"""Playing a scenario in a network namespace of its own."""

from __future__ import annotations

import ctypes
import os
import threading
from collections.abc import Callable

import pytest

CLONE_NEWNET = 0x40000000


def apart(scenario: Callable[[], None]) -> None:
    """Play the scenario on a thread with a network namespace of its own, or skip the test."""
    if os.geteuid() != 0:
        pytest.skip("NOT TESTED in a network namespace: making one needs root")
    failures: list[BaseException] = []

    def run() -> None:
        try:
            # Of this thread only, and of those that it starts.
            libc = ctypes.CDLL(None, use_errno=True)
            if libc.unshare(CLONE_NEWNET):
                pytest.skip(f"NOT TESTED in a network namespace: {os.strerror(ctypes.get_errno())}")
            scenario()
        except BaseException as failure:  # noqa: BLE001  # raised again by the thread that waits; this includes pytest's skips
            failures.append(failure)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join(60.0)
    assert not thread.is_alive()
    if failures:
        raise failures[0]
