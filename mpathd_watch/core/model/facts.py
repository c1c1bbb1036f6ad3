"""What the sources observe: immutable records of maps, devices, sessions and of multipathd's listings.

Absent text is ``""``; an absent or unreadable number is ``None``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field

from mpathd_watch.core.model.vocabulary import (
    AccessState,
    CheckerState,
    DeviceState,
    DmState,
    Layer,
    SessionStatus,
    Transport,
)
from mpathd_watch.immutable import immutable

RECOVERY_OFF = -1
"""``recovery_tmo`` when sysfs prints ``off``: devices stay blocked for ever (scsi_transport_iscsi.c stores -1)."""


@immutable
class BlockFacts:
    """What the kernel's block layer has of a disk or a map (Documentation/ABI/stable/sysfs-block).

    ``size`` in sectors of 512 bytes, 0 where the disk has not reported one. ``logical_block_size`` in bytes.
    ``max_sectors_kb``: the largest request in KiB. ``wwid``: the kernel's own name of a LUN, from its copy of VPD page
    0x83, as ``naa.6001405...`` (scsi_vpd_lun_id() in drivers/scsi/scsi_lib.c), or of an NVMe namespace.
    ``bios``: the map passes bios on (queue_mode bio), which each disk splits to its own limits.
    """

    size: int | None = None
    logical_block_size: int | None = None
    max_sectors_kb: int | None = None
    wwid: str = ""
    bios: bool = False


@immutable
class MapFacts:
    """One multipath map as sysfs shows it; of dm-multipath those whose dm uuid begins with ``mpath-``."""

    wwid: str
    name: str
    sysfs_name: str
    suspended: bool | None
    slaves: tuple[str, ...]
    layer: Layer = Layer.DM_MULTIPATH
    block: BlockFacts = field(default=BlockFacts())


@immutable
class IoFacts:
    """What a disk has done since it appeared: I/Os completed, and the milliseconds that all of them took together.

    ``read_sectors`` and ``write_sectors`` are of 512 bytes; 0 in older recordings. From its ``stat``
    (Documentation/block/stat.rst); commands that bypass the block layer, as multipathd's TURs do, are not in it.
    """

    reads: int
    read_ms: int
    writes: int
    write_ms: int
    read_sectors: int = 0
    write_sectors: int = 0


@immutable
class AccessFacts:
    """What the array says of the path to a disk (asymmetric access, ALUA), as sysfs shows it. None of it causes I/O.

    ``grouped``: the array reports target port groups (TPGS in the standard INQUIRY data); ``None`` where the kernel has
    no copy of these. ``handler``: the device handler (``dh_state``), e.g. ``alua``; empty where none is attached.
    ``state`` and ``preferred`` (``access_state``, ``preferred_path``) are the kernel's copy of what the array reported
    last, ``None`` without a handler: then there is no statement. ``group``: the number of the target port group, from
    the kernel's copy of VPD page 0x83, which it reads when it scans the disk.
    """

    grouped: bool | None = None
    handler: str = ""
    state: AccessState | None = None
    preferred: bool | None = None
    group: int | None = None

    @property
    def transitioning(self) -> bool:
        """Whether the array is changing the state of the port group."""
        return self.state is AccessState.TRANSITIONING


@immutable
class DeviceFacts:
    """One member disk as sysfs shows it.

    ``io_errors`` and ``io_timeouts`` are the raw 32-bit counters ``ioerr_cnt`` and ``iotmo_cnt``, already masked.
    ``sid`` is the kernel's number of the iSCSI session the disk hangs off, ``None`` on another transport; ``nexus`` is
    the kernel's name of the nexus there, e.g. ``rport-5:0-1``, and ``""`` where it has none. ``timeout``
    is the seconds a SCSI command may take (device/timeout), ``wwid`` udev's ID_SERIAL, by which multipath knows the
    disk. ``in_flight`` is how many commands the disk had not answered when it was last read closely
    (``device/device_busy``); two readings that differ in nothing else are equal.
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
    io: IoFacts | None = None
    in_flight: int | None = field(default=None, compare=False)
    nexus: str = ""
    block: BlockFacts = field(default=BlockFacts())
    access: AccessFacts = field(default=AccessFacts())


@immutable
class TcpFacts:
    """A session's TCP connection as sock_diag(7) shows it (struct tcp_info, include/uapi/linux/tcp.h).

    ``rtt``: the smoothed round-trip time in seconds. ``retransmits``: segments sent again since the connection was
    made, 32 bits. ``backoff``: how often the retransmission timer has been doubled. ``heard``: when the last data came
    (CLOCK_MONOTONIC seconds), by which the kernel's own noop timer goes, too (conn->last_recv in libiscsi_tcp.c).
    In bytes: ``mss``, the largest segment that is sent; ``pmtu``, the largest packet that the path to the target takes,
    as far as the kernel knows; ``advmss``, the largest segment that the target was offered.
    """

    rtt: float | None
    retransmits: int | None
    backoff: int | None
    heard: float | None
    mss: int | None = None
    pmtu: int | None = None
    advmss: int | None = None


@immutable
class SessionFacts:
    """One iSCSI session with its first connection, as sysfs shows them.

    The timeouts are the live ones, in seconds: ``recv_tmo`` and ``ping_tmo`` of the connection (iscsid.conf calls them
    noop_out_interval and noop_out_timeout, 0 = off), ``recovery_tmo`` of the session (replacement_timeout, or
    ``RECOVERY_OFF``). ``address`` and ``port`` are the persistent portal's, which need no socket lock to read;
    ``current_portal`` (``ADDRESS:PORT``) where the connection leads: a target may redirect a login to another portal
    (RFC 7143, section 11.13.5). ``creator`` is the process that created the session, -1 for the kernel (``creator`` of
    the session, scsi_transport_iscsi.c), and ``driver`` the one of its SCSI host (``proc_name``).
    ``local_address`` is this host's end of the connection, ``netdev`` the network interface that carries it (bound to
    it, or by the route, or by this address), ``local_network`` the subnet of the address (``192.168.1.0/24``).
    ``routed`` is the interface by which the kernel would send to the target from this address.
    ``alive`` is when ``exp_statsn`` was last seen to have moved (CLOCK_MONOTONIC seconds), a proof of life, and ``tcp``
    the connection below; both change all the time, and two readings that differ in nothing else are equal.
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
    current_portal: str = ""
    creator: int | None = None
    driver: str = ""
    routed: str = ""
    alive: float | None = field(default=None, compare=False)
    tcp: TcpFacts | None = field(default=None, compare=False)

    @property
    def heard(self) -> float | None:
        """The last proof of life from the target (CLOCK_MONOTONIC seconds).

        The later of both, for exp_statsn stands still during a long Data-In, and without sock_diag is all there is.
        """
        proofs = [proof for proof in (self.alive, self.tcp.heard if self.tcp else None) if proof is not None]
        return max(proofs, default=None)


@immutable
class Ipv4Settings:
    """The IPv4 settings in force on an interface (Documentation/networking/ip-sysctl.rst).

    The kernel goes by the larger of the interface's value and that of ``all`` (IN_DEV_MAXCONF() and IN_DEV_ORCONF() in
    include/linux/inetdevice.h).
    """

    rp_filter: int
    arp_filter: int
    arp_announce: int
    arp_ignore: int


@immutable
class LinkFacts:
    """One network interface (rtnetlink(7)).

    ``up``: an administrator has it up (IFF_UP); ``carrier``: the driver reports a carrier (IFLA_CARRIER), which is not
    known of an interface that is not up. ``below``: the interfaces it is made of: a VLAN's parent, the members of a
    bond, a team or a bridge. ``addresses`` as ``ipaddress`` spells them. ``kind`` is what it is (IFLA_INFO_KIND:
    ``vlan``, ``bond``, ``bridge``, ``tun``, ...), empty for a NIC. ``speed`` in Mbit/s and ``duplex`` (``full`` or
    ``half``) as the driver reports them; ``None`` and ``""`` where it reports none, as most virtual ones.
    """

    name: str
    up: bool
    carrier: bool | None
    below: tuple[str, ...] = ()
    addresses: tuple[str, ...] = ()
    kind: str = ""
    mtu: int | None = None
    speed: int | None = None
    duplex: str = ""
    ipv4: Ipv4Settings | None = None


@immutable
class DmStatus:
    """One map as the kernel reports it to root (drivers/md/dm-mpath.c, multipath_status()).

    ``paths``: what dm holds of each path, by its ``MAJOR:MINOR``. ``queues``: whether I/O without a usable path waits,
    ``None`` where the table was not read.
    """

    name: str
    queues: bool | None
    paths: Mapping[str, DmState]


@immutable
class PathListing:
    """One path as ``show paths raw format`` lists it; ``map_name`` is empty for a path without a map.

    ``marginal``: multipathd reports it as marginal (``%M``); ``failures``: how often dm has failed it since the map's
    table was loaded (``%0``). ``group``: the number of its path group in the map's table, from 1; ``priority``: what
    its prioritizer gave it (``pri``). Both only as ``show maps json`` lists them.
    """

    wwid: str
    map_name: str
    dev: str
    dev_t: str
    dm_state: DmState
    checker_state: CheckerState
    checker: str
    marginal: bool | None = None
    failures: int | None = None
    group: int | None = None
    priority: int | None = None


@immutable
class MapListing:
    """One map as ``show maps json`` lists it, which reads the kernel's table and status by dm ioctl at that moment.

    ``queueing`` is what multipathd prints (``off``, ``on``, ``-``, ``N chk``, ``N sec``); ``queues`` what it means:
    whether I/O without a usable path waits, ``None`` where neither this nor the features show it.
    """

    wwid: str
    name: str
    sysfs_name: str
    queueing: str
    queues: bool | None
    vendor: str
    product: str
    paths: tuple[PathListing, ...]
