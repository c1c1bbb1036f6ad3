"""An archive as an initramfs has it (buffer-format.rst and cpio(5), "newc")."""

from __future__ import annotations

from collections.abc import Mapping


def archive(files: Mapping[str, bytes]) -> bytes:
    """The files by their paths, and the trailer."""
    entries = [_entry(number, name, data, 0o100644) for number, (name, data) in enumerate(files.items(), 1)]
    return b"".join((*entries, _entry(0, "TRAILER!!!", b"", 0)))


def _entry(number: int, name: str, data: bytes, mode: int) -> bytes:
    fields = (number, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(name) + 1, 0)
    head = b"070701" + b"".join(b"%08X" % field for field in fields) + name.encode() + b"\0"
    return _padded(head) + _padded(data)


def _padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % 4)
