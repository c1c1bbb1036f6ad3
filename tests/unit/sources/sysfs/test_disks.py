"""What is known of disks beyond their state: udev's word on them, and those that are in no map."""

from __future__ import annotations

import errno
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mpathd_watch.core.model.facts import IoFacts
from mpathd_watch.core.model.text import MAX_TEXT
from mpathd_watch.core.model.vocabulary import DeviceState
from mpathd_watch.sources.reading.attributes import Attributes
from mpathd_watch.sources.sysfs import disks as disks_module
from mpathd_watch.sources.sysfs import udevdb
from mpathd_watch.sources.sysfs.disks import Depth, Disks
from tests.fakes.sysfs import WWID, FakeSysfs, healthy_san, stat
from tests.reading import FC_PLACE, SDA, Look, Meddler, unreadable


@pytest.fixture
def san(tmp_path: Path) -> FakeSysfs:
    return healthy_san(tmp_path / "sys")


@pytest.fixture
def look(san: FakeSysfs) -> Look:
    return Look(san)


# --- what udev knows --------------------------------------------------------------------------------------------------


def test_the_wwid_is_udevs_word_and_follows_it(san: FakeSysfs, look: Look) -> None:
    san.set_udev(san.disks[0], b"E:ID_SERIAL=360000\nE:ID_SERIAL_SHORT=60000\n")
    assert [facts.wwid for facts in look.at_devices("sda", "sdb")] == ["360000", WWID]
    san.udev_record(san.disks[0]).unlink()
    assert [facts.wwid for facts in look.at_devices("sda", "sdb")] == ["", WWID]
    assert look.problems == {}


def test_the_wwid_and_timeout_are_kept_between_full_scans(san: FakeSysfs, look: Look) -> None:
    known = look.at_devices("sda", "sdb")
    san.udev_record(san.disks[0]).unlink()
    san.disks[0].device.set("timeout", 180)
    san.disks[0].state = "blocked"
    assert look.again(*known, depth=Depth.COUNTERS) == ((replace(SDA, state=DeviceState.BLOCKED),), ())
    assert look.at_devices("sda")[0].timeout == 180


@pytest.mark.parametrize("depth", Depth)
def test_a_disk_whose_name_another_one_has_taken_is_gone(san: FakeSysfs, look: Look, depth: Depth) -> None:
    known = look.at_devices("sda", "sdb")
    directory = san.root / "block/sdb"
    other = san.add_disk(san.sessions[1], lun=7)
    directory.unlink()
    directory.symlink_to(other.directory)
    again, vanished = look.again(*known, depth=depth)
    assert vanished == ("sdb",)
    assert "sdb" not in {disk.name for disk in again}


def test_a_disk_whose_link_can_not_be_read_is_not_gone(look: Look, monkeypatch: pytest.MonkeyPatch) -> None:
    known = look.at_devices("sda")
    monkeypatch.setattr(Attributes, "link", lambda *_: "")
    assert look.again(*known, depth=Depth.COUNTERS) == ((), ())


@pytest.mark.parametrize("dev_t", ["../../../etc/passwd", "8:0/../secret", "8:0\n", "/8:0", "8", ":", "٨:0", "8:0 "])
def test_a_number_that_is_none_opens_no_file(san: FakeSysfs, monkeypatch: pytest.MonkeyPatch, dev_t: str) -> None:
    (san.run / "udev/data/secret").write_text("E:ID_SERIAL=secret\n")
    attributes = Attributes()
    meddler = Meddler(monkeypatch, san.run)
    assert udevdb.uid(attributes, udevdb.records(san.run), "sda", dev_t) == ""
    assert meddler.accesses == []


@pytest.mark.parametrize("number", [errno.EACCES, errno.EIO, errno.EISDIR])
def test_a_record_of_udev_that_cannot_be_read_is_counted(
    look: Look, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    with unreadable(monkeypatch, number, "data/b8:0"):
        assert look.at_devices("sda") == (replace(SDA, wwid=""),)
    assert look.problems == {errno.errorcode[number]: 1}


@pytest.mark.parametrize(
    ("record", "wwid"),
    [
        (b"", ""),
        (b"E:ID_SERIAL=", ""),
        (b"E:ID_SERIAL=cut off", ""),
        (b"E:ID_SERIAL=\nE:ID_SERIAL=second\n", ""),
        (b"I:1\nE:ID_SERIAL=360\nE:ID_SERIAL=second\n", "360"),
        (b"S:E:ID_SERIAL=link\nE:DM_ID_SERIAL=dm\nG:ID_SERIAL=tag\n", ""),
        (b"E:ID_SERIAL=0QEMU_QEMU_HARDDISK_\\x2f\n", "0QEMU_QEMU_HARDDISK_\\x2f"),
        (b"E:ID_SERIAL=a\x1b[2Jb\xff\n", "a\\x1b[2Jb\\xff"),
        (b"E:ID_SERIAL=a=b\r\n", "a=b"),
    ],
)
def test_id_serial_in_a_record_of_udev(record: bytes, wwid: str) -> None:
    assert udevdb.value_of(record, "ID_SERIAL") == wwid


@given(st.binary(max_size=200), st.binary(max_size=200))
def test_no_record_of_udev_yields_anything_but_short_printable_text(before: bytes, value: bytes) -> None:
    wwid = udevdb.value_of(before + b"\nE:ID_SERIAL=" + value + b"\n", "ID_SERIAL")
    assert wwid.isprintable()
    assert len(wwid) <= MAX_TEXT


def test_of_a_record_of_udev_only_a_part_is_read(san: FakeSysfs, look: Look) -> None:
    san.set_udev(san.disks[0], b"E:ID_SERIAL=near\n" + b"E:X=y\n" * 1_000_000)
    san.set_udev(san.disks[1], b"E:X=y\n" * 1_000_000 + b"E:ID_SERIAL=far\n")
    assert [facts.wwid for facts in look.at_devices("sda", "sdb")] == ["near", ""]


# --- what a disk does -------------------------------------------------------------------------------------------------


def test_what_a_disk_does_is_read_with_its_counters(san: FakeSysfs, look: Look) -> None:
    (known,) = look.at_devices("sda")
    san.disks[0].serve(101, 45, 52, 33, in_flight=7)
    assert look.again(known) == ((), ())
    changed = replace(
        SDA, io=IoFacts(reads=101, read_ms=45, writes=52, write_ms=33, read_sectors=808, write_sectors=416)
    )
    assert look.again(known, depth=Depth.COUNTERS) == ((changed,), ())
    assert look.at_devices("sda") == (changed,)


def test_commands_in_flight_are_read_closely_and_outlive_no_other_reading(san: FakeSysfs, look: Look) -> None:
    (known,) = look.at_devices("sda")
    san.disks[0].serve(101, 45, in_flight=7)
    ((closely,), _) = look.again(known, depth=Depth.CLOSELY)
    assert (known.in_flight, closely.in_flight) == (None, 7)
    san.disks[0].serve(102, 45, in_flight=7)
    ((counted,), _) = look.again(closely, depth=Depth.COUNTERS)
    assert counted.in_flight is None
    san.disks[0].state = "blocked"
    ((blocked,), _) = look.again(closely)
    assert blocked.in_flight is None


@pytest.mark.parametrize(
    ("text", "io"),
    [
        ("1 0 8 2 3 0 24 4", IoFacts(1, 2, 3, 4, 8, 24)),
        ("1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19", IoFacts(1, 4, 5, 8, 3, 7)),
        (f"{2**64 - 1} 0 0 0 0 0 0 0", IoFacts(2**64 - 1, 0, 0, 0)),
        ("", None),
        ("(null)", None),
    ],
)
def test_a_disks_stat(san: FakeSysfs, look: Look, text: str, io: IoFacts | None) -> None:
    san.disks[0].set("stat", text)
    assert look.at_devices("sda")[0].io == io
    assert look.problems == {}


@pytest.mark.parametrize(
    "text", ["1 0 8 2 3 0 24", "1 0 8 -2 3 0 24 4", "1 0 8 2 3 0 24 4.0", "\u0661 0 8 2 3 0 24 4", "many"]
)
def test_a_stat_that_makes_no_sense_is_none_and_counted(san: FakeSysfs, look: Look, text: str) -> None:
    san.disks[0].set("stat", text)
    assert look.at_devices("sda") == (replace(SDA, io=None),)
    assert look.problems == {"unknown_value": 1}


@pytest.mark.parametrize("text", ["-1", "9" * 21, "0x1", "\u0661", "many"])
def test_commands_in_flight_that_make_no_sense_are_none_and_counted(san: FakeSysfs, look: Look, text: str) -> None:
    known = look.at_devices("sda")
    san.disks[0].device.set("device_busy", text)
    assert look.again(*known, depth=Depth.CLOSELY) == ((), ())
    assert look.problems == {"unknown_value": 1}


# --- disks in no map --------------------------------------------------------------------------------------------------


def test_iscsi_disks_in_no_map_are_found_behind_their_sessions(san: FakeSysfs, look: Look) -> None:
    members = look.at_devices("sda", "sdb")
    assert look.at_unmapped(*members) == ()
    spare = san.add_disk(san.sessions[1], lun=7, wwid="spare")
    san.add_disk()
    san.add_disk(place=FC_PLACE)
    expected = replace(SDA, name=spare.name, dev_t="8:32", hctl="3:0:0:7", sid=2, wwid="spare")
    expected = replace(expected, block=replace(SDA.block, wwid="naa.spare"))
    assert look.at_unmapped(*members) == (expected,)
    san.maps[0].add(spare)
    assert look.at_unmapped(*members, expected) == ()
    san.remove_disk(spare)
    assert look.at_unmapped(*members) == ()
    assert look.problems == {}


def test_what_is_no_disk_is_not_taken_for_one(san: FakeSysfs, look: Look) -> None:
    members = look.at_devices("sda", "sdb")
    place = san.sessions[0].place
    for odd in (
        *("power", "target2:0:0/power/block/sdx", "target2:0:0/2:0:0:8", "target2:0:0/2:0:0:9/block/sr0"),
        *("target/2:0:0:3/block/sdy", "target2:0:1/2:0:1:0/block/../block/sd\x1b", "target2:0:2\n/2:0:2:0/block/sdz"),
    ):
        (place / odd).mkdir(parents=True)
    (place / "target2:0:3").touch()
    assert look.at_unmapped(*members) == ()
    assert look.problems == {"ENOTDIR": 1}


def test_without_the_iscsi_module_there_is_no_disk_in_no_map(tmp_path: Path) -> None:
    san = FakeSysfs(tmp_path / "sys")
    san.add_disk()
    assert Look(san).at_unmapped() == ()


def test_members_are_not_read_to_find_the_others(san: FakeSysfs, look: Look, monkeypatch: pytest.MonkeyPatch) -> None:
    san.add_disk(san.sessions[0], lun=9)
    members = look.at_devices("sda", "sdb")
    meddler = Meddler(monkeypatch, san.root)
    (spare,) = look.at_unmapped(*members)
    assert spare.name == "sdc"
    assert not [path for path in meddler.accesses if "2:0:0:1" in path or "3:0:0:1" in path or "/sda" in path]


def test_more_disks_in_no_map_than_anybody_can_mean_are_cut_and_counted(
    san: FakeSysfs, look: Look, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(disks_module, "MAX_UNMAPPED", 3)
    for lun in range(10, 13):
        san.add_disk(san.sessions[0], lun=lun)
    members = look.at_devices("sda", "sdb")
    assert len(look.at_unmapped(*members)) == 3
    assert look.problems == {}
    san.add_disk(san.sessions[1], lun=13)
    assert len(look.at_unmapped(*members)) == 3
    assert look.problems == {"too_many": 1}


def test_a_disk_in_no_map_that_goes_in_mid_walk_is_no_problem(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    meddler = Meddler(monkeypatch, tmp_path)
    seen = set()
    for nth in range(1, 20):
        san = FakeSysfs(tmp_path / f"{nth}/sys")
        session = san.login()
        spare = san.add_disk(session)
        look = Look(san)
        meddler.at(nth, lambda _path: san.remove_disk(spare))  # noqa: B023
        seen.add(tuple(facts.name for facts in look.at_unmapped()))
        assert look.problems == {}
        meddler.at(0, lambda _path: None)
    assert seen == {(), ("sda",)}


def test_what_has_not_changed_is_the_same_object_after_another_full_scan(san: FakeSysfs) -> None:
    reader = Disks(san.root, san.run)
    names = [disk.name for disk in san.disks]
    first = reader.devices(Attributes(), names)
    san.disks[0].set("stat", stat(200, 80, 100, 60))
    second = reader.devices(Attributes(), names)
    assert second[0].io != first[0].io
    assert second[0].block is first[0].block
    assert second[0].access is first[0].access
    assert second[1] is first[1]


def test_commands_in_flight_are_not_taken_over_by_a_full_scan(san: FakeSysfs) -> None:
    reader = Disks(san.root, san.run)
    names = [disk.name for disk in san.disks]
    (closely, *_), _ = reader.again(Attributes(), reader.devices(Attributes(), names), Depth.CLOSELY)
    again = reader.devices(Attributes(), names)[0]
    assert closely.in_flight is not None
    assert again == closely
    assert again.in_flight is None
