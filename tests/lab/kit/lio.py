"""An array with ALUA: LIO, the kernel's own iSCSI target, with a target port group for each portal.

LIO's portals are in the initial network namespace, and so is the initiator: all packets between them go through `lo`,
with the same address at both ends. Portal N has the address of the dummy interface `pN` (192.168.N.1, or IPv6).

Target and LUNs are made in configfs: a backstore `diskN` (a file) for each LUN, a target portal group `tpgt_N` for each
portal, and in each backstore two target port groups, `group1` and `group2`, one for each portal.

What the array says of a port group is the attribute `alua_access_state` (target_core_alua.c, the same in Linux 6.1 and
6.12): a write changes the state and leaves a unit attention for each LUN's initiators, so that each learns of it with
its next command.

* 15, transitioning, can be written like any other state since Linux 4.12, and lasts until another state is written.
* `trans_delay_msecs` (at most 30,000) makes each write hold the group in transition for so long; the write waits.
* `implicit_trans_secs` (at most 255) is what the array names as the longest time of a transition. The initiator's
  scsi_dh_alua gives up a transition after that, or 60 s, only if its TEST UNIT READY gets another answer than "in
  transition" (alua_rtpg_work()). LIO answers nothing else, so that with LIO this limit never applies.
  A command is given up after 180 s: 6 times the disk's timeout of 30 s (scsi_cmd_runtime_exceeded(), scsi_lib.c).
* 14, offline, is no state of a group; it is set for a port (`alua_tg_pt_offline`), and no report of LIO has it.

With `chap` both sides must prove who they are, at discovery and at login. LIO asks initiators that it does not know for
the name and password of the target portal group (`auth`), and at discovery for those of `discovery_auth`.

The host may only follow (`alua_access_type` 1, implicit): by default it could set a state itself, and dm would when
it begins to use a path that is in standby.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from tests.lab.kit import chap as secrets
from tests.lab.kit.array import LUN_MIB, NUMBERS, PORT, TARGET, Array, nft_chain, nft_table, portal
from tests.lab.kit.guest import Guest

OPTIMIZED = "active/optimized"
NON_OPTIMIZED = "active/non-optimized"
STANDBY = "standby"
UNAVAILABLE = "unavailable"
TRANSITIONING = "transitioning"
STATES = {OPTIMIZED: 0, NON_OPTIMIZED: 1, STANDBY: 2, UNAVAILABLE: 3, TRANSITIONING: 15}
"""State of a port group as sysfs of the initiator names it -> the number of it in SPC and in configfs."""

MODULES = "target_core_mod target_core_file iscsi_target_mod scsi_dh_alua"
"""scsi_dh_alua must be there before the disks are: nothing loads it when they are found."""

CORE = "/sys/kernel/config/target/core/fileio_0"
ISCSI = "/sys/kernel/config/target/iscsi"
FABRIC = f"{ISCSI}/{TARGET}"

ATTRIBUTES = {
    "authentication": 0,
    "demo_mode_write_protect": 0,
    "generate_node_acls": 1,
    "cache_dynamic_acls": 1,
}
"""Of a target portal group: any initiator may log in and write to all LUNs."""

IMPLICIT = 1

ANOTHER = 100
"""The disk that replaces the one of a LUN has a number that is so much higher."""


@dataclass(frozen=True)
class Lio(Array):
    """LIO with two portals and a port group for each.

    `ipv6`: the portals have IPv6 addresses. `chap`: both sides need names and passwords.
    """

    ipv6: bool = False
    chap: bool = False

    vendor = "LIO-ORG"

    def address(self, number: int) -> str:
        """Return the address of a portal."""
        return f"2001:db8:{number}::1" if self.ipv6 else f"192.168.{number}.1"

    def wwid(self, lun: int) -> str:
        """Return the WWID that multipathd gives to a LUN."""
        return wwid(lun)

    def set_up(self, guest: Guest, luns: Iterable[int]) -> None:
        """Make links, portals and LUNs in a freshly booted guest."""
        lines = [f"modprobe -a {MODULES}", "modprobe dummy numdummies=0"]
        lines.append("mountpoint -q /sys/kernel/config || mount -t configfs configfs /sys/kernel/config")
        for number in NUMBERS:
            lines += self._link(number)
            lines += self._portal_group(number)
        if self.chap:
            lines += _write(f"{ISCSI}/discovery_auth", secrets.DISCOVERY.lio_attributes())
            lines.append(f"echo 1 > {ISCSI}/discovery_auth/enforce_discovery_auth")
        for lun in luns:
            lines += self.export(lun)
        lines += map(self.start, NUMBERS)
        guest.run("\n".join(["set -e", *lines]))

    def iscsid_settings(self) -> dict[str, str]:
        """Return what the initiator needs in iscsid.conf."""
        if not self.chap:
            return {}
        session = secrets.SESSION.iscsid_settings("node.session")
        return {**session, **secrets.DISCOVERY.iscsid_settings("discovery.sendtargets")}

    def export(self, lun: int) -> list[str]:
        """Return the commands that make a LUN and export it at both portals."""
        return [*_make(lun), *_link(lun, lun)]

    def unexport(self, lun: int) -> list[str]:
        """Return the commands that end the export of a LUN and delete it."""
        ports = [f"{FABRIC}/tpgt_{number}/lun/lun_{lun}" for number in NUMBERS]
        groups = [f"{CORE}/disk{lun}/alua/group{number}" for number in NUMBERS]
        return [
            *(f"rm {port}/disk && rmdir {port}" for port in ports),
            *(f"rmdir {group}" for group in groups),
            f"rmdir {CORE}/disk{lun}; rm -f {_file(lun)}",
        ]

    def replace(self, lun: int) -> list[str]:
        """Return the commands that make another disk and export it at both portals as this LUN."""
        other = lun + ANOTHER
        return [
            *_make(other),
            *(f"rm {FABRIC}/tpgt_{number}/lun/lun_{lun}/disk" for number in NUMBERS),
            *_link(lun, other),
        ]

    def set_state(self, number: int, state: str) -> str:
        """Return the command that gives the port group of a portal a state, for all LUNs."""
        return f"for file in {_states(number)}; do echo {STATES[state]} > $file || exit 1; done"

    def stop(self, number: int) -> str:
        """Return the command that takes a portal out of use: its connections are closed, new ones refused."""
        return f"echo 0 > {FABRIC}/tpgt_{number}/enable"

    def start(self, number: int) -> str:
        """Return the command that takes a portal into use."""
        return f"echo 1 > {FABRIC}/tpgt_{number}/enable"

    def drop_rules(self, number: int) -> str:
        """Return the nft rules that drop every packet between the initiator and a portal, whoever sent it."""
        return nft_table(nft_chain("input", f"{self._to(number)} drop"))

    def reset_rules(self, number: int) -> str:
        """Return the nft rules that answer whatever comes to a portal with a TCP reset."""
        return nft_table(nft_chain("input", f"{self._to(number)} tcp dport {PORT} reject with tcp reset"))

    @property
    def hints(self) -> Mapping[str, str]:
        """What people may want to do with the array -> a command for it."""
        return {
            "port group 2 standby": f"for file in {_states(2)}; do echo 2 > $file; done      (0: active/optimized)",
            "close portal 2": f"{self.stop(2)}      (1 opens it)",
        }

    def _to(self, number: int) -> str:
        return f"{'ip6' if self.ipv6 else 'ip'} daddr {self.address(number)}"

    def _link(self, number: int) -> list[str]:
        prefix = "64 nodad" if self.ipv6 else "24"
        return [
            f"ip link add p{number} type dummy",
            f"ip addr add {self.address(number)}/{prefix} dev p{number}",
            f"ip link set p{number} up",
        ]

    def _chap(self, group: str) -> list[str]:
        return [*_write(f"{group}/auth", secrets.SESSION.lio_attributes()), f"echo 1 > {group}/attrib/authentication"]

    def _portal_group(self, number: int) -> list[str]:
        group = f"{FABRIC}/tpgt_{number}"
        return [
            f"mkdir -p {group}",
            *(f"echo {value} > {group}/attrib/{name}" for name, value in ATTRIBUTES.items()),
            *(self._chap(group) if self.chap else ()),
            f"mkdir '{group}/np/{portal(self.address(number))}'",
        ]


def _write(directory: str, attributes: Mapping[str, str]) -> list[str]:
    """Return the commands that write attributes. LIO would take a newline for a part of a name or password."""
    return [f"printf %s {value} > {directory}/{name}" for name, value in attributes.items()]


def wwid(disk: int) -> str:
    """Return the WWID of a disk: NAA 6, the company id 001405 of LIO, and 25 hexadecimal digits of the serial number.

    That is how spc_gen_naa_6h_vendor_specific() makes it (target_core_spc.c); multipath puts a 3 in front.
    """
    return f"36001405{_serial(disk)}"


def naa(disk: int) -> str:
    """Return what the initiator's sysfs has as the `wwid` of a disk."""
    return f"naa.{wwid(disk)[1:]}"


def _states(number: int) -> str:
    """Return a pattern of the files with the state of a port group, one for each disk."""
    return f"{CORE}/disk*/alua/group{number}/alua_access_state"


def _serial(disk: int) -> str:
    return f"{disk:025x}"


def _file(disk: int) -> str:
    return f"/srv/disk{disk}.img"


def _make(disk: int) -> list[str]:
    """Return the commands that make a backstore and its port groups."""
    store = f"{CORE}/disk{disk}"
    lines = [
        f"truncate -s {LUN_MIB}M {_file(disk)}",
        f"mkdir -p {store}",
        f"echo fd_dev_name={_file(disk)},fd_dev_size={LUN_MIB << 20},fd_buffered_io=1 > {store}/control",
        f"echo {_serial(disk)} > {store}/wwn/vpd_unit_serial",
        f"echo 1 > {store}/enable",
    ]
    for number in NUMBERS:
        group = f"{store}/alua/group{number}"
        lines += [
            f"mkdir {group}",
            f"echo {number} > {group}/tg_pt_gp_id",
            f"echo {IMPLICIT} > {group}/alua_access_type",
        ]
    return lines


def _link(lun: int, disk: int) -> list[str]:
    """Return the commands that export a backstore as a LUN, at each portal in its port group."""
    lines = []
    for number in NUMBERS:
        port = f"{FABRIC}/tpgt_{number}/lun/lun_{lun}"
        lines += [
            f"mkdir -p {port}",
            f"ln -s {CORE}/disk{disk} {port}/disk",
            f"echo group{number} > {port}/alua_tg_pt_gp",
        ]
    return lines
