"""The files of a sound Debian host: packages, units, mounts, modules, iscsid."""

from __future__ import annotations

import gzip

from tests.field.host.cpio import archive
from tests.field.host.tree import Tree

KERNEL = "6.1.0-53-amd64"
UNITS = "usr/lib/systemd/system"
ROOT_FS = "0f6d2b9e-6f4e-4b3c-9d52-1f0a7c3e5b21"

_MOUNTS = (
    (21, 26, "0:20", "/", "/sys", "rw,nosuid,nodev,noexec,relatime", "sysfs", "sysfs", "rw"),
    (22, 26, "0:21", "/", "/proc", "rw,nosuid,nodev,noexec,relatime", "proc", "proc", "rw"),
    (23, 26, "0:5", "/", "/dev", "rw,nosuid,relatime", "devtmpfs", "udev", "rw,mode=755,inode64"),
    (24, 26, "0:23", "/", "/run", "rw,nosuid,nodev,noexec,relatime", "tmpfs", "tmpfs", "rw,mode=755"),
)
_WANTED = (
    ("sysinit.target.wants", "multipathd.service"),
    ("sockets.target.wants", "multipathd.socket"),
    ("sockets.target.wants", "iscsid.socket"),
    ("sysinit.target.wants", "open-iscsi.service"),
)
"""The links that Debian 12's packages make (their postinst). iscsid.service is there, started by its socket."""
_ALIASES = (("multipath-tools.service", "multipathd.service"), ("iscsi.service", "open-iscsi.service"))
_ISCSID_CONF = """iscsid.startup = /usr/sbin/iscsid
node.startup = manual
node.leading_login = No
node.session.timeo.replacement_timeout = 5
node.conn[0].timeo.login_timeout = 15
node.conn[0].timeo.logout_timeout = 15
node.conn[0].timeo.noop_out_interval = 5
node.conn[0].timeo.noop_out_timeout = 10
node.session.err_timeo.abort_timeout = 15
node.session.err_timeo.lu_reset_timeout = 30
node.session.initial_login_retry_max = 8
node.session.cmds_max = 128
node.session.queue_depth = 32
node.session.nr_sessions = 1
node.session.scan = auto
"""


class Debian:
    """The files below ``tree`` that are not configured by the cases."""

    def __init__(self, tree: Tree) -> None:
        self.tree = tree
        self.packages = {"base-files": "12.4+deb12u12", "linux-image-amd64": "6.1.158-1", "systemd": "252.39-1~deb12u1"}
        self._mounts = 30

    def lay_out(self) -> None:
        """Write what every host has."""
        self.tree.write("etc/os-release", 'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nID=debian\nVERSION_ID="12"\n')
        self.tree.write("etc/debian_version", "12.12\n")
        self.tree.write("proc/sys/kernel/osrelease", f"{KERNEL}\n")
        self.tree.write("proc/cmdline", f"BOOT_IMAGE=/boot/vmlinuz-{KERNEL} root=UUID={ROOT_FS} ro quiet\n")
        self.tree.write("proc/swaps", "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n")
        self.tree.write("proc/1/comm", "systemd\n")
        self.tree.write("etc/fstab", "# <file system> <mount point> <type> <options> <dump> <pass>\n")
        self.tree.write("proc/modules", "")
        self.modules("ext4", "dm_mod")
        self.tree.write("proc/self/mountinfo", "".join(_mountinfo(*line) for line in _MOUNTS))
        self.mount("/", "252:1", "/dev/vda1", spec=f"UUID={ROOT_FS}", options="errors=remount-ro")
        self.tree.write(f"boot/initrd.img-{KERNEL}", "")
        self.tree.write(f"boot/vmlinuz-{KERNEL}", "")
        self._write_packages()

    def install(self, **packages: str) -> None:
        """Install packages in these versions; ``_`` stands for ``-``."""
        self.packages |= {name.replace("_", "-"): version for name, version in packages.items()}
        self._write_packages()

    def install_multipath(self, version: str) -> None:
        """multipath-tools, enabled as Debian does."""
        self.install(multipath_tools=version, kpartx=version)
        self.modules("dm_multipath", "scsi_dh_alua")
        self.tree.write("etc/multipath/bindings", "# Multipath bindings, Version : 1.0\n")
        self.tree.write("etc/multipath/wwids", "# Multipath wwids, Version : 1.0\n# Valid WWIDs:\n")
        for target, unit in _WANTED[:2]:
            self.enable(target, unit)
        self._alias(*_ALIASES[0])

    def install_iscsi(self, version: str = "2.1.8-1") -> None:
        """open-iscsi, enabled as Debian does, and a running iscsid."""
        self.install(open_iscsi=version, libopeniscsiusr=version)
        self.modules("iscsi_tcp", "libiscsi_tcp", "libiscsi", "scsi_transport_iscsi")
        self.tree.write("etc/iscsi/iscsid.conf", _ISCSID_CONF)
        self.tree.write("etc/iscsi/initiatorname.iscsi", "InitiatorName=iqn.1993-08.org.debian:01:host\n")
        for target, unit in _WANTED[2:]:
            self.enable(target, unit)
        self.tree.write(f"{UNITS}/iscsid.service", "[Unit]\nDescription=iSCSI initiator daemon\n")
        self._alias(*_ALIASES[1])
        self.tree.write("run/iscsid.pid", "446\n")
        self.tree.write("proc/446/comm", "iscsid\n")

    def enable(self, target: str, unit: str) -> None:
        """Have ``target`` want ``unit``."""
        self.tree.write(f"{UNITS}/{unit}", f"[Unit]\nDescription={unit}\n\n[Install]\nWantedBy={target[:-6]}\n")
        self.tree.link(f"etc/systemd/system/{target}/{unit}", f"/lib/systemd/system/{unit}")
        self.tree.link("lib", "usr/lib")

    def disable(self, unit: str) -> None:
        """Undo ``enable``."""
        for directory in (self.tree.root / "etc/systemd/system").glob("*.wants"):
            (directory / unit).unlink(missing_ok=True)  # its target may not exist, so glob() does not find the link

    def modules(self, *names: str) -> None:
        """Load kernel modules."""
        self.tree.append("proc/modules", "".join(f"{name} 45056 1 - Live 0x0000000000000000\n" for name in names))
        for name in names:
            (self.tree.root / "sys/module" / name).mkdir(parents=True, exist_ok=True)

    def mount(
        self, where: str, dev_t: str, source: str, *, spec: str = "", fs: str = "ext4", options: str = "defaults"
    ) -> None:
        """Mount a file system; with ``spec`` it is in fstab, too."""
        self._mounts += 1
        line = _mountinfo(self._mounts, 26, dev_t, "/", where, "rw,relatime", fs, source, "rw")
        self.tree.append("proc/self/mountinfo", line)
        self.tree.append("proc/mounts", f"{source} {where} {fs} rw,relatime 0 0\n")
        if spec:
            self.tree.append("etc/fstab", f"{spec} {where} {fs} {options} 0 {1 if where == '/' else 2}\n")
        for process in ("1", "thread-self"):
            self.tree.write(f"proc/{process}/mountinfo", (self.tree.root / "proc/self/mountinfo").read_text("utf-8"))

    def swap(self, source: str, *, spec: str) -> None:
        """Use a device as swap space."""
        self.tree.append("proc/swaps", f"{source:40}partition\t999420\t\t0\t\t-2\n")
        self.tree.append("etc/fstab", f"{spec} none swap sw 0 0\n")

    def root_on(self, dev_t: str, source: str, spec: str) -> None:
        """Move the root file system, e.g. to a partition of a map, with an initramfs that knows of multipath."""
        for path, field in (("proc/self/mountinfo", 4), ("proc/mounts", 1), ("etc/fstab", 1)):
            lines = (self.tree.root / path).read_text(encoding="utf-8").splitlines(keepends=True)
            self.tree.write(path, "".join(line for line in lines if line.split()[field] != "/"))
        self.tree.write("proc/cmdline", f"BOOT_IMAGE=/boot/vmlinuz-{KERNEL} root={source} ro quiet\n")
        self.mount("/", dev_t, source, spec=spec, options="errors=remount-ro")
        self.update_initramfs()

    def update_initramfs(self) -> None:
        """Make an initramfs of the files as they are now, gzip over cpio, as with multipath-tools-boot."""
        names = ("etc/multipath.conf", "etc/multipath/bindings", "etc/multipath/wwids")
        held = {name: (self.tree.root / name).read_bytes() for name in names if (self.tree.root / name).exists()}
        self.tree.write(f"boot/initrd.img-{KERNEL}", "").write_bytes(gzip.compress(archive(held)))

    def _alias(self, name: str, unit: str) -> None:
        self.tree.link(f"etc/systemd/system/{name}", f"/lib/systemd/system/{unit}")

    def _write_packages(self) -> None:
        self.tree.write(
            "var/lib/dpkg/status",
            "".join(
                f"Package: {name}\nStatus: install ok installed\nPriority: optional\nSection: admin\n"
                f"Architecture: amd64\nVersion: {version}\nDescription: {name}\n\n"
                for name, version in self.packages.items()
            ),
        )


def _mountinfo(*fields: object) -> str:
    """A line of /proc/self/mountinfo (proc(5))."""
    number, parent, dev_t, root, where, options, fs, source, more = fields
    return f"{number} {parent} {dev_t} {root} {where} {options} shared:{number} - {fs} {source} {more}\n"
