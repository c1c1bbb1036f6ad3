"""What the kernel reports, some of which it has from the SAN: uevents, netlink, sysfs, /proc, INQUIRY."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from mpathd_watch.core.events import UnitAttentions
from mpathd_watch.core.formats import proc_mounts
from mpathd_watch.core.formats.inquiry import designators, has_port_groups, port_group
from mpathd_watch.core.model.vocabulary import AccessState, DeviceState, SessionStatus
from mpathd_watch.sources.iscsi import datagram, tcp
from mpathd_watch.sources.netlink.conversation import messages
from mpathd_watch.sources.network import addresses, links
from mpathd_watch.sources.reading.attributes import PAGE, Attributes
from mpathd_watch.sources.sysfs import access, block, disks
from mpathd_watch.sources.sysfs.udevdb import value_of
from mpathd_watch.sources.uevent.attentions import AttentionGatherer, Timer
from mpathd_watch.sources.uevent.parse import ATTENTION, in_order, parse
from tests.fakes import rtnetlink
from tests.fakes.iscsi import CONN_ERROR, message
from tests.fakes.sysfs import inquiry, vpd_pg83
from tests.fuzz.target import Target, must, text_of

PORTS = (50000).to_bytes(2, "big") + (3260).to_bytes(2, "big")


# --- uevents ----------------------------------------------------------------------------------------------------------


class _NoTimer:
    def cancel(self) -> None:
        """There is nothing to cancel."""


def _never(_seconds: float, _callback: object) -> Timer:
    return _NoTimer()


def uevents(data: bytes) -> None:
    """Read messages of the kernel's group, which part their properties by NUL, and here each other by a line end."""
    found = []
    reported: list[object] = []
    gatherer = AttentionGatherer(lambda *events: reported.extend(events), _never)
    for raw in data.split(b"\n", 255):
        head, *rest = text_of(raw).split("\0")
        action, _, path = head.partition("@")
        properties = {name: value for name, _, value in (each.partition("=") for each in rest)}
        name = path.rpartition("/")[2]
        if ATTENTION in properties:
            gatherer.take(name, properties[ATTENTION])
        found += parse(action, name, properties)
    must(len(in_order(found)) == len(found), "an event is lost")
    gatherer.close()
    must(
        all(each.hctl.isascii() for e in reported if isinstance(e, UnitAttentions) for each in e.attentions), "H:C:T:L"
    )


def uevent_seeds() -> Iterable[bytes]:
    path = "change@/devices/virtual/block/dm-0"
    event = (path, "DM_ACTION=PATH_FAILED", "DM_SEQNUM=7", "DM_PATH=8:16", "DM_NAME=mpatha", "DM_UUID=mpath-3600a")
    yield "\0".join(event).encode()
    yield b"change@/devices/virtual/block/dm-0\0DM_COOKIE=4"
    yield b"change@/devices/host0/target0:0:0/0:0:0:1\0SDEV_UA=REPORTED_LUNS_DATA_HAS_CHANGED"


# --- netlink ----------------------------------------------------------------------------------------------------------


def iscsi_netlink(data: bytes) -> None:
    """Read a datagram of NETLINK_ISCSI."""
    datagram.parse(memoryview(bytearray(data)))


def sock_diag(data: bytes) -> None:
    """Read the answer to a question for a TCP connection."""
    for each in messages(data):
        tcp.parse(each, PORTS, 100.0)


def netlink_dump(data: bytes) -> None:
    """Read dumps of the interfaces and of the addresses."""
    found = list(messages(data))
    links.table(
        [link for link in map(links.parse, found) if link],
        [assigned for assigned in map(addresses.parse, found) if assigned],
    )


def iscsi_seeds() -> Iterable[bytes]:
    yield message(CONN_ERROR, 7, 0, 1022)


def diag_seeds() -> Iterable[bytes]:
    yield rtnetlink.connection((50000, 3260))
    yield rtnetlink.connection((50000, 3260), rtnetlink.tcp_info(size=60))
    yield rtnetlink.refusal(2)


def dump_seeds() -> Iterable[bytes]:
    yield rtnetlink.assigned(2, "192.168.1.2") + rtnetlink.assigned(3, "fe80::1", 64) + rtnetlink.done()
    yield rtnetlink.link(2, "eth0") + rtnetlink.link(3, "eth0.7", kind="vlan", parent=2) + rtnetlink.done()
    yield rtnetlink.link(4, "bond0", kind="bond", ipv4={8: 1}) + rtnetlink.link(5, "eth1", master=4, carrier=False)
    yield b"".join(rtnetlink.link(2, "eth0") + rtnetlink.assigned(2, f"10.0.0.{number}") for number in range(1, 5))


# --- sysfs, udev, /proc -----------------------------------------------------------------------------------------------


class _Kept:
    """An attribute that is open: at each read it gives the same bytes, not more than the kernel does."""

    def __init__(self, data: bytes) -> None:
        self._data = data[:PAGE]

    def content(self) -> bytes:
        return self._data


class _Directory:
    """Stands for a directory with attributes, of which all have the same content but for those named."""

    def __init__(self, data: bytes, named: Mapping[str, bytes]) -> None:
        self._data = data
        self._named = named

    def __truediv__(self, name: str) -> _Kept:
        return _Kept(self._named.get(name, self._data))


def sysfs(data: bytes) -> None:
    """Read an attribute in each way in which one is read."""
    attributes, one = Attributes(), _Kept(data)
    text = attributes.text(one)
    must(text.isprintable() and len(text) <= PAGE, "the text can't be printed")
    attributes.optional(one)
    attributes.number(one)
    attributes.counter(one)
    for words in (DeviceState, SessionStatus, AccessState):
        attributes.word(one, words)
    for parse_ in (disks._io, disks._unsigned):  # how the counters of a disk are read
        attributes.parsed(one, parse_)
    disks.attached_by(text_of(data[:PAGE]))
    head, _, tail = data.partition(b"\n\n")
    handler: dict[str, bytes] = {"dh_state": b"alua"} if data[:1] == b"a" else {}
    directory = _Directory(head, {"access_state": tail, "vpd_pg83": tail, **handler})
    access.of_disk(attributes, directory)  # type: ignore[arg-type]  # as Below
    block.of_map(attributes, directory)  # type: ignore[arg-type]
    block.of_disk(attributes, directory, directory, "sda")  # type: ignore[arg-type]


def sysfs_seeds() -> Iterable[bytes]:
    yield from (b"running\n", b"0x1f\n", b"0xffffffff80000000\n", b"-1\n", b"LIO-ORG \n", b"active/optimized\n", b"\n")
    yield b"     100        0      800       50       10        0       80        5        0       50       55\n"
    yield b"../devices/platform/host7/session3/target7:0:0/7:0:0:1/block/sda"
    yield inquiry(port_groups=True) + b"\n\n" + vpd_pg83(17)


def udev_record(data: bytes) -> None:
    """Read udev's record of a disk."""
    for key in ("ID_SERIAL", "ID_WWN"):
        must(value_of(data, key).isprintable(), "the value can't be printed")


def udev_record_seeds() -> Iterable[bytes]:
    yield b"S:disk/by-id/scsi-3600a\nI:123\nE:ID_SERIAL=3600a\nE:ID_WWN=0x600a\nG:systemd\n"


def mounts(data: bytes) -> None:
    """Read /proc/self/mountinfo."""
    found = proc_mounts.mounts(text_of(data))
    must(all(f"{each.target}{each.source}".isprintable() for each in found), "a mount can't be printed")


def mount_seeds() -> Iterable[bytes]:
    yield b"36 35 253:3 / /mnt/a\\040b rw,noatime shared:1 master:2 - ext4 /dev/mapper/mpatha rw\n"
    yield b"40 35 253:4 /part /srv rw - xfs /dev/sda1 rw\n41 35 0:52 / /b rw shared:9 - btrfs /dev/sdb rw\n"


def swaps(data: bytes) -> None:
    """Read /proc/swaps."""
    proc_mounts.swaps(text_of(data))


def swap_seeds() -> Iterable[bytes]:
    yield b"Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n/dev/dm-1 partition\t975868\t\t0\t\t-2\n"


def lun(data: bytes) -> None:
    """Read what an array reports of a LUN: its standard INQUIRY data and VPD page 0x83."""
    has_port_groups(data)
    must(port_group(data) is None or list(designators(data)), "a group without a designator")


def lun_seeds() -> Iterable[bytes]:
    yield inquiry(port_groups=True)
    yield vpd_pg83(17)


TARGETS = (
    Target(
        "uevent",
        uevents,
        uevent_seeds,
        (
            *(b"change@/devices/", b"block/dm-0", b"\0DM_ACTION=", b"PATH_FAILED", b"PATH_REINSTATED", b"\0DM_UUID="),
            *(b"mpath-", b"\0DM_PATH=", b"8:16", b"\0DM_SEQNUM=", b"7", b"\0DM_NAME=", b"\0DM_COOKIE=", b"\0RESIZE=1"),
            *(b"\0SDEV_UA=", b"CAPACITY_DATA_HAS_CHANGED", b"1:0:0:1"),
        ),
    ),
    Target("iscsi_netlink", iscsi_netlink, iscsi_seeds),
    Target("sock_diag", sock_diag, diag_seeds),
    Target("rtnetlink", netlink_dump, dump_seeds),
    Target(
        "sysfs",
        sysfs,
        sysfs_seeds,
        (
            b"0x",
            b"-",
            b"running",
            b"active/optimized",
            b"/session",
            b"/target1:0:0",
            b"/1:0:0:1/block/",
            b"rport-1:0-1/",
        ),
    ),
    Target("udev_record", udev_record, udev_record_seeds, (b"E:ID_SERIAL=", b"E:", b"S:", b"ID_WWN=")),
    Target(
        "mounts",
        mounts,
        mount_seeds,
        (b"36 35 253:3 / /mnt ", b"rw ", b"- ", b"ext4 ", b"/dev/sda ", b"0:1 ", b"\\040", b"\\134", b"1 1 8:1 /x /y "),
    ),
    Target("swaps", swaps, swap_seeds, (b"/dev/dm-1 ", b"partition\t", b"\\040")),
    Target("lun", lun, lun_seeds, (b"\0\x83", b"\0\0", b"\x01\x15\0\x04", b"\xff\xff")),
)
