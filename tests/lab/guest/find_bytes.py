"""Looks for two texts in the memory of processes, or in files, run in the guest.

Usage: find_bytes.py TEXT CONTROL (memory PID... | files PATH...)

Prints JSON: `found`, where TEXT is, each place with the spellings; `control`, the places where CONTROL is; `places` and
`bytes`, how much was searched. TEXT is looked for as it is, in UTF-16 and UTF-32 (as Python keeps texts with other
characters in them, PEP 393), in base64 at each of the three alignments, and in hexadecimal. Files that gzip has
compressed are decompressed, and the rows of SQLite databases are read, too.

The memory is read from /proc/PID/mem, of which gdb's gcore makes a file: so the guest needs no gdb. What is left out
are files that are mapped and can't be written to: the program's own code.
"""

import base64
import json
import os
import shutil
import sqlite3
import sys
import tempfile
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path

CHUNK = 1 << 20
PAGE = os.sysconf("SC_PAGE_SIZE")
ZEROS = bytes(CHUNK)
GZIP, SQLITE = b"\x1f\x8b", b"SQLite format 3\0"


def spellings(text: str) -> dict[str, bytes]:
    """Return what is looked for, by the names of the spellings."""
    raw = text.encode()
    found = {
        "as it is": raw,
        "UTF-16": text.encode("utf-16-le"),
        "UTF-32": text.encode("utf-32-le"),
        "hexadecimal": raw.hex().encode(),
    }
    for before in range(3):
        # Only the characters that do not depend on what is before and after the text.
        encoded = base64.b64encode(bytes(before) + raw)
        found[f"base64, {before}"] = encoded[-(-before * 8 // 6) : (before + len(raw)) * 8 // 6]
    return found


def search(parts: Iterable[bytes], text: str, control: str) -> tuple[list[str], bool, int]:
    """Return the spellings of `text` in the concatenated parts, whether `control` is there, and how many bytes it was.

    Parts of zeros, of which there are many, are passed over: an emulated guest is slow.
    """
    wanted = spellings(text)
    overlap = max(len(each) for each in (*wanted.values(), control.encode())) - 1
    found: set[str] = set()
    controlled = False
    size, rest = 0, b""
    for part in parts:
        size += len(part)
        window = rest + (part[:overlap] if part == ZEROS[: len(part)] else part)
        found.update(name for name, spelled in wanted.items() if spelled in window)
        controlled = controlled or control.encode() in window
        rest = window[-overlap:]
    return sorted(found), controlled, size


def memory(pid: int) -> Iterator[bytes]:
    """Yield what a process has in its memory; what can't be read of it as zeros. A process that has ended has none."""
    try:
        regions = Path(f"/proc/{pid}/maps").read_bytes().splitlines()
        descriptor = os.open(f"/proc/{pid}/mem", os.O_RDONLY)
    except (FileNotFoundError, ProcessLookupError):
        return
    try:
        for region in regions:
            addresses, rights, *_ = region.split()
            begin, end = (int(number, 16) for number in addresses.split(b"-"))
            # The kernel's own regions ([vvar], [vsyscall]) hold nothing of the process.
            if not rights.startswith(b"r") or (b"w" not in rights and b"/" in region) or b"[v" in region:
                continue
            while begin < end:
                try:
                    part = os.pread(descriptor, min(CHUNK, end - begin), begin)
                except OSError:
                    part = b""
                part = part or bytes(min(PAGE, end - begin))
                yield part
                begin += len(part)
    finally:
        os.close(descriptor)


def files(paths: Iterable[str]) -> Iterator[Path]:
    """Yield the regular files that are, or are below, these paths."""
    for path in map(Path, paths):
        for each in sorted(path.rglob("*")) if path.is_dir() and not path.is_symlink() else [path]:
            if each.is_file() and not each.is_symlink():
                yield each


def content(path: Path) -> Iterator[bytes]:
    """Yield a file as it is, and then what is packed in it."""
    yield from _raw(path)
    with path.open("rb") as file:
        beginning = file.read(len(SQLITE))
    if beginning.startswith(GZIP):
        yield from _decompressed(path)
    elif beginning == SQLITE:
        yield from _rows(path)


def _raw(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while part := file.read(CHUNK):
            yield part


def _decompressed(path: Path) -> Iterator[bytes]:
    """Yield all members of a file of gzip, of which the last one may not be complete."""
    decompressor = zlib.decompressobj(31)
    for part in _raw(path):
        left = part
        while left:
            yield decompressor.decompress(left)
            left = decompressor.unused_data
            if decompressor.eof:
                decompressor = zlib.decompressobj(31)


def _rows(path: Path) -> Iterator[bytes]:
    """Yield all that a database holds, from a copy: a daemon may be writing to it."""
    with tempfile.TemporaryDirectory() as directory:
        for suffix in ("", "-wal"):
            if Path(f"{path}{suffix}").exists():
                shutil.copy(f"{path}{suffix}", f"{directory}/copy{suffix}")
        connection = sqlite3.connect(f"{directory}/copy")
        try:
            for statement in connection.iterdump():
                yield f"{statement}\n".encode("utf-8", "surrogateescape")
        finally:
            connection.close()


def main() -> None:
    text, control, kind, *places = sys.argv[1:]
    found: dict[str, list[str]] = {}
    controlled: list[str] = []
    count = size = 0
    named = ((f"process {pid}", memory(int(pid))) for pid in places)
    if kind == "files":
        named = ((str(path), content(path)) for path in files(places))
    for name, parts in named:
        secret, is_controlled, searched = search(parts, text, control)
        count, size = count + 1, size + searched
        if secret:
            found[name] = secret
        if is_controlled:
            controlled.append(name)
    print(json.dumps({"found": found, "control": controlled, "places": count, "bytes": size}))


if __name__ == "__main__":
    main()
