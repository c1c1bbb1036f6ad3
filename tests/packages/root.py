"""A root file system that a test may change: a copy of another one, which shares its files until they are written."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

_MAKE = """
mkdir -p "$2"
mount -t tmpfs tmpfs "$2"
mkdir "$2/upper" "$2/work" "$2/root"
mount -t overlay overlay -o "lowerdir=$1,upperdir=$2/upper,workdir=$2/work" "$2/root"
mount -t proc proc "$2/root/proc"
mount -t sysfs sysfs "$2/root/sys"
mount --rbind /dev "$2/root/dev"
mount -t tmpfs -o mode=755 tmpfs "$2/root/run"
mount -t tmpfs -o mode=1777 tmpfs "$2/root/tmp"
echo ready
exec cat
"""
"""Run in a mount namespace of its own, so that everything is gone when its standard input is closed."""


class Root:
    """The root file system at ``path``, which only processes that are started here can see."""

    def __init__(self, path: Path, holder: int) -> None:
        self.path = path
        self._holder = holder

    def outside(self, *command: str) -> str:
        """Run a command of this host that sees ``path``. Returns what it prints; fails if it fails."""
        return self._run(command).stdout

    def inside(self, *command: str) -> str:
        """Run a command in the root file system. Returns what it prints; fails if it fails."""
        return self._run(self._chroot(command)).stdout

    def result(self, *command: str) -> subprocess.CompletedProcess[str]:
        """As ``inside``, whatever the exit status."""
        return self._run(self._chroot(command), check=False)

    def start(self, *command: str) -> subprocess.Popen[str]:
        """Start a command in the root file system."""
        return subprocess.Popen(self._here(self._chroot(command)), stderr=subprocess.PIPE, text=True)  # noqa: S603  # our own

    def _chroot(self, command: tuple[str, ...]) -> tuple[str, ...]:
        environment = ("PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/tmp", "LC_ALL=C.UTF-8")
        return ("chroot", str(self.path), "env", "--ignore-environment", "--chdir=/", *environment, *command)

    def _here(self, command: tuple[str, ...]) -> tuple[str, ...]:
        return ("nsenter", f"--mount=/proc/{self._holder}/ns/mnt", *command)

    def _run(self, command: tuple[str, ...], *, check: bool = True) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(self._here(command), capture_output=True, text=True, timeout=100, check=False)  # noqa: S603  # our own
        if check:
            assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
        return done


@contextmanager
def copied(lower: Path, work: Path) -> Iterator[Root]:
    """A copy of the root file system ``lower``. ``work`` is an empty directory. Skips the test without root."""
    if os.geteuid() != 0:
        pytest.skip("NOT TESTED: making a root file system needs root")
    command = ("unshare", "--mount", "--propagation", "private", "sh", "-euc", _MAKE, "sh", str(lower), str(work))
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:  # noqa: S603  # our own
        assert holder.stdin is not None
        assert holder.stdout is not None
        try:
            assert holder.stdout.readline() == "ready\n"
            yield Root(work / "root", holder.pid)
        finally:
            holder.stdin.close()
            assert holder.wait(10) == 0
