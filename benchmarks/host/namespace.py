"""Namespaces of our own, so that the benchmarks disturb nothing of the host and nothing disturbs them."""

from __future__ import annotations

import contextlib
import ctypes
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

PLACE = Path("/run")
"""Here files are in memory, as those of sysfs are, and go away with the namespace. A large host has 500,000."""
MARK = "MPATHD_WATCH_BENCHMARKS_APART"
CLONE_NEWNET = 0x40000000
QUEUE = 512
"""Datagrams that wait in journald's socket: what systemd sets (sysctl.d/50-default.conf), and not the kernel's 10."""

_LIBC = ctypes.CDLL(None, use_errno=True)


def enter(module: str, arguments: Sequence[str]) -> None:
    """Go on in namespaces for the network, mounts and processes, with an empty ``PLACE``; only root can.

    This starts ``module`` again. When the process ends, the kernel kills all that it has started.
    """
    if os.environ.get(MARK) != "1":
        if os.geteuid() != 0:
            sys.exit("benchmarks: root is needed, to make namespaces for the network and mounts")
        command = ["unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]
        sys.stdout.flush()
        os.execvpe(command[0], [*command, sys.executable, "-m", module, *arguments], {**os.environ, MARK: "1"})
    subprocess.run(["mount", "-t", "tmpfs", "-o", "nr_inodes=0", "tmpfs", str(PLACE)], check=True)
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    Path("/proc/sys/net/unix/max_dgram_qlen").write_text(str(QUEUE))


@contextlib.contextmanager
def another_network() -> Iterator[None]:
    """A new network namespace for this thread until the end of the block; what starts or opens there stays in it."""
    with Path("/proc/thread-self/ns/net").open("rb") as here:
        _checked(_LIBC.unshare(CLONE_NEWNET))
        try:
            yield
        finally:
            _checked(_LIBC.setns(here.fileno(), CLONE_NEWNET))


def _checked(result: int) -> None:
    if result:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
