"""Multipath maps and their member disks (class block; drivers/md/dm-sysfs.c, drivers/scsi/scsi_sysfs.c)."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from enum import Enum, auto
from itertools import islice
from pathlib import Path
from sys import intern

from mpathd_watch.core.model.facts import DeviceFacts, IoFacts, MapFacts
from mpathd_watch.core.model.identity import UUID_PREFIX
from mpathd_watch.core.model.text import clean
from mpathd_watch.core.model.vocabulary import DeviceState, Transport
from mpathd_watch.immutable import immutable, replace
from mpathd_watch.sources.iscsi.session_numbers import SESSIONS, sids
from mpathd_watch.sources.reading.attributes import Attributes, Below, GoneError, entries
from mpathd_watch.sources.sysfs import access, block
from mpathd_watch.sources.sysfs.udevdb import records, uid

DISKS_DEADLINE = 60.0
"""Seconds that one reading may take: of all maps and disks, or of some disks again."""

MAX_UNMAPPED = 4096
"""Disks in no map that are read. A host with more uses its SAN without multipath; one message is enough."""

_DISK = re.compile(r"sd[a-z]+\Z", re.ASCII)
_TARGET = re.compile(r"target\d+:\d+:\d+\Z", re.ASCII)
_HCTL_IN_PATH = re.compile(r"/(\d+:\d+:\d+:\d+)/block/", re.ASCII)
_HCTL = re.compile(r"\d+:\d+:\d+:\d+\Z", re.ASCII)
_SID = re.compile(r"/session(\d{1,10})/", re.ASCII)
_READS, _READ_SECTORS, _READ_MS, _WRITES, _WRITE_SECTORS, _WRITE_MS = 0, 2, 3, 4, 6, 7
"""Positions in ``stat`` (Documentation/block/stat.rst); newer kernels have more fields after these."""
_RPORT = re.compile(r"/(rport-\d+:\d+-\d+)/", re.ASCII)


@immutable
class _Attachment:
    """How a disk is attached, by its sysfs path."""

    hctl: str
    sid: int | None
    transport: Transport
    nexus: str


class Depth(Enum):
    """Which attributes of a disk are read again."""

    STATE = auto()
    COUNTERS = auto()
    """Also the error counters and ``io``."""
    CLOSELY = auto()
    """Also ``in_flight``, which the kernel has to count (scsi_device_busy() in drivers/scsi/scsi_lib.c), and all of
    ``access``."""


class Disks:
    """The maps and disks below one sysfs root. ``run`` is the path of /run, which has udev's database.

    ``once``: there will be no other reading. Then counters, of which only the increase means anything, are left out.
    """

    def __init__(self, sysfs: Path, run: Path, *, once: bool = False) -> None:
        self._once = once
        self._sysfs = sysfs
        self._block = sysfs / "block"
        self._udev = records(run)
        self._maps: dict[str, MapFacts] = {}
        self._devices: dict[str, DeviceFacts] = {}
        self._unmapped: dict[str, DeviceFacts] = {}

    def maps(self, attributes: Attributes) -> tuple[MapFacts, ...]:
        """All multipath maps; one that exists but can't be read, as last read. Raises ``OSError`` without /sys/block.

        ``dm/uuid`` and ``dm/name`` are in the kernel's memory; reading them fails only if the device is removed.
        """
        found: dict[str, MapFacts] = {}
        for name in entries(self._block):
            if not name.startswith("dm-"):
                continue
            try:
                facts = self._map(attributes, name)
            except GoneError:
                continue
            if facts is not None:
                found[name] = facts
        self._maps = found
        return tuple(found.values())

    def devices(self, attributes: Attributes, names: Iterable[str]) -> tuple[DeviceFacts, ...]:
        """The named disks, without those that are gone."""
        found: dict[str, DeviceFacts] = {}
        for name in names:
            try:
                known = self._devices.get(name)
                found[name] = _sharing(self._device(attributes, name, known), known)
            except GoneError:
                attributes.problems["vanished"] += 1
        self._devices = found
        return tuple(found.values())

    def unmapped(self, attributes: Attributes, members: Iterable[DeviceFacts]) -> tuple[DeviceFacts, ...]:
        """The disks of iSCSI sessions that are not among ``members``, at most ``MAX_UNMAPPED``.

        A member costs only its name in a directory. Raises ``OSError`` if sysfs is not mounted.
        """
        mapped = {facts.hctl for facts in members}
        names = list(islice(self._session_disks(attributes, mapped), MAX_UNMAPPED + 1))
        if len(names) > MAX_UNMAPPED:
            attributes.problems["too_many"] += 1
            names.pop()
        found: dict[str, DeviceFacts] = {}
        for name in names:
            try:
                found[name] = self._device(attributes, name, self._unmapped.get(name))
            except GoneError:
                continue
        self._unmapped = found
        return tuple(found.values())

    def wwid(self, attributes: Attributes, name: str) -> str:
        """The WWID of any disk, by udev; empty if it is not known."""
        dev_t = attributes.optional(self._block / name / "dev")
        return uid(attributes, self._udev, name, dev_t)

    def again(
        self, attributes: Attributes, known: Iterable[DeviceFacts], depth: Depth
    ) -> tuple[tuple[DeviceFacts, ...], tuple[str, ...]]:
        """``known``, read again, and the names of those that are gone. Raises ``OSError`` without /sys/block.

        A disk is gone also if another one, at another address, has its name: the kernel gives a name, with its number,
        to the next disk (sd_probe() in drivers/scsi/sd.c).
        """
        found, vanished = [], []
        for facts in known:
            try:
                fresh = self._again(attributes, facts, depth)
            except GoneError:
                vanished.append(facts.name)
                continue
            found.append(fresh)
            if depth is Depth.CLOSELY and facts.name in self._devices:
                # The next full scan keeps what it does not read again.
                self._devices[facts.name] = fresh
        if vanished:
            self._block.stat()
        return tuple(found), tuple(vanished)

    def _map(self, attributes: Attributes, name: str) -> MapFacts | None:
        directory = self._block / name
        before = attributes.problems.total()
        with Below(directory) as below:
            uuid = attributes.text(below / "dm/uuid")
            if uuid and not uuid.startswith(UUID_PREFIX):
                return None
            label = attributes.text(below / "dm/name")
            slaves = attributes.names(directory / "slaves")
            if slaves is None or attributes.problems.total() > before:
                return self._maps.get(name)
            if not uuid:
                return None
            suspended = attributes.number(below / "dm/suspended")
            return MapFacts(
                wwid=intern(uuid.removeprefix(UUID_PREFIX)),
                name=label,
                sysfs_name=clean(name),
                suspended=None if suspended is None else bool(suspended),
                slaves=tuple(slaves),
                block=block.of_map(attributes, below),
            )

    def _session_disks(self, attributes: Attributes, excluded: set[str]) -> Iterator[str]:
        """The names of all disks of iSCSI sessions, without those whose H:C:T:L is in ``excluded``."""
        for sid in sids(self._sysfs):
            session = self._sysfs / SESSIONS / f"session{sid}" / "device"
            for target in filter(_TARGET.match, _names(attributes, session)):
                for hctl in _names(attributes, session / target):
                    if _HCTL.match(hctl) and hctl not in excluded:
                        yield from filter(_DISK.match, _names(attributes, session / target / hctl / "block"))

    def _device(self, attributes: Attributes, name: str, known: DeviceFacts | None) -> DeviceFacts:
        directory = f"{self._block}/{name}"
        link = attributes.link(directory)
        if known is None or link:
            attachment = attached_by(link)
        else:
            attachment = _Attachment(known.hctl, known.sid, known.transport, known.nexus)
        with Below(directory) as disk, Below(f"{directory}/device") as device:
            dev_t = attributes.optional(disk / "dev") or (known.dev_t if known else "")
            of_block = block.of_disk(attributes, disk, device, name)
            before = access.NOTHING_KNOWN
            if known is not None and _identity(known) == (dev_t, attachment.hctl, of_block.wwid):
                before = known.access
            return DeviceFacts(
                name=name,
                dev_t=dev_t,
                hctl=attachment.hctl,
                state=_state(attributes, directory, device),
                transport=attachment.transport,
                sid=attachment.sid,
                # Thousands of disks have the same: each text is kept once.
                vendor=intern(attributes.optional(device / "vendor")),
                product=intern(attributes.optional(device / "model")),
                io_errors=None if self._once else attributes.counter(device / "ioerr_cnt"),
                io_timeouts=None if self._once else attributes.counter(device / "iotmo_cnt"),
                timeout=attributes.number(device / "timeout"),
                wwid=intern(uid(attributes, self._udev, name, dev_t)),
                io=None if self._once else attributes.parsed(disk / "stat", _io),
                nexus=attachment.nexus,
                block=of_block,
                access=access.of_disk(attributes, device, before) if attachment.hctl else access.NOTHING_KNOWN,
            )

    def _again(self, attributes: Attributes, facts: DeviceFacts, depth: Depth) -> DeviceFacts:
        directory = f"{self._block}/{facts.name}"
        link = attributes.link(directory) if facts.hctl else ""
        if link and f"/{facts.hctl}/block/" not in link:
            raise GoneError(directory)
        disk, device = Below(directory), Below(f"{directory}/device")
        state = _state(attributes, directory, device)
        if depth is Depth.STATE:
            return facts if state is facts.state else replace(facts, state=state, in_flight=None)
        closely = depth is Depth.CLOSELY
        return replace(
            facts,
            state=state,
            io_errors=attributes.counter(device / "ioerr_cnt"),
            io_timeouts=attributes.counter(device / "iotmo_cnt"),
            io=attributes.parsed(disk / "stat", _io),
            in_flight=attributes.parsed(device / "device_busy", _unsigned) if closely else None,
            access=access.of_disk(attributes, device) if closely and facts.hctl else facts.access,
        )


def _state(attributes: Attributes, directory: str, device: Below) -> DeviceState:
    """The state of the disk in ``directory``; ``none`` if it has no such attribute. Raises ``GoneError``.

    ``device`` is the directory ``device`` of it.
    """
    state = device / "state"
    try:
        return attributes.word(state, DeviceState)
    except GoneError:
        if not os.path.lexists(directory) or os.path.lexists(str(state)):
            raise
        return DeviceState.NONE


def _identity(facts: DeviceFacts) -> tuple[str, str, str]:
    """What two disks of one name differ in. A LUN in the place of another has its address, but not its WWID."""
    return facts.dev_t, facts.hctl, facts.block.wwid


def _sharing(fresh: DeviceFacts, known: DeviceFacts | None) -> DeviceFacts:
    """A disk as read now, with all of what is ``known`` of it that is the same.

    The core has these objects, too: most are kept once, and it recognizes at once what has not changed.
    """
    if known is None:
        return fresh
    if known == fresh and known.in_flight is None:
        return known
    return replace(
        fresh,
        io=known.io if known.io == fresh.io else fresh.io,
        block=known.block if known.block == fresh.block else fresh.block,
        access=known.access if known.access == fresh.access else fresh.access,
    )


def _names(attributes: Attributes, directory: Path) -> list[str]:
    """The names in ``directory``; none if it is gone or can't be read."""
    try:
        return attributes.names(directory) or []
    except GoneError:
        return []


def attached_by(path: str) -> _Attachment:
    """How a disk is attached, by its sysfs path, e.g. .../host3/session1/target3:0:0/3:0:0:1/block/sdb."""
    hctl = _HCTL_IN_PATH.search(path)
    sid = _SID.search(path)
    port = _RPORT.search(path)
    if sid:
        transport = Transport.ISCSI
    elif port:
        transport = Transport.FC
    else:
        transport = Transport.SCSI if hctl else Transport.UNKNOWN
    return _Attachment(hctl[1] if hctl else "", int(sid[1]) if sid else None, transport, port[1] if port else "")


def _io(text: str) -> IoFacts:
    """Raises ``ValueError``."""
    fields = text.split()
    if len(fields) <= _WRITE_MS:
        raise ValueError(text)
    positions = (_READS, _READ_MS, _WRITES, _WRITE_MS, _READ_SECTORS, _WRITE_SECTORS)
    return IoFacts(*(_unsigned(fields[position]) for position in positions))


def _unsigned(text: str) -> int:
    """Raises ``ValueError``."""
    if not (text.isascii() and text.isdigit()) or len(text) > 20:
        raise ValueError(text)
    return int(text)
