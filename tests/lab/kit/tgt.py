"""An array of two tgtd processes, one for each portal, without ALUA.

Links: `p1` and `p2` are the initiator's interfaces (192.168.N.10); their other ends `t1` and `t2` (192.168.N.1, the
portals) are in the network namespace `san`. Target N is a tgtd of its own (unit `lab-target@N`), so that one
"controller" can die alone; both serve the same backing files, so both paths of a LUN report one WWID.

A bonded second link is built as in a data centre, with the same names at its two ends: `p2` is a VLAN on the bond `b2`
of two NICs, whose cables lead to the two ports of a switch, the bridge `s2`, that has the portal's end `t2` as a VLAN.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from tests.lab.kit.array import LUN_MIB, NUMBERS, PORT, TARGET, Array, nft_chain, nft_table
from tests.lab.kit.guest import Guest

BONDED_LINK = 2
BOND_MEMBERS = ("m2a", "m2b")
BOND_PORTS = ("s2a", "s2b")
VLAN = 7


def serving(unit: str, *, namespace: str, portal: str) -> str:
    """Return a template unit whose instance N is a tgtd in a network namespace, with all LUNs that there are."""
    return f"""\
[Unit]
Description={unit} %i, an iSCSI target of the lab
[Service]
Type=notify
NetworkNamespacePath=/run/netns/{namespace}
ExecStartPre=/bin/mkdir -p /run/tgtd
ExecStart=/usr/sbin/tgtd -f -C %i --iscsi portal={portal}
ExecStartPost=/usr/sbin/tgtadm -C %i --lld iscsi --op new --mode target --tid 1 -T {TARGET}
ExecStartPost=/bin/sh -c 'for lun in /srv/lun*.img; do \
n=$${{lun#/srv/lun}}; tgtadm -C %i --lld iscsi --op new --mode logicalunit --tid 1 --lun $${{n%%.img}} -b $$lun; done'
ExecStartPost=/usr/sbin/tgtadm -C %i --lld iscsi --op bind --mode target --tid 1 -I ALL
"""


UNIT = serving("lab-target", namespace="san", portal=f"192.168.%i.1:{PORT}")


@dataclass(frozen=True)
class Tgt(Array):
    """Two tgtd processes behind two veth links. `bonded`: the second link is a VLAN on a bond of two NICs."""

    bonded: bool = False

    vendor = "IET"
    portals_prefix = "ip netns exec san "

    def address(self, number: int) -> str:
        """Return the address of a portal."""
        return f"192.168.{number}.1"

    def wwid(self, lun: int) -> str:
        """Return the WWID that multipathd gives to a LUN: tgt makes it of the numbers of the target and the LUN."""
        return f"360000000000000000e0000000001{lun:04x}"

    def cables(self, number: int) -> tuple[str, ...]:
        """Return the interfaces in the namespace `san` into which the cables of a link are plugged."""
        return BOND_PORTS if self.bonded and number == BONDED_LINK else (f"t{number}",)

    def set_up(self, guest: Guest, luns: Iterable[int]) -> None:
        """Make links, portals and LUNs in a freshly booted guest."""
        guest.run("\n".join(self._links()))
        guest.write_file("/run/systemd/system/lab-target@.service", UNIT)
        for lun in luns:
            guest.run(backing_file(lun))
        guest.run("systemctl daemon-reload; systemctl start lab-target@1 lab-target@2")

    def export(self, lun: int) -> list[str]:
        """Return the commands that make a LUN and export it at both portals."""
        unit = f"--lld iscsi --op new --mode logicalunit --tid 1 --lun {lun} -b {_file(lun)}"
        return [backing_file(lun), *(f"tgtadm -C {number} {unit}" for number in NUMBERS)]

    def unexport(self, lun: int) -> list[str]:
        """Return the commands that end the export of a LUN and delete it."""
        unit = f"--lld iscsi --op delete --mode logicalunit --tid 1 --lun {lun}"
        return [*(f"tgtadm -C {number} {unit}" for number in NUMBERS), f"rm -f {_file(lun)}"]

    def stop(self, number: int) -> str:
        """Return the command that kills a tgtd: its connections are reset, new ones refused."""
        return f"systemctl kill --signal=KILL lab-target@{number}.service"

    def start(self, number: int) -> str:
        """Return the command that starts a tgtd that was killed."""
        unit = f"lab-target@{number}.service"
        return f"systemctl reset-failed {unit}; systemctl start {unit}"

    def grow(self, lun: int, mib: int, numbers: Iterable[int]) -> list[str]:
        """Return the commands that give a LUN another size at these portals."""
        unit = f"--lld iscsi --mode logicalunit --tid 1 --lun {lun}"
        return [
            f"truncate -s {mib}M {_file(lun)}",
            *(f"tgtadm -C {at} --op delete {unit} && tgtadm -C {at} --op new {unit} -b {_file(lun)}" for at in numbers),
        ]

    def set_online(self, number: int, lun: int, online: int) -> str:
        """Return the command that has one target answer commands to a LUN, or (0) answer that it is not ready."""
        update = f"tgtadm -C {number} --lld iscsi --op update --mode logicalunit --tid 1 --lun {lun}"
        return f"{update} --params online={online}"

    def drop_rules(self, number: int) -> str:
        """Return the nft rules that drop every packet at the target's end of a link."""
        return nft_table(*(_drop(number, hook) for hook in ("input", "output")))

    def drop_one_way_rules(self, number: int, hook: str) -> str:
        """Return the nft rules that drop what comes to the target (`input`), or what it sends (`output`)."""
        return nft_table(_drop(number, hook))

    def reset_rules(self, number: int) -> str:
        """Return the nft rules that answer whatever comes to a portal with a TCP reset."""
        return nft_table(nft_chain("input", f'iifname "t{number}" tcp dport {PORT} reject with tcp reset'))

    @property
    def hints(self) -> Mapping[str, str]:
        """What people may want to do with the array -> a command for it."""
        return {
            "cut the second link": "ip -n san link set t2 down      (`up` plugs it in again; t1 is the first link)",
            "kill a target": "systemctl kill -s KILL lab-target@2      (`systemctl start` starts it again)",
        }

    def _links(self) -> list[str]:
        lines = ["set -e", "ip netns add san", "ip -n san link set lo up"]
        for number in NUMBERS:
            if self.bonded and number == BONDED_LINK:
                lines += _bonded_link()
            else:
                lines.append(f"ip link add p{number} type veth peer name t{number} netns san")
            lines += [
                f"ip addr add 192.168.{number}.10/24 dev p{number}",
                f"ip link set p{number} up",
                f"ip -n san addr add {self.address(number)}/24 dev t{number}",
                f"ip -n san link set t{number} up",
            ]
        return lines


def _drop(number: int, hook: str) -> str:
    interface = "iifname" if hook == "input" else "oifname"
    return nft_chain(hook, f'{interface} "t{number}" drop')


def _file(lun: int) -> str:
    return f"/srv/lun{lun}.img"


def backing_file(lun: int) -> str:
    """Return the command that makes the file behind a LUN."""
    return f"truncate -s {LUN_MIB}M {_file(lun)}"


def _bonded_link() -> list[str]:
    lines = [
        "modprobe bonding max_bonds=0",
        "ip link add b2 type bond mode active-backup miimon 100",
        "ip -n san link add s2 type bridge",
    ]
    for member, port in zip(BOND_MEMBERS, BOND_PORTS, strict=True):
        lines += [
            f"ip link add {member} type veth peer name {port} netns san",
            f"ip link set {member} master b2",
            f"ip -n san link set {port} master s2 up",
        ]
    return [
        *lines,
        "ip link set b2 up",
        f"ip link add link b2 name p2 type vlan id {VLAN}",
        "ip -n san link set s2 up",
        f"ip -n san link add link s2 name t2 type vlan id {VLAN}",
    ]
