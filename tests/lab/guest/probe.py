"""Tries what a confined process must not do, and some of what it must; prints a JSON object: attempt -> error or "".

Run in place of the daemon, or by the daemon as a hook. What would change something if it were allowed
is only begun: a file is opened and not written to, a module is not given, a signal is 0.

Usage: probe.py OWN_DIRECTORY [RESULT_FILE]
"""

import ctypes
import json
import mmap
import os
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

SO_RCVBUFFORCE = 33
FINIT_MODULE, INIT_MODULE = 313, 175
NR_BPF, NR_PTRACE, NR_MOUNT, NR_UNSHARE, NR_CLOCK_SETTIME = 321, 101, 165, 272, 227
CLONE_NEWUSER = 0x10000000
PTRACE_SEIZE = 0x4206
NETLINK_KOBJECT_UEVENT, NETLINK_ISCSI = 15, 8
KEPT = ("Cap", "NoNewPrivs:", "Seccomp:", "Uid:")
MULTIPATHD = "\0/org/kernel/linux/storage/multipathd"

libc = ctypes.CDLL(None, use_errno=True)
libc.syscall.restype = ctypes.c_long


def call(number: int, *arguments: int | bytes | None) -> None:
    """Make a system call. Raises ``OSError``."""
    words = [ctypes.c_long(each) if isinstance(each, int) else each for each in arguments]
    if libc.syscall(ctypes.c_long(number), *words) < 0:
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error))


def opened(path: str, flags: int = os.O_RDONLY) -> None:
    """Open a file, and close it again. Raises ``OSError``."""
    os.close(os.open(path, flags | os.O_NONBLOCK))


def opened_all(pattern: str) -> None:
    """Open all files of a pattern, of which there must be one."""
    found = [*Path("/").glob(pattern)]
    if not found:
        # Also where a directory above may not be searched.
        raise OSError(2, f"no {pattern}")
    for path in found:
        opened(str(path))


def device(own: str) -> None:
    """Make a device node of the first SCSI disk, and open it."""
    os.mknod(f"{own}/disk", 0o060600, os.makedev(8, 0))
    opened(f"{own}/disk")


def uevents() -> None:
    """Open a socket as the daemon does."""
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_KOBJECT_UEVENT) as it:
        it.bind((0, 1))


def large_buffer() -> None:
    """Use CAP_NET_ADMIN."""
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_KOBJECT_UEVENT) as it:
        it.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 1 << 27)


def socket_of(family: int, kind: int, protocol: int = 0) -> Callable[[], None]:
    """Make a socket of this kind."""
    return lambda: socket.socket(family, kind, protocol).close()


def multipathd() -> None:
    """Connect to multipathd."""
    with socket.socket(socket.AF_UNIX) as it:
        it.connect(MULTIPATHD)


def listen() -> None:
    """Listen for clients."""
    with socket.create_server(("127.0.0.1", 0)):
        pass


def own_file(own: str) -> None:
    """Write, rename and remove a file."""
    Path(own, "probe").write_text("x", encoding="ascii")
    Path(own, "probe").rename(Path(own, "probe.1"))
    Path(own, "probe.1").unlink()


def setuid_file(own: str) -> None:
    """Make a file that runs as its owner."""
    path = Path(own, "setuid")
    path.touch()
    try:
        path.chmod(0o4755)
    finally:
        path.unlink()


def executable_memory() -> None:
    """Map memory that can be written to and run."""
    mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC).close()


def others() -> None:
    """Look at the first process."""
    Path("/proc/1/comm").read_bytes()


def pid_of_multipathd() -> int:
    """From its pidfile."""
    return int(Path("/run/multipathd.pid").read_text(encoding="ascii"))


def attempts(own: str) -> dict[str, Callable[[], object]]:
    """Name -> what is tried."""
    writing = os.O_WRONLY
    return {
        "open a disk": lambda: opened("/dev/sda"),
        "open a disk to write": lambda: opened("/dev/sda", os.O_RDWR),
        "open a map": lambda: opened("/dev/mapper/mpio"),
        "open a map by its number": lambda: opened("/dev/dm-0"),
        "control dm": lambda: opened("/dev/mapper/control", os.O_RDWR),
        "open the memory": lambda: opened("/dev/mem"),
        "open the kernel's log": lambda: opened("/dev/kmsg"),
        "make a device node": lambda: device(own),
        "read iscsid.conf": lambda: opened("/etc/iscsi/iscsid.conf"),
        "read node records": lambda: opened_all("etc/iscsi/nodes/*/*/*"),
        "read node records of other distributions": lambda: opened_all("var/lib/iscsi/nodes/*/*"),
        "read a session's password": lambda: opened_all("sys/class/iscsi_session/session*/password"),
        "read the shadow file": lambda: opened("/etc/shadow"),
        "read root's files": lambda: opened("/root/.ssh/authorized_keys"),
        "change sysfs": lambda: opened("/sys/class/iscsi_session/session1/recovery_tmo", writing),
        "delete a disk": lambda: opened("/sys/block/sda/device/delete", writing),
        "change multipath.conf": lambda: opened("/etc/multipath.conf", writing),
        "change its own configuration": lambda: opened("/etc/mpathd-watch/config.toml", writing),
        "change its own program": lambda: opened("/usr/bin/mpathd-watch", writing),
        "make a file in /etc": lambda: Path("/etc/probe").touch(),
        "make a file in /run": lambda: Path("/run/probe").touch(),
        "make a file in /var/lib": lambda: Path("/var/lib/probe").touch(),
        "make a file in /home": lambda: Path("/home/probe").touch(),
        "change a limit of the kernel": lambda: opened("/proc/sys/kernel/panic", writing),
        "change a control group": lambda: opened("/sys/fs/cgroup/cgroup.procs", writing),
        "load a module": lambda: call(FINIT_MODULE, 0, b"", 0),
        "load a module from memory": lambda: call(INIT_MODULE, None, 0, b""),
        "load a module by its socket": socket_of(socket.AF_VSOCK, socket.SOCK_STREAM),
        "load a BPF program": lambda: call(NR_BPF, 5, None, 0),
        "mount": lambda: call(NR_MOUNT, b"none", b"/tmp", b"tmpfs", 0, None),
        "make a user namespace": lambda: (
            os.unshare(CLONE_NEWUSER) if hasattr(os, "unshare") else call(272, CLONE_NEWUSER)
        ),
        "become root": lambda: os.setuid(0),
        "make a setuid file": lambda: setuid_file(own),
        "set the clock": lambda: call(NR_CLOCK_SETTIME, 0, (0).to_bytes(16, "little")),
        "trace multipathd": lambda: call(NR_PTRACE, PTRACE_SEIZE, pid_of_multipathd(), None, None),
        "signal multipathd": lambda: os.kill(pid_of_multipathd(), 0),
        "see other processes": others,
        "sniff the network": socket_of(socket.AF_PACKET, socket.SOCK_RAW, 0x300),
        "send raw packets": socket_of(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP),
        "get realtime priority": lambda: os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1)),
        "run memory that was written": executable_memory,
        "use CAP_NET_ADMIN": large_buffer,
        "start a program": lambda: subprocess.run(["/bin/true"], check=True),
        "read a map": lambda: opened("/sys/block/dm-0/dm/name"),
        "read the state of a session": lambda: opened_all("sys/class/iscsi_session/session*/state"),
        "receive uevents": uevents,
        "ask multipathd": multipathd,
        "listen": listen,
        "write to its own directory": lambda: own_file(own),
    }


def result(attempt: Callable[[], object]) -> str:
    """The name of the error that it ended with, or nothing."""
    try:
        attempt()
    except (OSError, ValueError) as error:
        return f"{type(error).__name__}: {error}"
    return ""


def main() -> None:
    """Try everything."""
    own = sys.argv[1]
    status = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    found = {name: result(attempt) for name, attempt in attempts(own).items()}
    facts = {
        line.split(":")[0]: line.split()[1]
        for line in status
        if line.startswith(("Cap", "NoNewPrivs", "Seccomp:", "Uid"))
    }
    try:
        facts["AppArmor"] = Path("/proc/self/attr/current").read_text(encoding="ascii").strip("\0\n")
    except OSError as error:
        facts["AppArmor"] = str(error)
    text = json.dumps({"attempts": found, "facts": facts})
    if len(sys.argv) > 2:
        Path(sys.argv[2]).write_text(text, encoding="utf-8")
    else:
        print(text)


main()
