"""What the sources observe: immutable records of maps, devices, sessions and of multipathd's listings.

Absent text is ``""``; an absent or unreadable number is ``None``.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from mpathd_watch.core.vocabulary import CheckerState, DeviceState, DmState, SessionStatus, Transport

RECOVERY_OFF = -1
"""``recovery_tmo`` when sysfs prints ``off``: devices stay blocked for ever (scsi_transport_iscsi.c stores -1)."""


@dataclass(frozen=True, slots=True)
class MapFacts:
    """One multipath map as sysfs shows it (dm uuid prefix ``mpath-``)."""

    wwid: str
    name: str
    sysfs_name: str
    suspended: bool | None
    slaves: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DeviceFacts:
    """One member disk as sysfs shows it.

    ``io_errors`` and ``io_timeouts`` are the raw 32-bit counters ``ioerr_cnt`` and ``iotmo_cnt``, already masked.
    ``sid`` is the kernel's number of the iSCSI session the disk hangs off, ``None`` on another transport. ``timeout``
    is the seconds a SCSI command may take (device/timeout), ``wwid`` udev's ID_SERIAL, by which multipath knows the
    disk.
    """

    name: str
    dev_t: str
    hctl: str
    state: DeviceState
    transport: Transport
    sid: int | None
    vendor: str
    product: str
    io_errors: int | None
    io_timeouts: int | None
    timeout: int | None = None
    wwid: str = ""


@dataclass(frozen=True, slots=True)
class SessionFacts:
    """One iSCSI session with its first connection, as sysfs shows them.

    The timeouts are the live ones, in seconds: ``recv_tmo`` and ``ping_tmo`` of the connection (iscsid.conf calls them
    noop_out_interval and noop_out_timeout, 0 = off), ``recovery_tmo`` of the session (replacement_timeout, or
    ``RECOVERY_OFF``). ``address`` and ``port`` are the persistent portal's, which need no socket lock to read.
    ``local_address`` is this host's end of the connection, ``netdev`` the network interface that has this address,
    ``local_network`` the subnet the interface has it in (``192.168.1.0/24``).
    ``alive`` is when ``exp_statsn`` was last seen to have moved (CLOCK_MONOTONIC seconds), the last proof of life; it
    changes all the time, and two readings that differ in nothing else are equal.
    """

    sid: int
    state: SessionStatus
    target: str
    tpgt: int | None
    iface: str
    initiator: str
    address: str
    port: int | None
    recv_tmo: int | None
    ping_tmo: int | None
    recovery_tmo: int | None
    local_address: str = ""
    netdev: str = ""
    local_network: str = ""
    alive: float | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class PathListing:
    """One path as ``show paths raw format`` lists it; ``map_name`` is empty for a path without a map."""

    wwid: str
    map_name: str
    dev: str
    dev_t: str
    dm_state: DmState
    checker_state: CheckerState
    checker: str


@dataclass(frozen=True, slots=True)
class MapListing:
    """One map as ``show maps json`` lists it, which reads the kernel's table and status by dm ioctl at that moment.

    ``queueing`` is multipathd's own word (``off``, ``on``, ``-``, ``N chk``, ``N sec``); ``queues`` what it means:
    whether I/O without a usable path waits, ``None`` where neither the word nor the features tell.
    """

    wwid: str
    name: str
    sysfs_name: str
    queueing: str
    queues: bool | None
    vendor: str
    product: str
    paths: tuple[PathListing, ...]
