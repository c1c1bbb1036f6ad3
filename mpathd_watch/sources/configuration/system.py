"""What other files of the host say about the start of maps and sessions, read rarely: see ``System``."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path

from mpathd_watch.core.formats.mounts import EXTRINSIC, Entry, fstab, mount_unit, unit_name
from mpathd_watch.core.model.system import BootImage, Mount, System
from mpathd_watch.core.model.text import clean
from mpathd_watch.sources.configuration import units
from mpathd_watch.sources.configuration.files import CONF_D, MULTIPATH_CONF
from mpathd_watch.sources.configuration.stacking import BLOCK, Stacking
from mpathd_watch.sources.reading.pace import SHARE
from mpathd_watch.sources.reading.tree import Mark, Tree

FSTAB = "etc/fstab"
UNITS = "etc/systemd/system"
MODULES = "proc/modules"
RELEASE = "proc/sys/kernel/osrelease"
IMAGES = ("boot/initrd.img-{}", "boot/initramfs-{}.img", "boot/initrd-{}")
"""The initramfs of a kernel, by its release: on Debian and Ubuntu; Red Hat, Fedora and their kin; SUSE."""

EVERY = 60.0
"""Seconds between readings, unless a file or directory that configures them has changed."""
MAX_MOUNTS = 1024
"""Mounts and mount units that are looked at."""
MAX_MODULES = 1 << 20
"""Bytes of /proc/modules; a large host has 20 KiB."""

_PRODUCTS = re.compile(r"(?:emcp\w*|vxdmp|mppVhba|mppUpper|sddlmadrv|sddlmfdrv)\Z", re.ASCII)
"""The modules of PowerPath, Veritas DMP, LSI RDAC (MPP) and Hitachi HDLM."""
_HEAD = re.compile(r"nvme\d+n\d+\Z", re.ASCII)
_NATIVE = "/nvme-subsystem/"
"""The kernel places the disk that joins several NVMe paths below the subsystem (drivers/nvme/host/multipath.c)."""
_RELEASE = re.compile(r"[\w.+~-]{1,128}\Z", re.ASCII)


class SystemFiles:
    """The files below ``root``. Each method may block. Not thread-safe."""

    def __init__(self, root: Path, clock: Callable[[], float]) -> None:
        self._tree = Tree(root)
        self._is_this_host = root == Path("/")
        self._clock = clock
        self._stacking = Stacking(self._tree)
        self._known: System | None = None
        self._marks: dict[str, Mark] = {}
        self._due = float("-inf")

    def read_changes(self) -> System:
        """What is known, read again if its time has come, or if fstab or the enabled units have changed."""
        changed = any(self._tree.mark(path) != before for path, before in self._marks.items())
        if self._known is None or changed or self._clock() >= self._due:
            return self.read()
        return self._known

    def read(self) -> System:
        """Read everything."""
        began = self._clock()
        self._marks = {path: self._tree.mark(path) for path in (FSTAB, *units.directories(self._tree))}
        self._known = self._read()
        took = self._clock() - began
        self._due = self._clock() + max(EVERY, SHARE * took)
        return self._known

    def _read(self) -> System:
        entries = list(self._entries())
        extrinsic = [entry for entry in entries if entry.target in EXTRINSIC]
        local = [entry for entry in entries if entry.local]
        below = self._stacking.maps(entry.device for entry in (*extrinsic, *local))
        root_maps = {wwid for entry in extrinsic for wwid in below.get(entry.device, ())} or set(self._root_maps())
        return System(
            units=units.read(self._tree),
            mounts=tuple(
                Mount(clean(entry.target), clean(entry.source), clean(entry.where), entry.nofail, maps)
                for entry in local
                if (maps := below.get(entry.device))
            ),
            root_maps=tuple(sorted(root_maps)),
            image=self._image() if root_maps else None,
            products=self._products(),
            native=tuple(name for name in self._tree.names(BLOCK) if _HEAD.match(name) and self._is_native(name)),
        )

    def _entries(self) -> Iterator[Entry]:
        """Of fstab and of the mount units that are started at boot; none that has settings in a file of its own."""
        declared = list(fstab(self._tree.text(FSTAB) or "", f"/{FSTAB}"))[:MAX_MOUNTS]
        written = [name for name in self._tree.names(UNITS) if name.endswith(".mount")][:MAX_MOUNTS]
        yield from (entry for entry in declared if not self._changed(unit_name(entry.target)))
        if not written:
            return
        enabled = units.linked(self._tree)
        for name in written:
            text = self._tree.text(f"{UNITS}/{name}") if name in enabled else None
            entry = mount_unit(text, f"/{UNITS}/{name}") if text else None
            if entry is not None and not self._changed(name):
                yield entry

    def _changed(self, unit: str) -> bool:
        """Whether files of its own (``UNIT.d/*.conf``) change how the unit is started."""
        return any(self._tree.names(f"{base}/{unit}.d", 1) for base in units.LASTING)

    def _root_maps(self) -> tuple[str, ...]:
        """Where fstab does not say what / is on: by its device number, which btrfs does not have."""
        status = self._tree.status("") if self._is_this_host else None
        if status is None:
            return ()
        return self._stacking.numbered(f"{os.major(status.st_dev)}:{os.minor(status.st_dev)}")

    def _image(self) -> BootImage | None:
        """The initramfs of the running kernel, the newest of several."""
        release = (self._tree.text(RELEASE) or "").strip()
        if not _RELEASE.match(release):
            return None
        images = [image.format(release) for image in IMAGES]
        found = {path: status.st_mtime for path in images if (status := self._tree.status(path))}
        if not found:
            return None
        newest = max(found, key=lambda path: found[path])
        conf_d = [f"{CONF_D}/{name}" for name in self._tree.names(CONF_D) if name.endswith(".conf")]
        changed = {path: self._tree.status(path) for path in (MULTIPATH_CONF, *conf_d)}
        later = [f"/{path}" for path, status in changed.items() if status and status.st_mtime > found[newest]]
        return BootImage(f"/{newest}", tuple(map(clean, later)))

    def _products(self) -> tuple[str, ...]:
        lines = (self._tree.text(MODULES, MAX_MODULES) or "").split("\n")
        names = (line.partition(" ")[0] for line in lines)
        return tuple(sorted(name for name in names if _PRODUCTS.match(name)))

    def _is_native(self, name: str) -> bool:
        return _NATIVE in self._tree.link(f"{BLOCK}/{name}")
