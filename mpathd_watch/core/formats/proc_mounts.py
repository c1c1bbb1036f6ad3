"""/proc/self/mountinfo and /proc/swaps (proc_pid_mountinfo(5), proc_swaps(5)): text in, facts out."""

from __future__ import annotations

from mpathd_watch.core.model.text import clean
from mpathd_watch.core.model.usage import MountFacts, SwapFacts

_ESCAPES = {"\\040": " ", "\\011": "\t", "\\012": "\n", "\\043": "#", "\\134": "\\"}
"""What the kernel escapes (show_mountinfo() in fs/proc_namespace.c, mangle_path() in fs/seq_file.c). The backslash is
the last, so that what it stands for is not taken for another escape."""
_SEPARATOR = "-"


def mounts(text: str) -> tuple[MountFacts, ...]:
    """The mounted file systems on block devices, each in the order of the text; lines that make no sense are left out.

    A part of a file system that is mounted elsewhere (a bind mount) is left out if the whole is mounted, too. Of parts
    alone, the first counts: a node of Kubernetes has thousands.
    """
    whole: dict[tuple[str, str], MountFacts] = {}
    parts: dict[str, MountFacts] = {}
    for line in text.split("\n"):
        fields = line.split(" ")
        if len(fields) < 10 or _SEPARATOR not in fields[6:-2] or not _is_dev_t(fields[2]):
            continue
        fs_type, source = fields[fields.index(_SEPARATOR, 6) + 1 :][:2]
        # Major number 0: a file system without a device, or one with several devices, as btrfs.
        if fields[2].startswith("0:") and not source.startswith("/dev/"):
            continue
        found = MountFacts(fields[2], _plain(source), _plain(fields[4]), clean(fs_type))
        if fields[3] == "/":
            whole.setdefault((found.dev_t, found.target), found)
        else:
            parts.setdefault(found.dev_t, found)
    devices = {dev_t for dev_t, _ in whole}
    return (*whole.values(), *(found for dev_t, found in parts.items() if dev_t not in devices))


def swaps(text: str) -> tuple[SwapFacts, ...]:
    """The swap areas. The first line is a heading."""
    return tuple(SwapFacts(_plain(line.split()[0])) for line in text.split("\n")[1:] if line.startswith("/"))


def _is_dev_t(text: str) -> bool:
    numbers = text.split(":")
    return len(numbers) == 2 and all(number.isascii() and number.isdecimal() for number in numbers)


def unescaped(field: str) -> str:
    """A field without the kernel's escapes. fstab has the same ones, except that of ``#`` (getmntent(3))."""
    for escape, character in _ESCAPES.items():
        field = field.replace(escape, character)
    return field


def _plain(field: str) -> str:
    return clean(unescaped(field))
