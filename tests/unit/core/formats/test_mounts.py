"""What systemd mounts at boot as if it were local."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mpathd_watch.core.formats.mounts import MAX_LINES, Entry, encoded, fstab, mount_unit, unit_name

FILE = "/etc/fstab"
UNIT = "/etc/systemd/system/srv.mount"


def entry(options: str = "defaults", target: str = "/srv", kind: str = "ext4", source: str = "/dev/mapper/a") -> Entry:
    (found,) = fstab(f"{source} {target} {kind} {options} 0 2\n", FILE)
    return found


def test_entries_have_their_line_and_comments_and_short_lines_are_none() -> None:
    text = "# <fs>\n\nUUID=1 /srv ext4 noatime,nofail 0 2\n/dev/sda1 /\n  /dev/sdb1\t/a/ xfs\n #x /y z w\n"
    assert list(fstab(text, FILE)) == [
        Entry("/etc/fstab:3", "UUID=1", "/srv", "ext4", ("noatime", "nofail")),
        Entry("/etc/fstab:5", "/dev/sdb1", "/a", "xfs", ("",)),
    ]
    assert len(list(fstab("a /b c\n" * 9999, FILE))) == MAX_LINES


def test_blanks_and_backslashes_are_escaped() -> None:
    (found,) = fstab(r"LABEL=a\040b /srv/x\134040y\011z ext4 defaults", FILE)
    assert (found.source, found.target) == ("LABEL=a b", "/srv/x\\040y\tz")
    assert found.device == r"disk/by-label/a\x20b"


@pytest.mark.parametrize(
    ("source", "device"),
    [
        ("/dev/mapper/mpatha-part1", "mapper/mpatha-part1"),
        ("UUID=0f6d-2b9e", "disk/by-uuid/0f6d-2b9e"),
        ('UUID="0f6d"', "disk/by-uuid/0f6d"),
        ("LABEL=data/1", r"disk/by-label/data\x2f1"),
        ("PARTLABEL=é", "disk/by-partlabel/é"),
        ("PARTUUID=1", "disk/by-partuuid/1"),
        ("ID=wwn-0x5", "disk/by-id/wwn-0x5"),
        ("server:/export", ""),
        ("tmpfs", ""),
        ("X=1", ""),
        ("/var/image", ""),
    ],
)
def test_the_device_of_an_entry(source: str, device: str) -> None:
    assert entry(source=source).device == device


@pytest.mark.parametrize(
    "options",
    ["defaults", "noatime", "nofail", "x-systemd.automount", "x-systemd.requires=multipathd.service", "x_netdev"],
)
def test_an_ordinary_entry_is_local(options: str) -> None:
    assert entry(options).local
    assert entry(options).nofail == (options == "nofail")


@pytest.mark.parametrize(
    "options",
    [
        "_netdev",
        "defaults,_netdev,nofail",
        "noauto",
        "noauto,x-systemd.automount",
        "x-initrd.mount",
        "nofail,x-systemd.requires=open-iscsi.service",
        "x-systemd.after=network-online.target",
        "x-systemd.wants=remote-fs-pre.target",
    ],
)
def test_an_entry_that_is_mounted_late_or_not_at_boot_is_not_local(options: str) -> None:
    assert not entry(options).local


def test_what_the_initramfs_mounts_swap_and_file_systems_of_the_network_are_not_local() -> None:
    assert not entry(target="/").local
    assert not entry(target="/usr/").local
    assert not entry(target="none", kind="swap").local
    assert not entry(target="/x", kind="swap").local
    for kind in ("nfs4", "ocfs2", "gfs2", "fuse.sshfs"):
        assert not entry(kind=kind).local
    assert entry(kind="fuse.xfs").local


def test_a_mount_unit() -> None:
    text = "[Unit]\nDescription=x\nAfter=local-fs-pre.target\n[Mount]\n# Where=/no\nWhat=/dev/vg/lv\nWhere=/srv/\n"
    found = mount_unit(f"{text}Type=xfs\nOptions=noatime,nofail\n[Install]\nWantedBy=multi-user.target\n", UNIT)
    assert found == Entry(UNIT, "/dev/vg/lv", "/srv", "xfs", ("noatime", "nofail"))
    assert found.local
    assert mount_unit(text, UNIT) == Entry(UNIT, "/dev/vg/lv", "/srv", "", ("",))


@pytest.mark.parametrize("line", ["DefaultDependencies=no", "After=iscsi.service", "BindsTo=network.target"])
def test_a_mount_unit_with_an_order_of_its_own_is_not_local(line: str) -> None:
    found = mount_unit(f"[Unit]\n{line}\n[Mount]\nWhat=/dev/a\nWhere=/srv\n", UNIT)
    assert found is not None
    assert not found.local


@pytest.mark.parametrize(
    "text", ["", "[Mount]\nWhat=/dev/a\n", "[Mount]\nWhere=/a\n", "What=/dev/a\nWhere=/a\n", "x\n"]
)
def test_a_mount_unit_that_names_no_device_or_directory(text: str) -> None:
    assert mount_unit(text, UNIT) is None


@pytest.mark.parametrize(
    ("target", "name"),
    [
        ("/", "-.mount"),
        ("/srv", "srv.mount"),
        ("/srv//data/", "srv-data.mount"),
        ("/a-b/c d", r"a\x2db-c\x20d.mount"),
        ("/.x/.y", r"\x2ex-.y.mount"),
        ("/é", r"\xc3\xa9.mount"),
    ],
)
def test_the_unit_of_a_directory(target: str, name: str) -> None:
    assert unit_name(target) == name


def test_a_label_as_udev_spells_it() -> None:
    assert encoded("a b/c\\d-é:1") == r"a\x20b\x2fc\x5cd-é:1"


@given(st.text(max_size=300))
def test_no_text_makes_it_fail(text: str) -> None:
    for found in fstab(text, FILE):
        assert isinstance(found.local, bool)
        assert isinstance(found.device, str)
        unit_name(found.target)
    mount_unit(text, UNIT)
