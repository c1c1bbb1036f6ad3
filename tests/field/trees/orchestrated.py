"""Hosts on which a driver or an orchestrator logs in, and maps come and go."""

from __future__ import annotations

from tests.field.host import Host
from tests.field.trees.registry import tree

MANUAL = {"node.startup": "manual"}
NOT_YET = "manual records are always a warning"


@tree("Kubernetes: a CSI driver logs in, two volumes are mounted for pods", not_yet=NOT_YET)
def csi_volumes(host: Host) -> None:
    for number in (1, 2):
        target, wwid = f"iqn.2000-01.com.synology:csi.pvc-{number}", f"36001405a4f0c2d1e8b94f6c9a1b2c3a{number}"
        disks = [
            host.disk(host.login(f"192.168.{net}.1:3260", target=target, record=MANUAL), wwid=wwid) for net in (1, 2)
        ]
        volume = host.map(f"mpath{'ab'[number - 1]}", *disks, wwid=wwid)
        pod = f"/var/lib/kubelet/pods/{number}/volumes/kubernetes.io~csi/pvc-{number}/mount"
        host.debian.mount(pod, volume.get("dev"), f"/dev/mapper/{volume.get('dm/name')}")


@tree("Kubernetes: one of four volumes attached, records of the others are left over", not_yet=NOT_YET)
def csi_records_left_over(host: Host) -> None:
    for net in (1, 2):
        for volume in (2, 3, 4):
            host.record(f"192.168.{net}.1:3260", target=f"iqn.2000-01.com.example:pvc-{volume}", settings=MANUAL)
    disks = [
        host.disk(host.login(f"192.168.{net}.1:3260", target="iqn.2000-01.com.example:pvc-1", record=MANUAL))
        for net in (1, 2)
    ]
    host.map("mpatha", *disks)


@tree("Kubernetes: a worker without a volume now")
def csi_without_a_volume(host: Host) -> None:
    for net in (1, 2):
        host.record(f"192.168.{net}.1:3260", target="iqn.2000-01.com.example:pvc-1", settings=MANUAL)


@tree("Longhorn: 60 volumes over one path each, blacklisted as its documentation advises", not_yet="one a session")
def longhorn(host: Host) -> None:
    for number in range(1, 61):
        session = host.login(
            f"10.42.{number}.9:3260",
            local=f"10.42.{number}.2",
            target=f"iqn.2019-10.io.longhorn:pvc-{number}",
            timeouts=(5, 5, 120),
            record=MANUAL,
        )
        host.disk(session, wwid=f"3600000000000000000e000000{number:02d}0001", vendor="IET", product="VIRTUAL-DISK")
    host.configure(
        'blacklist {\n    devnode "^sd[a-z0-9]+"\n}\n',
        no_path_retry="fail",
        blacklist='\tdevnode "^sd[a-z0-9]+"\n',
    )


@tree("Proxmox: the iSCSI storage plugin logs in, shared LVM on the map, guests on bridges", not_yet=NOT_YET)
def proxmox(host: Host) -> None:
    host.debian.install(pve_manager="8.2.2", libpve_storage_perl="8.2.1")
    disks = [host.disk(host.login(f"192.168.{net}.1:3260", record=MANUAL)) for net in (1, 2)]
    shared = host.map("shared", *disks)
    for number in (100, 101):
        host.storage.dm(f"vg_san-vm--{number}--disk--0", f"LVM-{number}", shared)


@tree("multipathd in a container of its own PID namespace")
def multipathd_in_a_container(host: Host) -> None:
    host.two_paths()
    host.multipathd.pidfile = "1\n"
