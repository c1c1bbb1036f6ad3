"""Disks that are used past their map, limits that do not fit, and maps with fewer paths than others of their array."""

from __future__ import annotations

import pytest

from tests.field.conftest import NewHost
from tests.field.host import Host
from tests.field.host.tree import attributes
from tests.field.product import check

SECOND = "36001405b5f1d3e2f9ca5f7dab2c3d4e5"
THIRD = "36001405c6a2e4f3a0db6a8ebc3d4e5f6"


# --- used past the map ------------------------------------------------------------------------------------------------


@pytest.mark.field("LVM activates a volume group on a path before multipath has made the map", "rear/rear#2002")
def test_lvm_on_a_path_of_a_map_is_critical(new_host: NewHost) -> None:
    host = new_host()
    host.two_paths("data")
    host.storage.dm("vg0-data", "LVM-data", host.san.disks[0])
    told = check(host).only("disk_used_past_multipath")
    assert (told.severity, told.subject) == ("critical", "data")
    assert "vg0-data is made of sda" in told.text


@pytest.mark.field(
    "the partition of a path is a member of a RAID, and the map has only the other path", "rear/rear#2019"
)
def test_a_raid_on_a_path_that_is_in_no_map_is_critical(new_host: NewHost) -> None:
    host = new_host()
    first, second = (host.login(f"192.168.{number}.1:3260") for number in (1, 2))
    taken = host.disk(first)
    host.map("data", host.disk(second))
    host.storage.md(host.storage.partition(taken))
    found = check(host)
    assert "md0 is made of sda1" in found.only("disk_used_past_multipath").text
    assert not found.of("path_not_in_map")


@pytest.mark.field("fstab mounts a path by the UUID of its file system", "yast/yast-storage-ng#1247")
def test_a_mount_or_swap_on_a_path_is_critical(new_host: NewHost) -> None:
    host = new_host()
    host.two_paths("data")
    disk = host.san.disks[1]
    part = (host.storage.partition(disk).directory / "dev").read_text("ascii").strip()
    host.debian.mount("/srv", part, f"/dev/{disk.name}1", spec="UUID=cc33", options="_netdev")
    host.tree.write("proc/swaps", f"Filename Type Size Used Priority\n/dev/{disk.name} partition 1 0 -2\n")
    text = check(host).only("disk_used_past_multipath").text
    assert f"{disk.name}1 is mounted on /srv" in text
    assert f"{disk.name} is swap" in text


def _stacked_on_maps(host: Host) -> None:
    data, logs = host.two_paths("data"), host.two_paths("logs", wwid=SECOND, lun=2)
    host.storage.dm("vg0-data", "LVM-data", host.storage.dm("secret", "CRYPT-LUKS2-secret", host.storage.md(data)))
    volume = host.storage.dm("vg0-logs", "LVM-logs", logs)
    host.debian.mount("/srv", volume.get("dev"), "/dev/mapper/vg0-logs", spec="/dev/vg0/logs", options="_netdev")


def _local_and_single_disks(host: Host) -> None:
    host.two_paths("data")
    local = host.storage.local_disk(wwid="3500a07511e000001")
    host.storage.dm("vg1-root", "LVM-root", host.storage.partition(local))
    single = host.disk(host.san.sessions[0], wwid=THIRD, lun=7)
    host.debian.mount("/backup", single.dev_t, f"/dev/{single.name}", spec="UUID=a0d0", options="_netdev")


@pytest.mark.parametrize("build", [_stacked_on_maps, _local_and_single_disks])
def test_what_is_on_a_map_or_on_a_disk_without_one_is_in_order(new_host: NewHost, build: object) -> None:
    host = new_host()
    build(host)  # type: ignore[operator]  # one of the two above
    assert not check(host).of("disk_used_past_multipath")


# --- limits -----------------------------------------------------------------------------------------------------------


@pytest.mark.field(
    "max_sectors_kb is reduced while the map is in use: over max size limit", "dm-devel, a question about multipathd"
)
def test_a_path_that_takes_smaller_requests_than_its_map_is_critical(new_host: NewHost) -> None:
    host = new_host()
    data = host.two_paths("data")
    attributes(host.san.disks[1].directory, **{"queue/max_sectors_kb": 512})
    told = check(host).only("limits_differ")
    assert (told.severity, told.text) == ("critical", "max_sectors_kb of sdb is 512, of the map 1280")
    attributes(data.directory, **{"queue/max_sectors_kb": 512})
    assert not check(host).of("limits_differ")


@pytest.mark.field("a LUN has grown on all paths, and the map was not resized", "45Drives/cockpit-file-sharing#197")
def test_a_map_that_is_only_smaller_is_no_fault(new_host: NewHost) -> None:
    host = new_host()
    data = host.two_paths("data")
    data.set("size", 1048576)
    found = check(host)
    assert found.only("map_not_resized").severity == "info"
    assert not found.of("sizes_differ")


# --- one LUN, two maps ------------------------------------------------------------------------------------------------


def test_one_lun_in_two_maps_is_critical(new_host: NewHost) -> None:
    host = new_host()
    for number, (name, wwid) in enumerate((("one", SECOND), ("two", THIRD)), 1):
        disk = host.disk(host.login(f"192.168.{number}.1:3260"), wwid=wwid)
        attributes(disk.device.directory, wwid=f"naa.{SECOND[1:]}")
        host.map(name, disk, wwid=wwid)
    told = check(host).only("one_lun_two_maps")
    assert (told.severity, told.subject) == ("critical", "one and two")


def test_two_luns_with_names_of_their_own_are_in_order(new_host: NewHost) -> None:
    host = new_host()
    host.two_paths("one", wwid=SECOND)
    host.two_paths("two", wwid=THIRD, lun=2)
    assert not check(host).codes("warning")


# --- fewer paths than its kin -----------------------------------------------------------------------------------------


@pytest.mark.field("a new LUN is seen through one of two portals, and nothing says so", "NetApp/trident#998")
def test_a_map_with_fewer_paths_than_others_of_its_array_is_told_once(new_host: NewHost) -> None:
    host = new_host()
    host.two_paths("one")
    host.two_paths("two", wwid=SECOND, lun=2)
    host.map("three", host.disk(host.san.sessions[0], wwid=THIRD, lun=3), wwid=THIRD)
    found = check(host)
    told = found.only("fewer_paths_than_its_kin")
    assert (told.severity, told.subject) == ("warning", "three")
    assert not found.of("single_path")


@pytest.mark.field(
    "an array shows each LUN through the controllers that own it (selective LUN mapping)", "ONTAP: selective LUN map"
)
def test_luns_behind_different_controllers_are_in_order(new_host: NewHost) -> None:
    host = new_host()
    sessions = [host.login(f"192.168.{number}.1:3260") for number in (1, 2, 3, 4)]
    for lun, (name, wwid, first) in enumerate((("one", SECOND, 0), ("two", THIRD, 2)), 1):
        host.map(name, *(host.disk(session, wwid=wwid, lun=lun) for session in sessions[first : first + 2]), wwid=wwid)
    assert not check(host).of("fewer_paths_than_its_kin")
