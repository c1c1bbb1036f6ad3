"""Fibre Channel, SAS, DASD and NVMe."""

from __future__ import annotations

from tests.fakes.sysfs import FakeDisk
from tests.field.host import Host
from tests.field.host.tree import attributes, relative_link
from tests.field.trees.registry import tree

EMC = "360000970000197900123533030304431"
NETAPP = "3600a098038303053453f463045727a32"


def fc_disk(
    host: Host,
    adapter: int,
    port: int,
    lun: int,
    *,
    wwid: str,
    vendor: str,
    product: str,
    access: str = "active/optimized",
) -> FakeDisk:
    """A LUN behind the remote port ``rport-ADAPTER:0-PORT``, with the port's and the adapter's attributes."""
    pci = host.san.root / f"devices/pci0000:00/0000:00:{5 + adapter:02x}.0/host{adapter}"
    rport, target = f"rport-{adapter}:0-{port}", f"target{adapter}:0:{port}"
    remote = pci / rport / "fc_remote_ports" / rport
    if not remote.exists():
        attributes(
            remote,
            port_state="Online",
            port_name=f"0x50000973b0{adapter:02x}{port:02x}00",
            node_name="0x50000973b0000000",
            roles="FCP Target",
            dev_loss_tmo=60,
            fast_io_fail_tmo=5,
            scsi_target_id=port,
        )
        relative_link(host.san.root / "class/fc_remote_ports" / rport, remote)
    fc_host = pci / f"fc_host/host{adapter}"
    if not fc_host.exists():
        attributes(
            fc_host, port_state="Online", port_name=f"0x2100001b32{adapter:02x}0000", speed="16 Gbit", port_type="NPort"
        )
        relative_link(host.san.root / f"class/fc_host/host{adapter}", fc_host)
    place = (pci / rport / target / f"{adapter}:0:{port}:{lun}").relative_to(host.san.root / "devices")
    return host.disk(place=str(place), wwid=wwid, vendor=vendor, product=product, access=access)


@tree("Fibre Channel: two adapters, two ports of the array each", iscsi=False)
def fibre_channel(host: Host) -> None:
    host.debian.modules("qla2xxx", "scsi_transport_fc")
    for lun in (1, 2):
        wwid = f"{EMC[:-1]}{lun}"
        disks = [
            fc_disk(host, adapter, port, lun, wwid=wwid, vendor="EMC", product="SYMMETRIX")
            for adapter in (1, 2)
            for port in (0, 1)
        ]
        host.map(f"mpath{'ab'[lun - 1]}", *disks, wwid=wwid, hwhandler="0")


@tree("Fibre Channel beside a local disk: boot from SAN, root and swap on partitions of a map", iscsi=False)
def boot_from_san(host: Host) -> None:
    host.debian.modules("lpfc", "scsi_transport_fc")
    host.debian.install(multipath_tools_boot="0.9.4-3+deb12u2")
    disks = [
        fc_disk(host, a, 0, 0, wwid=NETAPP, vendor="NETAPP", product="LUN C-Mode", access=word)
        for a, word in ((1, "active/optimized"), (2, "active/non-optimized"))
    ]
    root = host.map("root", *disks, wwid=NETAPP, groups=[disks[:1], disks[1:]])
    one = host.storage.dm("root-part1", f"part1-mpath-{NETAPP}", root, fs="11d7")
    two = host.storage.dm("root-part2", f"part2-mpath-{NETAPP}", root)
    host.debian.root_on(one.get("dev"), "/dev/mapper/root-part1", "UUID=11d7")
    host.debian.swap(f"/dev/{two.sysfs_name}", spec="/dev/mapper/root-part2")


@tree("zfcp on IBM Z, the system on a DASD that is in no map", iscsi=False)
def zfcp(host: Host) -> None:
    host.debian.modules("zfcp", "dasd_eckd_mod")
    host.storage.dasd("0.0.0200", "dasda", uid="IBM.750000000DX231.6300.0c")
    disks = [
        host.disk(
            place=f"css0/0.0.000{n}/0.0.190{n}/host{n}/rport-{n}:0-3/target{n}:0:3/{n}:0:3:1",
            vendor="IBM",
            product="2107900",
            wwid="36005076303ffd32700000000000044ed",
        )
        for n in (0, 1)
    ]
    host.map("mpatha", *disks, wwid="36005076303ffd32700000000000044ed")


@tree("SAS: two adapters to a shelf with two expanders", iscsi=False)
def sas(host: Host) -> None:
    host.debian.modules("mpt3sas")
    for slot in range(4):
        wwid = f"35000c500a1b2c3{slot:02x}"
        disks = [
            host.disk(
                place=f"pci0000:00/0000:00:0{n}.0/host{n}/port-{n}:0/expander-{n}:0/port-{n}:0:{slot}"
                f"/end_device-{n}:0:{slot}/target{n}:0:{slot}/{n}:0:{slot}:0",
                vendor="SEAGATE",
                product="ST12000NM0027",
                wwid=wwid,
                access="",
            )
            for n in (1, 2)
        ]
        host.map(f"mpath{'abcd'[slot]}", *disks, wwid=wwid, hwhandler="0")


@tree("DASD below dm-multipath", iscsi=False)
def dasd(host: Host) -> None:
    host.debian.modules("dasd_eckd_mod")
    uid = "IBM.750000000DX231.6300.1a"
    pair = [host.storage.dasd(f"0.0.0{n}10", f"dasd{'bc'[n - 3]}", uid=uid) for n in (3, 4)]
    host.map("mpatha", *pair, wwid=uid, vendor="IBM", product="S/390 DASD ECKD", hwhandler="0")


@tree("NVMe below dm-multipath (nvme_core.multipath=N)", iscsi=False)
def nvme_below_dm(host: Host) -> None:
    host.debian.modules("nvme_core", "nvme_tcp", "nvme_fabrics")
    wwid = "eui.00e6d65b65a8f34024a9374e00011745"
    pair = [
        host.storage.nvme(f"virtual/nvme-fabrics/ctl/nvme{n}", wwid=wwid, model="Pure Storage FlashArray")
        for n in (0, 1)
    ]
    host.tree.write("sys/module/nvme_core/parameters/multipath", "N\n")
    host.map("mpatha", *pair, wwid=wwid, vendor="NVME", product="Pure Storage FlashArray", hwhandler="0")


@tree("native NVMe multipath: the kernel joins the paths, multipathd has no map", iscsi=False)
def native_nvme(host: Host) -> None:
    host.debian.modules("nvme_core", "nvme_tcp", "nvme_fabrics")
    host.tree.write("sys/module/nvme_core/parameters/multipath", "Y\n")
    for number in (0, 1):
        device = host.san.root / f"devices/virtual/nvme-fabrics/ctl/nvme{number}"
        attributes(device, state="live", transport="tcp", address="traddr=192.168.1.1,trsvcid=4420")
        attributes(device / f"nvme0c{number}n1", ana_state="optimized", size=2097152)
    host.storage.nvme("virtual/nvme-subsystem/nvme-subsys0", wwid="eui.00e6d65b65a8f34024a9374e00011745")
