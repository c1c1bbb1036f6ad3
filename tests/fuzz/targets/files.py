"""The host's files, and what the tools of a support bundle have printed."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator

from mpathd_watch.core.formats.mounts import fstab, mount_unit, unit_name
from mpathd_watch.core.formats.open_iscsi import configured, parse_record, record_path
from mpathd_watch.core.formats.printed import (
    dmsetup,
    ip_address,
    iscsiadm,
    kernel_log,
    multipath_topology,
    packages,
    udevadm,
)
from mpathd_watch.sources.bundle import supportconfig
from mpathd_watch.sources.bundle.moments import moment
from mpathd_watch.sources.bundle.outputs import Text
from mpathd_watch.sources.bundle.processes import Processes
from mpathd_watch.sources.configuration import dpkg, units
from mpathd_watch.sources.configuration.root_only import RootOnly, RootOnlyError, dump
from mpathd_watch.sources.configuration.root_only import parse as parse_handover
from tests.fuzz.seeds import GOLDEN
from tests.fuzz.target import Target, must, text_of

_SOS = GOLDEN / "bundles/healthy/sosreport/sos_commands"
_SUPPORTCONFIG = GOLDEN / "bundles/healthy/supportconfig"


# --- open-iscsi -------------------------------------------------------------------------------------------------------


def node_record(data: bytes) -> None:
    """Read a node record or iscsid.conf."""
    record = parse_record(text_of(data), "record")
    configured(record, None)
    configured(None, record)
    configured(record, record)


def record_seeds() -> Iterable[bytes]:
    for name in ("node-record", "iscsid-debian13.conf"):
        yield (GOLDEN / "conf" / name).read_bytes()


def record_place(data: bytes) -> None:
    """Find whose record a file is, by its path."""
    record_path(text_of(data))


def place_seeds() -> Iterable[bytes]:
    for directory in ("/etc/iscsi/nodes", "/var/lib/iscsi/nodes"):
        for rest in ("192.168.1.1,3260", "192.168.1.1,3260,1/default", "fe80::1%eth0,3260,1/iface0"):
            yield f"{directory}/iqn.2009-02.com.example:storage.disk1/{rest}".encode()


def handover(data: bytes) -> None:
    """Read what the privileged step passes on, from a directory that is not root's."""
    found = parse_handover(data)
    must(parse_handover(dump(found).encode()) == found, "it has changed on its way")


def handover_seeds() -> Iterable[bytes]:
    record = parse_record("node.startup = manual\nnode.session.nr_sessions = x\n", "/etc/iscsi/iscsid.conf")
    yield dump(RootOnly(1, 1.5, record, (), frozenset({"3600a"}), (), ())).encode()


# --- the start of the host --------------------------------------------------------------------------------------------


def fstab_entries(data: bytes) -> None:
    """Read fstab."""
    for entry in fstab(text_of(data), "/etc/fstab"):
        _ask(entry.local, entry.nofail, entry.device, unit_name(entry.target))


def mount_units(data: bytes) -> None:
    """Read a mount unit."""
    entry = mount_unit(text_of(data), "/etc/systemd/system/a.mount")
    if entry is not None:
        _ask(entry.local, entry.nofail, entry.device, unit_name(entry.target))


def _ask(*_: object) -> None:
    """Take what was asked for."""


def unit_references(data: bytes) -> None:
    """Look for the names of multipathd's and open-iscsi's units in another unit, and in a script."""
    units.referenced_in(data, units.NAMES)
    units.called_in(data, units.NAMES)


def package_database(data: bytes) -> None:
    """Read dpkg's database."""
    dpkg._find(io.BytesIO(data))  # what reads the open file


def fstab_seeds() -> Iterable[bytes]:
    yield b"UUID=1-2 / ext4 errors=remount-ro 0 1\n/dev/mapper/mpatha /srv xfs _netdev,nofail 0 0\n"
    yield b'LABEL="a b" /mnt/a\\040b ext4 x-systemd.requires=iscsid.service\n# comment\n/swap none swap sw 0 0\n'


def mount_seeds() -> Iterable[bytes]:
    yield b"[Unit]\nAfter=network.target\n[Mount]\nWhat=/dev/mapper/mpatha\nWhere=/srv/a b\nType=xfs\nOptions=nofail\n"


def unit_seeds() -> Iterable[bytes]:
    yield b"[Unit]\nWants=multipathd.service\n[Service]\nExecStart=/bin/systemctl start iscsid.service\n"
    yield b"#!/bin/sh\nservice multipathd start\n"


def package_seeds() -> Iterable[bytes]:
    installed = b"Status: install ok installed\n"
    yield b"Package: a\n" + installed + b"\nPackage: multipath-tools\n" + installed + b"Version: 0.9.4-3\n\n"


# --- support bundles --------------------------------------------------------------------------------------------------


def dmsetup_printed(data: bytes) -> None:
    """Read ``dmsetup info``, ``table`` and ``status``."""
    text = text_of(data)
    must("".join(f"{each.name}{each.uuid}" for each in dmsetup.devices(text)).isprintable(), "a name")
    must("".join(each.name for each in (*dmsetup.tables(text), *dmsetup.statuses(text))).isprintable(), "a name")


def ip_printed(data: bytes) -> None:
    """Read ``ip address``."""
    found = ip_address.parse(text_of(data))
    must(not found or "".join(each.name for each in found.links).isprintable(), "a name")


def iscsiadm_printed(data: bytes) -> None:
    """Read ``iscsiadm -m session -P 3`` and the records that it prints."""
    text = text_of(data)
    found = iscsiadm.sessions(text) or ()
    must(
        "".join(f"{each.facts.target}{each.facts.address}{each.facts.netdev}" for each in found).isprintable(), "a name"
    )
    iscsiadm.records(text, "file")


def kernel_log_printed(data: bytes) -> None:
    """Read the kernel's log."""
    kernel_log.connection_errors(text_of(data))


def topology_printed(data: bytes) -> None:
    """Read ``multipath -ll``."""
    found = multipath_topology.parse(text_of(data))
    must("".join(f"{each.name}{each.wwid}{each.vendor}{each.product}" for each in found).isprintable(), "a name")


def packages_printed(data: bytes) -> None:
    """Read a list of packages."""
    packages.multipath_tools(text_of(data))


def udevadm_printed(data: bytes) -> None:
    """Read ``udevadm info --export-db``."""
    found = udevadm.disks(text_of(data))
    texts = "".join(f"{each.name}{each.path}{each.wwid}{each.vendor}{each.product}" for each in found)
    must(texts.isprintable(), "a name")


def supportconfig_parts(data: bytes) -> None:
    """Read a file of a supportconfig, and the dates and processes in it."""
    text = text_of(data)
    for part in supportconfig._parts(text):  # what parts a file
        supportconfig._is_command(part, "multipath -ll")
    moment(text[:256], None)
    moment(text[-256:], 1e9)
    Processes.of(Text(text, "file")).runs("multipathd")


def _files(*paths: str) -> Iterator[bytes]:
    for path in paths:
        # A part of a large one is enough to begin with.
        yield (_SOS / path).read_bytes()[:8192]


def dmsetup_seeds() -> Iterable[bytes]:
    yield from _files("devicemapper/dmsetup_info_-c", "devicemapper/dmsetup_status", "devicemapper/dmsetup_table")
    yield b"Name:              mpatha\nState:             ACTIVE\nMajor, minor:      254, 0\nUUID: mpath-3600a\n\n"


def ip_seeds() -> Iterable[bytes]:
    yield from _files("networking/ip_-d_address")


def iscsiadm_seeds() -> Iterable[bytes]:
    yield from _files("iscsi/iscsiadm_-m_session_-P_3", "iscsi/iscsiadm_-m_node_--op_show")
    yield b"iscsiadm: No active sessions.\n"


def log_seeds() -> Iterable[bytes]:
    yield b"kernel: Linux version 6\nkernel:  connection1:0: detected conn error (1022)\n"
    yield b"iscsid[1]: Connection1:0 to [target: iqn.a, portal: 1.2.3.4,3260] through [iface: a] is operational now\n"


def topology_seeds() -> Iterable[bytes]:
    yield from _files("multipath/multipath_-ll")


def package_list_seeds() -> Iterable[bytes]:
    yield b"ii  multipath-tools  0.9.4-3+deb12u1  amd64  maintain multipath block device access\n"
    yield b"device-mapper-multipath-0.8.7-20.el9.x86_64\nmultipath-tools   Tue Nov 3  0.9.8+71+suse.1-1.1\n"


def udevadm_seeds() -> Iterable[bytes]:
    yield from _files("devices/udevadm_info_--export-db")
    numbers = b"E: MAJOR=8\nE: MINOR=0\n"
    yield b"E: DEVPATH=/a/sda\nE: DEVTYPE=disk\nE: SUBSYSTEM=block\n" + numbers + b"E: ID_VENDOR_ENC=A\\x20\\x1b\n"


def supportconfig_seeds() -> Iterable[bytes]:
    for path in sorted(_SUPPORTCONFIG.glob("*.txt")):
        yield path.read_bytes()[:8192]
    yield b"Fri Nov 27 13:42:44 UTC 2026\n27 Nov 2026 01:42:44 PM CET\n"


_KEYS = (
    *(
        b"node.startup = automatic\n",
        b"node.session.timeo.replacement_timeout = ",
        b"node.conn[0].timeo.",
        b" = ",
        b"=",
    ),
    *(b"noop_out_interval = 5\n", b"# BEGIN RECORD 2.1\n", b"# END RECORD\n", b"node.session.nr_sessions = ", b"#"),
    *(b"-", b"18446744073709551616\n", b"node.discovery_type = static\n"),
)

TARGETS = (
    Target("node_record", node_record, record_seeds, _KEYS),
    Target("record_place", record_place, place_seeds, (b"/nodes/", b"/", b",", b"3260", b"[", b"]", b",1/", b"-1")),
    Target(
        "handover",
        handover,
        handover_seeds,
        (b'{"format":1,', b'"records":[', b'"iscsid":{', b'"entries":{', b'"line":', b'"place":', b"1e999", b"null,"),
        (b"[", b'{"format":1,"iscsid":', b'{"records":['),
        (RootOnlyError,),
    ),
    Target(
        "fstab",
        fstab_entries,
        fstab_seeds,
        (
            b"/dev/mapper/a ",
            b"/mnt ",
            b"xfs ",
            b"_netdev,",
            b"x-systemd.after=iscsid,",
            b"LABEL=",
            b"\\040",
            b'"',
            b",,",
        ),
    ),
    Target(
        "mount_unit",
        mount_units,
        mount_seeds,
        (
            b"[Mount]\n",
            b"What=/dev/a\n",
            b"Where=/b\n",
            b"Options=",
            b"nofail,",
            b"[Unit]\n",
            b"After=network\n",
            b"a=\n",
        ),
    ),
    Target(
        "unit_references",
        unit_references,
        unit_seeds,
        (
            *(
                b"Wants=",
                b"multipathd",
                b".service ",
                b"ExecStart=",
                b"systemctl ",
                b"iscsid",
                b"\n",
                b"Exec",
                b"-",
                b" \t",
            ),
            *(b"ExecStart=systemctl ", b"Unit=multipathd.", b"x", b".socket"),
        ),
    ),
    Target(
        "dpkg_status",
        package_database,
        package_seeds,
        (b"\nPackage: multipath-tools\n", b"Status: a ok installed\n", b"Version: 1:0.9.4\n", b"\n\n", b"Status: "),
    ),
    Target(
        "dmsetup",
        dmsetup_printed,
        dmsetup_seeds,
        (
            *(
                b"mpatha: 0 100 multipath ",
                b"2 0 0 0 ",
                b"8:0 A 0 ",
                b"Name: a\n",
                b"Major, minor: 1, 2\n",
                b"UUID: b\n\n",
            ),
            *(b"a 254 0 L--w 1 1 0 ", b"mpath-1 ", b"\n", b"queue_if_no_path "),
        ),
    ),
    Target(
        "ip_address",
        ip_printed,
        ip_seeds,
        (
            b"1: a: <>\n",
            b"2: eth0@if3: <UP,LOWER_UP> ",
            b" master b",
            b"\n",
            b"inet 10.0.0.1/24\n",
            b"vlan ",
            b"inet6 ::1/",
        ),
    ),
    Target(
        "iscsiadm",
        iscsiadm_printed,
        iscsiadm_seeds,
        (
            *(
                b"Target: iqn.a (b)\n",
                b"Current Portal: 10.0.0.1:3260,1\n",
                b"Persistent Portal: [::1]:3260,1\n",
                b"SID: 1\n",
            ),
            *(
                b"Interface:\n",
                b"Attached SCSI devices:\n",
                b"scsi1 Channel 00 Id 0 Lun: 1\n",
                b"Recovery Timeout: 5\n",
            ),
            *(
                b"Attached scsi disk sda\tState: running\n",
                b"# BEGIN RECORD\n",
                b"# END RECORD\n",
                b"node.name = a\n",
                b"[",
            ),
        ),
    ),
    Target(
        "kernel_log",
        kernel_log_printed,
        log_seeds,
        (
            b"connection1:0 to [",
            b"] ",
            b"is operational",
            b"connection1:0: detected conn error (1)\n",
            b"kernel: Linux version ",
        ),
    ),
    Target(
        "multipath_ll",
        topology_printed,
        topology_seeds,
        (
            *(
                b"mpatha (3600a) dm-0 A,B\n",
                b"size=1G features='0' hwhandler='0' wp=rw\n",
                b"`-+- policy='a 0' prio=1 status=b\n",
            ),
            *(b"  |- 1:0:0:1 sda 8:0  active ready running\n", b" (", b"dm-0 ", b"a: ", b"\x1b[1m", b"'", b" (a) dm-"),
        ),
    ),
    Target(
        "packages",
        packages_printed,
        package_list_seeds,
        (
            b"multipath-tools ",
            b"multipath-tools-",
            b"device-mapper-multipath ",
            b"0.9.4",
            b"ii  multipath-tools:",
            b"\n",
        ),
    ),
    Target(
        "udevadm",
        udevadm_printed,
        udevadm_seeds,
        (
            *(
                b"E: DEVPATH=/a/sda\n",
                b"E: DEVTYPE=disk\nE: SUBSYSTEM=block\n",
                b"E: MAJOR=8\nE: MINOR=0\n",
                b"E: ID_SERIAL=",
            ),
            *(b"E: ID_MODEL_ENC=", b"\\x1b", b"\n\n", b"E: "),
        ),
    ),
    Target(
        "supportconfig",
        supportconfig_parts,
        supportconfig_seeds,
        (
            *(
                b"#==[ Command ]====#\n# /sbin/multipath -ll\n",
                b"#==[ ",
                b" ]=#\n# ",
                b"\n",
                b"# ",
                b"Jan 01 00:00:00 UTC 0000",
            ),
            *(b" /", b"kthreadd\n", b"multipathd", b"31 Feb 9999 99:99:99 PM CET"),
        ),
    ),
)
