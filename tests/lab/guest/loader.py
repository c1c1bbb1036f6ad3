"""Load on a map, run in the guest: direct I/O as fast as it goes, a reader on the device and a writer in a file.

Usage: loader.py DEVICE FILE ON OFF BEGUN

Both are busy for ON seconds and then idle for OFF seconds, over and over; with OFF 0 they never rest. The reader reads
the device from its beginning to its end, the writer writes the first 32 MiB of the file. An error is waited out. The
file BEGUN is made when the first block has been read.
"""

import mmap
import os
import sys
import threading
import time
from pathlib import Path

BLOCK = 1 << 20
FILE_BLOCKS = 32
PAUSE = 0.2


class Rhythm:
    """When to be busy."""

    def __init__(self, on: float, off: float) -> None:
        self._on = on
        self._off = off
        self._began = time.monotonic()

    def wait(self) -> None:
        """Return when it is time to be busy: at once, or after the rest."""
        into = (time.monotonic() - self._began) % (self._on + self._off)
        if self._off and into >= self._on:
            time.sleep(self._on + self._off - into)


def read(device: str, rhythm: Rhythm, begun: Path) -> None:
    """Read the device, again and again."""
    buffer = mmap.mmap(-1, BLOCK)
    while True:
        try:
            descriptor = os.open(device, os.O_RDONLY | os.O_DIRECT)
            try:
                rhythm.wait()
                while os.readv(descriptor, [buffer]):
                    begun.touch()
                    rhythm.wait()
            finally:
                os.close(descriptor)
        except OSError:
            time.sleep(PAUSE)


def write(path: str, rhythm: Rhythm) -> None:
    """Write the file, again and again."""
    buffer = mmap.mmap(-1, BLOCK)
    while True:
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_DIRECT, 0o644)
            try:
                for block in range(FILE_BLOCKS):
                    rhythm.wait()
                    os.pwritev(descriptor, [buffer], block * BLOCK)
            finally:
                os.close(descriptor)
        except OSError:
            time.sleep(PAUSE)


def main() -> None:
    device, path, on, off, begun = sys.argv[1:]
    rhythm = Rhythm(float(on), float(off))
    threading.Thread(target=write, args=(path, rhythm), daemon=True).start()
    read(device, rhythm, Path(begun))


if __name__ == "__main__":
    main()
