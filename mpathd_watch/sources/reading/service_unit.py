"""What systemd and the kernel show everybody of a unit: its processes, and who listens on its socket.

/proc may hide the processes of other users. Control groups list them all the same, and /proc/net/unix lists the sockets
of all processes of this network namespace.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Final

from mpathd_watch.sources.reading.attributes import read_whole

_GROUPS: Final = ("sys/fs/cgroup/system.slice", "sys/fs/cgroup/systemd/system.slice")
"""Where systemd has the control groups of its units: cgroup v2, and v1 as on RHEL 8."""
_WANTS: Final = "etc/systemd/system/sockets.target.wants"
_MASKED: Final = ("etc/systemd/system", "run/systemd/system")
_UNITS: Final = (*_MASKED, "usr/local/lib/systemd/system", "usr/lib/systemd/system", "lib/systemd/system")
_SOCKETS: Final = "proc/self/net/unix"
_MOST_SOCKETS: Final = 16 << 20
"""Bytes of the list of sockets: a line has about a hundred."""
_LISTENS: Final = 0x10000
"""__SO_ACCEPTCON in include/linux/net.h, in the column Flags (unix_seq_show() in net/unix/af_unix.c)."""
_LONGEST_PID: Final = 7  # digits of PID_MAX_LIMIT, 4194304


class ServiceUnit:
    """``NAME.service`` of the host whose files are below ``root``, and the ``addresses`` on which its daemon listens.

    An abstract address begins with ``@``. Nothing here connects to one of them.
    """

    def __init__(self, name: str, addresses: Iterable[str], root: Path = Path("/")) -> None:
        self.service = f"{name}.service"
        self._socket_unit = f"{name}.socket"
        self._addresses = frozenset(address.encode() for address in addresses)
        self._root = root

    def process(self) -> int | None:
        """A process of the service; ``None`` if it has none, or that can't be determined. Never raises."""
        for groups in _GROUPS:
            try:
                listed = read_whole(self._root / groups / self.service / "cgroup.procs", 4096).split()
            except OSError:
                continue
            if listed and listed[0].isdigit() and len(listed[0]) <= _LONGEST_PID:
                return int(listed[0])
        return None

    def is_out_of_use(self) -> bool:
        """Whether it is certain that the daemon runs nowhere in this network namespace. Never raises.

        That is so where the host has the service, systemd lists it without a process or not at all, and nobody listens
        on the socket but systemd, whose socket unit is enabled: two can't listen on one address. On a host without the
        service the daemon may run in a container, of whose network namespace nothing is seen.
        """
        if self.process() is not None or not any((self._root / groups).is_dir() for groups in _GROUPS):
            return False
        if not any((self._root / directory / self.service).is_file() for directory in _UNITS):
            return False
        try:
            return not self._is_listened_on() or self._is_held_by_systemd()
        except (OSError, ValueError):
            return False

    def _is_listened_on(self) -> bool:
        """Whether a process of this network namespace listens there. Raises ``OSError``, ``ValueError``."""
        text = read_whole(self._root / _SOCKETS, _MOST_SOCKETS + 1)
        if len(text) > _MOST_SOCKETS:
            raise ValueError("there are too many sockets")
        for line in text.splitlines():
            # Num: RefCount Protocol Flags Type St Inode Path
            columns = line.split(maxsplit=7)
            if len(columns) == 8 and columns[7] in self._addresses and int(columns[3], 16) & _LISTENS:
                return True
        return False

    def _is_held_by_systemd(self) -> bool:
        """Whether systemd listens in place of the daemon, from the boot on. Raises ``OSError``."""
        for directory in _MASKED:
            masked = self._root / directory / self._socket_unit
            if masked.is_symlink() and masked.readlink() == Path("/dev/null"):
                return False
        return (self._root / _WANTS / self._socket_unit).is_symlink()
