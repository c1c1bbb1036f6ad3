"""iSCSI hosts: their networks, their arrays, their versions."""

from __future__ import annotations

import ipaddress

from tests.fakes.sysfs import TARGET
from tests.field.host import Host
from tests.field.host.multipathd import GHOST
from tests.field.host.network import Nic
from tests.field.host.tree import attributes
from tests.field.trees.registry import tree

SECOND = "36001405b5f1d3e2f9ca5f7dab2c3d4e5"


def nic(name: str, *addresses: str, **facts: object) -> Nic:
    return Nic(name, tuple(ipaddress.ip_interface(each) for each in addresses), **facts)  # type: ignore[arg-type]


@tree("two portals through two NICs, two LUNs")
def two_portals(host: Host) -> None:
    host.two_paths("data")
    host.two_paths("logs", wwid=SECOND, lun=2)


@tree("two bound ifaces to each of two portals in one subnet")
def bound_ifaces(host: Host) -> None:
    disks = []
    for number in (1, 2):
        for portal in ("192.0.2.21:3260", "192.0.2.22:3260"):
            session = host.login(portal, iface=f"san{number}", local=f"192.0.2.10{number}", bound=f"eth{number}")
            disks.append(host.disk(session))
    host.map("data", *disks)
    _two_nics_in_one_subnet(host)


@tree("one group portal, each login redirected to another port (EqualLogic)", not_yet="current portals are not read")
def redirected(host: Host) -> None:
    disks = []
    for number in (1, 2):
        session = host.login(
            "192.0.2.10:3260", iface=f"eql.eth{number}", local=f"192.0.2.10{number}", bound=f"eth{number}"
        )
        session.connection.set("address", f"192.0.2.2{number}")
        disks.append(host.disk(session, lun=0, vendor="EQLOGIC", product="100E-00"))
    host.map("data", *disks)
    _two_nics_in_one_subnet(host)


@tree("both portals through one bond of two NICs")
def bond(host: Host) -> None:
    host.network.add(nic("eth1"))
    host.network.add(nic("eth2"))
    host.network.add(nic("bond0", "192.168.1.2/24", "192.168.2.2/24", kind="bond", below=("eth1", "eth2"), speed=20000))
    host.two_paths()


@tree("two VLANs on a bond")
def vlans_on_a_bond(host: Host) -> None:
    host.network.add(nic("eth1", mtu=9000))
    host.network.add(nic("eth2", mtu=9000))
    host.network.add(nic("bond0", kind="bond", below=("eth1", "eth2"), mtu=9000, speed=20000))
    host.network.add(nic("bond0.7", "192.168.1.2/24", kind="vlan", below=("bond0",), mtu=9000, speed=20000))
    host.network.add(nic("bond0.8", "192.168.2.2/24", kind="vlan", below=("bond0",), mtu=9000, speed=20000))
    host.two_paths()


@tree("a VLAN on each of two NICs, jumbo frames only on the NICs and their VLANs")
def vlans_on_two_nics(host: Host) -> None:
    for number in (1, 2):
        host.network.add(nic(f"eth{number}", mtu=9000))
        below = (f"eth{number}",)
        host.network.add(nic(f"eth{number}.7", f"192.168.{number}.2/24", kind="vlan", below=below, mtu=9000))
    host.network.add(nic("eth0", "198.51.100.5/24", speed=1000))
    host.two_paths()


@tree("a bridge with guests on each of two NICs")
def bridges(host: Host) -> None:
    for number in (1, 2):
        host.network.add(nic(f"eth{number}"))
        host.network.add(nic(f"tap{number}00i0", kind="tun", speed=10))
        host.network.add(
            nic(f"vmbr{number}", f"192.168.{number}.2/24", kind="bridge", below=(f"eth{number}", f"tap{number}00i0"))
        )
    host.two_paths()


@tree("IPv6 portals, written in short and in full")
def ipv6(host: Host) -> None:
    disks = [
        host.disk(host.login("[fd00:1::1]:3260", local="fd00:1::2")),
        host.disk(host.login("[fd00:2:0:0:0:0:0:1]:3260", local="fd00:2::2")),
    ]
    host.map("data", *disks)


@tree("iSER: no address of this host's end")
def iser(host: Host) -> None:
    host.debian.modules("ib_iser", "rdma_cm")
    host.two_paths()
    for session in host.san.sessions:
        session.connection.remove("local_port")
        session.iscsi_host.remove("ipaddress")
        session.iscsi_host.remove("netdev")


@tree("an offload HBA: no software initiator, iscsid not needed, no node records", not_yet="iscsid is always asked for")
def offload(host: Host) -> None:
    host.debian.modules("qla4xxx")
    host.two_paths()
    for number, session in enumerate(host.san.sessions):
        host.forget_record(f"192.168.{number + 1}.1:3260")
        session.connection.remove("local_port")
        session.set("ifacename", f"qla4xxx.00:0e:1e:00:00:0{number}.ipv4.0")
        session.set("creator", "0")
        session.iscsi_host.set("netdev", "(null)")
        attributes(session.iscsi_host.directory, port_state="LINK UP", port_speed="10 Gbps")
        attributes(session.place.parent / f"scsi_host/host{session.host}", proc_name="qla4xxx", can_queue=128)
    (host.root / "run/iscsid.pid").unlink()
    (host.root / "proc/446/comm").unlink()


@tree("two targets with one portal group each (3PAR Peer Persistence), the second one is ghost")
def ghosts(host: Host) -> None:
    disks = [
        host.disk(
            host.login(f"192.168.{number}.{array}:3260", target=f"iqn.2000-05.com.3pardata:2121000{array}"),
            vendor="3PARdata",
            product="VV",
            access="active/optimized" if array == 1 else "standby",
        )
        for array in (1, 2)
        for number in (1, 2)
    ]
    host.map("data", *disks, groups=[disks[:2], disks[2:]])
    host.multipathd.words = {disk.name: GHOST for disk in disks[2:]}


@tree("one target port group optimized, the other not (NetApp), two priority groups")
def asymmetric(host: Host) -> None:
    disks = [
        host.disk(
            host.login(f"192.168.{number}.{lif}:3260", target="iqn.1992-08.com.netapp:sn.1:vs.3"),
            wwid="3600a098038303053453f463045727a31",
            vendor="NETAPP",
            product="LUN C-Mode",
            access="active/optimized" if lif == 11 else "active/non-optimized",
        )
        for lif in (11, 12)
        for number in (1, 2)
    ]
    host.map("data", *disks, wwid="3600a098038303053453f463045727a31", groups=[disks[:2], disks[2:]])


@tree("a map with one path that config.toml declares enough")
def one_path_is_enough(host: Host) -> None:
    host.two_paths("data")
    session = host.login("192.168.9.1:3260", target="iqn.2004-04.com.qnap:ts-453d:backup")
    host.map("backup", host.disk(session, wwid=SECOND, vendor="QNAP", product="iSCSI Storage"), wwid=SECOND)
    host.watch_with('single_path_ok = ["backup"]\n')


@tree("a hundred maps of one array, 200 paths")
def many_maps(host: Host) -> None:
    for number in range(100):
        host.two_paths(f"lun{number:03}", wwid=f"36001405a4f0c2d1e8b94f6c9a1b2{number:04x}", lun=number)


@tree("Debian 13: multipath-tools 0.11.1, records in /var/lib/iscsi", version="0.11.1-2")
def debian_13(host: Host) -> None:
    host.nodes = "var/lib/iscsi/nodes"
    host.debian.disable("multipathd.socket")
    host.debian.install(open_iscsi="2.1.11-1", systemd="257.8-1~deb13u2")
    host.two_paths()


@tree("Debian sid: multipath-tools 0.15.1", version="0.15.1-1")
def debian_sid(host: Host) -> None:
    host.nodes = "var/lib/iscsi/nodes"
    host.debian.disable("multipathd.socket")
    host.debian.install(open_iscsi="2.1.12-1", systemd="259-1")
    host.two_paths()


@tree("started by the initramfs from the firmware's table: root on a map, records that the boot starts (onboot)")
def iscsi_boot(host: Host) -> None:
    host.debian.install(multipath_tools_boot="0.9.4-3+deb12u2")
    for number in (1, 2):
        session = host.login(f"192.168.{number}.1:3260", record={"node.startup": "onboot"})
        host.disk(session)
    root = host.map("root", *host.san.disks)
    part = host.storage.dm("root-part1", f"part1-mpath-{root.get('dm/uuid')[6:]}", root, fs="5c0d")
    host.debian.root_on(part.get("dev"), "/dev/mapper/root-part1", "UUID=5c0d")


@tree("a LUN that is exported twice: two targets on one array, each LUN through both portals")
def two_targets(host: Host) -> None:
    for number, target in enumerate((TARGET, f"{TARGET}-2"), 1):
        wwid = f"36001405a4f0c2d1e8b94f6c9a1b2c30{number}"
        disks = [host.disk(host.login(f"192.168.{net}.1:3260", target=target), wwid=wwid, lun=0) for net in (1, 2)]
        host.map(f"vol{number}", *disks, wwid=wwid)


def _two_nics_in_one_subnet(host: Host) -> None:
    """What such a host needs (open-iscsi's README, section on ifaces; ip-sysctl.rst)."""
    host.network.set_sysctl("net/ipv4/conf/all/arp_ignore", 1)
    host.network.set_sysctl("net/ipv4/conf/all/arp_announce", 2)
