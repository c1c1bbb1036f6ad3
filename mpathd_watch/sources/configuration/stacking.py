"""Which multipath maps are below a block device: through partitions, LVM, md and encryption, by the links in sysfs."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from mpathd_watch.core.model.identity import UUID_PREFIX
from mpathd_watch.core.model.text import clean
from mpathd_watch.sources.reading.tree import Mark, Tree

BLOCK = "sys/block"
UDEV = "run/udev/data"
MAX_RECORD = 1 << 16
"""Bytes of a record in udev's database."""
MAX_SEEN = 4096
"""Devices below one that are looked at."""

_MAPPED = "mapper/"
_STACKED = re.compile(r"(?:dm-|md|bcache)\d", re.ASCII)
"""The devices that have others below them."""
_DEV_T = re.compile(r"\d{1,10}:\d{1,10}\Z", re.ASCII)
_LINK = re.compile(r"^S:(.*)$", re.MULTILINE)


class Stacking:
    """The block devices of the host in ``tree``. What has not changed since the last ``read`` is not read again."""

    def __init__(self, tree: Tree) -> None:
        self._tree = tree
        self._records: dict[str, tuple[Mark, tuple[str, ...]]] = {}

    def maps(self, devices: Iterable[str]) -> dict[str, tuple[str, ...]]:
        """The WWIDs of the maps below each device, by the device's name below /dev, as ``disk/by-uuid/...``."""
        wanted = dict.fromkeys(filter(None, devices))
        if not wanted:
            return {}
        names: dict[str, set[str]] = {device: set() for device in wanted}
        mapped = any(device.startswith(_MAPPED) for device in wanted)
        linked = any("/" in device for device in wanted)
        for name in self._tree.names(BLOCK):
            if _STACKED.match(name):
                for link in self._links(name, mapped=mapped, linked=linked):
                    if link in names:
                        names[link].add(name)
        return {device: self.below(found) for device, found in names.items()}

    def below(self, names: Iterable[str]) -> tuple[str, ...]:
        """The WWIDs of the maps that are, or are below, the block devices with these names in sysfs."""
        found: set[str] = set()
        seen = dict.fromkeys(names)
        waiting = list(seen)
        for name in waiting:  # it grows meanwhile
            uuid = self._attribute(f"{name}/dm/uuid")
            if uuid.startswith(UUID_PREFIX):
                found.add(uuid.removeprefix(UUID_PREFIX))
                continue
            lower = [each for each in self._tree.names(f"{BLOCK}/{name}/slaves", MAX_SEEN) if _STACKED.match(each)]
            new = [each for each in lower if each not in seen][: MAX_SEEN - len(seen)]
            seen.update(dict.fromkeys(new))
            waiting += new
        return tuple(sorted(found))

    def numbered(self, dev_t: str) -> tuple[str, ...]:
        """The WWIDs of the maps below the block device ``MAJOR:MINOR``; none if there is no such one."""
        name = self._tree.link(f"sys/dev/block/{dev_t}").rpartition("/")[2] if _DEV_T.match(dev_t) else ""
        return self.below([name]) if _STACKED.match(name) else ()

    def _links(self, name: str, *, mapped: bool, linked: bool) -> Iterator[str]:
        """The names of a device below /dev: the kernel's, device-mapper's, and those that udev has made."""
        yield name
        if mapped:
            yield f"{_MAPPED}{self._attribute(f'{name}/dm/name')}"
        dev_t = self._attribute(f"{name}/dev") if linked else ""
        if _DEV_T.match(dev_t):
            yield from self._record(f"{UDEV}/b{dev_t}")

    def _record(self, path: str) -> tuple[str, ...]:
        mark = self._tree.mark(path)
        before = self._records.get(path)
        if before is not None and before[0] == mark:
            return before[1]
        links = tuple(_LINK.findall(self._tree.text(path, MAX_RECORD) or ""))
        self._records[path] = (mark, links)
        return links

    def _attribute(self, path: str) -> str:
        return clean(self._tree.content(f"{BLOCK}/{path}", 4096) or b"")
