"""``udevadm info --export-db`` or ``udevadm info DEVICE``: lines ``E: KEY=VALUE``, a blank line between two devices."""

from __future__ import annotations

import re

from mpathd_watch.core.model.text import clean
from mpathd_watch.immutable import immutable

_LONGEST_LINE = 4096
MAX_DISKS = 1 << 16


@immutable
class UdevDisk:
    """A whole disk, or a dm device; ``path`` is its path below /sys, ``wwid`` its ID_SERIAL.

    ``vendor`` and ``product`` are those of sysfs, without the blanks at the end.
    """

    name: str
    dev_t: str
    path: str
    wwid: str
    vendor: str = ""
    product: str = ""


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


_WANTED = frozenset({"DEVPATH", "DEVTYPE", "SUBSYSTEM", "MAJOR", "MINOR", "ID_SERIAL", "ID_VENDOR_ENC", "ID_MODEL_ENC"})
_ESCAPED = re.compile(r"\\x([0-9a-f]{2})", re.ASCII)
"""How udev encodes a character that is not plain (encode_devnode_name() in systemd's src/shared/device-nodes.c)."""


def _keep(values: dict[str, str], found: list[UdevDisk]) -> None:
    major, minor, path = (values.get(key, "") for key in ("MAJOR", "MINOR", "DEVPATH"))
    whole = values.get("SUBSYSTEM") == "block" and values.get("DEVTYPE") == "disk"
    if whole and major.isdecimal() and minor.isdecimal():
        name = clean(path.rpartition("/")[2])
        wwid = clean(values.get("ID_SERIAL", ""))
        vendor, product = (_decoded(values.get(key, "")) for key in ("ID_VENDOR_ENC", "ID_MODEL_ENC"))
        found.append(UdevDisk(name, f"{clean(major)}:{clean(minor)}", clean(path), wwid, vendor, product))


def _decoded(text: str) -> str:
    return clean(_ESCAPED.sub(lambda found: chr(int(found[1], 16)), text))
