"""Many maps at once: each a LUN of scsi_debug with a path through each of its hosts, which stand for portals.

The disks are the kernel's own, and so are the maps and their uevents; there is no session. The product names such a
path by its SCSI address, H:C:T:L.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path

from tests.lab.kit.guest import Guest

MULTIPATH_CONF = "/etc/multipath.conf"

MASKED_RULES = (
    *("13-dm-disk", "55-scsi-sg3_id", "56-lvm", "58-scsi-sg3_symlink", "60-block", "60-cdrom_id", "60-multipath"),
    *("60-persistent-storage", "60-persistent-storage-dm", "60-scheduler", "61-scsi-sg3_id", "63-md-raid-arrays"),
    *("63-scsi-sg3_symlink", "64-btrfs", "64-btrfs-dm", "66-kpartx", "68-del-part-nodes", "69-lvm", "90-iocost"),
    "99-systemd",
)
"""udev rules that run programs for each disk, or have systemd make a unit of it: minutes for 2,048 disks."""

RULES = """\
SUBSYSTEM=="block", KERNEL=="sd*[!0-9]", ENV{DEVTYPE}=="disk", ENV{ID_SERIAL}="$attr{device/wwid}", \
ENV{ID_WWN}="$attr{device/wwid}", ENV{DM_MULTIPATH_DEVICE_PATH}="1"
"""
"""What multipathd needs of them instead: without ID_WWN it ignores every disk, and reports nothing."""

DISKS = "/sys/class/scsi_disk/*/device/block/*"
STATUS = "dmsetup status --noflush --target multipath"

FAIL_SCRIPT = Path(__file__).parent.parent / "guest/fail_paths.py"
PATHS_FILE = "/run/lab/fail-paths.txt"

FLOODED = "/sys/block/vda/uevent"
"""The guest's root disk: multipathd leaves its uevents alone, the product receives them."""

MOST_LUNS = 256
"""LUNs of a target of scsi_debug."""

PATIENCE = 900.0
"""Seconds for the guest to have all disks and all maps. 2,048 paths have taken about three minutes."""

_DISK = re.compile(
    r"^/sys/class/scsi_disk/(?P<hctl>[\d:]+)/device/block/(?P<name>\w+)/dev:(?P<dev_t>\d+:\d+)$", re.MULTILINE
)
_PATH = re.compile(r"\b(\d+:\d+) ([AF])\b")


@dataclass(frozen=True)
class Disk:
    """A SCSI disk: its address H:C:T:L and its name sdX."""

    hctl: str
    name: str

    @property
    def host(self) -> int:
        """The number of its SCSI host."""
        return int(self.hctl.partition(":")[0])


@dataclass(frozen=True)
class Burst:
    """When the first of many paths was about to be changed, and when the last one had been (CLOCK_MONOTONIC)."""

    began: float
    ended: float


@dataclass(frozen=True)
class ManyMaps:
    """So many maps, each with a path through each of `hosts`. multipathd checks a path every `polling_interval` s."""

    maps: int
    hosts: int = 4
    polling_interval: int = 5

    @property
    def paths(self) -> int:
        """How many paths there are."""
        return self.maps * self.hosts

    def set_up(self, guest: Guest) -> None:
        """Make disks and maps in a freshly booted guest; return when all are in.

        multipathd starts when all disks are there: it then makes each map once, with all its paths.
        """
        guest.run("systemctl stop multipathd.socket multipathd.service")
        guest.run(
            "mkdir -p /etc/udev/rules.d; for rule in "
            + " ".join(MASKED_RULES)
            + "; do ln -sf /dev/null /etc/udev/rules.d/$rule.rules; done"
        )
        guest.write_file("/etc/udev/rules.d/59-lab.rules", RULES)
        guest.write_file(MULTIPATH_CONF, self.multipath_conf())
        guest.run("udevadm control --reload; modprobe -a dm_multipath dm_service_time scsi_dh_alua")
        guest.run(self.plug_in, timeout=PATIENCE)
        _until(guest, f"ls -d {DISKS} | wc -l", self.paths)
        guest.run(f"udevadm settle -t {PATIENCE:g}", timeout=PATIENCE)
        # systemd waits 90 s for a service to start, by default.
        guest.run("mkdir -p /run/systemd/system/multipathd.service.d")
        guest.write_file(
            "/run/systemd/system/multipathd.service.d/lab.conf", f"[Service]\nTimeoutStartSec={PATIENCE:g}\n"
        )
        guest.run("systemctl daemon-reload; systemctl start multipathd.service", timeout=PATIENCE)
        _until(guest, f"{STATUS} | grep -oE '[0-9]+:[0-9]+ A' | wc -l", self.paths)
        guest.run(f"udevadm settle -t {PATIENCE:g}", timeout=PATIENCE)

    @property
    def plug_in(self) -> str:
        """The command that makes the disks.

        With `vpd_use_hostno=0` all hosts have the same LUNs. A target can be given at most 256 afterwards
        (max_luns_store() in scsi_debug.c), so more maps take more targets. `max_queue` limits how many requests the
        kernel allocates for each disk, which would take most of the memory. The port group of a host has the state of
        the host's number modulo 3, and 2 is standby (resp_report_tgtpgs()): such a host loses its first LUNs, and gets
        no others. The kernel may leave out a number.
        """
        targets = -(-self.maps // MOST_LUNS)
        luns = self.maps // targets
        parameters = f"num_tgts={targets} max_luns=1 vpd_use_hostno=0 dev_size_mb=8 delay=0 max_queue=16"
        return f"""\
modprobe scsi_debug add_host=0 {parameters} && cd /sys/bus/pseudo/drivers/scsi_debug
found=0
until [ $found -eq {self.hosts} ]; do
    echo 1 > max_luns
    echo 1 > add_host
    number=$(ls /sys/class/scsi_host | sed s/host// | sort -n | tail -n 1)
    until [ $(ls -d /sys/class/scsi_disk/$number:* 2> /dev/null | wc -l) -eq {targets} ]; do sleep 0.2; done
    if [ $((number % 3)) -eq 2 ]; then
        for disk in /sys/class/scsi_device/$number:*; do echo 1 > $disk/device/delete; done
        continue
    fi
    echo {luns} > max_luns
    echo - - - > /sys/class/scsi_host/host$number/scan
    until [ $(ls -d /sys/class/scsi_disk/$number:* | wc -l) -eq {self.maps} ]; do sleep 1; done
    found=$((found + 1))
done"""

    def multipath_conf(self) -> str:
        """Return the text of /etc/multipath.conf. Checks run one after the other: a thread for each is slow here."""
        return f"""\
defaults {{
	find_multipaths greedy
	user_friendly_names no
	skip_kpartx yes
	detect_prio no
	detect_checker no
	path_checker tur
	force_sync yes
	path_grouping_policy multibus
	no_path_retry fail
	polling_interval {self.polling_interval}
	max_polling_interval {self.polling_interval}
}}
blacklist {{
	devnode "^vd"
}}
"""


def disks(guest: Guest) -> dict[str, Disk]:
    """Return the SCSI disks by their device numbers, MAJOR:MINOR."""
    return parse_disks(guest.run(f"grep . /dev/null {DISKS}/dev"))


def parse_disks(text: str) -> dict[str, Disk]:
    """Return the disks that grep shows as FILE:MAJOR:MINOR."""
    return {match["dev_t"]: Disk(match["hctl"], match["name"]) for match in _DISK.finditer(text)}


def status(guest: Guest) -> dict[str, dict[str, str]]:
    """Return what dm has of each map: "A" or "F" for each path, by its device number."""
    return parse_status(guest.run(STATUS))


def parse_status(text: str) -> dict[str, dict[str, str]]:
    """Return what `dmsetup status --target multipath` prints, as `status` does."""
    lines = (line.partition(": ") for line in text.splitlines() if " multipath " in line)
    return {name: dict(_PATH.findall(rest)) for name, _, rest in lines}


def fail(guest: Guest, paths: Iterable[tuple[str, str]]) -> Burst:
    """Have dm fail paths, (map, device number) each, as fast as it goes. multipathd reinstates them as it checks them.

    dm reports them as if I/O had failed; to multipathd they are in order.
    """
    guest.write_file(PATHS_FILE, "".join(f"{name} {dev_t}\n" for name, dev_t in paths))
    guest.write_file("/run/lab/fail_paths.py", FAIL_SCRIPT.read_text(encoding="utf-8"))
    return Burst(**json.loads(guest.run(f"python3 /run/lab/fail_paths.py {PATHS_FILE}", timeout=180)))


def set_states(guest: Guest, disks: Iterable[Disk], state: str) -> Burst:
    """Write `offline` or `running` to the state of disks. A disk that is set running is scanned again by the kernel."""
    files = " ".join(f"/sys/class/scsi_device/{disk.hctl}/device/state" for disk in disks)
    now = "cut -d' ' -f1 /proc/uptime"
    script = f"{now}; for file in {files}; do echo {state} > $file; done; {now}"
    began, ended = guest.run(script, timeout=300).split()
    return Burst(float(began), float(ended))


def overflow(process: int, flood: int, failed: Collection[str], reinstated: Collection[str]) -> str:
    """Return a script that lets uevents overflow the buffer of a process while it is stopped.

    First come `flood` synthetic uevents. Then multipathd fails and reinstates disks (sdX), and the process receives no
    uevent of that: from an overflow on the kernel drops all until the buffer has been emptied. Before the process goes
    on, the script prints what `netlink_drops` reads.
    """
    commands = [f"fail path {each}" for each in failed] + [f"reinstate path {each}" for each in reinstated]
    return "\n".join(
        [
            f"trap 'kill -CONT {process}' EXIT",
            f"kill -STOP {process}",
            f"count={flood}; while [ $count -gt 0 ]; do echo change > {FLOODED}; count=$((count - 1)); done",
            *(f"multipathd {each} >&2" for each in commands),
            "sleep 0.5",
            f"ls -l /proc/{process}/fd; cat /proc/net/netlink",
        ]
    )


def netlink_drops(text: str) -> int:
    """Return how many uevents the kernel has dropped for a process.

    `text` has the lines of `ls -l /proc/PID/fd`, and then those of /proc/net/netlink. Its columns are sk, Eth (the
    protocol), Pid, Groups, Rmem, Wmem, Dump, Locks, Drops, Inode (netlink_native_seq_show() in af_netlink.c).
    """
    inodes = set(re.findall(r"socket:\[(\d+)\]", text))
    rows = [line.split() for line in text.splitlines()]
    uevents = [row for row in rows if len(row) == 10 and row[1] == "15" and row[9] in inodes]
    return sum(int(row[8]) for row in uevents)


def _until(guest: Guest, count: str, wanted: int) -> None:
    """Wait in the guest until a command prints this number."""
    script = f"until [ $({count}) -eq {wanted} ]; do sleep 1; done"
    guest.run(f"timeout {PATIENCE:g} sh -c {shlex.quote(script)}", timeout=PATIENCE + 10)
