"""What the array reports of the paths to its disks: what is read, when it is read again, and what is no statement."""

from __future__ import annotations

import errno
from dataclasses import replace
from pathlib import Path

import pytest

from mpathd_watch.core.model.facts import AccessFacts
from mpathd_watch.core.model.vocabulary import AccessState
from mpathd_watch.sources.reading.attributes import Attributes
from mpathd_watch.sources.sysfs.disks import Depth
from tests.fakes.sysfs import FakeSysfs, healthy_san, inquiry, vpd_pg83
from tests.reading import SDA, Look, Meddler, unreadable

OPTIMIZED = AccessFacts(grouped=True, handler="alua", state=AccessState.OPTIMIZED, preferred=False, group=17)


@pytest.fixture
def san(tmp_path: Path) -> FakeSysfs:
    made = healthy_san(tmp_path / "sys")
    made.disks[0].join_group(17)
    return made


@pytest.fixture
def look(san: FakeSysfs) -> Look:
    return Look(san)


def access(look: Look) -> AccessFacts:
    """The access to sda by a full scan."""
    (facts,) = look.at_devices("sda")
    return facts.access


# --- what is there ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", [state for state in AccessState if state is not AccessState.UNKNOWN])
@pytest.mark.parametrize("preferred", [False, True])
def test_what_the_handler_knows(san: FakeSysfs, look: Look, state: AccessState, preferred: bool) -> None:
    san.disks[0].join_group(17, state, preferred=preferred)
    assert access(look) == replace(OPTIMIZED, state=state, preferred=preferred)
    assert look.problems == {}


def test_without_a_handler_there_is_no_statement(san: FakeSysfs, look: Look, monkeypatch: pytest.MonkeyPatch) -> None:
    san.disks[0].detach_handler()
    meddler = Meddler(monkeypatch, san.root)
    assert access(look) == AccessFacts(grouped=True, group=17)
    assert look.problems == {}
    assert not [path for path in meddler.accesses if path.endswith(("access_state", "preferred_path"))]


def test_a_handler_that_is_detached_in_between_is_no_problem(look: Look, monkeypatch: pytest.MonkeyPatch) -> None:
    with unreadable(monkeypatch, errno.EINVAL, "access_state", "preferred_path"):
        assert access(look) == replace(OPTIMIZED, state=None, preferred=None)
    assert look.problems == {}


@pytest.mark.parametrize("number", [errno.EIO, errno.EACCES])
def test_any_other_error_is_counted(look: Look, monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    with unreadable(monkeypatch, number, "access_state", "preferred_path"):
        assert access(look) == replace(OPTIMIZED, state=None, preferred=None)
    assert look.problems == {errno.errorcode[number]: 2}


@pytest.mark.parametrize(("word", "problems"), [("unknown", {}), ("quite-optimized", {"unknown_value": 1})])
def test_a_word_that_is_not_known(san: FakeSysfs, look: Look, word: str, problems: dict[str, int]) -> None:
    san.disks[0].device.set("access_state", word)
    assert access(look) == replace(OPTIMIZED, state=AccessState.UNKNOWN)
    assert look.problems == problems


@pytest.mark.parametrize("word", ["2", "-1", "yes", "01", "\u0661"])
def test_a_preference_that_makes_no_sense(san: FakeSysfs, look: Look, word: str) -> None:
    san.disks[0].device.set("preferred_path", word)
    assert access(look) == replace(OPTIMIZED, preferred=None)
    assert look.problems == {"unknown_value": 1}


def test_a_handlers_name_is_data(san: FakeSysfs, look: Look) -> None:
    san.disks[0].device.set("dh_state", b"rd\x1bac\n")
    assert access(look).handler == "rd\\x1bac"


def test_a_kernel_without_these_attributes(san: FakeSysfs, look: Look) -> None:
    for attribute in ("dh_state", "access_state", "preferred_path", "inquiry", "vpd_pg83"):
        san.disks[0].device.remove(attribute)
    assert access(look) == AccessFacts()
    assert look.problems == {}


def test_a_handler_whose_attributes_the_kernel_did_not_add(san: FakeSysfs, look: Look) -> None:
    for attribute in ("access_state", "preferred_path"):
        san.disks[0].device.remove(attribute)
    assert access(look) == replace(OPTIMIZED, state=None, preferred=None)
    assert look.problems == {}


def test_of_a_disk_that_is_no_scsi_device_nothing_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    san = FakeSysfs(tmp_path / "sys")
    disk = san.add_disk(place="pci0000:00/0000:00:06.0/nvme/nvme0", name="nvme0n1")
    disk.join_group(1)
    look = Look(san)
    meddler = Meddler(monkeypatch, san.root)
    (facts,) = look.at_devices("nvme0n1")
    assert facts.access == AccessFacts()
    look.again(facts, depth=Depth.CLOSELY)
    assert look.problems == {}
    assert not [path for path in meddler.accesses if path.endswith(("dh_state", "inquiry", "vpd_pg83"))]


@pytest.mark.parametrize(
    ("standard", "page", "expected"),
    [
        (b"", b"", AccessFacts()),
        (inquiry(port_groups=True)[:5], vpd_pg83(3), AccessFacts(group=3)),
        (inquiry(port_groups=True), vpd_pg83(3)[:-1], AccessFacts(grouped=True)),
        (inquiry(port_groups=True), b"\xff" * 5000, AccessFacts(grouped=True)),
        (b"\0" * 96, vpd_pg83(), AccessFacts(grouped=False)),
    ],
)
def test_what_a_lun_reports_of_itself_may_be_anything(
    san: FakeSysfs, look: Look, standard: bytes, page: bytes, expected: AccessFacts
) -> None:
    disk = san.disks[0]
    disk.detach_handler()
    disk.device.path("inquiry").write_bytes(standard)
    disk.device.path("vpd_pg83").write_bytes(page)
    assert access(look) == expected
    assert look.problems == {}


# --- when it is read again --------------------------------------------------------------------------------------------

READ_ONCE = ("inquiry", "vpd_pg83")


def read_once(meddler: Meddler) -> list[str]:
    """The names of what has been read of what need not be read again."""
    found = [Path(path).name for path in meddler.accesses if path.endswith(READ_ONCE)]
    meddler.accesses.clear()
    return found


def test_a_full_scan_follows_the_handler_and_keeps_what_only_a_scan_by_the_kernel_changes(
    san: FakeSysfs, look: Look, monkeypatch: pytest.MonkeyPatch
) -> None:
    meddler = Meddler(monkeypatch, san.root)
    assert access(look) == OPTIMIZED
    assert sorted(read_once(meddler)) == sorted(READ_ONCE)
    san.disks[0].join_group(18, "standby")
    assert access(look) == replace(OPTIMIZED, state=AccessState.STANDBY)
    assert read_once(meddler) == []


def test_a_close_look_reads_all_of_it_and_the_next_full_scan_keeps_that(san: FakeSysfs, look: Look) -> None:
    known = look.at_devices("sda", "sdb")
    san.disks[0].join_group(18, "unavailable", preferred=True)
    expected = AccessFacts(True, "alua", AccessState.UNAVAILABLE, preferred=True, group=18)
    ((found,), _) = look.again(*known, depth=Depth.CLOSELY)
    assert found.access == expected
    assert access(look) == expected


@pytest.mark.parametrize("depth", [Depth.STATE, Depth.COUNTERS])
def test_a_round_keeps_what_is_known_and_reads_none_of_it(
    san: FakeSysfs, look: Look, monkeypatch: pytest.MonkeyPatch, depth: Depth
) -> None:
    (known,) = look.at_devices("sda")
    disk = san.disks[0]
    disk.join_group(18, "standby")
    disk.state = "blocked"
    disk.device.set("ioerr_cnt", "0x1")
    meddler = Meddler(monkeypatch, san.root)
    ((found,), _) = look.again(known, depth=depth)
    assert found.access == OPTIMIZED
    names = {Path(path).name for path in meddler.accesses}
    assert names.isdisjoint({*READ_ONCE, "dh_state", "access_state", "preferred_path"})


def test_a_disk_that_changes_nothing_but_its_access_has_changed(san: FakeSysfs, look: Look) -> None:
    known = look.at_devices("sda", "sdb")
    san.disks[0].device.set("access_state", "standby")
    changed = replace(known[0], access=replace(OPTIMIZED, state=AccessState.STANDBY))
    assert look.again(*known, depth=Depth.CLOSELY)[0] == (changed,)


@pytest.mark.parametrize("attribute", ["dev", "device/wwid"])
def test_another_disk_of_the_same_name_is_read_whole(san: FakeSysfs, look: Look, attribute: str) -> None:
    access(look)
    san.disks[0].join_group(18)
    san.disks[0].set(attribute, {"dev": "8:160", "device/wwid": "naa.another"}[attribute])
    assert access(look) == replace(OPTIMIZED, group=18)


def test_another_disk_at_another_address_is_read_whole(san: FakeSysfs, look: Look) -> None:
    access(look)
    san.remove_disk(san.disks[0])
    disk = san.add_disk(san.sessions[1], lun=5, name="sda")
    disk.set("dev", "8:0")
    disk.join_group(18)
    assert access(look) == replace(OPTIMIZED, group=18)


def test_a_disk_that_leaves_its_map_and_returns_is_read_whole(san: FakeSysfs, look: Look) -> None:
    access(look)
    look.at_devices()
    san.disks[0].join_group(18)
    assert access(look).group == 18


@pytest.mark.parametrize("attribute", READ_ONCE)
def test_what_could_not_be_read_is_read_again(look: Look, monkeypatch: pytest.MonkeyPatch, attribute: str) -> None:
    with unreadable(monkeypatch, errno.EIO, attribute):
        assert access(look) != OPTIMIZED
        assert look.problems == {"EIO": 1}
    assert access(look) == OPTIMIZED
    assert look.problems == {}


def test_a_close_look_at_a_disk_in_no_map_leaves_the_members_alone(san: FakeSysfs) -> None:
    look = Look(san)
    san.add_disk(san.sessions[0], lun=9, wwid="spare")
    members = look.at_devices("sda", "sdb")
    (spare,) = look.at_unmapped(*members)
    assert look.again(spare, depth=Depth.CLOSELY)[1] == ()
    assert look.disks.devices(Attributes(), ["sda", "sdb"]) == members


def test_a_disk_without_port_groups(look: Look) -> None:
    (sdb,) = look.at_devices("sdb")
    assert sdb.access == SDA.access == AccessFacts(grouped=False)
