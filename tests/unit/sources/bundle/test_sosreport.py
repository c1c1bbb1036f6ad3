"""Reports of sos that lack something, or hold something hostile."""

from __future__ import annotations

import os
import random
import socket
from pathlib import Path

import pytest

from mpathd_watch.core.events import SystemRead
from mpathd_watch.core.model.facts import DeviceFacts
from mpathd_watch.core.model.vocabulary import NOT_RUNNING, DeviceState, SourceName, Transport
from mpathd_watch.sources.bundle import Bundle, read
from tests.bundles import WWID, Copy, findings, healths, state_of

LISTING = "multipath/multipath_-ll"
SESSIONS = "iscsi/iscsiadm_-m_session_-P_3"
STATUS = "devicemapper/dmsetup_status"
UDEV = "devices/udevadm_info_--export-db"
PS = "process/ps_auxwwwm"
SHOWN = "multipath/multipathd_show_config"
BY_HCTL = {"0:0:0:1": "up", "1:0:0:1": "up"}


def system(bundle: Bundle) -> SystemRead:
    (found,) = (event for event in bundle.events if isinstance(event, SystemRead))
    return found


def disk(bundle: Bundle, name: str) -> DeviceFacts:
    return next(facts for facts in system(bundle).devices if facts.name == name)


def missing(bundle: Bundle) -> str:
    return "\n".join(bundle.missing)


def test_a_directory_that_is_no_bundle(tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    assert read(tmp_path) is None
    assert read(tmp_path / "nothing") is None
    (tmp_path / "file").touch()
    assert read(tmp_path / "file") is None


def test_an_empty_bundle_shows_nothing(tmp_path: Path) -> None:
    (tmp_path / "sos_logs").mkdir()
    (tmp_path / "sos_logs/sos.log").touch()
    (tmp_path / "sos_reports").mkdir()
    (tmp_path / "sos_reports/sos.txt").touch()
    bundle = read(tmp_path)
    assert bundle is not None
    state = state_of(bundle)
    assert (state.source(SourceName.SYSFS).up, state.maps) == (False, {})
    assert "maps, paths and sessions" in missing(bundle)
    assert bundle.title == "sosreport of an unknown time"
    assert findings(bundle) == {}


def test_without_iscsiadm_the_disks_alone_are_judged(tmp_path: Path) -> None:
    bundle = Copy(tmp_path).remove(SESSIONS).read()
    assert healths(state_of(bundle)) == BY_HCTL
    assert disk(bundle, "sda").transport is Transport.UNKNOWN
    assert "2 node records: the bundle does not show which iSCSI sessions there were" in missing(bundle)
    assert findings(bundle) == {}


def test_a_truncated_listing_of_sessions_does_not_count(tmp_path: Path) -> None:
    copy = Copy(tmp_path)
    path = copy.path(SESSIONS)
    path.write_text(path.read_text()[:1500])
    assert "record_without_session" not in findings(copy.read())
    assert healths(state_of(copy.read())) == BY_HCTL


def test_a_truncated_listing_of_maps_takes_no_path_away(tmp_path: Path) -> None:
    copy = Copy(tmp_path)
    path = copy.path(LISTING)
    path.write_text(path.read_text()[:-60])
    assert len(healths(state_of(copy.read()))) == 2
    bundle = copy.remove("devicemapper").read()
    assert state_of(bundle).source(SourceName.SYSFS).up is False


def test_the_log_of_v4_will_do(tmp_path: Path) -> None:
    copy = Copy(tmp_path, "link-down").remove("devicemapper")
    copy.path(LISTING).rename(copy.path(LISTING).with_name("multipath_-v4_-ll"))
    assert list(healths(state_of(copy.read())).values()).count("failed") == 1


def test_dm_alone_shows_maps_and_paths(tmp_path: Path) -> None:
    copy = Copy(tmp_path, "link-down").remove(LISTING)
    bundle = copy.read()
    assert healths(state_of(bundle)) == {"192.168.1.1:3260": "up", "192.168.2.1:3260": "failed"}
    (map_,) = system(bundle).maps
    assert (map_.wwid, map_.name, map_.sysfs_name, map_.suspended) == (WWID, "mpio", "dm-0", False)
    # Without udev nothing shows what the kernel calls the disk 8:16.
    bundle = copy.remove(UDEV).read()
    assert {facts.name for facts in system(bundle).devices} == {"8:0", "8:16"}
    assert sorted(healths(state_of(bundle)).values()) == ["failed", "unknown"]
    assert "whether 2 disks belong to their maps" in missing(bundle)


def test_a_host_without_maps_is_known_to_have_none(tmp_path: Path) -> None:
    copy = Copy(tmp_path)
    for name in (LISTING, "devicemapper/dmsetup_table", STATUS):
        copy.path(name).write_text("")
    copy.path("devicemapper/dmsetup_info_-c").write_text("No devices found\n")
    bundle = copy.read()
    assert system(bundle).maps == ()
    assert {facts.name for facts in system(bundle).unmapped} == {"sda", "sdb"}
    assert "path_not_in_map" in findings(bundle)
    assert "whether 2 disks in no map" in missing(copy.remove(UDEV).read())


def test_no_session_and_a_volume_of_lvm(tmp_path: Path) -> None:
    copy = Copy(tmp_path)
    copy.path(SESSIONS).write_text("iscsiadm: No active sessions.\n")
    with copy.path("devicemapper/dmsetup_info_-c").open("a") as file:
        file.write("vg-root          253   1 L--w    1    1      0 LVM-abc\n")
    with copy.path("devicemapper/dmsetup_table").open("a") as file:
        file.write("other: 0 8 multipath 0 0 1 1 service-time 0 1 2 8:32 1 1\n")
    bundle = copy.read()
    assert (system(bundle).sessions, len(system(bundle).maps)) == ((), 1)
    # The records say that there should be sessions, and the bundle shows that there is none.
    assert "record_without_session" in findings(bundle)
    assert "noop_out" not in missing(bundle)


def test_a_path_whose_disk_is_gone_stays_a_path(tmp_path: Path) -> None:
    copy = Copy(tmp_path, "link-down")
    copy.replace(LISTING, ("1:0:0:1 sdb 8:16 failed faulty offline", "#:#:#:# -   8:16 failed undef  unknown"))
    assert sorted(healths(state_of(copy.read())).values()) == ["failed", "up"]
    copy.replace(LISTING, ("8:16 failed", "#:# failed"))
    assert len(healths(state_of(copy.read()))) == 2


def test_the_listing_of_maps_names_the_product_of_a_disk(tmp_path: Path) -> None:
    found = disk(Copy(tmp_path).remove("sys", SESSIONS, UDEV).read(), "sda")
    assert (found.vendor, found.product) == ("IET", "VIRTUAL-DISK")


def test_a_disk_without_its_state_is_proven_by_the_checker(tmp_path: Path) -> None:
    copy = Copy(tmp_path).remove("sys", SESSIONS)
    assert disk(copy.read(), "sda").state is DeviceState.RUNNING
    copy.replace(LISTING, ("sda 8:0  active ready running", "sda 8:0  active undef running"))
    bundle = copy.read()
    assert disk(bundle, "sda").state is DeviceState.UNKNOWN
    assert "the state of 1 disk" in missing(bundle)
    assert healths(state_of(bundle))["0:0:0:1"] == "unknown"


def test_the_groups_of_paths_and_what_can_be_known_of_their_priorities(tmp_path: Path) -> None:
    def numbers(bundle: Bundle) -> list[tuple[int | None, int | None]]:
        (map_,) = state_of(bundle).maps.values()
        return [(path.checker.group, path.checker.priority) for _, path in sorted(map_.paths.items())]

    assert numbers(Copy(tmp_path / "both").read()) == [(1, None), (1, None)]
    assert numbers(Copy(tmp_path / "one", "link-down").read()) == [(1, 1), (1, None)]


def test_multipathd_did_not_run(tmp_path: Path) -> None:
    copy = Copy(tmp_path, "link-down").replace(PS, ("/usr/sbin/multipathd -d -s", "/usr/sbin/other"))
    copy.path(SHOWN).write_text("error -1 receiving packet\n")
    bundle = copy.read()
    state = state_of(bundle)
    assert state.source(SourceName.MULTIPATHD).reason == NOT_RUNNING
    # dm reports its paths to dmsetup all the same.
    assert healths(state) == {"192.168.1.1:3260": "up", "192.168.2.1:3260": "failed"}


def test_without_a_list_of_processes_nobody_is_dead(tmp_path: Path) -> None:
    copy = Copy(tmp_path).remove(SHOWN)
    for spoiled in ("error: unsupported option\n", ""):
        copy.path(PS).write_text(spoiled)
        bundle = copy.read()
        assert "iscsid_not_running" not in findings(bundle)
        assert state_of(bundle).source(SourceName.MULTIPATHD).up


def test_iscsid_did_not_run(tmp_path: Path) -> None:
    copy = Copy(tmp_path).replace(PS, ("/usr/sbin/iscsid", "/usr/sbin/other"))
    assert "iscsid_not_running" in findings(copy.read())


def test_the_cause_is_unknown_without_the_log(tmp_path: Path) -> None:
    bundle = Copy(tmp_path, "link-down").remove("logs").read()
    assert "why 1 session went down: the bundle's log does not show it" in missing(bundle)


def test_an_unknown_version_and_no_network(tmp_path: Path) -> None:
    bundle = Copy(tmp_path).remove("installed-debs", "dpkg", "networking").read()
    assert "what the installed version does" in missing(bundle)
    assert "network interfaces that paths share" in missing(bundle)
    assert state_of(bundle).links is None


def test_records_that_were_not_copied_are_those_that_iscsiadm_printed(tmp_path: Path) -> None:
    found = findings(Copy(tmp_path).remove("var").read())["replacement_timeout_overridden"]
    assert found.where.endswith("sos_commands/iscsi/iscsiadm_-m_node_--op_show:76")
    copy = Copy(tmp_path / "more").remove("var", "iscsi/iscsiadm_-m_node_--op_show")
    configuration = state_of(copy.read()).auditing.configuration
    assert configuration is not None
    assert configuration.records == ()


def test_obfuscated_addresses(tmp_path: Path) -> None:
    # As sos clean 4.9.1 leaves it: names of directories keep the addresses, and two may become one.
    copy = Copy(tmp_path)
    for name in (SESSIONS, "iscsi/iscsiadm_-m_node_--op_show", "networking/ip_-d_address"):
        copy.replace(name, ("192.168.1.1", "101.0.0.1"), ("192.168.2.1", "102.0.0.1"))
    bundle = copy.read()
    assert "the addresses in the bundle are obfuscated" in missing(bundle)
    assert "record_without_session" not in findings(bundle)
    assert state_of(bundle).links is None
    assert "obfuscated" in missing(copy.remove(SESSIONS).read())


def test_udev_of_each_disk(tmp_path: Path) -> None:
    copy = Copy(tmp_path)
    entries = copy.path(UDEV).read_text().split("\n\n")
    copy.remove(UDEV)
    (copy.root / "sos_commands/block").mkdir()
    for at, entry in enumerate(entries):
        (copy.root / f"sos_commands/block/udevadm_info_.dev.{at}").write_text(f"{entry}\n")
    assert disk(copy.read(), "sda").wwid == WWID


# --- hostile bundles --------------------------------------------------------------------------------------------------


def test_links_that_lead_out_of_the_bundle_are_not_followed(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "conf").write_text("defaults {\n\tno_path_retry queue\n}\n")
    (outside / "sda").mkdir()
    copy = Copy(tmp_path).remove("etc/multipath.conf", "etc/multipath", LISTING, "devicemapper")
    (copy.root / "etc/multipath.conf").symlink_to(outside / "conf")
    (copy.root / "etc/multipath").symlink_to("/etc")
    (copy.root / "sos_commands" / LISTING).symlink_to(outside / "conf")
    (copy.root / "sos_commands/block").symlink_to("/sys/block")
    bundle = copy.read()
    configuration = state_of(bundle).auditing.configuration
    assert configuration is not None
    assert not list(configuration.multipath.named("defaults"))
    unreadable = {Path(file.path).name: file.text for file in configuration.unreadable}
    assert "leads out of the bundle" in unreadable["multipath.conf"]
    assert str(outside) not in repr(bundle)


@pytest.mark.parametrize("name", ["multipath", "iscsi", "devicemapper", "networking", "logs", "date", "process"])
def test_circles_of_links_are_no_files(tmp_path: Path, name: str) -> None:
    copy = Copy(tmp_path).remove(name)
    (copy.root / "sos_commands" / name).symlink_to(f"../sos_commands/{name}")
    (copy.root / "a").symlink_to("b")
    (copy.root / "b").symlink_to("a")
    copy.read()


def test_sockets_fifos_and_directories_are_no_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    copy = Copy(tmp_path).remove(LISTING, STATUS, SESSIONS, "etc/multipath.conf")
    (copy.root / "sos_commands" / LISTING).mkdir()
    os.mkfifo(copy.root / "sos_commands" / STATUS)
    os.mkfifo(copy.root / "etc/multipath.conf")
    # The path of a socket may have 108 bytes.
    monkeypatch.chdir(copy.root / "sos_commands/iscsi")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind("iscsiadm_-m_session_-P_3")
        copy.read()


def test_files_without_permission_or_of_a_huge_size(tmp_path: Path) -> None:
    copy = Copy(tmp_path)
    with copy.path(LISTING).open("ab") as file:
        file.truncate(1 << 40)
    with copy.path("logs/journalctl_--no-pager_--boot").open("ab") as file:
        file.truncate(1 << 40)
    assert healths(state_of(copy.read())) == {"192.168.1.1:3260": "up", "192.168.2.1:3260": "up"}


@pytest.mark.parametrize("seed", range(20))
def test_a_bundle_of_noise(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311  # the same noise at each run
    copy = Copy(tmp_path, chance.choice(("healthy", "link-down")))
    for path in sorted(copy.root.rglob("*")):
        if path.is_file() and not path.is_symlink():
            raw = bytearray(path.read_bytes())
            for _ in range(chance.randrange(8)):
                at = chance.randrange(len(raw) + 1)
                raw[at : at + chance.randrange(200)] = chance.randbytes(chance.randrange(20))
            path.write_bytes(raw[: chance.choice((None, len(raw) // 2))])
    bundle = copy.read()
    state_of(bundle)
    findings(bundle)
