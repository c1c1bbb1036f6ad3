"""Block devices: disks of every transport with their limits and identities, and what is stacked on disks and maps."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import count
from pathlib import Path

from tests.fakes.sysfs import FakeDisk, FakeMap, FakeSession, FakeSysfs, stat
from tests.field.host.tree import Tree, attributes, relative_link

GIB = 2097152
"""Sectors of 512 bytes."""

QUEUE = {
    "queue/logical_block_size": 512,
    "queue/physical_block_size": 512,
    "queue/max_sectors_kb": 1280,
    "queue/max_hw_sectors_kb": 32767,
    "queue/rotational": 0,
    "queue/scheduler": "[none] mq-deadline",
    "queue/nr_requests": 128,
    "ro": 0,
    "removable": 0,
}


@dataclass(frozen=True)
class Block:
    """A block device that is no SCSI disk; ``device`` has its controller's or channel's attributes."""

    name: str
    directory: Path
    device: Path

    @property
    def dev_t(self) -> str:
        """Major and minor number."""
        return (self.directory / "dev").read_text(encoding="ascii").strip()


Member = FakeDisk | Block
"""What can be below a map."""


@dataclass(frozen=True)
class _Stacked:
    """Anything with a directory of a block device."""

    directory: Path


class Storage:
    """The block devices of the host whose files are in ``tree``."""

    def __init__(self, tree: Tree, san: FakeSysfs) -> None:
        self.tree = tree
        self.san = san
        self._md, self._minors, self._nvme, self._virtio = count(), count(), count(), count()

    # --- below the maps -----------------------------------------------------------------------------------------------

    def disk(
        self,
        session: FakeSession | None = None,
        *,
        place: str = "",
        lun: int = 1,
        wwid: str = "36001405a4f0c2d1e8b94f6c9a1b2c3d4",
        vendor: str = "LIO-ORG",
        product: str = "disk",
        size: int = GIB,
        queue_depth: int = 32,
        access: str = "active/optimized",
        group: int = 0,
    ) -> FakeDisk:
        """A SCSI disk behind ``session``, or at ``place`` (see ``FakeSysfs.add_disk``).

        Its array reports that the port group ``group`` is in the state ``access``; nothing where that is empty.
        """
        disk = self.san.add_disk(session, place=place, lun=lun, wwid=wwid)
        disk.device.set("vendor", f"{vendor:8}")
        disk.device.set("model", f"{product:16}")
        disk.set("size", size)
        attributes(disk.directory, **QUEUE)
        attributes(disk.device.directory, rev="0001", type=0, queue_depth=queue_depth, scsi_level=6)
        if access:
            disk.join_group(group, access, preferred=access == "active/optimized")
        if len(wwid) in (17, 33) and wwid[0] in "23":
            # scsi_vpd_lun_id() in drivers/scsi/scsi_lib.c; scsi_id has the type's number in front.
            attributes(disk.device.directory, wwid=f"{'naa' if wwid[0] == '3' else 'eui'}.{wwid[1:]}")
        self._in_class(disk.directory)
        return disk

    def local_disk(
        self, *, wwid: str = "", vendor: str = "ATA", product: str = "SSD 870 EVO", size: int = GIB
    ) -> FakeDisk:
        """A disk of this host alone. Without ``wwid`` udev knows no serial number, as of a virtual disk."""
        disk = self.disk(wwid=wwid, vendor=vendor, product=product, size=size, access="")
        if not wwid:
            self.san.set_udev(disk, b"I:46408\nE:ID_SCSI=1\nV:1\n")
        return disk

    def virtio_disk(self, name: str = "vda", size: int = GIB) -> Block:
        """A disk of a virtual machine on virtio-blk."""
        number = next(self._virtio)
        device = self._device(f"pci0000:00/0000:00:{7 + number:02x}.0/virtio{3 + number}")
        return self._block(device / "block" / name, f"252:{16 * number}", device, size=size)

    def nvme(
        self, controller: str, *, state: str = "live", wwid: str = "", model: str = "Samsung SSD", size: int = GIB
    ) -> Block:
        """The namespace ``nvmeXn1`` of the controller at ``controller``, e.g. ``virtual/nvme-fabrics/ctl/nvme0``."""
        device = self._device(controller)
        number = next(self._nvme)
        attributes(device, state=state, model=model, transport="pcie", cntlid=number)
        block = self._block(device / f"{device.name}n1", f"259:{number}", device, size=size)
        attributes(block.directory, nsid=1)
        if wwid:
            attributes(block.directory, wwid=wwid)
            self._udev(block.dev_t, f"E:ID_WWN={wwid}\nE:ID_SERIAL={model.replace(' ', '_')}\n")
        return block

    def dasd(self, bus_id: str, name: str, *, uid: str, size: int = GIB) -> Block:
        """A DASD at ``bus_id`` (0.0.0200): its device has ``online`` and ``discipline``, and no ``state``."""
        number = next(self._minors)
        device = self._device(f"css0/0.0.{number:04x}/{bus_id}")
        attributes(device, online=1, discipline="ECKD", status="online", uid=uid, use_diag=0, readonly=0)
        block = self._block(device / "block" / name, f"94:{4 * number}", device, size=size)
        self._udev(block.dev_t, f"E:ID_UID={uid}\n")
        return block

    def device_state(self, member: Member) -> str:
        """What multipathd shows as ``dev_st``: sysfs' ``device/state``, with its own word where there is none."""
        path = (member.device.directory if isinstance(member, FakeDisk) else member.device) / "state"
        try:
            return path.read_text(encoding="utf-8").strip()
        except OSError:
            return "undef"

    # --- maps and what is on them -------------------------------------------------------------------------------------

    def map(self, name: str, members: tuple[Member, ...], wwid: str) -> FakeMap:
        """A multipath map."""
        made = self.san.add_map(name, wwid=wwid)
        size = members[0].directory.joinpath("size").read_text(encoding="ascii").strip() if members else GIB
        self._dm(made, name, size, f"DM_UUID=mpath-{wwid}")
        for member in members:
            _stack(made, member)
        return made

    def dm(self, name: str, uuid: str, *below: FakeMap | Member | _Stacked, fs: str = "") -> FakeMap:
        """Any other dm device: ``LVM-...``, ``CRYPT-LUKS2-...``, ``part1-mpath-WWID``; ``fs`` is its file system."""
        made = self.san.add_dm(name, uuid)
        self._dm(made, name, GIB, f"DM_UUID={uuid}", fs)
        for each in below:
            _stack(made, each)
        return made

    def md(self, *below: FakeMap | Member | _Stacked, level: str = "raid1") -> _Stacked:
        """A software RAID."""
        number = next(self._md)
        directory = self.san.root / f"devices/virtual/block/md{number}"
        attributes(
            directory, dev=f"9:{number}", size=GIB, uevent="", **QUEUE, **{"md/level": level, "md/array_state": "clean"}
        )
        for sub in ("holders", "slaves"):
            (directory / sub).mkdir()
        relative_link(self.san.root / "block" / directory.name, directory)
        self._in_class(directory)
        made = _Stacked(directory)
        for each in below:
            _stack(made, each)
        return made

    def partition(self, disk: Member, number: int = 1, fs: str = "") -> _Stacked:
        """A partition of a disk."""
        separator = "p" if disk.name[-1].isdigit() else ""
        directory = disk.directory / f"{disk.name}{separator}{number}"
        major, minor = map(int, disk.dev_t.split(":"))
        dev_t = f"{major}:{minor + number}"
        attributes(directory, dev=dev_t, size=GIB - 4096, start=2048, partition=number, ro=0, uevent="")
        (directory / "holders").mkdir()
        self._in_class(directory)
        if fs:
            self._udev(dev_t, f"E:ID_FS_UUID={fs}\nE:ID_FS_TYPE=ext4\nE:ID_FS_USAGE=filesystem\n")
        return _Stacked(directory)

    # --- the files around ---------------------------------------------------------------------------------------------

    def _device(self, place: str) -> Path:
        device = self.san.root / "devices" / place
        device.mkdir(parents=True)
        return device

    def _block(self, directory: Path, dev_t: str, device: Path, *, size: int) -> Block:
        attributes(directory, dev=dev_t, size=size, uevent="", stat=stat(100, 40, 50, 30), **QUEUE)
        for sub in ("holders", "slaves"):
            (directory / sub).mkdir()
        relative_link(directory / "device", device)
        relative_link(self.san.root / "block" / directory.name, directory)
        self._in_class(directory)
        return Block(directory.name, directory, device)

    def _dm(self, made: FakeMap, name: str, size: object, udev: str, fs: str = "") -> None:
        made.set("size", size)
        attributes(made.directory, stat=stat(100, 40, 50, 30), **QUEUE)
        self._in_class(made.directory)
        self.tree.link(f"dev/mapper/{name}", f"../{made.sysfs_name}")
        text = f"E:DM_NAME={name}\nE:{udev}\n"
        if fs:
            text = f"S:disk/by-uuid/{fs}\n{text}E:ID_FS_UUID={fs}\nE:ID_FS_TYPE=ext4\nE:ID_FS_USAGE=filesystem\n"
        self._udev(made.get("dev"), text)

    def _in_class(self, directory: Path) -> None:
        relative_link(self.san.root / "class/block" / directory.name, directory)

    def _udev(self, dev_t: str, text: str) -> None:
        self.tree.write(f"run/udev/data/b{dev_t}", f"I:46408\n{text}V:1\n")


def _stack(upper: FakeMap | _Stacked, lower: FakeMap | Member | _Stacked) -> None:
    relative_link(upper.directory / "slaves" / lower.directory.name, lower.directory)
    relative_link(lower.directory / "holders" / upper.directory.name, upper.directory)
