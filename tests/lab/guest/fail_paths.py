"""Has dm fail many paths, one right after the other, run in the guest.

Usage: fail_paths.py FILE

Each line of FILE is `MAP MAJOR:MINOR`. Prints CLOCK_MONOTONIC (seconds) before the first and after the last of them, as
JSON: `began`, `ended`. A process for each, as `dmsetup message` is, would take many times as long.
"""

import fcntl
import json
import os
import struct
import sys
import time
from pathlib import Path

DM_HEADER = struct.Struct("=3I 4I i 2I I Q")
DM_HEADER_SIZE = 312
DM_TARGET_MSG = 0xC138FD0E
NAME_OFFSET = 48
SECTOR_SIZE = 8
"""Bytes of the sector in front of the message: it chooses the target of the table, and these maps have one."""


def request(name: str, message: str) -> bytearray:
    """Return what the kernel gets: a header with the map's name, the sector 0, and the message."""
    text = message.encode() + b"\0"
    buffer = bytearray(DM_HEADER_SIZE + SECTOR_SIZE + len(text))
    DM_HEADER.pack_into(buffer, 0, 4, 0, 0, len(buffer), DM_HEADER_SIZE, 0, 0, 0, 0, 0, 0, 0)
    buffer[NAME_OFFSET : NAME_OFFSET + len(name)] = name.encode()
    buffer[DM_HEADER_SIZE + SECTOR_SIZE :] = text
    return buffer


def main() -> None:
    lines = Path(sys.argv[1]).read_text(encoding="utf-8").splitlines()
    requests = [request(name, f"fail_path {dev_t}") for name, dev_t in (line.split() for line in lines)]
    control = os.open("/dev/mapper/control", os.O_RDWR)
    began = time.monotonic()
    for each in requests:
        fcntl.ioctl(control, DM_TARGET_MSG, each, True)
    print(json.dumps({"began": began, "ended": time.monotonic()}))


if __name__ == "__main__":
    main()
