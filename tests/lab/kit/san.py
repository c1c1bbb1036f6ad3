"""The SAN inside the guest: two links, two targets that share a LUN, the initiator, dm-multipath, a file system.

Links: `p1` and `p2` are the initiator's interfaces (192.168.N.10); their other ends `t1` and `t2` (192.168.N.1, the
portals) are in the network namespace `san`. Target N is a tgtd of its own (unit `lab-target@N`), so that one
"controller" can die alone; both serve the same backing files, so both paths of a LUN report one WWID.

A bonded second link is built as in a data centre, with the same names at its two ends: `p2` is a VLAN on the bond `b2`
of two NICs, whose cables lead to the two ports of a switch, the bridge `s2`, that has the portal's end `t2` as a VLAN.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from tests.lab.kit.errors import WaitTimeoutError
from tests.lab.kit.guest import Guest
from tests.lab.kit.tail import wait_for

TARGET = "iqn.2009-02.com.example:storage.disk1"
PORTALS = {1: "192.168.1.1:3260", 2: "192.168.2.1:3260"}
"""Number of a link and its target -> ADDRESS:PORT."""
INTERFACES = {portal: f"p{number}" for number, portal in PORTALS.items()}
"""ADDRESS:PORT -> the initiator's interface that leads there."""

BONDED_LINK = 2
BOND_MEMBERS = ("m2a", "m2b")
BOND_PORTS = ("s2a", "s2b")
VLAN = 7

ISCSID_CONF = "/etc/iscsi/iscsid.conf"
MULTIPATH_CONF = "/etc/multipath.conf"
MOUNT_POINT = "/mnt/lab"
LUN_MIB = 128
GROWN_MIB = 192
"""Size of a LUN, and of one that has grown."""
DEFAULT_POLLING_INTERVAL = 5
DEFAULT_FAST_IO_FAIL_TMO = 5

TARGET_UNIT = f"""\
[Unit]
Description=iSCSI target %i of the lab
[Service]
Type=notify
NetworkNamespacePath=/run/netns/san
ExecStartPre=/bin/mkdir -p /run/tgtd
ExecStart=/usr/sbin/tgtd -f -C %i --iscsi portal=192.168.%i.1:3260
ExecStartPost=/usr/sbin/tgtadm -C %i --lld iscsi --op new --mode target --tid 1 -T {TARGET}
ExecStartPost=/bin/sh -c 'for lun in /srv/lun*.img; do \
n=$${{lun#/srv/lun}}; tgtadm -C %i --lld iscsi --op new --mode logicalunit --tid 1 --lun $${{n%%.img}} -b $$lun; done'
ExecStartPost=/usr/sbin/tgtadm -C %i --lld iscsi --op bind --mode target --tid 1 -I ALL
"""


def wwid(lun: int) -> str:
    """Return the WWID that tgt gives to a LUN of target 1."""
    return f"360000000000000000e0000000001{lun:04x}"


@dataclass(frozen=True)
class San:
    """What a scenario wants set up. The defaults are those of the article scenario; times are in seconds."""

    noop_out_interval: int = 5
    noop_out_timeout: int = 10
    replacement_timeout: int = 15
    multipath_defaults: Mapping[str, str] = field(
        default_factory=lambda: {
            "polling_interval": "10",
            "path_grouping_policy": "multibus",
            "failback": "immediate",
            "no_path_retry": "fail",
            "user_friendly_names": "no",
            "find_multipaths": "yes",
        }
    )
    for_iscsi: Mapping[str, str] = field(default_factory=dict)
    """What multipath.conf says for iSCSI alone, in overrides/protocol."""
    aliases: Mapping[int, str] = field(default_factory=lambda: {1: "mpio"})
    """LUN -> name of its map. A LUN without one is named by its WWID."""
    luns: tuple[int, ...] = (1,)
    bonded: bool = False
    """The second link is a VLAN on a bond of two NICs."""
    multipath: bool = True
    """False: the host has no dm-multipath, no multipathd, and no SAN either."""

    def multipath_conf(self) -> str:
        """Return the text of /etc/multipath.conf."""
        lines = ["defaults {", *(f"\t{key} {value}" for key, value in self.multipath_defaults.items()), "}"]
        if self.for_iscsi:
            settings = [f"\t\t{key} {value}" for key, value in self.for_iscsi.items()]
            lines += ["overrides {", "\tprotocol {", '\t\ttype "scsi:iscsi"', *settings, "\t}", "}"]
        lines.append("multipaths {")
        for lun, alias in self.aliases.items():
            lines += ["\tmultipath {", f"\t\twwid {wwid(lun)}", f"\t\talias {alias}", "\t}"]
        return "\n".join([*lines, "}", ""])

    def iscsid_settings(self) -> dict[str, str]:
        """Return what is set in /etc/iscsi/iscsid.conf, and so in the node records that discovery makes."""
        return {
            "node.startup": "automatic",
            "node.session.timeo.replacement_timeout": str(self.replacement_timeout),
            "node.conn[0].timeo.noop_out_interval": str(self.noop_out_interval),
            "node.conn[0].timeo.noop_out_timeout": str(self.noop_out_timeout),
        }

    def map_name(self, lun: int) -> str:
        """Return the name of the map of a LUN."""
        return self.aliases.get(lun, wwid(lun))

    def with_multipath(self, **defaults: str) -> San:
        """Return this SAN with other values in the `defaults` section of multipath.conf."""
        merged = {**self.multipath_defaults, **defaults}
        return replace(self, multipath_defaults=merged)

    def with_pings(self, interval: int, timeout: int) -> San:
        """Return this SAN with other noop timeouts."""
        return replace(self, noop_out_interval=interval, noop_out_timeout=timeout)

    def with_iscsi(self, **settings: str) -> San:
        """Return this SAN with other values for iSCSI in multipath.conf."""
        return replace(self, for_iscsi={**self.for_iscsi, **settings})

    def with_bond(self) -> San:
        """Return this SAN with a second link that is a VLAN on a bond."""
        return replace(self, bonded=True)

    def cables(self, number: int) -> tuple[str, ...]:
        """Return the interfaces in the namespace `san` into which the cables of a link are plugged."""
        return BOND_PORTS if self.bonded and number == BONDED_LINK else (f"t{number}",)

    @property
    def fast_io_fail_tmo(self) -> int:
        """What multipathd makes the sessions' recovery_tmo."""
        return int(self.for_iscsi.get("fast_io_fail_tmo", DEFAULT_FAST_IO_FAIL_TMO))

    def recheck_interval(self, suite: str) -> int:
        """Return how many seconds apart multipathd's checks of a failed path can be, on a Debian suite.

        Debian 13's 0.11.1 leaves them as far apart as those of a path that is up, when it was I/O that failed the path.
        """
        polling = int(self.multipath_defaults.get("polling_interval", DEFAULT_POLLING_INTERVAL))
        most = int(self.multipath_defaults.get("max_polling_interval", 4 * polling))
        return max(polling, most) if suite == "trixie" else min(polling, most)

    def key(self) -> str:
        """Return a text that is the same for equal SANs, and only for those."""
        return f"{self.iscsid_settings()} {self.multipath_conf()} {self.luns} {self.bonded} {self.multipath}"


ARTICLE = San()
"""The configuration of the article scenario."""

QUICK = San(noop_out_interval=5, noop_out_timeout=5).with_multipath(polling_interval="3", max_polling_interval="3")
"""As the article, with shorter timeouts and steady checks: for scenarios whose story is not about them."""

QUICK_FAILOVER = QUICK.with_multipath(path_grouping_policy="failover", max_polling_interval="12")
"""As QUICK, with a standby path whose checks are as far apart as they are by default."""

NO_MULTIPATH = San(multipath=False)
"""A host without dm-multipath."""


def set_up(guest: Guest, san: San) -> None:
    """Bring up links, targets, sessions, maps and the file system in a freshly booted guest; return when all are in."""
    if not san.multipath:
        _remove_multipath(guest)
        return
    _make_links(guest, san)
    guest.write_file("/run/systemd/system/lab-target@.service", TARGET_UNIT)
    for lun in san.luns:
        guest.run(f"truncate -s {LUN_MIB}M /srv/lun{lun}.img")
    guest.run("systemctl daemon-reload; systemctl start lab-target@1 lab-target@2")
    guest.write_file(MULTIPATH_CONF, san.multipath_conf())
    for key, value in san.iscsid_settings().items():
        pattern = key.replace(".", r"\.").replace("[", r"\[").replace("]", r"\]")
        guest.run(f"sed -i '/^#* *{pattern} *=/d' {ISCSID_CONF}; echo '{key} = {value}' >> {ISCSID_CONF}")
    guest.run("multipathd reconfigure; systemctl start iscsid.service")
    for portal in PORTALS.values():
        guest.run(f"iscsiadm -m discovery -t sendtargets -p {portal}")
    guest.run("iscsiadm -m node --login")
    for lun in san.luns:
        wait_for_paths(guest, san.map_name(lun), 2)
    device = f"/dev/mapper/{san.map_name(san.luns[0])}"
    # The map is there before udev has made its name.
    guest.run("udevadm settle -t 20")
    guest.run(f"mkfs.ext4 -q {device} && mkdir -p {MOUNT_POINT} && mount {device} {MOUNT_POINT}; udevadm settle -t 20")


def wait_for_paths(guest: Guest, name: str, count: int, timeout: float = 60.0) -> None:
    """Wait until a map exists with `count` active paths (0: until it is gone)."""
    script = f"dmsetup status --noflush --target multipath {name} 2>/dev/null | grep -oE '[0-9]+:[0-9]+ A' | wc -l"
    deadline = time.monotonic() + timeout
    while int(guest.run(script)) != count:
        if time.monotonic() > deadline:
            raise WaitTimeoutError(f"no map {name} with {count} active paths after {timeout:g} s")
        time.sleep(0.2)


def reconfigure(guest: Guest, san: San) -> None:
    """Have multipathd use the multipath.conf of `san`, and wait until it does."""
    guest.write_file(MULTIPATH_CONF, san.multipath_conf())
    guest.run("multipathd reconfigure")
    expected = str(san.fast_io_fail_tmo)
    live = "cat /sys/class/iscsi_session/session*/recovery_tmo"
    wait_for(lambda: set(guest.run(live).split()) == {expected} or None, f"recovery_tmo {expected}", 20.0)
    polling = san.multipath_defaults.get("polling_interval", str(DEFAULT_POLLING_INTERVAL))
    shown = "multipathd show config local | grep -w polling_interval"
    wait_for(lambda: guest.run(shown, check=False).split()[-1:] == [polling] or None, f"polling_interval {polling}", 20)


def set_pings(guest: Guest, number: int, interval: int, timeout: int) -> None:
    """Change the noop timeouts in the record of a portal; a new login puts them into force."""
    update = f"iscsiadm -m node -p {PORTALS[number]} -o update -n node.conn[0].timeo.noop_out"
    guest.run(f"{update}_interval -v {interval} && {update}_timeout -v {timeout}")


def add_lun(guest: Guest, lun: int) -> None:
    """Give both targets a new LUN, and let the initiator look for it."""
    guest.run(f"truncate -s {LUN_MIB}M /srv/lun{lun}.img")
    for number in PORTALS:
        options = f"-C {number} --lld iscsi --op new --mode logicalunit --tid 1 --lun {lun} -b /srv/lun{lun}.img"
        guest.run(f"tgtadm {options}")
    guest.run("iscsiadm -m session --rescan")


def remove_lun(guest: Guest, name: str, lun: int) -> None:
    """Remove a LUN the way an administrator should: flush the map, delete its disks, then unexport it."""
    guest.run(
        f"multipath -f {name} && for state in /sys/class/iscsi_session/session*/device/target*/*:{lun}/delete; do "
        "echo 1 > $state; done"
    )
    for number in PORTALS:
        guest.run(f"tgtadm -C {number} --lld iscsi --op delete --mode logicalunit --tid 1 --lun {lun}")
    guest.run(f"rm -f /srv/lun{lun}.img")


def _make_links(guest: Guest, san: San) -> None:
    lines = ["set -e", "ip netns add san", "ip -n san link set lo up"]
    for number in PORTALS:
        if san.bonded and number == BONDED_LINK:
            lines += _bonded_link()
        else:
            lines.append(f"ip link add p{number} type veth peer name t{number} netns san")
        lines += [
            f"ip addr add 192.168.{number}.10/24 dev p{number}",
            f"ip link set p{number} up",
            f"ip -n san addr add 192.168.{number}.1/24 dev t{number}",
            f"ip -n san link set t{number} up",
        ]
    guest.run("\n".join(lines))


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


def _remove_multipath(guest: Guest) -> None:
    guest.run(
        "systemctl disable --now --quiet multipathd.service; systemctl stop multipathd.socket; "
        "systemctl mask --quiet multipathd.service multipathd.socket; "
        "for module in dm_service_time dm_queue_length dm_round_robin dm_multipath dm_mod; do "
        "modprobe -r $module 2>/dev/null; done; ! test -e /sys/module/dm_multipath"
    )
