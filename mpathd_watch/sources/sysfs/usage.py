"""What the disks are used for: mounts, swap, and what is stacked on them (/proc/self/mountinfo, /proc/swaps, sysfs).

All of it is in the kernel's memory and any user may read it. The cost grows with what is mounted and stacked, not with
the disks. The daemon sees its own mount namespace: systemd passes mounts of the host on to it, but for those below
/home, /root and /run/user (``ProtectHome=`` in systemd.exec(5)). Who mounts a disk directly in another namespace alone,
as a container may, is not seen.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import TypeVar

from mpathd_watch.core.formats import proc_mounts
from mpathd_watch.core.model.facts import MapFacts
from mpathd_watch.core.model.usage import DirectUse, MountFacts, StackedFacts, SwapFacts, Usage, Use
from mpathd_watch.immutable import replace
from mpathd_watch.sources.reading.attributes import Attributes, GoneError, entries

MOUNTS = "self/mountinfo"
SWAPS = "swaps"
MAX_SIZE = 1 << 22
"""Bytes of each of these files that are read: about 30,000 mounts."""
MAX_FACTS = 4096
"""Mounts, swap areas and stacked devices of each kind that are reported."""

NO_DEVICE = "0:"
"""The beginning of the number of a file system that is on no block device, or on several."""

_STACKED = re.compile(r"(dm-|md|md_d|bcache)\d+\Z", re.ASCII)
_DISK = re.compile(r"((?:sd|dasd)[a-z]+)\d*\Z|(nvme\d+n\d+)(?:p\d+)?\Z", re.ASCII)
"""The kernel's name of a disk that may be a path, or of a partition of it (disk_name() in block/genhd.c)."""

Fact = TypeVar("Fact")
Wwid = Callable[[Attributes, str], str]
"""The WWID of the disk with this name, empty if it is not known."""


class UsageReader:
    """Reads what the disks below one sysfs root are used for; ``proc`` is the path of /proc."""

    def __init__(self, sysfs: Path, proc: Path, wwid: Wwid) -> None:
        self._sysfs = sysfs
        self._proc = proc
        self._wwid = wwid

    def read(self, attributes: Attributes, maps: Iterable[MapFacts]) -> Usage:
        """The present usage; ``maps`` are the multipath maps. What can't be read is left out. Raises ``OSError``."""
        stacked = _bounded(attributes, self._stacked(attributes, {found.sysfs_name for found in maps}))
        mounts = _bounded(attributes, self._mounts(attributes))
        swaps = _bounded(attributes, self._swaps(attributes))
        uses = [
            *((device, Use.STACKED, found.label or found.name) for found in stacked for device in found.slaves),
            *((found.device, Use.MOUNT, found.target) for found in mounts),
            *((found.device, Use.SWAP, "") for found in swaps),
        ]
        return Usage(mounts, swaps, stacked, tuple(self._direct(attributes, uses)))

    def _stacked(self, attributes: Attributes, maps: set[str]) -> Iterator[StackedFacts]:
        for name in entries(self._sysfs / "block"):
            if name in maps or not _STACKED.match(name):
                continue
            directory = self._sysfs / "block" / name
            try:
                slaves = attributes.names(directory / "slaves")
            except GoneError:
                continue
            if slaves:
                label, uuid = (attributes.optional(directory / "dm" / which) for which in ("name", "uuid"))
                yield StackedFacts(name, label, uuid, tuple(slaves))

    def _mounts(self, attributes: Attributes) -> Iterator[MountFacts]:
        names: dict[tuple[str, str], str] = {}
        for found in proc_mounts.mounts(self._text(attributes, self._proc / MOUNTS)):
            key = found.dev_t, found.source
            if key not in names:
                names[key] = self._name(attributes, *key)
            yield replace(found, device=names[key])

    def _swaps(self, attributes: Attributes) -> Iterator[SwapFacts]:
        for found in proc_mounts.swaps(self._text(attributes, self._proc / SWAPS)):
            yield replace(found, device=self._existing(attributes, found.path))

    def _direct(self, attributes: Attributes, uses: Iterable[tuple[str, Use, str]]) -> Iterator[DirectUse]:
        wwids: dict[str, str] = {}
        for device, use, by in dict.fromkeys(uses):
            found = _DISK.match(device)
            if found is None:
                continue
            disk = found[1] or found[2]
            if disk not in wwids:
                wwids[disk] = self._wwid(attributes, disk)
            yield DirectUse(disk, device, wwids[disk], use, by)

    def _name(self, attributes: Attributes, dev_t: str, source: str) -> str:
        """The kernel's name of the block device ``dev_t``, or of ``source`` for a file system on several devices."""
        try:
            return PurePosixPath(attributes.link(self._sysfs / "dev/block" / dev_t)).name
        except GoneError:
            return self._existing(attributes, source, dev_t)

    def _existing(self, attributes: Attributes, path: str, dev_t: str = NO_DEVICE) -> str:
        """The kernel's name in a path as ``/dev/sda1``, if there is this device, with this number if it is one."""
        directory, _, name = path.rpartition("/")
        if directory != "/dev" or name in ("", ".", ".."):
            return ""
        disk = _DISK.match(name)
        parent = (disk[1] or disk[2]) if disk else name
        block = self._sysfs / "block" / parent
        number = attributes.optional((block if parent == name else block / name) / "dev")
        return name if number and (dev_t.startswith(NO_DEVICE) or number == dev_t) else ""

    def _text(self, attributes: Attributes, path: Path) -> str:
        """The text of a file of /proc, at most ``MAX_SIZE`` bytes in whole lines."""
        try:
            raw = attributes.whole(path, MAX_SIZE)
        except GoneError:
            return ""
        if len(raw) == MAX_SIZE:
            attributes.problems["too_many"] += 1
            raw = raw[: raw.rfind(b"\n") + 1]
        return raw.decode("utf-8", "surrogateescape")


def _bounded(attributes: Attributes, found: Iterator[Fact]) -> tuple[Fact, ...]:
    facts = tuple(islice(found, MAX_FACTS + 1))
    if len(facts) > MAX_FACTS:
        attributes.problems["too_many"] += 1
    return facts[:MAX_FACTS]
