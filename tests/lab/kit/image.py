"""Builds the guest image (kernel, initrd, root disk) from Debian packages; `cache` keeps it."""

from __future__ import annotations

import hashlib
import lzma
import os
import re
import shutil
import stat
import textwrap
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from tests.lab.kit import cache, debian, host
from tests.lab.kit.errors import LabError
from tests.lab.kit.host import run

SUITES = ("trixie", "bookworm", "sid")

PACKAGES = (
    *("systemd-sysv", "udev", "kmod", "mount", "procps", "e2fsprogs", "iproute2", "nftables"),
    *("multipath-tools", "open-iscsi", "tgt", "lsscsi", "sg3-utils", "lvm2"),
    *("openssh-server", "qemu-guest-agent", "apparmor"),
    *("python3-h11", "python3-pyudev", "python3-prometheus-client", "python3-structlog", "python3-systemd"),
)
"""Debian packages of the root file system. The last line is what the product's own package depends on."""

EXCLUDED_FILES = (
    *("/usr/share/doc/*", "/usr/share/man/*", "/usr/share/info/*", "/usr/share/locale/*", "/usr/share/i18n/*"),
    *("/usr/share/bash-completion/*", "/usr/share/fonts/*", "*/__pycache__/*"),
)

KERNEL_PACKAGE = "linux-image-amd64"
INITRD_MODULES = ("virtio_pci", "virtio_blk", "ext4")
MODULE_DIRECTORIES = (
    *("arch/x86/crypto", "crypto", "lib", "block", "fs/ext4", "fs/jbd2", "fs/mbcache", "fs/configfs", "fs/overlayfs"),
    *("fs/autofs", "fs/nls", "fs/fat", "fs/binfmt_misc", "drivers/md", "drivers/target", "drivers/nvme"),
    *("drivers/virtio", "drivers/block", "drivers/scsi", "drivers/uio", "drivers/dax"),
    *("drivers/char/hw_random", "drivers/char/virtio_console"),
    *("drivers/net/veth", "drivers/net/virtio_net", "drivers/net/net_failover", "drivers/net/dummy"),
    *("drivers/net/bonding", "net/core", "net/802", "net/8021q", "net/llc", "net/bridge", "net/netfilter"),
    # From Linux 6 on bonding needs net/tls.
    *("net/ipv4", "net/ipv6", "net/sched", "net/packet", "net/unix", "net/tls"),
)
"""Below `kernel/` of the module tree: a directory, or the beginning of file names."""
MODULE_EXCLUDED = re.compile(
    r"drivers/scsi/(qla|lpfc|bnx2|be2|bfa|csiostor|cxgbi|mpt|mpi3mr|megaraid|aac|aic|hpsa|smartpqi|pm8001|mvsas|isci"
    r"|qed|fnic|snic|elx|ips|pmcraid|esas2r|arcmsr|3w)|drivers/block/(drbd|rnbd|rbd|mtip)"
)

MASKED_UNITS = (
    # The lab starts the target and the sessions itself, once the links exist; open-iscsi.service has nothing to do.
    "tgt.service",
    *("e2scrub_reap.service", "e2scrub_all.timer", "apt-daily.timer", "apt-daily-upgrade.timer", "fstrim.timer"),
    *("dpkg-db-backup.timer", "systemd-timesyncd.service", "systemd-pstore.service", "nftables.service"),
    # Otherwise journald has each line of the audit twice.
    "systemd-journald-audit.socket",
    *("getty@tty1.service", "serial-getty@ttyS0.service", "remote-fs.target", "logrotate.timer"),
    *("systemd-tpm2-setup.service", "systemd-tpm2-setup-early.service", "lvm2-monitor.service"),
)

INIT = """\
#!/bin/busybox sh
/bin/busybox mount -t devtmpfs devtmpfs /dev
while read module; do /bin/busybox insmod /modules/$module; done < /modules/order
tries=0
until [ -b /dev/vda ] || [ $tries -gt 250 ]; do /bin/busybox usleep 20000; tries=$((tries + 1)); done
/bin/busybox mount -t ext4 -o rw,noatime /dev/vda /root
/bin/busybox mount --move /dev /root/dev
exec /bin/busybox switch_root /root /sbin/init
"""

NETWORK = """\
[Match]
Name=eth0
[Network]
Address=10.0.2.15/24
"""


@dataclass(frozen=True)
class Image:
    """A built image. None of its files is ever written to by a guest."""

    suite: str
    directory: Path

    @property
    def disk(self) -> Path:
        """Raw ext4 file system with the guest's root."""
        return self.directory / "disk.img"

    @property
    def kernel(self) -> Path:
        """Kernel as the package ships it."""
        return self.directory / "vmlinuz"

    @property
    def initrd(self) -> Path:
        """Initrd that mounts the virtio disk and nothing else."""
        return self.directory / "initrd.img"

    @property
    def ssh_key(self) -> Path:
        """Private key that root of the guest accepts."""
        return self.directory / "id_ed25519"

    @property
    def packages(self) -> dict[str, str]:
        """Debian package -> version in the image."""
        lines = (self.directory / "packages.txt").read_text(encoding="utf-8").splitlines()
        return dict(line.split("=", 1) for line in lines)


def get(suite: str) -> Image:
    """Return the image of a Debian suite, building it when the cache has none for this recipe and this archive state.

    Raises:
        LabError: unknown suite, missing tools, or a build step failed.
    """
    if suite not in SUITES:
        raise LabError(f"no such suite: {suite} (known: {', '.join(SUITES)})")
    host.ensure_tools()
    return Image(suite, cache.get(suite, suite, _recipe_hash(suite), lambda mirror, work: _build(suite, mirror, work)))


def _recipe_hash(suite: str) -> str:
    digest = hashlib.sha256(suite.encode())
    for source in (__file__, debian.__file__):
        digest.update(Path(source).read_bytes())
    return digest.hexdigest()[:12]


def _build(suite: str, mirror: str, work: Path) -> Path:
    started = time.monotonic()

    def say(text: str) -> None:
        print(f"{time.monotonic() - started:7.1f}  {text}", flush=True)

    say(f"building the {suite} image")
    root = work / "root"
    _bootstrap(suite, mirror, root, work)
    say("root file system ready")
    result = work / "image"
    result.mkdir()
    version = _install_kernel(work, root, result / "vmlinuz")
    _make_initrd(root, version, work / "initrd", result / "initrd.img")
    say(f"kernel {version} ready")
    _configure(root, result)
    _list_packages(root, result / "packages.txt")
    _make_disk(root, result / "disk.img")
    say("image ready")
    return result


def _bootstrap(suite: str, mirror: str, root: Path, work: Path) -> None:
    """Make the root file system without a kernel, and leave the kernel's packages in `work`/kernel-packages."""
    packages = work / "kernel-packages"
    packages.mkdir()
    # Downloaded, not installed: no initramfs-tools run. From Linux 7 on modules and image are packages of their own.
    hook = work / "kernel-hook"
    hook.write_text(
        textwrap.dedent(f"""\
            #!/bin/sh
            set -e
            chroot "$1" sh -e -c '
                mkdir /kernel-packages
                cd /kernel-packages
                image=$(apt-cache depends {KERNEL_PACKAGE} | sed -n "s/.*Depends: //p" | grep ^linux-image | head -n 1)
                parts=$(apt-cache depends $image | sed -n "s/.*Depends: //p" \\
                    | grep -E "^linux-(binary|modules|base)-[0-9]" || true)
                apt-get -qq -o APT::Sandbox::User=root download ${{parts:-$image}}
            '
            mv "$1"/kernel-packages/*.deb "$2"
            rmdir "$1/kernel-packages"
            """),
        encoding="utf-8",
    )
    hook.chmod(0o755)
    work.chmod(0o755)
    debian.bootstrap(
        suite,
        mirror,
        root,
        PACKAGES,
        *(f"--dpkgopt=path-exclude={pattern}" for pattern in EXCLUDED_FILES),
        f'--customize-hook={hook} "$1" {packages}',
    )


def _install_kernel(work: Path, root: Path, kernel: Path) -> str:
    unpacked = work / "kernel"
    for package in (work / "kernel-packages").glob("*.deb"):
        run("dpkg-deb", "-x", package, unpacked)
    modules = next(path for path in (unpacked / "usr/lib/modules", unpacked / "lib/modules") if path.is_dir())
    version = next(modules.iterdir()).name
    images = [*unpacked.glob("boot/vmlinuz*"), *(modules / version).glob("vmlinuz*")]
    shutil.copy(images[0], kernel)

    target = root / "usr/lib/modules" / version
    target.mkdir(parents=True)
    for path in (modules / version).glob("modules.builtin*"):
        shutil.copy(path, target)
    shutil.copy(modules / version / "modules.order", target)
    source = modules / version / "kernel"
    wanted = sorted(set(_wanted_modules(source)))
    destinations = [target / "kernel" / path.relative_to(source) for path in wanted]
    for parent in {path.parent for path in destinations}:
        parent.mkdir(parents=True, exist_ok=True)
    # lzma lets other threads run while it works.
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(_copy_module, wanted, destinations))
    # The root's own kmod: the host may have none.
    run("chroot", root, "depmod", version)
    return version


def _wanted_modules(source: Path) -> Iterator[Path]:
    for prefix in MODULE_DIRECTORIES:
        for found in source.glob(f"{prefix}*"):
            for path in found.rglob("*.ko*") if found.is_dir() else [found]:
                if not MODULE_EXCLUDED.search(str(path.relative_to(source))):
                    yield path


def _copy_module(source: Path, destination: Path) -> None:
    # Plain modules load faster in an emulated guest, and the initrd's insmod knows no compression.
    if source.suffix == ".xz":
        destination.with_suffix("").write_bytes(lzma.decompress(source.read_bytes()))
    elif source.suffix == ".zst":
        run("zstd", "-q", "-d", source, "-o", destination.with_suffix(""))
    else:
        shutil.copy(source, destination)


def _make_initrd(root: Path, version: str, tree: Path, initrd: Path) -> None:
    for name in ("bin", "modules", "dev", "proc", "sys", "root"):
        (tree / name).mkdir(parents=True)
    busybox = shutil.which("busybox")
    assert busybox is not None
    shutil.copy(busybox, tree / "bin/busybox")
    order: list[str] = []
    for module in INITRD_MODULES:
        listing = run("chroot", root, "modprobe", "-S", version, "--show-depends", module).decode()
        for path in re.findall(r"^insmod /(\S+)", listing, re.MULTILINE):
            if Path(path).name not in order:
                shutil.copy(root / path, tree / "modules")
                order.append(Path(path).name)
    (tree / "modules/order").write_text("".join(f"{name}\n" for name in order), encoding="utf-8")
    (tree / "init").write_text(INIT, encoding="utf-8")
    (tree / "init").chmod(0o755)
    names = "\n".join(sorted(str(path.relative_to(tree)) for path in tree.rglob("*")))
    initrd.write_bytes(run("cpio", "-o", "-H", "newc", "--quiet", "-R", "0:0", cwd=tree, stdin=names.encode()))


def _configure(root: Path, result: Path) -> None:
    etc = root / "etc"
    (etc / "hostname").write_text("lab\n", encoding="utf-8")
    (etc / "hosts").write_text("127.0.0.1 localhost\n127.0.1.1 lab\n", encoding="utf-8")
    (etc / "fstab").write_text("", encoding="utf-8")
    (etc / "machine-id").unlink(missing_ok=True)
    (etc / "machine-id").write_text("0123456789abcdef0123456789abcdef\n", encoding="utf-8")
    (etc / "iscsi/initiatorname.iscsi").write_text("InitiatorName=iqn.2009-02.com.example:guest\n", encoding="utf-8")
    (etc / "systemd/network").mkdir(exist_ok=True)
    (etc / "systemd/network/eth0.network").write_text(NETWORK, encoding="utf-8")
    # Of AppArmor only the product's profile matters. Debian 13 has a hundred others, which take long to load.
    for path in (etc / "apparmor.d").iterdir():
        if path.is_file():
            path.unlink()
    # What AppArmor denies is in the kernel's log all the same. With audit on, each system call would cost more.
    (etc / "systemd/journald.conf.d").mkdir(exist_ok=True)
    (etc / "systemd/journald.conf.d/audit.conf").write_text("[Journal]\nAudit=no\n", encoding="utf-8")
    wants = etc / "systemd/system/multi-user.target.wants"
    wants.mkdir(parents=True, exist_ok=True)
    _link(wants / "systemd-networkd.service", "/usr/lib/systemd/system/systemd-networkd.service")
    _link(etc / "systemd/system/default.target", "/usr/lib/systemd/system/multi-user.target")
    for unit in MASKED_UNITS:
        _link(etc / "systemd/system" / unit, "/dev/null")
    for path in (etc / "ssh").glob("ssh_host_*"):
        path.unlink()
    run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "lab", "-f", etc / "ssh/ssh_host_ed25519_key")
    run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "lab", "-f", result / "id_ed25519")
    (root / "root/.ssh").mkdir(mode=stat.S_IRWXU, exist_ok=True)
    shutil.copy(result / "id_ed25519.pub", root / "root/.ssh/authorized_keys")


def _link(path: Path, target: str) -> None:
    path.unlink(missing_ok=True)
    path.symlink_to(target)


def _list_packages(root: Path, listing: Path) -> None:
    status = (root / "var/lib/dpkg/status").read_text(encoding="utf-8")
    pairs = re.findall(r"^Package: (\S+)$.*?^Version: (\S+)$", status, re.MULTILINE | re.DOTALL)
    listing.write_text("".join(f"{name}={version}\n" for name, version in pairs), encoding="utf-8")


def _make_disk(root: Path, disk: Path, spare_mib: int = 512) -> None:
    used = int(run("du", "-sm", root).split()[0])
    with disk.open("wb") as file:
        file.truncate((used * 115 // 100 + spare_mib) << 20)
    # No journal, no checksums: the root is thrown away, and both cost time in an emulated guest.
    options = ("-O", "^has_journal,^metadata_csum,^resize_inode", "-E", "lazy_itable_init=1,root_owner=0:0")
    run("mkfs.ext4", "-q", "-F", *options, "-m", "0", "-d", root, disk)
