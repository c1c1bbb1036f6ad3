"""What is on the maps: LVM, RAID, encryption, partitions, file systems."""

from __future__ import annotations

from tests.field.host import Host
from tests.field.trees.registry import tree

SECOND = "36001405b5f1d3e2f9ca5f7dab2c3d4e5"


@tree("LVM on two maps, two volumes mounted with _netdev")
def lvm(host: Host) -> None:
    data, logs = host.two_paths("data"), host.two_paths("logs", wwid=SECOND, lun=2)
    for name, below in (("vg0-data", (data,)), ("vg0-striped", (data, logs))):
        volume = host.storage.dm(name, f"LVM-{name:x<64}", *below, fs=f"{len(name)}aa0")
        mapped = f"/dev/mapper/{name}"
        host.debian.mount(f"/srv/{name}", volume.get("dev"), mapped, spec=mapped, options="defaults,_netdev")
    host.debian.install(lvm2="2.03.16-2")
    host.tree.write("etc/lvm/lvm.conf", "devices {\n\tmultipath_component_detection = 1\n}\n")


@tree("LVM on the maps, a thin pool and many inactive volumes (oVirt, Proxmox)")
def thin_pool(host: Host) -> None:
    data = host.two_paths("data")
    parts = [host.storage.dm(f"vg0-pool_{part}", f"LVM-{part:x<32}", data) for part in ("tmeta", "tdata")]
    pool = host.storage.dm("vg0-pool-tpool", "LVM-pool-tpool", *parts)
    for number in range(20):
        host.storage.dm(f"vg0-vm--{number}--disk--0", f"LVM-vm{number}", pool)


@tree("a RAID 1 over two maps of two arrays")
def raid_over_maps(host: Host) -> None:
    host.debian.modules("raid1", "md_mod")
    raid = host.storage.md(host.two_paths("left"), host.two_paths("right", wwid=SECOND, lun=2))
    dev_t = (raid.directory / "dev").read_text("ascii").strip()
    host.debian.mount("/srv", dev_t, "/dev/md0", spec="/dev/md0", options="_netdev")


@tree("an encrypted map")
def crypt_on_a_map(host: Host) -> None:
    host.debian.modules("dm_crypt")
    data = host.two_paths("data")
    crypt = host.storage.dm("secret", "CRYPT-LUKS2-0123456789abcdef-secret", data, fs="bb11")
    host.debian.mount("/srv", crypt.get("dev"), "/dev/mapper/secret", spec="UUID=bb11", options="_netdev")
    host.tree.write("etc/crypttab", "secret /dev/mapper/data none luks,_netdev\n")


@tree("LVM on an encrypted RAID over maps")
def everything(host: Host) -> None:
    raid = host.storage.md(host.two_paths("left"), host.two_paths("right", wwid=SECOND, lun=2))
    crypt = host.storage.dm("md0_crypt", "CRYPT-LUKS2-0123456789abcdef-md0_crypt", raid)
    volume = host.storage.dm("vg0-data", "LVM-data", crypt, fs="bb22")
    host.debian.mount("/srv", volume.get("dev"), "/dev/mapper/vg0-data", spec="UUID=bb22", options="_netdev,nofail")


@tree("partitions of a map (kpartx); the kernel's own partitions of the paths are still there, and unused")
def partitions(host: Host) -> None:
    data = host.two_paths("data")
    wwid = data.get("dm/uuid").removeprefix("mpath-")
    one = host.storage.dm("data-part1", f"part1-mpath-{wwid}", data, fs="cc33")
    host.storage.dm("vg0-home", "LVM-home", host.storage.dm("data-part2", f"part2-mpath-{wwid}", data))
    for disk in host.san.disks:
        host.storage.partition(disk, 1, fs="cc33")
        host.storage.partition(disk, 2)
    host.debian.mount("/srv", one.get("dev"), "/dev/mapper/data-part1", spec="UUID=cc33", options="_netdev")


@tree("a file system on the whole map, mounted by a unit after remote-fs-pre.target")
def mount_unit(host: Host) -> None:
    data = host.two_paths("data")
    host.debian.mount("/srv", data.get("dev"), "/dev/mapper/data")
    host.tree.write(
        "etc/systemd/system/srv.mount",
        "[Unit]\nAfter=remote-fs-pre.target\n\n[Mount]\nWhat=/dev/mapper/data\nWhere=/srv\nOptions=_netdev\n\n"
        "[Install]\nWantedBy=remote-fs.target\n",
    )
    host.tree.link("etc/systemd/system/remote-fs.target.wants/srv.mount", "/etc/systemd/system/srv.mount")


@tree("a local system disk with LVM and swap, and a SAN beside it")
def local_lvm_beside_a_san(host: Host) -> None:
    disk = host.storage.local_disk(wwid="3500a0751e1a2b3c4")
    host.storage.partition(disk, 1, fs="dd44")
    host.debian.mount("/home", "8:1", "/dev/sda1", spec="UUID=dd44")
    part = host.storage.partition(disk, 2)
    swap = host.storage.dm("sys-swap", "LVM-swap", part)
    host.debian.swap(f"/dev/{swap.sysfs_name}", spec="/dev/mapper/sys-swap")
    host.two_paths()


@tree(
    "a map that queues for ever below a cluster file system",
    warns={"queues_for_ever": "the administrator must know that such a host cannot shut down while the SAN is away"},
)
def cluster_file_system(host: Host) -> None:
    data = host.two_paths("data")
    host.configure("defaults {\n    no_path_retry queue\n}\n", no_path_retry="queue")
    host.debian.mount(
        "/shared", data.get("dev"), "/dev/mapper/data", spec="/dev/mapper/data", fs="gfs2", options="_netdev,noatime"
    )
