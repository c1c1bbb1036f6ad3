"""Writes going on, run in the guest: one small fsynced write to a file every 0.2 s, each reported as a JSON line.

Usage: writer.py FILE LOG

A line has `mono` (CLOCK_MONOTONIC when the write began, seconds), `seconds` (how long it took, absent while it is under
way) and `error` (errno name, or None). A write that takes longer than a second is reported twice: when it is
still under way after a second, and when it ends.
"""

import errno
import json
import os
import sys
import threading
import time
from pathlib import Path
from typing import TextIO

INTERVAL = 0.2
SLOW = 1.0


class Reporter:
    """The log, with a timer that reports a write that hangs."""

    def __init__(self, log: TextIO) -> None:
        self._log = log
        self._lock = threading.Lock()

    def report(self, **values: object) -> None:
        """Write one line."""
        with self._lock:
            self._log.write(json.dumps(values) + "\n")
            self._log.flush()

    def attempt(self, path: str, contents: bytes) -> None:
        """Do one write and report it."""
        started = time.monotonic()
        hanging = threading.Timer(SLOW, self.report, kwargs={"mono": round(started, 4)})
        hanging.start()
        error = None
        try:
            write(path, contents)
        except OSError as failure:
            error = errno.errorcode.get(failure.errno or 0, str(failure))
        hanging.cancel()
        self.report(mono=round(started, 4), seconds=round(time.monotonic() - started, 4), error=error)


def write(path: str, contents: bytes) -> None:
    # Opened again each time, so that a file system that has shut itself down is noticed each time.
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT, 0o644)
    try:
        os.pwrite(descriptor, contents, 0)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def main() -> None:
    path, log_path = sys.argv[1:]
    with Path(log_path).open("w", encoding="utf-8") as log:
        reporter = Reporter(log)
        while True:
            reporter.attempt(path, f"{time.monotonic():.6f}\n".ljust(512).encode())
            time.sleep(INTERVAL)


if __name__ == "__main__":
    main()
