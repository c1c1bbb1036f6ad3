"""Takes from a support bundle what the product reads, small enough to be kept as golden data."""

from __future__ import annotations

import shutil
import tarfile
from pathlib import Path

COMMANDS = (
    *("multipath/multipath_-ll", "multipath/multipathd_show_config"),
    *("iscsi/iscsiadm_-m_session_-P_3", "iscsi/iscsiadm_-m_node_--op_show"),
    *("devicemapper/dmsetup_info_-c", "devicemapper/dmsetup_table", "devicemapper/dmsetup_status"),
    *("networking/ip_-d_address", "process/ps_auxwwwm", "date/date", "date/date_--utc", "dpkg/dpkg_-l"),
    *("devices/udevadm_info_--export-db", "logs/journalctl_--no-pager_--boot"),
    # Of sos 4.0, in Debian 12.
    "logs/journalctl_--no-pager_--catalog_--boot",
)
FILES = ("etc/multipath.conf", "etc/multipath", "etc/iscsi", "var/lib/iscsi/nodes", "installed-debs", "version.txt")
DISKS = ("sda", "sdb", "dm-0")
PACKAGES = ("multipath-tools", "open-iscsi", "udev")
LOGGERS = ("kernel: ", "iscsid[", "multipathd[")
MOST_LOG_LINES = 60


def take(archive: Path, target: Path) -> None:
    """Unpack both bundles in `archive` into `target`, without what the product does not read."""
    work = target.with_name(f"{target.name}.whole")
    with tarfile.open(archive) as tar:
        tar.extractall(work, filter="fully_trusted")  # noqa: S202  # our own guest has made it
    (state,) = work.iterdir()
    (sos,) = (state / "sos").iterdir()
    _take_sos(sos, target / "sosreport")
    for path in sorted((state / "supportconfig").iterdir()):
        _write(target / "supportconfig" / path.name, _shortened(path.read_text("utf-8", "surrogateescape"), path.name))
    shutil.rmtree(work)


def _take_sos(sos: Path, target: Path) -> None:
    for command in COMMANDS:
        path = sos / "sos_commands" / command
        if path.exists():
            _write(target / "sos_commands" / command, _shortened(path.read_text("utf-8", "surrogateescape"), path.name))
    for name in FILES:
        if not (sos / name).exists():
            continue
        if (sos / name).is_dir():
            shutil.copytree(sos / name, target / name, symlinks=True)
        else:
            target.joinpath(name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(sos / name, target / name, follow_symlinks=False)
    for disk in DISKS:
        _take_disk(sos, target, disk)


def _take_disk(sos: Path, target: Path, disk: str) -> None:
    """The links of a disk in /sys, as they are, with the two attributes that the plugin block copies."""
    block = Path("sys/block")
    link = (sos / block / disk).readlink()
    (target / block).mkdir(parents=True, exist_ok=True)
    (target / block / disk).symlink_to(link)
    directory = target / block / link
    directory.mkdir(parents=True)
    device = sos / block / disk / "device"
    if device.is_symlink():
        (directory / "device").symlink_to(device.readlink())
        for name in ("state", "timeout"):
            shutil.copy2(device / name, directory / "device" / name)


def _shortened(text: str, name: str) -> str:
    """Without the packages, the devices and the lines of the log that have nothing to do with the SAN."""
    if name == "dpkg_-l":
        lines = text.split("\n")
        return "\n".join(line for line in lines if not line.startswith("ii") or line.split()[1] in PACKAGES)
    if name == "udevadm_info_--export-db":
        return _devices(text)
    if name == "mpio.txt":
        head, headline, rest = text.partition("# /usr/bin/udevadm info -e\n")
        devices, following, tail = rest.partition("#==[ ")
        return f"{head}{headline}{_devices(devices)}{following}{tail}"
    if name == "messages.txt" or name.startswith("journalctl"):
        lines = [line for line in text.split("\n") if any(word in line for word in (*LOGGERS, "#==[", "# /"))]
        begun = [line for line in lines[:MOST_LOG_LINES] if "#" in line[:2] or "Linux version" in line]
        return "\n".join([*begun, *lines[-MOST_LOG_LINES:], ""])
    return text


def _devices(text: str) -> str:
    wanted = tuple(f"/block/{disk}" for disk in DISKS)
    blocks = (block for block in text.split("\n\n") if block.split("\n", 1)[0].endswith(wanted))
    return "\n\n".join([*blocks, ""])


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8", "surrogateescape")
