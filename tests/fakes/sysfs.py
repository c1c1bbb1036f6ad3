r"""A sysfs for tests: a tree of files below a directory, laid out and changed as the kernel does it.

    san = FakeSysfs(tmp_path / "sys")
    one, two = san.login("192.168.1.1:3260"), san.login("192.168.2.1:3260")
    mpio = san.add_map("mpio", [san.add_disk(one), san.add_disk(two)])
    two.fail()                              # session FAILED, its disks blocked
    two.expire()                            # session FREE, its disks transport-offline
    two.recover()
    san.logout(two)
    mpio.add(san.add_disk(san.login("192.168.2.1:3260")))   # a new session, host and sdX

A disk that nobody adds to a map is in none. udev's records of the disks are in ``run``, beside the tree, and what
is mounted is in ``proc``.

``healthy_san`` is the usual beginning. Every attribute is one file that any test may ``set`` to whatever it likes; a
change of a short one is atomic, so a daemon that reads meanwhile sees the old text or the new, also through a
descriptor that it has kept open. As on a real host, the tree under ``devices`` is the truth, and ``block``, ``class``
and ``slaves`` hold symbolic links into it. Unlike there, an open descriptor outlives what it belongs to: see
``reading.kernfs``.
"""

from __future__ import annotations

import ipaddress
import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from string import ascii_lowercase

TARGET = "iqn.2003-01.org.linux-iscsi.san:mpio"
INITIATOR = "iqn.1993-08.org.debian:01:host"
WWID = "36001405a4f0c2d1e8b94f6c9a1b2c3d4"
KERNEL_WWID = f"naa.{WWID[1:]}"
WIDTH = 64
"""Bytes of an attribute at least: what is short is filled up, so that a change is one write and no file grows."""
DISCONNECTED = b""
"""Stands for ENOTCONN: of a file that is empty as little can be had."""
NO_HANDLER = b""
"""Stands for EINVAL, in the same way."""
SECRETS = ("username", "username_in", "password", "password_in")


class _Object:
    """A directory with attributes."""

    def __init__(self, sysfs: FakeSysfs, directory: Path) -> None:
        self._sysfs = sysfs
        self.directory = directory

    def path(self, attribute: str) -> Path:
        """The attribute's file."""
        return self.directory / attribute

    def get(self, attribute: str) -> str:
        """The attribute's text, without the line's end."""
        return self.path(attribute).read_text().rstrip("\n")

    def set(self, attribute: str, value: object) -> None:
        """Write an attribute at once, as a line; bytes are written as they are."""
        self._sysfs.write(self.path(attribute), value if isinstance(value, bytes) else f"{value}\n".encode())

    def remove(self, attribute: str) -> None:
        """Take an attribute away, as of a kernel or driver that does not have it."""
        self.path(attribute).unlink()


class FakeDisk(_Object):
    """A SCSI disk: ``directory`` is that of the block device, ``device`` that of the SCSI device."""

    def __init__(self, sysfs: FakeSysfs, directory: Path, session: FakeSession | None) -> None:
        super().__init__(sysfs, directory)
        self.session = session
        self.device = _Object(sysfs, directory.parent.parent)

    @property
    def name(self) -> str:
        """The kernel's name, e.g. ``sda``."""
        return self.directory.name

    @property
    def hctl(self) -> str:
        """Host, channel, target and LUN."""
        return self.device.directory.name

    @property
    def dev_t(self) -> str:
        """Major and minor number."""
        return self.get("dev")

    @property
    def state(self) -> str:
        """The SCSI device's state."""
        return self.device.get("state")

    @state.setter
    def state(self, state: str) -> None:
        self.device.set("state", state)

    def join_group(
        self, group: int, access: str = "active/optimized", *, preferred: bool = False, handler: str = "alua"
    ) -> None:
        """Be reached through a port of this target port group, with a device handler that knows its state."""
        self.device.path("inquiry").write_bytes(inquiry(port_groups=True))
        self.device.path("vpd_pg83").write_bytes(vpd_pg83(group))
        self.device.set("dh_state", handler)
        self.device.set("access_state", access)
        self.device.set("preferred_path", int(preferred))

    def detach_handler(self) -> None:
        """Have no device handler any more."""
        self.device.set("dh_state", "detached")
        for attribute in ("access_state", "preferred_path"):
            self.device.set(attribute, NO_HANDLER)

    def serve(self, reads: int, read_ms: int, writes: int = 0, write_ms: int = 0, *, in_flight: int = 0) -> None:
        """Set what the disk has done since it appeared, and what it is about to."""
        self.set("stat", stat(reads, read_ms, writes, write_ms))
        self.device.set("device_busy", in_flight)


class FakePartition(_Object):
    """A partition of a disk."""

    @property
    def name(self) -> str:
        """The kernel's name, e.g. ``sda1``."""
        return self.directory.name


class FakeSession(_Object):
    """An iSCSI session with one connection; ``directory`` is that of class iscsi_session."""

    def __init__(self, sysfs: FakeSysfs, directory: Path, connection: Path, sid: int, host: int) -> None:
        super().__init__(sysfs, directory)
        self.connection = _Object(sysfs, connection)
        self.iscsi_host = _Object(sysfs, self.place.parent / f"iscsi_host/host{host}")
        self.sid = sid
        self.host = host
        self.disks: list[FakeDisk] = []
        self._ends = {
            place: {attribute: place.get(attribute) for attribute in attributes}
            for place, attributes in ((self.iscsi_host, ("ipaddress",)), (self.connection, ("address", "port")))
        }

    @property
    def place(self) -> Path:
        """The ``sessionS`` directory that the disks hang below."""
        return self.directory.parent.parent

    @property
    def state(self) -> str:
        """The session's state."""
        return self.get("state")

    @state.setter
    def state(self, state: str) -> None:
        self.set("state", state)

    def answer(self) -> None:
        """The target answers, if only a ping."""
        self.connection.set("exp_statsn", int(self.connection.get("exp_statsn")) + 1)

    def fail(self) -> None:
        """The connection broke: the kernel blocks the disks and starts counting ``recovery_tmo``."""
        self.state = "FAILED"
        self.disconnect()
        self._take_along("failed", "blocked")

    def expire(self) -> None:
        """The recovery timed out: the kernel gives the disks up."""
        self.state = "FREE"
        self._take_along("failed", "transport-offline")

    def recover(self) -> None:
        """Log in again, as iscsid does by itself; a disk that error handling took offline stays so."""
        self.connect()
        self.connection.set("exp_statsn", 1)
        self.state = "LOGGED_IN"
        self._take_along("up", "running")

    def disconnect(self) -> None:
        """There is no socket any more to ask for addresses and ports."""
        for place, attributes in self._ends.items():
            for attribute in attributes:
                place.set(attribute, DISCONNECTED)
        self.connection.set("local_port", DISCONNECTED)

    def connect(self) -> None:
        """There is a new socket, between the same addresses and from another port."""
        for place, attributes in self._ends.items():
            for attribute, value in attributes.items():
                place.set(attribute, value)
        self.connection.set("local_port", self._sysfs.next_port())

    def _take_along(self, connection: str, device: str) -> None:
        self.connection.set("state", connection)
        for disk in self.disks:
            if disk.state != "offline":
                disk.state = device


class FakeMap(_Object):
    """A dm device; ``directory`` is that of the block device."""

    @property
    def sysfs_name(self) -> str:
        """The kernel's name, e.g. ``dm-0``."""
        return self.directory.name

    @property
    def name(self) -> str:
        """The kernel's name, as of a disk."""
        return self.directory.name

    def add(self, disk: FakeDisk | FakePartition | FakeMap) -> None:
        """Load a table with ``disk`` in it."""
        _link(self.directory / "slaves" / disk.name, disk.directory)
        _link(disk.directory / "holders" / self.sysfs_name, self.directory)

    def drop(self, disk: FakeDisk) -> None:
        """Load a table without ``disk``, which may be gone already."""
        (self.directory / "slaves" / disk.name).unlink(missing_ok=True)
        (disk.directory / "holders" / self.sysfs_name).unlink(missing_ok=True)


@dataclass
class FakeSysfs:
    """The tree in ``root``, at first that of a host with neither a disk nor the iSCSI module loaded."""

    root: Path
    sessions: list[FakeSession] = field(default_factory=list)
    disks: list[FakeDisk] = field(default_factory=list)
    maps: list[FakeMap] = field(default_factory=list)

    def __post_init__(self) -> None:
        for directory in ("block", "class", "devices"):
            (self.root / directory).mkdir(parents=True)
        self._sids, self._hosts, self._dms, self._letters = count(1), count(2), count(), count()
        self._ports = count(46408)

    def write(self, path: Path, data: bytes) -> None:
        """Write an attribute in place and at once."""
        with path.open("r+b", buffering=0) as file:
            file.write(data.ljust(max(WIDTH, os.fstat(file.fileno()).st_size), b"\n"))

    def next_port(self) -> int:
        """A local port that no connection has had yet."""
        return next(self._ports)

    # --- iSCSI --------------------------------------------------------------------------------------------------------

    def login(
        self,
        portal: str = "192.168.1.1:3260",
        *,
        target: str = TARGET,
        iface: str = "default",
        recv_tmo: object = 5,
        ping_tmo: object = 10,
        recovery_tmo: object = 5,
        local: str = "",
        sid: int | None = None,
    ) -> FakeSession:
        """Log in: a new session on a new host, without disks yet. Numbers are never used twice, as in the kernel."""
        sid, host = next(self._sids) if sid is None else sid, next(self._hosts)
        address, _, port = portal.rpartition(":")
        local = local or (f"{address.rpartition('.')[0]}.2" if "." in address else "fd00::2")
        place = self.root / f"devices/platform/host{host}/session{sid}"
        directory = place / f"iscsi_session/session{sid}"
        connection = place / f"connection{sid}:0/iscsi_connection/connection{sid}:0"
        self._make(
            connection,
            state="up",
            address=_in_full(address),
            port=port,
            persistent_address=address.strip("[]"),
            persistent_port=port,
            local_port=self.next_port(),
            recv_tmo=recv_tmo,
            ping_tmo=ping_tmo,
            exp_statsn=258,
        )
        self._make(
            directory,
            state="LOGGED_IN",
            target_state="SCANNED",
            targetname=target,
            tpgt=1,
            initiatorname=INITIATOR,
            ifacename=iface,
            recovery_tmo=recovery_tmo,
            abort_tmo=15,
            creator=446,
            target_id=0,
            **dict.fromkeys(SECRETS, "(null)"),
        )
        (directory / "device").symlink_to(f"../../../{place.name}")
        iscsi_host = place.parent / f"iscsi_host/host{host}"
        self._make(iscsi_host, ipaddress=_in_full(local), netdev="(null)", hwaddress="default", initiatorname=INITIATOR)
        _link(self.root / f"class/iscsi_host/host{host}", iscsi_host)
        _link(self.root / f"class/iscsi_connection/connection{sid}:0", connection)
        _link(self.root / f"class/iscsi_session/session{sid}", directory)
        session = FakeSession(self, directory, connection, sid, host)
        self.sessions.append(session)
        return session

    def logout(self, session: FakeSession) -> None:
        """Log out: the disks go, then the connection, then the session, then the host."""
        for disk in tuple(session.disks):
            self.remove_disk(disk)
        (self.root / "class/iscsi_connection" / session.connection.directory.name).unlink()
        (self.root / "class/iscsi_session" / session.directory.name).unlink()
        (self.root / "class/iscsi_host" / session.iscsi_host.directory.name).unlink()
        shutil.rmtree(session.place.parent)
        self.sessions.remove(session)

    # --- disks --------------------------------------------------------------------------------------------------------

    def add_disk(
        self,
        session: FakeSession | None = None,
        *,
        lun: int = 1,
        place: str = "",
        name: str = "",
        wwid: str = WWID,
    ) -> FakeDisk:
        """A new disk under the next free name: of ``session``, or on another transport at ``place``; in no map yet.

        ``place`` is a path below ``devices`` that ends in the H:C:T:L, e.g.
        ``pci0000:00/0000:00:05.0/host5/rport-5:0-1/target5:0:0/5:0:0:1``.
        """
        number = next(self._letters)
        name = name or f"sd{_letters(number)}"
        if session is not None:
            scsi = session.place / f"target{session.host}:0:0/{session.host}:0:0:{lun}"
        else:
            scsi = self.root / "devices" / (place or f"pci0000:00/0000:00:1f.2/ata1/host0/target0:0:0/0:0:{number}:0")
        directory = scsi / "block" / name
        counters = dict.fromkeys(("iorequest_cnt", "iodone_cnt", "ioerr_cnt", "iotmo_cnt"), "0x0")
        self._make(
            scsi,
            state="running",
            vendor="LIO-ORG ",
            model="mpio            ",
            timeout=30,
            device_busy=0,
            wwid=f"naa.{wwid.removeprefix('3')}",
            dh_state="detached",
            access_state="",
            preferred_path="",
            **counters,
        )
        (scsi / "inquiry").write_bytes(inquiry())
        (scsi / "vpd_pg83").write_bytes(vpd_pg83())
        self._make(directory, dev=f"8:{16 * number}", size=2097152, uevent="", stat=stat(100, 40, 50, 30))
        self._make(directory / "queue", logical_block_size=512, max_sectors_kb=1280, scheduler="[none] mq-deadline")
        (directory / "holders").mkdir()
        (directory / "slaves").mkdir()
        (directory / "device").symlink_to(f"../../../{scsi.name}")
        _link(self.root / "block" / name, directory)
        _link(self.root / f"dev/block/8:{16 * number}", directory)
        disk = FakeDisk(self, directory, session)
        self.set_udev(disk, f"S:disk/by-id/scsi-{wwid}\nI:46408\nE:ID_SCSI=1\nE:ID_SERIAL={wwid}\nV:1\n".encode())
        self.disks.append(disk)
        if session is not None:
            session.disks.append(disk)
        return disk

    def add_partition(self, disk: FakeDisk, number: int = 1) -> FakePartition:
        """A partition of a disk."""
        name = f"{disk.name}{'p' if disk.name[-1].isdigit() else ''}{number}"
        directory = disk.directory / name
        major, _, minor = disk.dev_t.partition(":")
        dev_t = f"{major}:{int(minor) + number}"
        self._make(directory, dev=dev_t, partition=number, size=2048)
        (directory / "holders").mkdir()
        _link(self.root / f"dev/block/{dev_t}", directory)
        return FakePartition(self, directory)

    def remove_disk(self, disk: FakeDisk) -> None:
        """Take a disk away, out of the maps that use it, too."""
        self.udev_record(disk).unlink(missing_ok=True)
        for link in (self.root / "dev/block").iterdir():
            if disk.directory in (link.resolve(), link.resolve().parent):
                link.unlink()
        (self.root / "block" / disk.name).unlink()
        for using in self.maps:
            using.drop(disk)
        shutil.rmtree(disk.device.directory)
        self.disks.remove(disk)
        if disk.session is not None:
            disk.session.disks.remove(disk)

    @property
    def run(self) -> Path:
        """Where /run is."""
        return self.root.with_name("run")

    def udev_record(self, disk: FakeDisk) -> Path:
        """The disk's file in udev's database."""
        return self.run / f"udev/data/b{disk.dev_t}"

    def set_udev(self, disk: FakeDisk, record: bytes) -> None:
        """Have udev write its record of a disk, at once."""
        self.udev_record(disk).parent.mkdir(parents=True, exist_ok=True)
        fresh = self.root / ".fresh"
        fresh.write_bytes(record)
        fresh.replace(self.udev_record(disk))

    # --- device-mapper ------------------------------------------------------------------------------------------------

    def add_map(self, name: str = "mpio", disks: list[FakeDisk] | None = None, *, wwid: str = WWID) -> FakeMap:
        """A new multipath map over ``disks``."""
        return self.add_dm(name, f"mpath-{wwid}", disks)

    def add_dm(
        self, name: str, uuid: str, disks: Sequence[FakeDisk | FakePartition | FakeMap] | None = None
    ) -> FakeMap:
        """A new dm device of any kind, over ``disks``."""
        number = next(self._dms)
        directory = self.root / f"devices/virtual/block/dm-{number}"
        self._make(directory, dev=f"254:{number}", size=2097152, uevent="")
        self._make(directory / "queue", logical_block_size=512, max_sectors_kb=1280, scheduler="[none] mq-deadline")
        self._make(directory / "dm", name=name, uuid=uuid, suspended=0)
        (directory / "holders").mkdir()
        (directory / "slaves").mkdir()
        made = FakeMap(self, directory)
        for disk in disks or ():
            made.add(disk)
        _link(self.root / "block" / made.sysfs_name, directory)
        _link(self.root / f"dev/block/254:{number}", directory)
        self.maps.append(made)
        return made

    def remove_map(self, gone: FakeMap) -> None:
        """Flush a map."""
        (self.root / "block" / gone.sysfs_name).unlink()
        (self.root / "dev/block" / gone.get("dev")).unlink()
        for disk in self.disks:
            (disk.directory / "holders" / gone.sysfs_name).unlink(missing_ok=True)
        shutil.rmtree(gone.directory)
        self.maps.remove(gone)

    # --- what is mounted ----------------------------------------------------------------------------------------------

    @property
    def proc(self) -> Path:
        """Where /proc is."""
        return self.root.with_name("proc")

    def mount_disk(self, dev_t: str, source: str, target: str, *, fs_type: str = "ext4", part: str = "/") -> None:
        """Mount the device ``dev_t``; ``part`` is the directory of its file system that is mounted."""
        mountinfo = self.proc / "self/mountinfo"
        mountinfo.parent.mkdir(parents=True, exist_ok=True)
        with mountinfo.open("a") as file:
            file.write(f"36 25 {dev_t} {part} {target} rw,relatime shared:1 - {fs_type} {source} rw\n")

    def swap_on(self, path: str) -> None:
        """Use a device or a file as swap."""
        self.proc.mkdir(exist_ok=True)
        swaps = self.proc / "swaps"
        heading = "" if swaps.exists() else "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n"
        with swaps.open("a") as file:
            file.write(f"{heading}{path:40}partition\t1048572\t\t0\t\t-2\n")

    # --- sysfs itself -------------------------------------------------------------------------------------------------

    @property
    def _elsewhere(self) -> Path:
        return self.root.with_name(f"{self.root.name}.unmounted")

    def unmount(self) -> None:
        """Leave an empty directory where sysfs was."""
        self.root.rename(self._elsewhere)
        self.root.mkdir()

    def mount(self) -> None:
        """Undo ``unmount``."""
        self.root.rmdir()
        self._elsewhere.rename(self.root)

    def _make(self, directory: Path, **attributes: object) -> None:
        directory.mkdir(parents=True)
        for attribute, value in attributes.items():
            (directory / attribute).write_bytes(f"{value}\n".encode().ljust(WIDTH, b"\n"))


def healthy_san(root: Path, *, sessions: int = 2, luns: int = 1) -> FakeSysfs:
    """A SAN of ``sessions`` portals, 192.168.1.1:3260 and on, and ``luns`` maps with a path through each of them.

    With one LUN the map is ``mpio`` and has the WWID ``WWID``; more are ``lun01``, ``lun02``...
    """
    san = FakeSysfs(root)
    logins = [san.login(f"192.168.{number}.1:3260") for number in range(1, sessions + 1)]
    for lun in range(1, luns + 1):
        name, wwid = ("mpio", WWID) if luns == 1 else (f"lun{lun:02d}", f"{WWID[:-4]}{lun:04x}")
        san.add_map(name, [san.add_disk(session, lun=lun, wwid=wwid) for session in logins], wwid=wwid)
    return san


def stat(reads: int, read_ms: int, writes: int, write_ms: int) -> str:
    """A disk's ``stat`` as the kernel prints it (part_stat_show() in block/genhd.c)."""
    fields = (reads, 0, 8 * reads, read_ms, writes, 0, 8 * writes, write_ms, 0, read_ms + write_ms, read_ms + write_ms)
    return " ".join(f"{field:8}" for field in (*fields, *[0] * 6))


def inquiry(*, port_groups: bool = False) -> bytes:
    """Standard INQUIRY data of a disk; with ``port_groups`` its array changes their states by itself (TPGS 1)."""
    return bytes([0, 0, 6, 0x12, 31, 0x10 if port_groups else 0, 0, 2]) + b"LIO-ORG mpio            4.0 "


def vpd_pg83(group: int | None = None) -> bytes:
    """VPD page 0x83: the LUN's NAA name, the number of the target port, and that of its target port group."""
    found = bytes([0x01, 0x03, 0, 16]) + bytes.fromhex(WWID[1:])
    found += bytes([0x51, 0x14, 0, 4, 0, 0, 0, 1])
    if group is not None:
        found += bytes([0x51, 0x15, 0, 4, 0, 0]) + group.to_bytes(2, "big")
    return bytes([0, 0x83]) + len(found).to_bytes(2, "big") + found


def _in_full(address: str) -> str:
    """An address as the kernel prints it (iscsi_conn_get_addr_param() in drivers/scsi/libiscsi.c)."""
    try:
        found = ipaddress.ip_address(address.strip("[]"))
    except ValueError:
        return address
    # Not `exploded`: from Python 3.13 on it ends in dots where IPv6 carries IPv4.
    return str(found) if found.version == 4 else found.packed.hex(":", 2)


def _link(link: Path, target: Path) -> None:
    """A relative link, as sysfs has them."""
    link.parent.mkdir(parents=True, exist_ok=True)
    link.symlink_to(os.path.relpath(target, link.parent))


def _letters(number: int) -> str:
    """sda, sdb, ... sdz, sdaa (drivers/scsi/sd.c, sd_format_disk_name)."""
    text = ""
    number += 1
    while number:
        number, rest = divmod(number - 1, 26)
        text = ascii_lowercase[rest] + text
    return text
