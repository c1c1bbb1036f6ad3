"""What a bundle may hold, whatever collected it: the outputs of commands, and parts of the host's files."""

from __future__ import annotations

from enum import StrEnum
from typing import Protocol

from mpathd_watch.core.configuration import Configuration
from mpathd_watch.core.formats.multipath_conf import Version
from mpathd_watch.immutable import immutable


class Output(StrEnum):
    """A command whose output is read, as an administrator would type it."""

    TOPOLOGY = "multipath -ll"
    RUNNING = "multipathd show config"
    SESSIONS = "iscsiadm -m session -P 3"
    DM_INFO = "dmsetup info"
    DM_TABLE = "dmsetup table"
    DM_STATUS = "dmsetup status"
    UDEV = "udevadm info --export-db"
    ADDRESSES = "ip address"
    PROCESSES = "ps"
    KERNEL_LOG = "journalctl"


@immutable
class Text:
    """A text of a bundle; ``line`` is the line of the file in which it begins."""

    text: str
    file: str
    line: int = 1


class Source(Protocol):
    """A kind of bundle."""

    name: str
    """What people call it."""

    def output(self, output: Output) -> Text | None:
        """What a command has printed; ``None`` if the bundle does not have it."""

    def disk_state(self, device: str) -> str:
        """The content of /sys/block/DEVICE/device/state; empty if the bundle does not have it."""

    def disk_path(self, device: str) -> str:
        """The path of a disk below /sys; empty if the bundle does not have it."""

    def version(self) -> Version | None:
        """The version of multipath-tools that was installed."""

    def obfuscated(self) -> bool:
        """Whether addresses in the bundle are not those of the host."""

    def configuration(self, *, iscsid_running: bool | None) -> Configuration:
        """The files that configured multipathd and iscsid."""

    def taken_at(self) -> float | None:
        """When the bundle was made (POSIX seconds)."""
