"""Text from the SAN is data: it may name anything, but it can't forge a line, a field or a label."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from functools import lru_cache

MOST_NAMED = 3
"""Names that are listed before the rest is only counted."""
SECTOR = 512
"""Bytes of a sector in sysfs, whatever the disk's own are."""
MAX_TEXT = 1024
"""Characters kept of any text from outside; names of the kernel and of iSCSI (223 bytes, RFC 7143) are far shorter."""


def clean(raw: bytes | str) -> str:
    r"""Printable, valid UTF-8 of ``raw``: every other byte or character as ``\xNN``, surrounding white space dropped.

    At most ``MAX_TEXT`` characters. Backslashes stay as they are, because device-mapper itself spells a blank in a
    name as ``\x20`` (libdm's name mangling) and people look for the name that ``dmsetup ls`` prints.
    """
    if isinstance(raw, bytes):
        raw = raw.decode("utf-8", "surrogateescape")
    text = raw.strip()[:MAX_TEXT].rstrip()
    if text.isprintable():
        return text
    return "".join(map(_shown, text))[:MAX_TEXT].rstrip()


@lru_cache(maxsize=1024)
def _shown(character: str) -> str:
    """The character if it can be printed, otherwise its bytes as escapes."""
    if character.isprintable():
        return character
    escaped_byte = ord(character) - 0xDC00  # a byte that is not UTF-8, as surrogateescape keeps it
    raw = bytes([escaped_byte]) if 0x80 <= escaped_byte <= 0xFF else character.encode("utf-8", "surrogatepass")
    return "".join(f"\\x{byte:02x}" for byte in raw)


def duration(seconds: float) -> str:
    """``seconds`` as a person says it: ``5.1 s``, ``2 min 11 s``, ``1 h 4 min``, ``3 d 2 h``."""
    if round(seconds, 1) < 60:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    for size, unit, smaller_size, smaller in (
        (86400, "d", 3600, "h"),
        (3600, "h", 60, "min"),
    ):
        if whole >= size:
            return f"{whole // size} {unit} {whole % size // smaller_size} {smaller}"
    return f"{whole // 60} min {whole % 60} s"


def listed(names: Sequence[str]) -> str:
    """``a, b, c and 9 more``."""
    shown = ", ".join(names[:MOST_NAMED])
    return shown if len(names) <= MOST_NAMED else f"{shown} and {len(names) - MOST_NAMED} more"


def size(sectors: int) -> str:
    """A size in sectors of sysfs as a person says it: ``64.0 MiB``, ``1.5 GiB``."""
    mib = sectors * SECTOR / (1 << 20)
    return f"{mib / 1024:.1f} GiB" if mib >= 1024 else f"{mib:.1f} MiB"


def quoted(name: str) -> str:
    r"""A name as a word of a command that somebody may paste into a shell: a map may be called ``a\x20b``."""
    return shlex.quote(name)


def plural(count: int, noun: str) -> str:
    """``1 path``, ``2 paths``."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
