"""Hosts without a SAN: what multipath must leave alone."""

from __future__ import annotations

from tests.field.host import Host
from tests.field.trees.registry import tree


@tree("local disks, no multipath-tools, no iSCSI", version="", iscsi=False)
def local_disks_only(host: Host) -> None:
    disk = host.storage.local_disk(wwid="3500a0751e1a2b3c4")
    host.storage.partition(disk, 1, fs="77aa")
    host.storage.partition(disk, 2)
    host.debian.mount("/home", "8:1", "/dev/sda1", spec="UUID=77aa")
    host.debian.swap("/dev/sda2", spec="UUID=88bb")


@tree("local disks that multipath.conf blacklists", iscsi=False)
def blacklisted_local_disks(host: Host) -> None:
    host.storage.local_disk(wwid="3500a0751e1a2b3c4")
    host.storage.local_disk(wwid="3500a0751e1a2b3c5")
    host.configure(
        'defaults {\n    no_path_retry 12\n}\nblacklist {\n    devnode "^sd[ab]$"\n}\n',
        blacklist='\tdevnode "^sd[ab]$"\n',
    )


@tree("a SAN beside local disks that are blacklisted by WWID")
def local_disks_beside_a_san(host: Host) -> None:
    host.storage.local_disk(wwid="3500a0751e1a2b3c4")
    host.two_paths()
    host.configure(
        'defaults {\n    no_path_retry 12\n}\nblacklist {\n    wwid "3500a0751e1a2b3c4"\n}\n',
        blacklist='\twwid "3500a0751e1a2b3c4"\n',
    )


@tree("a cloud guest on virtio, no multipath-tools, no iSCSI", version="", iscsi=False)
def cloud_guest(host: Host) -> None:
    host.storage.virtio_disk("vdb")


@tree("a cloud guest that ships with multipath-tools, its disk has no WWID", iscsi=False)
def guest_with_multipath(host: Host) -> None:
    host.storage.local_disk(vendor="VMware", product="Virtual disk")
    host.configure("defaults {\n    user_friendly_names yes\n}\n", no_path_retry="fail", user_friendly_names="yes")
    host.multipathd.orphans = ["|[orphan]|sda|8:0|undef|undef|(null)|normal|0"]


@tree("a guest with open-iscsi installed and never used, iscsid not started", iscsi=True)
def unused_open_iscsi(host: Host) -> None:
    (host.root / "run/iscsid.pid").unlink()
    (host.root / "proc/446/comm").unlink()


@tree("a local RAID with LVM and an encrypted volume", version="", iscsi=False)
def local_raid(host: Host) -> None:
    host.debian.modules("raid1", "dm_crypt", "md_mod")
    halves = [host.storage.partition(host.storage.local_disk(wwid=f"3500a0751e1a2b3c{n}"), 1) for n in (4, 5)]
    raid = host.storage.md(*halves)
    crypt = host.storage.dm("md0_crypt", "CRYPT-LUKS2-0123456789abcdef-md0_crypt", raid)
    data = host.storage.dm("vg0-data", "LVM-abcdefabcdefabcdefabcdefabcdefab", crypt, fs="99cc")
    host.debian.mount("/srv", data.get("dev"), "/dev/mapper/vg0-data", spec="/dev/mapper/vg0-data")


@tree(
    "iSCSI without multipath-tools: one session, its disk is used directly",
    version="",
    not_yet="a session without a map is a warning even where no map can be",
)
def iscsi_without_multipath(host: Host) -> None:
    session = host.login("192.168.1.1:3260", timeouts=(5, 5, 120))
    disk = host.disk(session)
    host.storage.partition(disk, 1, fs="abcd")
    host.debian.mount("/backup", "8:1", "/dev/sda1", spec="UUID=abcd", options="_netdev")
