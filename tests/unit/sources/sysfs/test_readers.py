"""Maps, disks and sessions out of a tree of sysfs that may change, fail or vanish under the reader."""

from __future__ import annotations

import errno
import os
from dataclasses import replace
from pathlib import Path

import pytest

from mpathd_watch.core.model.facts import RECOVERY_OFF, DeviceFacts, MapFacts, SessionFacts
from mpathd_watch.core.model.vocabulary import DeviceState, SessionStatus, Transport
from mpathd_watch.sources.sysfs.disks import Depth
from tests.fakes.sysfs import SECRETS, TARGET, WWID, FakeSysfs, healthy_san
from tests.reading import FC_PLACE, MPIO, SDA, SESSION, UNREADABLE, Look, Meddler, unreadable


@pytest.fixture
def san(tmp_path: Path) -> FakeSysfs:
    return healthy_san(tmp_path / "sys")


@pytest.fixture
def look(san: FakeSysfs) -> Look:
    return Look(san)


# --- what is there ----------------------------------------------------------------------------------------------------


def test_a_healthy_san_is_read_whole(look: Look) -> None:
    assert look.at_maps() == (MPIO,)
    sdb = replace(SDA, name="sdb", dev_t="8:16", hctl="3:0:0:1", sid=2)
    assert look.at_devices("sda", "sdb") == (SDA, sdb)
    assert look.at_sessions() == (SESSION, replace(SESSION, sid=2, address="192.168.2.1"))
    assert look.problems == {}


def test_dm_devices_that_are_no_multipath_maps_are_ignored(san: FakeSysfs, look: Look) -> None:
    san.add_dm("mpio-part1", f"part1-mpath-{WWID}", san.disks)
    san.add_dm("vg0-root", "LVM-abcdef", san.disks)
    san.add_dm("by-hand", "", san.disks)
    san.add_dm("crypt", f"CRYPT-LUKS2-mpath-{WWID}")
    assert look.at_maps() == (MPIO,)
    assert look.problems == {}


def test_a_suspended_map_is_marked(san: FakeSysfs, look: Look) -> None:
    san.maps[0].path("dm/suspended").write_text("1\n")
    assert look.at_maps() == (replace(MPIO, suspended=True),)


def test_a_map_without_paths_is_a_map(san: FakeSysfs, look: Look) -> None:
    for disk in tuple(san.disks):
        san.remove_disk(disk)
    assert look.at_maps() == (replace(MPIO, slaves=()),)


def test_names_from_outside_are_data(san: FakeSysfs, look: Look) -> None:
    san.maps[0].set("dm/name", b'a"b\\x20\nDM_NAME=c\xff\n')
    san.sessions[0].set("targetname", b"iqn.2003-01\nPRIORITY=0\n")
    assert look.at_maps()[0].name == 'a"b\\x20\\x0aDM_NAME=c\\xff'
    assert look.at_sessions()[0].target == "iqn.2003-01\\x0aPRIORITY=0"


def test_a_fibre_channel_disk_is_known_by_its_rport(san: FakeSysfs, look: Look) -> None:
    disk = san.add_disk(place=FC_PLACE)
    (facts,) = look.at_devices(disk.name)
    assert (facts.transport, facts.sid, facts.nexus) == (Transport.FC, None, "rport-5:0-1")
    assert facts.hctl == "5:0:0:1"


def test_a_disk_without_a_session_is_plain_scsi(san: FakeSysfs, look: Look) -> None:
    disk = san.add_disk()
    (facts,) = look.at_devices(disk.name)
    assert (facts.transport, facts.sid) == (Transport.SCSI, None)


def test_the_counters_are_read_past_half_their_range(san: FakeSysfs, look: Look) -> None:
    san.disks[0].device.set("ioerr_cnt", "0xffffffff80000000")
    san.disks[0].device.set("iotmo_cnt", "0x7fffffff")
    assert look.at_devices("sda") == (replace(SDA, io_errors=2**31, io_timeouts=2**31 - 1),)


def test_attributes_that_this_kernel_does_not_have_are_absent_and_no_problem(san: FakeSysfs, look: Look) -> None:
    san.udev_record(san.disks[0]).unlink()
    for attribute in ("vendor", "model", "ioerr_cnt", "iotmo_cnt", "timeout", "device_busy"):
        san.disks[0].device.remove(attribute)
    san.disks[0].remove("stat")
    for attribute in ("tpgt", "ifacename", "initiatorname", "recovery_tmo", "creator"):
        san.sessions[0].remove(attribute)
    for attribute in ("recv_tmo", "ping_tmo", "persistent_port", "exp_statsn"):
        san.sessions[0].connection.remove(attribute)
    bare = replace(SDA, vendor="", product="", io_errors=None, io_timeouts=None, timeout=None, wwid="", io=None)
    assert look.at_devices("sda") == (bare,)
    assert look.again(bare, depth=Depth.CLOSELY) == ((), ())
    assert look.problems == {}
    assert look.at_sessions()[0] == SessionFacts(
        1, SessionStatus.LOGGED_IN, TARGET, None, "", "", "192.168.1.1", None, None, None, None
    )
    assert look.problems == {}


def test_the_timeouts_are_the_live_ones_off_included(san: FakeSysfs, look: Look) -> None:
    san.sessions[0].set("recovery_tmo", "off")
    san.sessions[0].connection.set("recv_tmo", 0)
    san.sessions[1].set("recovery_tmo", 120)
    first, second = look.at_sessions()
    assert (first.recovery_tmo, first.recv_tmo, second.recovery_tmo) == (RECOVERY_OFF, 0, 120)
    assert look.problems == {}


@pytest.mark.parametrize("sid", [0, 4294967295, 9999999999])
def test_session_numbers_as_large_as_they_come(tmp_path: Path, sid: int) -> None:
    san = FakeSysfs(tmp_path / "sys")
    san.add_map(disks=[san.add_disk(san.login(sid=sid))])
    look = Look(san)
    assert [session.sid for session in look.at_sessions()] == [sid]
    assert [device.sid for device in look.at_devices("sda")] == [sid]


@pytest.mark.parametrize(
    "name", ["session", "session-1", "sessionX", "session12345678901", "session1.bak", "session\u0661"]
)
def test_what_is_not_a_session_is_not_taken_for_one(san: FakeSysfs, look: Look, name: str) -> None:
    (san.root / "class/iscsi_session" / name).mkdir()
    assert [session.sid for session in look.at_sessions()] == [1, 2]
    assert look.problems == {}


@pytest.mark.parametrize("raw", [b"", b"\n", b"(null)\n"])
@pytest.mark.parametrize("attribute", ["targetname", "persistent_address"])
def test_a_session_still_being_made_is_left_out(san: FakeSysfs, look: Look, attribute: str, raw: bytes) -> None:
    made = san.login("192.168.3.1:3260")
    place = made.connection if attribute == "persistent_address" else made
    place.set(attribute, raw)
    assert [session.sid for session in look.at_sessions()] == [1, 2]
    place.set(attribute, "192.168.3.1")
    assert [session.sid for session in look.at_sessions()] == [1, 2, 3]


def test_where_a_driver_has_no_persistent_portal_the_current_one_counts(san: FakeSysfs, look: Look) -> None:
    for attribute in ("persistent_address", "persistent_port"):
        san.sessions[0].connection.remove(attribute)
    assert [session.sid for session in look.at_sessions()] == [2]
    first, _ = look.at_sessions(ends=look.at_ends())
    assert (first.address, first.port, first.current_portal) == ("192.168.1.1", 3260, "192.168.1.1:3260")
    assert look.at_sessions()[0] == first
    san.sessions[0].set("state", "FAILED")
    assert look.at_sessions(ends=look.at_ends())[0].address == "192.168.1.1"
    san.sessions[1].connection.remove("persistent_address")
    san.sessions[1].set("state", "FREE")
    fresh = Look(san)
    assert fresh.at_sessions(ends=fresh.at_ends()) == ()


def test_the_driver_and_the_creator_of_a_session(san: FakeSysfs, look: Look) -> None:
    first = san.sessions[0]
    first.set("creator", -1)
    place = first.place.parent / f"scsi_host/host{first.host}"
    place.mkdir(parents=True)
    (place / "proc_name").write_text("qla4xxx\n")
    found = look.at_sessions()
    assert [(each.creator, each.driver) for each in found] == [(-1, "qla4xxx"), (446, "")]
    assert look.problems == {}


def test_sessions_are_sorted_by_number_not_by_name(tmp_path: Path) -> None:
    san = healthy_san(tmp_path / "sys", sessions=11)
    assert [session.sid for session in Look(san).at_sessions()] == list(range(1, 12))


# --- what changes -----------------------------------------------------------------------------------------------------


def test_only_the_state_of_an_unchanged_session_is_read_again(san: FakeSysfs, look: Look) -> None:
    look.at_sessions()
    san.sessions[0].set("recovery_tmo", 15)
    assert look.at_sessions()[0].recovery_tmo == 5
    assert look.at_sessions(everything=True)[0].recovery_tmo == 15


def test_a_session_that_has_logged_in_again_is_read_whole(san: FakeSysfs, look: Look) -> None:
    look.at_sessions()
    session = san.sessions[0]
    for change, state in ((session.fail, SessionStatus.FAILED), (session.expire, SessionStatus.FREE)):
        change()
        assert look.at_sessions()[0] == replace(SESSION, state=state)
    session.connection.set("recv_tmo", 7)
    session.set("ifacename", "iser")
    session.recover()
    assert look.at_sessions()[0] == replace(SESSION, recv_tmo=7, iface="iser")


def test_the_timeouts_are_read_again_whenever_the_state_changes_and_nothing_else_is(san: FakeSysfs, look: Look) -> None:
    look.at_sessions()
    session = san.sessions[0]
    session.set("ifacename", "iser")
    expected = SESSION
    for number, (change, state) in enumerate(
        ((session.fail, SessionStatus.FAILED), (session.expire, SessionStatus.FREE)), 20
    ):
        session.set("recovery_tmo", number)  # multipathd did it just before
        session.connection.set("recv_tmo", number + 10)
        session.connection.set("ping_tmo", number + 20)
        change()
        expected = replace(expected, state=state, recovery_tmo=number, recv_tmo=number + 10, ping_tmo=number + 20)
        assert look.at_sessions()[0] == expected


def test_timeouts_that_go_with_the_connection_are_remembered_while_the_session_ends(san: FakeSysfs, look: Look) -> None:
    look.at_sessions()
    (san.root / "class/iscsi_connection/connection1:0").unlink()
    san.sessions[0].state = "FREE"
    san.sessions[0].set("recovery_tmo", "perhaps")
    assert look.at_sessions()[0] == replace(SESSION, state=SessionStatus.FREE)
    assert look.problems == {"unknown_value": 1}


def test_logout_and_login_make_another_session(san: FakeSysfs, look: Look) -> None:
    look.at_sessions()
    san.logout(san.sessions[1])
    assert look.at_sessions() == (SESSION,)
    san.login("192.168.2.1:3260")
    assert [session.sid for session in look.at_sessions()] == [1, 3]


def test_again_reports_only_what_has_changed(san: FakeSysfs, look: Look) -> None:
    known = look.at_devices("sda", "sdb")
    assert look.again(*known) == ((), ())
    san.disks[1].state = "blocked"
    san.disks[1].device.set("ioerr_cnt", "0x2")
    san.disks[0].device.set("ioerr_cnt", "0x1")
    blocked = replace(known[1], state=DeviceState.BLOCKED)
    assert look.again(*known) == ((blocked,), ())
    assert look.again(*known, depth=Depth.COUNTERS) == ((replace(SDA, io_errors=1), replace(blocked, io_errors=2)), ())


def test_again_names_the_disks_that_are_gone(san: FakeSysfs, look: Look) -> None:
    known = look.at_devices("sda", "sdb")
    san.remove_disk(san.disks[0])
    assert look.again(*known) == ((), ("sda",))


# --- what fails -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", UNREADABLE)
@pytest.mark.parametrize("attribute", ["dm/uuid", "dm/name"])
def test_a_map_that_cannot_be_read_stays_as_it_was(
    san: FakeSysfs, look: Look, monkeypatch: pytest.MonkeyPatch, attribute: str, number: int
) -> None:
    san.add_map("other", wwid="other")
    before = look.at_maps()
    assert len(before) == 2
    with unreadable(monkeypatch, number, f"dm-0/{attribute}"):
        assert look.at_maps() == before
        assert look.problems == {errno.errorcode[number]: 1}
        assert look.at_maps() == before


def test_a_map_whose_slaves_cannot_be_listed_stays_as_it_was(
    san: FakeSysfs, look: Look, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = look.at_maps()
    listdir = os.listdir

    def failing(path: Path) -> list[str]:
        if str(path).endswith("slaves"):
            raise OSError(errno.EIO, "Input/output error", str(path))
        return listdir(path)

    monkeypatch.setattr(os, "listdir", failing)
    assert look.at_maps() == before
    assert look.problems == {"EIO": 1}
    assert Look(san).at_maps() == ()


def test_nonsense_in_one_attribute_of_a_map_does_not_freeze_the_others(san: FakeSysfs, look: Look) -> None:
    look.at_maps()
    san.maps[0].set("dm/suspended", "perhaps")
    san.remove_disk(san.disks[1])
    assert look.at_maps() == (replace(MPIO, suspended=None, slaves=("sda",)),)
    assert look.problems == {"unknown_value": 1}


@pytest.mark.parametrize("number", UNREADABLE)
def test_what_makes_a_session_the_same_session_outlives_a_failed_read(
    look: Look, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    before = look.at_sessions()
    with unreadable(
        monkeypatch,
        number,
        *("session1/targetname", "session1/tpgt", "session1/ifacename", "session1/initiatorname"),
        *("connection1:0/persistent_address", "connection1:0/persistent_port"),
    ):
        assert look.at_sessions(everything=True) == before
    assert look.problems == {errno.errorcode[number]: 6}


@pytest.mark.parametrize("number", UNREADABLE)
def test_a_state_or_timeout_that_cannot_be_read_is_unknown_never_an_old_value(
    look: Look, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    look.at_sessions()
    known = look.at_devices("sda", "sdb")
    with unreadable(
        monkeypatch, number, "session1/state", "session1/recovery_tmo", "2:0:0:1/state", "sda/device/state"
    ):
        first, second = look.at_sessions(everything=True)
        assert (first.state, first.recovery_tmo) == (SessionStatus.UNKNOWN, None)
        assert second == replace(SESSION, sid=2, address="192.168.2.1")
        assert look.again(*known) == ((replace(SDA, state=DeviceState.UNKNOWN),), ())
    assert look.at_sessions()[0].state is SessionStatus.LOGGED_IN
    assert look.at_sessions(everything=True)[0] == SESSION


@pytest.mark.parametrize("number", UNREADABLE)
def test_the_number_of_a_disk_outlives_a_failed_read(look: Look, monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    before = look.at_devices("sda", "sdb")
    with unreadable(monkeypatch, number, "sda/dev"):
        assert look.at_devices("sda", "sdb") == before
    assert look.problems == {errno.errorcode[number]: 1}


def test_without_the_iscsi_module_there_are_no_sessions_and_no_problem(tmp_path: Path) -> None:
    look = Look(FakeSysfs(tmp_path / "sys"))
    assert (look.at_sessions(), look.at_maps(), look.problems) == ((), (), {})


def test_an_unmounted_sysfs_is_an_error_not_an_empty_san(san: FakeSysfs, look: Look) -> None:
    known = look.at_devices("sda", "sdb")
    look.at_sessions()
    san.unmount()
    with pytest.raises(FileNotFoundError):
        look.at_maps()
    with pytest.raises(FileNotFoundError):
        look.at_sessions()
    with pytest.raises(FileNotFoundError):
        look.again(*known)
    san.mount()
    assert look.again(*known) == ((), ())


# --- what vanishes or fails in mid-walk -------------------------------------------------------------------------------


def full_scan(look: Look) -> tuple[tuple[MapFacts, ...], tuple[DeviceFacts, ...], tuple[SessionFacts, ...]]:
    maps = look.at_maps()
    devices = look.at_devices(*sorted({name for found in maps for name in found.slaves}))
    return maps, (*devices, *look.at_unmapped(*devices)), look.at_sessions(everything=True, ends=look.at_ends())


ACCESSES = 122
"""Of a further full scan at two maps, the first with two paths, one of them with a device handler, and at a disk in
none."""
MAP_ACCESSES = 19
"""Those among them that come first and are for the maps."""


@pytest.fixture
def meddler(san: FakeSysfs, monkeypatch: pytest.MonkeyPatch) -> Meddler:
    """Something that gets in the way of readers of ``san``, which has another map and a disk in no map now."""
    san.add_map("other", wwid="other")
    san.add_disk(san.sessions[0], lun=9, wwid="spare")
    san.disks[0].join_group(1)
    return Meddler(monkeypatch, san.root.parent)


def test_every_access_of_a_full_scan_is_changed_below(look: Look, meddler: Meddler) -> None:
    full_scan(look)
    meddler.accesses.clear()
    full_scan(look)
    assert len(meddler.accesses) == ACCESSES
    assert ["/dm-" in path for path in meddler.accesses] == [False] + [True] * 18 + [False] * (ACCESSES - MAP_ACCESSES)


@pytest.mark.parametrize("nth", range(1, ACCESSES + 1))
def test_a_session_that_is_logged_out_in_mid_walk_takes_nothing_else_along(
    san: FakeSysfs, look: Look, meddler: Meddler, nth: int
) -> None:
    before = full_scan(look)
    meddler.at(nth, lambda _path: san.logout(san.sessions[1]))
    maps, devices, sessions = full_scan(look)
    assert [(facts.wwid, facts.name) for facts in maps] == [(facts.wwid, facts.name) for facts in before[0]]
    kept = [facts for facts in before[1] if facts.sid == 1]
    assert [facts for facts in devices if facts.sid == 1] == kept
    assert sessions[:1] == before[2][:1]
    assert {facts.sid for facts in sessions} <= {1, 2}
    assert full_scan(look)[1:] == (tuple(kept), before[2][:1])


@pytest.mark.parametrize("nth", range(1, MAP_ACCESSES + 1))
def test_a_map_that_is_flushed_in_mid_walk_is_never_seen_without_its_paths(
    san: FakeSysfs, look: Look, meddler: Meddler, nth: int
) -> None:
    before = full_scan(look)
    meddler.at(nth, lambda _path: san.remove_map(san.maps[0]))
    maps, _devices, sessions = full_scan(look)
    assert [facts.slaves for facts in maps] in ([("sda", "sdb"), ()], [()])
    assert sessions == before[2]


@pytest.mark.parametrize("number", UNREADABLE)
def test_one_access_that_fails_loses_nothing_but_what_it_was_for(look: Look, meddler: Meddler, number: int) -> None:
    before = full_scan(look)

    def fail(path: str) -> None:
        raise OSError(number, os.strerror(number), path)

    for nth in range(1, ACCESSES + 1):
        meddler.at(nth, fail)
        try:
            after = full_scan(look)
        except OSError as error:
            # Without these two the source is down, and reports it.
            assert Path(str(error.filename)).name in ("block", "iscsi_session")  # noqa: PT017
        else:
            assert [facts.name for facts in after[0]] == [facts.name for facts in before[0]]
            assert [facts.name for facts in after[1]][:2] == ["sda", "sdb"]
            lost = [facts for was, now in zip(before, after, strict=True) for facts in was if facts not in now]
            assert len(lost) <= 1, nth
        meddler.at(0, fail)
        assert full_scan(look) == before, nth


# --- what is never opened ---------------------------------------------------------------------------------------------


def test_no_password_or_user_name_is_ever_opened(san: FakeSysfs, look: Look, meddler: Meddler) -> None:
    for session in san.sessions:
        for secret in SECRETS:
            session.set(secret, "s3cret")
    first = full_scan(look)
    found: list[object] = [first]
    for change in (san.sessions[0].fail, san.sessions[0].expire, san.sessions[0].recover):
        change()
        found.append((*look.at_sessions(), *look.again(*first[1], depth=Depth.CLOSELY)))
        found.append(full_scan(look))
    opened = {Path(path).name for path in meddler.accesses}
    assert {"targetname", "state", "persistent_address"} <= opened
    assert not [name for name in opened if "password" in name or "username" in name]
    assert "s3cret" not in repr(found)


LOCKING = {"address", "port", "local_port", "ipaddress"}
NEVER_READ = {"vpd_pg80", "uevent"}


def test_no_attribute_is_read_that_takes_the_sockets_lock_or_costs_input_or_output(
    look: Look, meddler: Meddler
) -> None:
    maps = look.at_maps()
    devices = look.at_devices(*maps[0].slaves)
    look.again(*devices, depth=Depth.CLOSELY)
    look.at_unmapped(*devices)
    look.at_sessions(everything=True)
    names = {Path(path).name for path in meddler.accesses}
    assert names.isdisjoint(NEVER_READ | LOCKING)
    look.at_ends()  # on a thread of their own
    names = {Path(path).name for path in meddler.accesses}
    assert names >= LOCKING
    assert names.isdisjoint(NEVER_READ)
