"""The SAN inside the guest: an array, the initiator, dm-multipath, a file system.

The array is one of two: `tgt`, two processes that can be killed and cut off one by one, or `lio`, which has ALUA.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from tests.lab.kit.array import Array
from tests.lab.kit.errors import WaitTimeoutError
from tests.lab.kit.guest import MEMORY_MIB, Guest
from tests.lab.kit.ha_pair import HaPair
from tests.lab.kit.lio import Lio
from tests.lab.kit.many_maps import ManyMaps
from tests.lab.kit.tail import wait_for
from tests.lab.kit.tgt import Tgt

TGT = Tgt()
PORTALS = TGT.portals
"""Number of a link and its target -> ADDRESS:PORT. The same with both arrays, except for IPv6."""

ISCSID_CONF = "/etc/iscsi/iscsid.conf"
MULTIPATH_CONF = "/etc/multipath.conf"
MOUNT_POINT = "/mnt/lab"
RESCAN = "iscsiadm -m session --rescan"
"""Looks for new disks, and has the kernel ask those that are there for their size and identity."""

KEEP_HOOKS = """ip netns add hooks && ip netns exec hooks nft 'table inet lab {
chain input { type filter hook input priority 0; }
chain output { type filter hook output priority 0; }
}'"""
"""Keeps the hooks of the firewall in use, in a network namespace where nothing passes through them.

With its first rule for a hook the kernel changes its own code (nf_hooks_needed in net/netfilter/core.c), and with the
last one back. An emulated processor that runs this code meanwhile may end in the middle of an instruction: a guest
panicked in ip_local_deliver() when a link under load was made to drop everything.
"""

DEFAULT_POLLING_INTERVAL = 5
DEFAULT_FAST_IO_FAIL_TMO = 5


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
    for_array: Mapping[str, str] = field(default_factory=dict)
    """What multipath.conf says for the array's disks, in devices/device."""
    aliases: Mapping[int, str] = field(default_factory=lambda: {1: "mpio"})
    """LUN -> name of its map. A LUN without one is named by its WWID."""
    luns: tuple[int, ...] = (1,)
    array: Array = TGT
    multipath: bool = True
    """False: the host has no dm-multipath, no multipathd, and no SAN either."""
    many: ManyMaps | None = None
    """Many maps of scsi_debug in place of the array, the sessions and the file system."""
    memory_mib: int = MEMORY_MIB
    """Memory of the guest."""

    def multipath_conf(self) -> str:
        """Return the text of /etc/multipath.conf."""
        lines = ["defaults {", *(f"\t{key} {value}" for key, value in self.multipath_defaults.items()), "}"]
        if self.for_iscsi:
            settings = [f"\t\t{key} {value}" for key, value in self.for_iscsi.items()]
            lines += ["overrides {", "\tprotocol {", '\t\ttype "scsi:iscsi"', *settings, "\t}", "}"]
        if self.for_array:
            settings = [f"\t\t{key} {value}" for key, value in self.for_array.items()]
            named = [f'\t\tvendor "{self.array.vendor}"', '\t\tproduct ".*"']
            lines += ["devices {", "\tdevice {", *named, *settings, "\t}", "}"]
        lines.append("multipaths {")
        for lun, alias in self.aliases.items():
            lines += ["\tmultipath {", f"\t\twwid {self.wwid(lun)}", f"\t\talias {alias}", "\t}"]
        return "\n".join([*lines, "}", ""])

    def iscsid_settings(self) -> dict[str, str]:
        """Return what is set in /etc/iscsi/iscsid.conf, and so in the node records that discovery makes."""
        return {
            "node.startup": "automatic",
            "node.session.timeo.replacement_timeout": str(self.replacement_timeout),
            "node.conn[0].timeo.noop_out_interval": str(self.noop_out_interval),
            "node.conn[0].timeo.noop_out_timeout": str(self.noop_out_timeout),
            **self.array.iscsid_settings(),
        }

    @property
    def portals(self) -> dict[int, str]:
        """Number of a link -> ADDRESS:PORT of its portal."""
        return self.array.portals

    def wwid(self, lun: int) -> str:
        """Return the WWID that multipathd gives to a LUN."""
        return self.array.wwid(lun)

    def map_name(self, lun: int) -> str:
        """Return the name of the map of a LUN."""
        return self.aliases.get(lun, self.wwid(lun))

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

    def with_array(self, array: Array, **settings: str) -> San:
        """Return this SAN with another array, and these values for its disks in multipath.conf."""
        return replace(self, array=array, for_array=settings)

    def with_luns(self, aliases: Mapping[int, str]) -> San:
        """Return this SAN with these LUNs, whose maps have these names."""
        return replace(self, luns=tuple(aliases), aliases=aliases)

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
        shape = (self.luns, self.array, self.multipath, self.many, self.memory_mib)
        return f"{self.iscsid_settings()} {self.multipath_conf()} {shape}"


ARTICLE = San()
"""The configuration of the article scenario."""

QUICK = San(noop_out_interval=5, noop_out_timeout=5).with_multipath(polling_interval="3", max_polling_interval="3")
"""As the article, with shorter timeouts and steady checks: for scenarios whose story is not about them."""

QUICK_FAILOVER = QUICK.with_multipath(path_grouping_policy="failover", max_polling_interval="12")
"""As QUICK, with a standby path whose checks are as far apart as they are by default."""

LIO = QUICK.with_array(Lio(), path_checker="tur").with_luns({1: "mpio", 2: "lun2", 3: "lun3", 4: "lun4"})
"""As QUICK, on an array with ALUA: two port groups, one for each portal, both active/optimized, and four LUNs.

multipath-tools knows LIO, with path groups by priority, and queueing. For all other arrays with ALUA it chooses the
checker `tur`; for LIO alone, from 0.9.5 on, `directio`, to which a path in standby is faulty.
"""

HA_PAIR = QUICK.with_pings(5, 10).with_array(HaPair())
"""As QUICK, with the timeouts of the article, on an array of two nodes, of which one serves both portals."""

LIO_IPV6 = LIO.with_array(Lio(ipv6=True), path_checker="tur").with_luns({1: "mpio"})
"""As LIO, with IPv6 portals and one LUN."""

LIO_CHAP = LIO.with_array(Lio(chap=True), path_checker="tur").with_luns({1: "mpio"})
"""As LIO, with one LUN, and names and passwords that both sides need, at discovery, too."""

NO_MULTIPATH = San(multipath=False)
"""A host without dm-multipath."""

MANY_MAPS = San(many=ManyMaps(32))
"""A host with 32 maps of four paths each, on disks of scsi_debug."""

MORE_MAPS = San(many=ManyMaps(512, polling_interval=20), memory_mib=3072)
"""The same with 512 maps, and so 2,048 paths."""


def set_up(guest: Guest, san: San) -> None:
    """Bring up array, sessions, maps and the file system in a freshly booted guest; return when all are in."""
    if not san.multipath:
        _remove_multipath(guest)
        return
    if san.many:
        san.many.set_up(guest)
        return
    guest.run(KEEP_HOOKS)
    san.array.set_up(guest, san.luns)
    guest.write_file(MULTIPATH_CONF, san.multipath_conf())
    for key, value in san.iscsid_settings().items():
        pattern = key.replace(".", r"\.").replace("[", r"\[").replace("]", r"\]")
        guest.run(f"sed -i '/^#* *{pattern} *=/d' {ISCSID_CONF}; echo '{key} = {value}' >> {ISCSID_CONF}")
    guest.run("multipathd reconfigure; systemctl start iscsid.service")
    for portal in san.portals.values():
        guest.run(f"iscsiadm -m discovery -t sendtargets -p '{portal}'")
    guest.run("iscsiadm -m node --login")
    for lun in san.luns:
        wait_for_paths(guest, san.map_name(lun), 2)
    device = f"/dev/mapper/{san.map_name(san.luns[0])}"
    # The map is there before udev has made its name.
    settled = f"udevadm settle -t {20 + 3 * len(san.luns)}"
    guest.run(settled, timeout=60.0 + 3 * len(san.luns))
    guest.run(f"mkfs.ext4 -q {device} && mkdir -p {MOUNT_POINT} && mount {device} {MOUNT_POINT}; udevadm settle -t 20")


def set_up_after_boot(guest: Guest, san: San) -> None:
    """Bring the array up again after a reboot, with the LUNs as they were. Nobody logs in yet."""
    san.array.set_up(guest, san.luns)
    guest.run("systemctl start multipathd.service iscsid.service")


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


def set_pings(guest: Guest, portal: str, interval: int, timeout: int) -> None:
    """Change the noop timeouts in the record of a portal; a new login puts them into force."""
    update = f"iscsiadm -m node -p '{portal}' -o update -n node.conn[0].timeo.noop_out"
    guest.run(f"{update}_interval -v {interval} && {update}_timeout -v {timeout}")


def add_lun(guest: Guest, san: San, lun: int) -> None:
    """Export a new LUN, and let the initiator look for it."""
    guest.run(" && ".join([*san.array.export(lun), RESCAN]))


def remove_lun(guest: Guest, san: San, lun: int) -> None:
    """Remove a LUN the way an administrator should: flush the map, delete its disks, then unexport it."""
    guest.run(
        f"multipath -f {san.map_name(lun)} && for state in "
        f"/sys/class/iscsi_session/session*/device/target*/*:{lun}/delete; do echo 1 > $state; done"
    )
    guest.run(" && ".join(san.array.unexport(lun)))


def _remove_multipath(guest: Guest) -> None:
    guest.run(
        "systemctl disable --now --quiet multipathd.service; systemctl stop multipathd.socket; "
        "systemctl mask --quiet multipathd.service multipathd.socket; "
        "for module in dm_service_time dm_queue_length dm_round_robin dm_multipath dm_mod; do "
        "modprobe -r $module 2>/dev/null; done; ! test -e /sys/module/dm_multipath"
    )
