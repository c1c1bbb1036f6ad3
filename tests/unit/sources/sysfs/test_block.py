"""What the kernel's block layer has of disks and maps."""

from __future__ import annotations

from pathlib import Path

import pytest

from mpathd_watch.core.model.facts import BlockFacts
from mpathd_watch.sources.reading.attributes import Attributes, Below
from mpathd_watch.sources.sysfs import block
from tests.fakes.sysfs import KERNEL_WWID, FakeSysfs, healthy_san
from tests.reading import BLOCK, Look


@pytest.fixture
def san(tmp_path: Path) -> FakeSysfs:
    return healthy_san(tmp_path / "sys")


@pytest.fixture
def look(san: FakeSysfs) -> Look:
    return Look(san)


def test_size_and_limits_of_disks_and_maps_follow_the_kernel(san: FakeSysfs, look: Look) -> None:
    disk, (mpio,) = san.disks[0], san.maps
    disk.set("size", 4194304)
    disk.set("queue/max_sectors_kb", 512)
    mpio.set("queue/logical_block_size", 4096)
    assert look.at_devices("sda")[0].block == BlockFacts(4194304, 512, 512, KERNEL_WWID)
    assert look.at_maps()[0].block == BlockFacts(2097152, 4096, 1280)


def test_what_a_kernel_does_not_have_is_unknown(san: FakeSysfs, look: Look) -> None:
    disk, (mpio,) = san.disks[0], san.maps
    for which in (disk, mpio):
        for attribute in ("size", "queue/logical_block_size", "queue/max_sectors_kb", "queue/scheduler"):
            which.remove(attribute)
    disk.device.remove("wwid")
    assert look.at_devices("sda")[0].block == BlockFacts()
    assert look.at_maps()[0].block == BlockFacts()
    assert look.problems == {}


def test_a_size_that_is_none_is_counted(san: FakeSysfs, look: Look) -> None:
    san.disks[0].set("size", "much")
    assert look.at_devices("sda")[0].block.size is None
    assert look.problems == {"unknown_value": 1}


def test_a_map_that_can_have_no_scheduler_passes_bios_on(san: FakeSysfs, look: Look) -> None:
    (mpio,) = san.maps
    assert look.at_maps()[0].block == BLOCK
    for scheduler, bios in (("none", True), ("[none] mq-deadline kyber", False), ("mq-deadline [none]", False)):
        mpio.set("queue/scheduler", scheduler)
        assert look.at_maps()[0].block.bios is bios


def test_an_nvme_namespace_has_its_name_beside_its_size(tmp_path: Path) -> None:
    namespace = tmp_path / "nvme0n1"
    namespace.mkdir()
    (namespace / "wwid").write_text("eui.00e6d65b65a8f340\n")
    disk, device = Below(namespace), Below(namespace / "device")
    assert block.of_disk(Attributes(), disk, device, namespace.name).wwid == "eui.00e6d65b65a8f340"
