"""Landlock (landlock(7)): a process gives up rights for good, for itself and all that it starts.

The numbers are those of include/uapi/linux/landlock.h. Each version of the interface knows more rights than the one
before: Linux 5.13 has version 1, 6.1 (Debian 12) version 2, and 6.12 (Debian 13) version 6.
"""

from __future__ import annotations

import ctypes
import os
import stat
import struct
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from mpathd_watch.immutable import immutable
from mpathd_watch.sinks.deadline import within

ANSWERED_WITHIN: Final = 2.0
"""Seconds within which the file systems of what the process may write to must answer."""

EXECUTE: Final = 1 << 0
_WRITE_FILE: Final = 1 << 1
_REMOVE: Final = 1 << 4 | 1 << 5
_MAKE: Final = 1 << 6 | 1 << 7 | 1 << 8 | 1 << 9 | 1 << 10 | 1 << 11 | 1 << 12
_MAKE_DEVICE: Final = 1 << 6 | 1 << 11
_REFER: Final = 1 << 13
_TRUNCATE: Final = 1 << 14
_IOCTL_DEV: Final = 1 << 15
_OF_A_FILE: Final = EXECUTE | _WRITE_FILE | _TRUNCATE | _IOCTL_DEV
"""The rights that a rule about a file may name; the others are about what is in a directory."""
_FILES: Final = ((1, _WRITE_FILE | _REMOVE | _MAKE), (2, _REFER), (3, _TRUNCATE), (5, _IOCTL_DEV))
"""Version -> the rights to files that it adds, of those that are given up here. Reading is not among them."""
_BIND_TCP: Final = 1 << 0
_BINDS: Final = 4
"""The version with rights to the network."""

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
"""The same on all architectures but Alpha and MIPS (arch/*/kernel/syscalls)."""
_OTHERWISE: Final = ("alpha", "mips")
_VERSION: Final = 1
_PATH_BENEATH, _NET_PORT = 1, 2
_NO_NEW_PRIVS: Final = 38
"""PR_SET_NO_NEW_PRIVS, without which an unprivileged process may not restrict itself."""


class LandlockError(Exception):
    """The kernel refuses. The text is a clause without a full stop."""


@immutable
class Kept:
    """What the process may do from now on.

    ``writable`` are files and directories that it may write to, and below which it may make and remove files. Where one
    does not exist, the directory counts in which it can be made.
    ``starts_programs`` is whether it may start programs, and ``ports`` are the TCP ports that it may listen on.
    """

    writable: tuple[Path, ...]
    starts_programs: bool
    ports: tuple[int, ...]


def restrict(kept: Kept) -> int:
    """Give up everything else for good; returns the version of the kernel's interface.

    It restricts this thread and those that it starts, so that no other thread may run yet. Raises ``LandlockError``:
    nothing is given up then. A file system that hangs is such an error.
    """
    kernel = _Kernel()
    version = kernel.version()
    try:
        ruleset = within(ANSWERED_WITHIN, lambda: _rules(kernel, version, kept))
    except TimeoutError:
        raise LandlockError(f"a file system that is written to did not answer within {ANSWERED_WITHIN:g} s") from None
    try:
        kernel.enforce(ruleset)
    finally:
        os.close(ruleset)
    return version


def _rules(kernel: _Kernel, version: int, kept: Kept) -> int:
    """The descriptor of the rules. They bind nobody yet, so that any thread may make them. Raises ``LandlockError``."""
    files = sum(rights for since, rights in _FILES if version >= since) | (0 if kept.starts_programs else EXECUTE)
    network = _BIND_TCP if version >= _BINDS else 0
    ruleset = kernel.ruleset(files, network, version)
    try:
        for path in kept.writable:
            kernel.allow_below(ruleset, path, files & ~EXECUTE & ~_MAKE_DEVICE)
        if network:
            kernel.allow_ports(ruleset, kept.ports)
    except LandlockError:
        os.close(ruleset)
        raise
    return ruleset


class _Kernel:
    """The system calls, for which glibc has no functions."""

    def __init__(self) -> None:
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._libc.syscall.restype = ctypes.c_long

    def version(self) -> int:
        """The version of the interface."""
        if os.uname().machine.startswith(_OTHERWISE):
            raise LandlockError("it is not known how to use it on this architecture")
        return self._call(_CREATE_RULESET, None, 0, _VERSION)

    def ruleset(self, files: int, network: int, version: int) -> int:
        """The descriptor of a set of rules that takes away these rights."""
        rights = struct.pack("=QQ", files, network)[: 16 if version >= _BINDS else 8]
        return self._call(_CREATE_RULESET, rights, len(rights), 0)

    def allow_below(self, ruleset: int, path: Path, rights: int) -> None:
        """Keep these rights below ``path``, or below the directory in which it can be made."""
        for each in (path, *path.parents):
            try:
                descriptor = os.open(each, os.O_PATH | os.O_CLOEXEC)
            except OSError:
                continue
            try:
                rights &= -1 if stat.S_ISDIR(os.fstat(descriptor).st_mode) else _OF_A_FILE
                self._call(_ADD_RULE, ruleset, _PATH_BENEATH, struct.pack("=Qi", rights, descriptor), 0)
            finally:
                os.close(descriptor)
            return

    def allow_ports(self, ruleset: int, ports: Iterable[int]) -> None:
        """Keep the right to listen on these ports."""
        for port in ports:
            self._call(_ADD_RULE, ruleset, _NET_PORT, struct.pack("=QQ", _BIND_TCP, port), 0)

    def enforce(self, ruleset: int) -> None:
        """Restrict this thread."""
        if self._libc.prctl(_NO_NEW_PRIVS, 1, 0, 0, 0):
            raise LandlockError(os.strerror(ctypes.get_errno()))
        self._call(_RESTRICT_SELF, ruleset, 0)

    def _call(self, number: int, *arguments: int | bytes | None) -> int:
        words = [ctypes.c_long(each) if isinstance(each, int) else each for each in arguments]
        answer: int = self._libc.syscall(ctypes.c_long(number), *words)
        if answer < 0:
            raise LandlockError(os.strerror(ctypes.get_errno()))
        return answer
