"""``iscsiadm -m session -P 3`` or ``-P 1``, and the records that ``iscsiadm -m node -o show`` prints.

Formats of usr/session_info.c, session_info_print_tree(), and usr/idbm.c, idbm_print(), open-iscsi 2.1.8 to 2.1.11. The
lines below ``CHAP:`` are skipped, whatever they hold. Nothing prints the noop timeouts that are in force.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from mpathd_watch.core.formats.open_iscsi import Place, Record, parse_record
from mpathd_watch.core.model.facts import SessionFacts
from mpathd_watch.core.model.identity import DEFAULT_IFACE
from mpathd_watch.core.model.text import clean
from mpathd_watch.core.model.vocabulary import DeviceState, SessionStatus
from mpathd_watch.immutable import immutable, replace

_PORTAL = re.compile(r"\[?(?P<address>[^\[\]]{1,255}?)\]?:(?P<port>\d{1,5}),(?P<tag>-?\d{1,5})", re.ASCII)
_DISK = re.compile(r"Attached scsi disk (?P<dev>\S{1,64})\s+State: (?P<state>\S{1,64})", re.ASCII)
_LUN = re.compile(
    r"scsi(?P<host>\d{1,7}) Channel (?P<channel>\d{1,7}) Id (?P<id>\d{1,7}) Lun: (?P<lun>\d{1,20})", re.ASCII
)
_NUMBER = re.compile(r"\d{1,9}", re.ASCII)
_NONE = re.compile(r"iscsiadm: No active sessions\.?")
_UNSET = frozenset({"", "<empty>", "[default]", "unknown", "Unknown"})
_LONGEST_LINE = 2048
_BEGIN, _END = "# BEGIN RECORD", "# END RECORD"
MAX_SESSIONS = 4096


@immutable
class PrintedDisk:
    """A disk of a session."""

    dev: str
    hctl: str
    state: DeviceState


@immutable
class PrintedSession:
    """A session with its disks; ``None`` for the disks if they are not printed (``-P 1``)."""

    facts: SessionFacts
    disks: tuple[PrintedDisk, ...] | None


@dataclass(slots=True)
class _Draft:
    """What the lines read so far say. A target and a portal hold for the sessions that follow, too."""

    target: str = ""
    portal: tuple[str, int, int] | None = None
    persistent: bool = False
    words: dict[str, str] = field(default_factory=dict)
    hctl: str = ""
    disks: list[PrintedDisk] = field(default_factory=list)
    lists_disks: bool = False

    def begin_session(self) -> None:
        self.words, self.hctl, self.disks, self.lists_disks = {}, "", [], False


def sessions(text: str) -> tuple[PrintedSession, ...] | None:
    """The sessions; ``None`` if the text is no listing, none if it says that there is none."""
    draft, found = _Draft(), list[PrintedSession]()
    for raw in text.split("\n"):
        line = raw[:_LONGEST_LINE].strip()
        key, colon, value = line.partition(": ")
        if key == "Target" and colon:
            _end(draft, found)
            draft.target = clean(value.partition(" (")[0])
            draft.portal, draft.persistent = None, False
        elif key in ("Current Portal", "Persistent Portal"):
            _end(draft, found)
            _portal(draft, key, value)
        elif line == "Interface:":
            _end(draft, found)
        elif line == "Attached SCSI devices:":
            draft.lists_disks = True
        elif (lun := _LUN.fullmatch(line)) is not None:
            draft.hctl = ":".join((lun["host"], str(int(lun["channel"])), lun["id"], lun["lun"]))
        elif (disk := _DISK.fullmatch(line)) is not None:
            draft.disks.append(PrintedDisk(clean(disk["dev"]), draft.hctl, DeviceState.parse(disk["state"])))
        elif key in _WANTED and colon:
            draft.words[key] = "" if value in _UNSET else clean(value)
    _end(draft, found)
    if not found and not _NONE.search(text):
        return None
    return tuple(found[:MAX_SESSIONS])


_WANTED = frozenset(
    {
        *("Iface Name", "Iface Initiatorname", "Iface IPaddress", "Iface Netdev"),
        *("SID", "iSCSI Session State", "Recovery Timeout"),
    }
)
"""The lines that are read, and the only ones: what is below ``CHAP:`` is not for us."""


def _portal(draft: _Draft, key: str, value: str) -> None:
    """Keep the persistent portal, by which a session is labelled; the current one where there is none."""
    found = _PORTAL.fullmatch(value)
    if found is None or (key == "Current Portal" and draft.persistent and not draft.words):
        return
    draft.persistent = key == "Persistent Portal"
    draft.portal = clean(found["address"]), int(found["port"]), int(found["tag"])


def _end(draft: _Draft, found: list[PrintedSession]) -> None:
    """Keep the session that the lines before have described, if they have described one."""
    words = draft.words
    if words and draft.target and draft.portal and _NUMBER.fullmatch(words.get("SID", "")):
        address, port, tag = draft.portal
        netdev = words.get("Iface Netdev", "")
        recovery = words.get("Recovery Timeout", "")
        facts = SessionFacts(
            sid=int(words["SID"]),
            state=SessionStatus.parse(words.get("iSCSI Session State", "")),
            target=draft.target,
            tpgt=tag if tag >= 0 else None,
            iface=words.get("Iface Name", ""),
            initiator=words.get("Iface Initiatorname", ""),
            address=address,
            port=port,
            recv_tmo=None,
            ping_tmo=None,
            # -1 is printed both for "off" and for a value that could not be read.
            recovery_tmo=int(recovery) if _NUMBER.fullmatch(recovery) else None,
            local_address=words.get("Iface IPaddress", ""),
            netdev="" if netdev == "default" else netdev,
        )
        found.append(PrintedSession(facts, tuple(draft.disks) if draft.lists_disks else None))
    draft.begin_session()


def records(text: str, file: str, first_line: int = 1) -> tuple[tuple[Place, Record], ...]:
    """The node records in ``iscsiadm -m node -o show``; only the keys on the allow-list of ``parse_record`` are read.

    ``first_line``: the line of ``file`` in which the text begins.
    """
    found: dict[Place, Record] = {}
    for line, record in _record_texts(text):
        place = _place(record)
        if place is not None and place not in found and len(found) < MAX_SESSIONS:
            parsed = parse_record(record, file)
            offset = first_line + line - 1
            entries = {key: replace(entry, line=entry.line + offset) for key, entry in parsed.entries.items()}
            # What is wrong with this text is not wrong with the record: a bundle may cut it, or mask values.
            found[place] = Record(file, entries)
    return tuple(found.items())


def _record_texts(text: str) -> Iterator[tuple[int, str]]:
    """Each record with the number of the line in which it begins, from 0."""
    lines: list[str] = []
    begun = None
    for number, line in enumerate(text.split("\n")):
        if line.startswith(_BEGIN):
            begun, lines = number, [line]
        elif line.startswith(_END) and begun is not None:
            yield begun, "\n".join([*lines, line, ""])
            begun = None
        elif begun is not None:
            lines.append(line)


_PLACE_KEYS = ("node.name", "node.tpgt", "iface.iscsi_ifacename", "node.conn[0].address", "node.conn[0].port")


def _place(record: str) -> Place | None:
    """What a record is about, by five of its values."""
    values: dict[str, str] = {}
    for line in record.split("\n"):
        key, equals, value = line.partition(" = ")
        if equals and key in _PLACE_KEYS:
            values[key] = "" if value in _UNSET else clean(value)
    target, tag, iface, address, port = (values.get(key, "") for key in _PLACE_KEYS)
    if not target or not address or not _NUMBER.fullmatch(port) or int(port) > 65535:
        return None
    tpgt = int(tag) if _NUMBER.fullmatch(tag) else None
    return Place(target, address.removeprefix("[").removesuffix("]"), int(port), tpgt, iface or DEFAULT_IFACE)
