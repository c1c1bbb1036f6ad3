"""What the disks are used for: mounts, swap, and what is stacked on them."""

from __future__ import annotations

import errno
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from mpathd_watch.core.model.usage import DirectUse, MountFacts, StackedFacts, SwapFacts, Usage, Use
from mpathd_watch.sources.reading.attributes import Attributes
from mpathd_watch.sources.sysfs import usage as usage_module
from mpathd_watch.sources.sysfs.disks import Disks
from mpathd_watch.sources.sysfs.usage import UsageReader
from tests.fakes.sysfs import WWID, FakeSysfs, healthy_san
from tests.reading import MPIO, unreadable

Read = Callable[[], Usage]


@pytest.fixture
def san(tmp_path: Path) -> FakeSysfs:
    return healthy_san(tmp_path / "sys")


@pytest.fixture
def attributes() -> Attributes:
    return Attributes()


@pytest.fixture
def read(san: FakeSysfs, attributes: Attributes) -> Read:
    reader = UsageReader(san.root, san.proc, Disks(san.root, san.run).wwid)
    return lambda: reader.read(attributes, (MPIO,))


def test_a_host_without_mounts_and_swap_uses_nothing(read: Read, attributes: Attributes) -> None:
    assert read() == Usage()
    assert attributes.problems == {}


def test_what_is_stacked_on_a_map_uses_no_disk_directly(san: FakeSysfs, read: Read) -> None:
    (mpio,) = san.maps
    volume = san.add_dm("vg-data", "LVM-abc", [mpio])
    san.mount_disk(volume.get("dev"), "/dev/mapper/vg-data", "/srv")
    san.swap_on("/dev/dm-0")
    assert read() == Usage(
        (MountFacts("254:1", "/dev/mapper/vg-data", "/srv", "ext4", "dm-1"),),
        (SwapFacts("/dev/dm-0", "dm-0"),),
        (StackedFacts("dm-1", "vg-data", "LVM-abc", ("dm-0",)),),
    )


def test_what_uses_a_disk_or_its_partition_is_a_direct_use(san: FakeSysfs, read: Read) -> None:
    first, second = san.disks
    part = san.add_partition(second)
    san.add_partition(first, 2)
    san.add_dm("vg-data", "LVM-abc", [first, part])
    san.mount_disk(part.get("dev"), "/dev/disk/by-label/data", "/srv")
    san.swap_on("/dev/sda2")
    assert read().direct == (
        DirectUse("sda", "sda", WWID, Use.STACKED, "vg-data"),
        DirectUse("sdb", "sdb1", WWID, Use.STACKED, "vg-data"),
        DirectUse("sdb", "sdb1", WWID, Use.MOUNT, "/srv"),
        DirectUse("sda", "sda2", WWID, Use.SWAP, ""),
    )


def test_md_is_known_by_the_kernels_name(san: FakeSysfs, read: Read) -> None:
    array = san.root / "block/md127"
    (array / "slaves").mkdir(parents=True)
    (array / "slaves/sda").symlink_to("../../sda")
    (san.root / "block/loop0").mkdir()
    assert read().stacked == (StackedFacts("md127", "", "", ("sda",)),)
    assert read().direct == (DirectUse("sda", "sda", WWID, Use.STACKED, "md127"),)


@pytest.mark.parametrize(
    ("source", "disk"),
    [
        ("/dev/sdb1", "sdb"),
        ("/dev/sdb", "sdb"),
        ("/dev/nvme0n1p2", "nvme0n1"),
        ("/dev/nvme1n12", "nvme1n12"),
        ("/dev/dasda1", "dasda"),
        ("/dev/dm-0", None),
        ("/dev/vda", None),
        ("/dev/sdz1", None),
        ("/dev/mapper/sdb", None),
        ("/dev/sdb1x", None),
        ("/dev/..", None),
        ("/dev/", None),
    ],
)
def test_btrfs_has_only_the_source(san: FakeSysfs, read: Read, source: str, disk: str | None) -> None:
    san.add_partition(san.disks[1])
    for name in ("nvme0n1/nvme0n1p2", "nvme1n12", "dasda/dasda1", "vda"):
        (san.root / "block" / name).mkdir(parents=True)
        (san.root / "block" / name / "dev").write_text("259:1\n")
    san.mount_disk("0:45", source, "/srv", fs_type="btrfs")
    assert [use.disk for use in read().direct] == ([] if disk is None else [disk])


def test_a_sysfs_without_device_numbers_has_only_the_source(san: FakeSysfs, read: Read) -> None:
    """As in a support bundle. The number must be that of the device."""
    shutil.rmtree(san.root / "dev")
    san.mount_disk("8:16", "/dev/sdb", "/srv")
    san.mount_disk("8:99", "/dev/sda", "/other")
    assert read().direct == (DirectUse("sdb", "sdb", WWID, Use.MOUNT, "/srv"),)


def test_a_disk_that_udev_does_not_know_has_no_wwid(san: FakeSysfs, read: Read) -> None:
    san.udev_record(san.disks[1]).unlink()
    san.mount_disk("0:45", "/dev/sdb", "/srv", fs_type="btrfs")
    assert read().direct == (DirectUse("sdb", "sdb", "", Use.MOUNT, "/srv"),)


def test_a_device_that_vanishes_is_left_out(san: FakeSysfs, read: Read, attributes: Attributes) -> None:
    (san.root / "block/dm-9").mkdir()
    assert read() == Usage()
    assert attributes.problems == {}


@pytest.mark.parametrize("name", ["mountinfo", "swaps"])
def test_a_file_that_cannot_be_read_is_counted(
    san: FakeSysfs, read: Read, attributes: Attributes, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    san.mount_disk("8:16", "/dev/sdb", "/srv")
    san.swap_on("/dev/sda")
    whole = read()
    with unreadable(monkeypatch, errno.EACCES, name):
        found = read()
    gone = {"mountinfo": {"mounts": ()}, "swaps": {"swaps": ()}}[name]
    assert replace(found, direct=()) == replace(whole, direct=(), **gone)
    assert attributes.problems == {"EACCES": 1}


def test_of_a_huge_file_and_of_very_many_devices_a_part_is_read(
    san: FakeSysfs, read: Read, attributes: Attributes, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(100):
        san.mount_disk(f"8:{16 * number}", "/dev/sdb", f"/srv/{number}")
    size = (san.proc / "self/mountinfo").stat().st_size
    monkeypatch.setattr(usage_module, "MAX_SIZE", size // 2 + 10)
    assert 45 <= len(read().mounts) <= 55
    assert attributes.problems == {"too_many": 1}
    monkeypatch.setattr(usage_module, "MAX_FACTS", 7)
    assert [found.target for found in read().mounts] == [f"/srv/{number}" for number in range(7)]
    assert attributes.problems == {"too_many": 3}
