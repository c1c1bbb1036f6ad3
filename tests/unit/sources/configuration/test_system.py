"""fstab, mount units, stacked devices, the initramfs, modules: read rarely, and quietly whatever they are."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from mpathd_watch.core.model.system import BootImage, Mount, System
from mpathd_watch.sources.configuration.stacking import Stacking
from mpathd_watch.sources.configuration.system import EVERY, SystemFiles
from mpathd_watch.sources.reading.tree import Tree

WWID = "360000000000000000e00000000010001"
OTHER = "360000000000000000e00000000020001"
RELEASE = "6.1.0-53-amd64"
FSTAB = "etc/fstab"


class Host:
    """A tree of files, and a clock."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.now = 0.0
        self.files = SystemFiles(root, lambda: self.now)
        self.devices = 0
        self.put("proc/sys/kernel/osrelease", f"{RELEASE}\n")

    def put(self, path: str, text: str = "", at: float | None = None) -> None:
        (self.root / path).parent.mkdir(parents=True, exist_ok=True)
        (self.root / path).write_text(text)
        if at is not None:
            os.utime(self.root / path, (at, at))

    def dm(self, name: str, uuid: str, *below: str, links: tuple[str, ...] = ()) -> str:
        """A device of device-mapper; ``links`` are udev's."""
        kernel_name = f"dm-{self.devices}"
        self.put(f"sys/block/{kernel_name}/dm/name", f"{name}\n")
        self.put(f"sys/block/{kernel_name}/dm/uuid", f"{uuid}\n")
        self.put(f"sys/block/{kernel_name}/dev", f"253:{self.devices}\n")
        lines = "".join(f"S:{link}\n" for link in links)
        self.put(f"run/udev/data/b253:{self.devices}", f"{lines}I:1\nE:DM_NAME={name}\n")
        for each in below:
            (self.root / f"sys/block/{kernel_name}/slaves").mkdir(exist_ok=True)
            (self.root / f"sys/block/{kernel_name}/slaves/{each}").symlink_to(f"../../{each}")
        self.devices += 1
        return kernel_name

    def map(self, name: str = "mpatha", wwid: str = WWID, **more: tuple[str, ...]) -> str:
        return self.dm(name, f"mpath-{wwid}", "sda", "sdb", **more)

    @property
    def found(self) -> System:
        return SystemFiles(self.root, lambda: self.now).read()

    def mounts(self) -> tuple[Mount, ...]:
        return self.found.mounts

    def maps(self, *devices: str) -> list[tuple[str, ...]]:
        found = Stacking(Tree(self.root)).maps(devices)
        return [found[device] for device in devices]


@pytest.fixture
def host(tmp_path: Path) -> Host:
    return Host(tmp_path)


def test_of_an_empty_tree_nothing_is_known(tmp_path: Path) -> None:
    assert SystemFiles(tmp_path / "none", lambda: 0.0).read() == System()


def test_a_file_system_on_a_map_by_each_of_its_names(host: Host) -> None:
    host.map(links=("disk/by-uuid/0f6d", r"disk/by-label/data\x20one", "disk/by-id/wwn-0x6", "mapper/mpatha"))
    specs = [r"UUID=0f6d", r"LABEL=data\040one", r"/dev/disk/by-id/wwn-0x6", r"/dev/mapper/mpatha", r"/dev/dm-0"]
    host.put(FSTAB, "".join(f"{spec} /srv/{at} ext4 defaults\n" for at, spec in enumerate(specs)))
    assert host.mounts() == tuple(
        Mount(f"/srv/{at}", spec.replace(r"\040", " "), f"/etc/fstab:{at + 1}", nofail=False, maps=(WWID,))
        for at, spec in enumerate(specs)
    )


def test_through_partitions_lvm_encryption_and_md(host: Host) -> None:
    first, second = host.map(), host.map("mpathb", OTHER)
    part = host.dm("mpatha-part1", f"part1-mpath-{WWID}", first)
    crypt = host.dm("crypt", "CRYPT-LUKS2-1", part)
    host.dm("vg-lv", "LVM-x", crypt, second, links=("vg/lv", "disk/by-uuid/1"))
    host.put("sys/block/md0/dev", "9:0\n")
    host.put("run/udev/data/b9:0", "S:disk/by-uuid/2\n")
    (host.root / "sys/block/md0/slaves").mkdir()
    (host.root / f"sys/block/md0/slaves/{part}").symlink_to(f"../../{part}")
    both = tuple(sorted((WWID, OTHER)))
    assert host.maps("vg/lv", "mapper/vg-lv", "disk/by-uuid/1", "md0", "disk/by-uuid/2", "disk/by-uuid/3", "sda") == [
        *([both] * 3),
        *([(WWID,)] * 2),
        *([()] * 2),
    ]


def test_cycles_of_devices_end(host: Host) -> None:
    host.dm("a", "x", "dm-1", "dm-0")
    host.dm("b", "y", "dm-0", links=("b",))
    assert host.maps("b", "mapper/a") == [(), ()]


def test_devices_whose_files_make_no_sense(host: Host) -> None:
    host.map(links=("disk/by-uuid/1",))
    host.put("sys/block/dm-0/dev", "../../../etc/shadow\n")
    assert host.maps("disk/by-uuid/1", "mapper/mpatha") == [(), (WWID,)]
    host.put("sys/block/dm-0/dm/uuid", "mpath-\x1b\n")
    assert host.maps("mapper/mpatha") == [("\\x1b",)]
    (host.root / "sys/block/dm-0/dm/name").unlink()
    os.mkfifo(host.root / "sys/block/dm-0/dm/name")
    host.put("sys/block/dm-1", "no directory")
    assert host.maps("dm-0", "mapper/mpatha", "dm-1") == [("\\x1b",), (), ()]


def test_a_record_of_udev_is_read_again_only_if_it_has_changed(host: Host) -> None:
    host.map(links=("disk/by-uuid/1",))
    stacking = Stacking(Tree(host.root))
    assert stacking.maps(["disk/by-uuid/1"]) == {"disk/by-uuid/1": (WWID,)}
    host.put("run/udev/data/b253:0", "S:disk/by-uuid/22\n")
    assert stacking.maps(["disk/by-uuid/22"]) == {"disk/by-uuid/22": (WWID,)}
    assert stacking.maps([""]) == {}


def test_a_block_device_by_its_number(host: Host) -> None:
    host.map()
    (host.root / "sys/dev/block").mkdir(parents=True)
    (host.root / "sys/dev/block/253:0").symlink_to("../../devices/virtual/block/dm-0")
    (host.root / "sys/dev/block/8:1").symlink_to("../../block/sda1")
    stacking = Stacking(Tree(host.root))
    assert [stacking.numbered(dev_t) for dev_t in ("253:0", "8:1", "9:9", "x", "../x")] == [(WWID,), (), (), (), ()]


# --- mounts -----------------------------------------------------------------------------------------------------------

MOUNT_UNIT = "[Mount]\nWhat=/dev/mapper/mpatha\nWhere=/srv/data\nOptions=nofail\n"


def test_entries_that_are_late_or_on_no_map_are_left_out(host: Host) -> None:
    host.map()
    host.put(
        FSTAB,
        "/dev/mapper/mpatha /a ext4 _netdev\n/dev/mapper/mpatha /b ext4 noauto\n/dev/sdc1 /c ext4 defaults\n"
        "/dev/mapper/mpatha / ext4 defaults\n/srv/x /d none bind\n",
    )
    assert (host.mounts(), host.found.root_maps) == ((), (WWID,))


def test_a_mount_unit_that_is_enabled(host: Host) -> None:
    host.map()
    host.put("etc/systemd/system/srv-data.mount", MOUNT_UNIT)
    assert host.mounts() == ()
    (host.root / "etc/systemd/system/multi-user.target.wants").mkdir()
    (host.root / "etc/systemd/system/multi-user.target.wants/srv-data.mount").symlink_to("../srv-data.mount")
    where = "/etc/systemd/system/srv-data.mount"
    assert host.mounts() == (Mount("/srv/data", "/dev/mapper/mpatha", where, nofail=True, maps=(WWID,)),)
    host.put("etc/systemd/system/srv-data.mount.d/late.conf", "[Unit]\nAfter=open-iscsi.service\n")
    assert host.mounts() == ()
    host.put("etc/systemd/system/srv-data.mount", "")
    assert host.mounts() == ()


def test_settings_of_its_own_may_order_a_mount_of_fstab(host: Host) -> None:
    host.map()
    host.put(FSTAB, "/dev/mapper/mpatha /srv/a-b ext4 defaults\n")
    assert len(host.mounts()) == 1
    host.put(r"etc/systemd/system/srv-a\x2db.mount.d/late.conf", "[Unit]\nAfter=open-iscsi.service\n")
    assert host.mounts() == ()


@pytest.mark.parametrize("content", [b"\xff\0" * 4000, b"x" * (1 << 20), b"a b c\n" * 9999])
def test_an_fstab_that_makes_no_sense(host: Host, content: bytes) -> None:
    host.map()
    host.put(FSTAB)
    (host.root / FSTAB).write_bytes(content)
    assert host.mounts() == ()


def test_an_fstab_that_is_a_fifo_a_directory_or_a_link_to_this_hosts(host: Host) -> None:
    host.put("etc/x")
    os.mkfifo(host.root / FSTAB)
    assert host.mounts() == ()
    (host.root / FSTAB).unlink()
    (host.root / FSTAB).symlink_to("/proc/self/mounts")
    assert host.mounts() == ()
    (host.root / FSTAB).unlink()
    (host.root / FSTAB).mkdir()
    assert host.mounts() == ()


def test_text_of_fstab_can_not_forge_a_line(host: Host) -> None:
    host.map()
    host.put(FSTAB, "/dev/mapper/mpatha /a\\012b\x1b ext4 defaults\n")
    assert host.mounts()[0].target == "/a\\x0ab\\x1b"


# --- initramfs --------------------------------------------------------------------------------------------------------

IMAGE = f"boot/initrd.img-{RELEASE}"


@pytest.fixture
def on_map(host: Host) -> Host:
    """A host whose root file system is on a map."""
    host.map()
    host.put(FSTAB, "/dev/mapper/mpatha / ext4 defaults\n")
    host.put("etc/multipath.conf", at=100)
    return host


@pytest.mark.parametrize("path", [IMAGE, f"boot/initramfs-{RELEASE}.img", f"boot/initrd-{RELEASE}"])
def test_the_initramfs_of_each_distribution(on_map: Host, path: str) -> None:
    assert on_map.found.image is None
    on_map.put(path, at=200)
    assert on_map.found.image == BootImage(f"/{path}")
    on_map.put("etc/multipath.conf", at=300)
    assert on_map.found.image == BootImage(f"/{path}", ("/etc/multipath.conf",))
    on_map.put("boot/initrd.img-5.0", at=400)
    assert on_map.found.image == BootImage(f"/{path}", ("/etc/multipath.conf",)), "that of another kernel"


def test_the_newest_of_several_counts_and_files_of_conf_d_too(on_map: Host) -> None:
    on_map.put(IMAGE, at=50)
    on_map.put(f"boot/initrd-{RELEASE}", at=200)
    on_map.put("etc/multipath/conf.d/a.conf", at=300)
    on_map.put("etc/multipath/conf.d/a.conf~", at=300)
    on_map.put("etc/multipath/wwids", at=300)
    assert on_map.found.image == BootImage(f"/boot/initrd-{RELEASE}", ("/etc/multipath/conf.d/a.conf",))


def test_where_the_root_file_system_is_on_no_map_there_is_no_image(on_map: Host) -> None:
    on_map.put(IMAGE, at=50)
    on_map.put(FSTAB, "/dev/sda1 / ext4 defaults\n/dev/mapper/mpatha /srv ext4 _netdev\n")
    assert (on_map.found.image, on_map.found.root_maps) == (None, ())
    on_map.put(FSTAB, "/dev/sda1 / ext4 defaults\n/dev/mapper/mpatha /usr ext4 defaults\n")
    assert on_map.found.image == BootImage(f"/{IMAGE}", ("/etc/multipath.conf",))


@pytest.mark.parametrize("release", ["", "../../etc/shadow", "a b", "x" * 200])
def test_a_release_that_makes_no_sense(on_map: Host, release: str) -> None:
    on_map.put(IMAGE, at=50)
    on_map.put("proc/sys/kernel/osrelease", release)
    assert on_map.found.image is None


def test_without_multipath_conf_nothing_is_newer(on_map: Host) -> None:
    on_map.put(IMAGE, at=50)
    (on_map.root / "etc/multipath.conf").unlink()
    assert on_map.found.image == BootImage(f"/{IMAGE}")


def test_this_hosts_root_by_its_device_number() -> None:
    """Whatever this host's is: reading it does not fail, and that of another root is not taken from this host."""
    assert isinstance(SystemFiles(Path("/"), lambda: 0.0).read(), System)


# --- products ---------------------------------------------------------------------------------------------------------


def test_modules_of_other_products(host: Host) -> None:
    names = ("emcp", "emcpgpx", "vxdmp", "mppVhba", "mppUpper", "sddlmadrv", "dm_multipath", "xemcp", "mppx", "emcp-x")
    host.put("proc/modules", "".join(f"{name} 16384 0 - Live 0x0\n" for name in names))
    assert host.found.products == ("emcp", "emcpgpx", "mppUpper", "mppVhba", "sddlmadrv", "vxdmp")


def test_namespaces_that_the_kernel_joins(host: Host) -> None:
    (host.root / "sys/block").mkdir(parents=True)
    for name, place in (
        ("nvme0n1", "../devices/virtual/nvme-subsystem/nvme-subsys0/nvme0n1"),
        ("nvme0c0n1", "../devices/virtual/nvme-subsystem/nvme-subsys0/nvme0/nvme0c0n1"),
        ("nvme1n1", "../devices/pci0000:00/0000:00:05.0/nvme/nvme1/nvme1n1"),
        ("sda", "../devices/virtual/nvme-subsystem/sda"),
    ):
        (host.root / "sys/block" / name).symlink_to(place)
    assert host.found.native == ("nvme0n1",)


# --- when -------------------------------------------------------------------------------------------------------------


def test_it_is_read_again_after_a_minute_or_if_fstab_or_the_units_have_changed(host: Host) -> None:
    host.map()
    host.put(FSTAB, "/dev/mapper/mpatha /a ext4 defaults\n")
    first = host.files.read_changes()
    host.put("proc/modules", "vxdmp 0\n")
    assert host.files.read_changes() is first
    host.now = EVERY
    second = host.files.read_changes()
    assert second.products == ("vxdmp",)
    assert host.files.read_changes() is second
    host.put(FSTAB, "/dev/mapper/mpatha /longer ext4 defaults\n")
    third = host.files.read_changes()
    assert third.mounts[0].target == "/longer"
    (host.root / "etc/systemd/system/x.wants").mkdir(parents=True)
    fourth = host.files.read_changes()
    assert fourth == third
    assert fourth is not third


def test_a_reading_that_takes_long_is_not_repeated_soon(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    def slow(_self: object) -> System:
        host.now += 1.0
        return System()

    monkeypatch.setattr(SystemFiles, "_read", slow)
    host.files.read_changes()
    host.now += 199.0
    before = host.now
    host.files.read_changes()
    assert host.now == before
    host.now += 1.0
    host.files.read_changes()
    assert host.now == before + 2.0
