"""Independent witness, run in the guest: writes what the kernel reports to a file of JSON lines until it is killed.

Usage: recorder.py FILE [--no-polls]

With `--no-polls` only the sources that report by themselves are recorded, for guests with too many disks to poll:
`uevent`, `kmsg`, `lost` and `late`.

Each line has `mono` and `real` (CLOCK_MONOTONIC and CLOCK_REALTIME, seconds), `source`, and what that source reports:

    `uevent`   a kernel uevent of the subsystems that matter, all its keys
    `lost`     the kernel dropped uevents, because they came faster than they were recorded
    `kmsg`     a kernel log line: `text`, and `stamp`, the kernel's own (printk time, seconds: close to CLOCK_MONOTONIC)
    `session`  iSCSI session and its connection, when anything changes: `id`, `portal`, `state` (None: gone), timeouts
    `alive`    iSCSI session whose target has answered: `id`, `portal`, `exp_statsn`, which changes with every answer
    `heard`    TCP connection to a portal on which data came: `portal`, `heard` (when the last of it came), `gap` (the
               longest silence since the line before, seconds); at most two lines a second
    `device`   SCSI disk: `id`, `dev_t`, `hctl`, `session`, `portal`, `state` (None: gone)
    `access`   SCSI disk with a device handler, what the array says of it: `id`, `hctl`, `session`, `portal`, `access`
               (access_state; None: disk or handler are gone), `preferred` (preferred_path)
    `link`     network interface: `id`, `carrier` ("1", "0", None: gone)
    `map`      dm-multipath map, read by ioctl: `id`, `uuid`, `event_nr`, `queueing`, `paths` {dev_t: "A"|"F"},
               `groups` [[mark, [dev_t ...]] ...] with the mark A (in use), E or D
    `late`     nothing was read for `seconds`, which is longer than usual: the guest, or its host, was too busy

It shares no code with the product, on purpose: the product is compared with it.
"""

import errno
import fcntl
import json
import os
import socket
import struct
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TextIO

POLL_INTERVAL = 0.1
HEARD_INTERVAL = 0.5
LATE = 0.7
"""Seconds between the beginnings of two readings from which on the recorder was late."""

SUBSYSTEMS = {"block", "scsi", "scsi_host", "iscsi_session", "iscsi_connection", "iscsi_host", "net"}
NETLINK_KOBJECT_UEVENT = 15
SO_RCVBUFFORCE = 33
KERNEL_GROUP = 1
UEVENT_BUFFER = 64 << 20
"""Bytes. Only pending uevents take memory."""

NETLINK_SOCK_DIAG = 4
SOCK_DIAG_BY_FAMILY = 20
NLM_F_REQUEST_DUMP = 0x301
NLMSG_ERROR = 2
NLMSG_DONE = 3
INET_DIAG_INFO = 2
TCP_ESTABLISHED = 1
DIAG_MESSAGE_SIZE = 72
LAST_DATA_RECV_OFFSET = 52
ISCSI_PORT = 3260
JIFFY = 0.004

DM_HEADER = struct.Struct("=3I 4I i 2I I Q")
DM_HEADER_SIZE = 312
DM_LIST_DEVICES = 0xC138FD02
DM_TABLE_STATUS = 0xC138FD0C
DM_STATUS_TABLE_FLAG = 1 << 4
DM_NOFLUSH_FLAG = 1 << 11
DM_UUID_OFFSET = 176
DM_SPEC_SIZE = 40


class Log:
    """The file of JSON lines. Safe to use from several threads."""

    def __init__(self, file: TextIO) -> None:
        self._file = file
        self._lock = threading.Lock()

    def write(self, source: str, values: dict[str, Any]) -> None:
        """Write one line, stamped now."""
        stamps = {"mono": round(time.monotonic(), 4), "real": round(time.time(), 4), "source": source}
        with self._lock:
            self._file.write(json.dumps(stamps | values) + "\n")
            self._file.flush()


def follow_uevents(log: Log) -> None:
    """Log kernel uevents as they arrive."""
    netlink = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_KOBJECT_UEVENT)
    netlink.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, UEVENT_BUFFER)
    netlink.bind((0, KERNEL_GROUP))
    while True:
        try:
            words = netlink.recv(1 << 16).split(b"\0")[1:]
        except OSError as error:
            if error.errno != errno.ENOBUFS:
                raise
            log.write("lost", {})
            continue
        keys = dict(word.decode(errors="replace").split("=", 1) for word in words if b"=" in word)
        if keys.get("SUBSYSTEM") in SUBSYSTEMS:
            log.write("uevent", keys)


def follow_kernel_log(log: Log) -> None:
    """Log kernel messages that are written from now on."""
    # Without seeking to the end, everything since boot would come first.
    descriptor = os.open("/dev/kmsg", os.O_RDONLY)
    os.lseek(descriptor, 0, os.SEEK_END)
    while True:
        try:
            record = os.read(descriptor, 8192).decode(errors="replace")
        except BrokenPipeError:
            continue
        fields, _, text = record.partition(";")
        level, _, microseconds = (int(field) for field in fields.split(",")[:3])
        # Facility 0 is the kernel; systemd writes there too, as facility 3.
        if level >> 3 == 0:
            log.write("kmsg", {"text": text.split("\n", 1)[0], "stamp": microseconds / 1e6})


def read(path: str) -> str | None:
    """Return an attribute's stripped value, `!ERRNO` when the kernel refuses, or None when it is gone."""
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        return f"!{error.errno}"
    try:
        return os.read(descriptor, 4096).decode(errors="replace").strip()
    except OSError as error:
        return f"!{error.errno}"
    finally:
        os.close(descriptor)


def listed(directory: str, prefix: str) -> list[str]:
    """Return the names in a directory of sysfs that begin so; none while the directory does not exist."""
    try:
        names = os.listdir(directory)  # noqa: PTH208 - pathlib took ten times as long, here and for reading
    except FileNotFoundError:
        return []
    return [name for name in names if name.startswith(prefix)]


def sessions() -> dict[str, dict[str, Any]]:
    """Return what is logged of each iSCSI session, by its kernel name."""
    found = {}
    for name in listed("/sys/class/iscsi_session", "session"):
        session, connection = f"/sys/class/iscsi_session/{name}", connection_of(name)
        found[name] = {
            "portal": portal(name),
            "state": read(f"{session}/state"),
            "connection": read(f"{connection}/state"),
            "recovery_tmo": read(f"{session}/recovery_tmo"),
            "recv_tmo": read(f"{connection}/recv_tmo"),
            "ping_tmo": read(f"{connection}/ping_tmo"),
        }
    return found


def answers() -> dict[str, dict[str, Any]]:
    """Return what each iSCSI session's target has said, in numbers, by the session's kernel name."""
    found = {}
    for connection in listed("/sys/class/iscsi_connection", "connection"):
        number, _, index = connection.removeprefix("connection").partition(":")
        if index == "0":
            said = read(f"/sys/class/iscsi_connection/{connection}/exp_statsn")
            found[f"session{number}"] = {"portal": portal(f"session{number}"), "exp_statsn": said}
    return found


def connection_of(session: str) -> str:
    """Return the directory of a session's connection."""
    return f"/sys/class/iscsi_connection/connection{session.removeprefix('session')}:0"


portals: dict[str, str] = {}
"""Session -> its portal. The kernel uses no session's number twice (scsi_transport_iscsi.c, iscsi_session_nr)."""


def portal(session: str) -> str:
    """Return ADDRESS:PORT that the session was configured with; it stays when the connection is down."""
    if session not in portals:
        connection = connection_of(session)
        address, port = read(f"{connection}/persistent_address"), read(f"{connection}/persistent_port")
        shown = in_brackets(f"{address}", port)
        # Until iscsid has set them they are (null) and 0; when the session is removed they can't be read.
        if address in (None, "", "(null)") or port in (None, "", "0") or "!" in shown:
            return shown
        portals[session] = shown
    return portals[session]


def in_brackets(address: str, port: object) -> str:
    """Return ADDRESS:PORT, with brackets around an IPv6 address."""
    return f"[{address.strip('[]')}]:{port}" if ":" in address else f"{address}:{port}"


def devices() -> dict[str, dict[str, Any]]:
    """Return what is logged of each SCSI disk, by its kernel name."""
    found = {}
    for disk in listed("/sys/block", "sd"):
        where = place(disk)
        if where:
            dev_t, state = read(f"/sys/block/{disk}/dev"), read(f"/sys/block/{disk}/device/state")
            found[disk] = {"dev_t": dev_t, **where, "state": state}
    return found


def accesses() -> dict[str, dict[str, Any]]:
    """Return what is logged of the array's view of each SCSI disk that has a device handler, by its kernel name."""
    found = {}
    for disk in listed("/sys/block", "sd"):
        state = read(f"/sys/block/{disk}/device/access_state")
        # Without a handler both attributes are EINVAL.
        where = place(disk) if state and not state.startswith("!") else None
        if where:
            preferred = read(f"/sys/block/{disk}/device/preferred_path")
            found[disk] = {**where, "access": state, "preferred": preferred}
    return found


def place(disk: str) -> dict[str, str | None] | None:
    """Return where a SCSI disk is: `hctl`, `session` and `portal`; None when it is gone."""
    try:
        # ../devices/platform/host2/session1/target2:0:0/2:0:0:1/block/sda
        parts = os.readlink(f"/sys/block/{disk}").split("/")  # noqa: PTH115 - as above
    except OSError:
        return None
    session = next((part for part in parts if part.startswith("session")), None)
    return {"hctl": parts[-3], "session": session, "portal": portal(session) if session else None}


def links() -> dict[str, dict[str, Any]]:
    """Return the carrier of each of the initiator's links to the SAN."""
    names = (name for name in listed("/sys/class/net", "p") if name[1:2].isdigit())
    return {name: {"carrier": read(f"/sys/class/net/{name}/carrier")} for name in names}


class Ears:
    """Reads, by sock_diag(7), when data last came from each portal, as the kernel's own noop timer does."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self._netlink = socket.socket(socket.AF_NETLINK, socket.SOCK_DGRAM, NETLINK_SOCK_DIAG)
        self._heard: dict[str, float] = {}
        self._gaps: dict[str, float] = {}
        self._told: dict[str, float] = {}

    def listen(self) -> None:
        """Log the data that has come since the last time: at once for a connection that is no longer established."""
        now = time.monotonic()
        answers = dict(self._ask())
        for peer in self._gaps.keys() - answers.keys():
            self._write(peer, now)
        for peer, heard in answers.items():
            before = self._heard.get(peer)
            if before is None or abs(heard - before) > 2 * JIFFY:
                self._heard[peer] = heard
                self._gaps[peer] = max(self._gaps.get(peer, 0.0), heard - (heard if before is None else before))
            if peer in self._gaps and now - self._told.get(peer, 0.0) >= HEARD_INTERVAL:
                self._write(peer, now)

    def _write(self, peer: str, now: float) -> None:
        self._told[peer] = now
        said = {"heard": round(self._heard[peer], 4), "gap": round(self._gaps.pop(peer), 4)}
        self._log.write("heard", {"portal": peer, **said})

    def _ask(self) -> Iterator[tuple[str, float]]:
        for family in (socket.AF_INET, socket.AF_INET6):
            yield from self._ask_for(family)

    def _ask_for(self, family: int) -> Iterator[tuple[str, float]]:
        request = struct.pack("=BBBxI48x", family, socket.IPPROTO_TCP, 1 << INET_DIAG_INFO - 1, 1 << TCP_ESTABLISHED)
        header = struct.pack("=IHHII", 16 + len(request), SOCK_DIAG_BY_FAMILY, NLM_F_REQUEST_DUMP, 0, 0)
        self._netlink.send(header + request)
        while True:
            reply = self._netlink.recv(1 << 16)
            now = time.monotonic()
            offset = 0
            while offset < len(reply):
                length, kind = struct.unpack_from("=IH", reply, offset)
                if kind in (NLMSG_DONE, NLMSG_ERROR):
                    return
                yield from last_heard(reply[offset + 16 : offset + length], now)
                offset += length + 3 & ~3


def last_heard(message: bytes, now: float) -> Iterator[tuple[str, float]]:
    """Yield ADDRESS:PORT and when data last came, if an answer of sock_diag is of a connection to a portal."""
    (port,) = struct.unpack_from("!H", message, 6)
    if port != ISCSI_PORT:
        return
    family = message[0]
    address = message[24 : 24 + (4 if family == socket.AF_INET else 16)]
    offset = DIAG_MESSAGE_SIZE
    while offset < len(message):
        length, kind = struct.unpack_from("=HH", message, offset)
        if kind == INET_DIAG_INFO:
            (milliseconds,) = struct.unpack_from("=I", message, offset + 4 + LAST_DATA_RECV_OFFSET)
            yield in_brackets(socket.inet_ntop(family, address), port), now - milliseconds / 1e3
        offset += length + 3 & ~3


class DeviceMapper:
    """Reads maps through /dev/mapper/control."""

    def __init__(self) -> None:
        self._control: int | None = None

    def maps(self) -> dict[str, dict[str, Any]]:
        """Return what is logged of each dm-multipath map, by name."""
        if self._control is None:
            # Opening the control device would load the module on a host that has none.
            if not Path("/sys/module/dm_multipath").exists():
                return {}
            self._control = os.open("/dev/mapper/control", os.O_RDWR)
        found = {}
        for name in self._names():
            status = self._table(name, 0)
            table = self._table(name, DM_STATUS_TABLE_FLAG)
            if status and table and status["type"] == "multipath":
                found[name] = {
                    "uuid": status["uuid"],
                    "event_nr": status["event_nr"],
                    "queueing": "queue_if_no_path" in table["text"],
                    **parse_status(status["text"]),
                }
        return found

    def _names(self) -> list[str]:
        reply = self._call(DM_LIST_DEVICES, b"", 0)
        names = []
        offset = reply_start(reply)
        while True:
            device, following = struct.unpack_from("=QI", reply, offset)
            if device:
                names.append(reply[offset + 12 : reply.index(0, offset + 12)].decode(errors="replace"))
            if not following:
                return names
            offset += following

    def _table(self, name: str, flag: int) -> dict[str, Any] | None:
        try:
            reply = self._call(DM_TABLE_STATUS, name.encode(), flag | DM_NOFLUSH_FLAG)
        except OSError:
            return None
        (targets,) = struct.unpack_from("=I", reply, 20)
        if not targets:
            return None
        start = reply_start(reply)
        return {
            "uuid": until_nul(reply, DM_UUID_OFFSET),
            "event_nr": struct.unpack_from("=I", reply, 32)[0],
            "type": until_nul(reply, start + 24),
            "text": until_nul(reply, start + DM_SPEC_SIZE),
        }

    def _call(self, request: int, name: bytes, flags: int) -> bytearray:
        assert self._control is not None
        buffer = bytearray(1 << 16)
        DM_HEADER.pack_into(buffer, 0, 4, 0, 0, len(buffer), DM_HEADER_SIZE, 0, 0, 0, flags, 0, 0, 0)
        buffer[48 : 48 + len(name)] = name
        fcntl.ioctl(self._control, request, buffer, True)
        return buffer


def reply_start(reply: bytearray) -> int:
    start: int = struct.unpack_from("=I", reply, 16)[0]
    return start


def until_nul(buffer: bytearray, offset: int) -> str:
    return buffer[offset : buffer.index(0, offset)].decode(errors="replace")


def parse_status(status: str) -> dict[str, Any]:
    """Return `paths` and `groups` from the status line of a multipath target."""
    words = status.split()
    paths: dict[str, str] = {}
    listed: list[tuple[str, list[str]]] = []
    position = 1 + int(words[0])
    position += 1 + int(words[position])
    groups = int(words[position])
    position += 2
    for _ in range(groups):
        members: list[str] = []
        listed.append((words[position], members))
        position += 1
        position += 1 + int(words[position])
        count, selector_words = int(words[position]), int(words[position + 1])
        position += 2
        for _ in range(count):
            paths[words[position]] = words[position + 1]
            members.append(words[position])
            position += 3 + selector_words
    return {"paths": paths, "groups": listed}


def watch_the_clock(log: Log) -> None:
    """Log only when the recorder was late."""
    while True:
        started = time.monotonic()
        time.sleep(POLL_INTERVAL)
        took = time.monotonic() - started
        if took > LATE:
            log.write("late", {"seconds": round(took, 4)})


def poll(log: Log) -> None:
    """Log every change of what has no event of its own."""
    mapper = DeviceMapper()
    sources: dict[str, Callable[[], dict[str, dict[str, Any]]]] = {
        "session": sessions,
        "alive": answers,
        "device": devices,
        "access": accesses,
        "link": links,
        "map": mapper.maps,
    }
    known: dict[str, dict[str, dict[str, Any]]] = {source: {} for source in sources}
    ears = Ears(log)
    started = time.monotonic()
    while True:
        before_that, started = started, time.monotonic()
        if started - before_that > LATE:
            log.write("late", {"seconds": round(started - before_that, 4)})
        ears.listen()
        for source, look in sources.items():
            before, after = known[source], look()
            for key, values in after.items():
                if before.get(key) != values:
                    log.write(source, {"id": key, **values})
            for key in before.keys() - after.keys():
                gone: dict[str, Any] = {"state": None, "access": None, "carrier": None, "paths": {}, "groups": []}
                log.write(source, {"id": key, **before[key], **gone})
            known[source] = after
        time.sleep(max(0.01, POLL_INTERVAL - (time.monotonic() - started)))


def main() -> None:
    path, *options = sys.argv[1:]
    with Path(path).open("w", encoding="utf-8") as file:
        log = Log(file)
        log.write("recorder", {"kernel": os.uname().release})
        for follow in (follow_uevents, follow_kernel_log):
            threading.Thread(target=follow, args=(log,), daemon=True).start()
        if "--no-polls" in options:
            watch_the_clock(log)
        else:
            poll(log)


if __name__ == "__main__":
    main()
