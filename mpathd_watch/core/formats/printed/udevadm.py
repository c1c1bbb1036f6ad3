"""``udevadm info --export-db`` or ``udevadm info DEVICE``: lines ``E: KEY=VALUE``, a blank line between two devices."""

from __future__ import annotations

from dataclasses import dataclass

from mpathd_watch.core.model.text import clean

_LONGEST_LINE = 4096
MAX_DISKS = 1 << 16


@dataclass(frozen=True, slots=True)
class UdevDisk:
    """A whole disk, or a dm device; ``path`` is its path below /sys, ``wwid`` its ID_SERIAL."""

    name: str
    dev_t: str
    path: str
    wwid: str


def disks(text: str) -> tuple[UdevDisk, ...]:
    """The block devices that are no partitions."""
    found: list[UdevDisk] = []
    values: dict[str, str] = {}
    for line in (*text.split("\n"), ""):
        if not line.strip():
            _keep(values, found)
            values = {}
        elif line.startswith("E: "):
            key, _, value = line[3:_LONGEST_LINE].partition("=")
            if key in _WANTED:
                values[key] = value
    return tuple(found[:MAX_DISKS])


_WANTED = frozenset({"DEVPATH", "DEVTYPE", "SUBSYSTEM", "MAJOR", "MINOR", "ID_SERIAL"})


def _keep(values: dict[str, str], found: list[UdevDisk]) -> None:
    major, minor, path = (values.get(key, "") for key in ("MAJOR", "MINOR", "DEVPATH"))
    whole = values.get("SUBSYSTEM") == "block" and values.get("DEVTYPE") == "disk"
    if whole and major.isdecimal() and minor.isdecimal():
        name = clean(path.rpartition("/")[2])
        found.append(UdevDisk(name, f"{clean(major)}:{clean(minor)}", clean(path), clean(values.get("ID_SERIAL", ""))))
