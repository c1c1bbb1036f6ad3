"""What really happened: the kernel's own record, gathered in the guest without any help from the product."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.lab.kit.guest import Guest
from tests.lab.kit.tail import JsonTail, wait_for

RECORDER = Path(__file__).parent.parent / "guest/recorder.py"
LOG = "/run/lab/truth.jsonl"


_PING_TIMEOUT = re.compile(r"connection(?P<session>\d+):0: ping timeout of .*, last rx (?P<rx>\d+),.* now (?P<now>\d+)")
_HZ = 250
"""Jiffies in a second of Debian's kernels."""

_CONN_ERROR = re.compile(r"connection(?P<session>\d+):0: detected conn error \((?P<error>\d+)\)")
_CAUSES = {"1022": "nop_timeout", "1020": "connection_closed"}


@dataclass(frozen=True)
class Record:
    """One line of the recorder. `at` is the guest's CLOCK_MONOTONIC in seconds."""

    at: float
    source: str
    values: Mapping[str, Any]


@dataclass(frozen=True)
class PingTimeout:
    """The kernel's own verdict on a silent session. Instants are the guest's CLOCK_MONOTONIC in seconds.

    `at` is when it said so in its log, `heard` when it had last received anything.
    """

    at: float
    heard: float


@dataclass(frozen=True)
class Attention:
    """A unit attention of a disk, by the kernel's uevent: `kind` is its SDEV_UA, `hctl` the disk's SCSI address."""

    at: float
    kind: str
    hctl: str


def start_recorder(guest: Guest, *, polls: bool = True) -> None:
    """Start the recorder in the guest, and return when it has written its first line.

    Without `polls` it records only what the kernel reports by itself: to read thousands of disks ten times a second
    would keep an emulated guest busy.
    """
    guest.run("mkdir -p /run/lab")
    guest.write_file("/run/lab/recorder.py", RECORDER.read_text(encoding="utf-8"))
    guest.start(["/usr/bin/python3", "/run/lab/recorder.py", LOG, *([] if polls else ["--no-polls"])])
    tail = JsonTail(guest, LOG)
    wait_for(lambda: tail.new() or None, "the recorder's first line", 30.0)


class Truth:
    """Questions to the recorder's record. Instants are the guest's CLOCK_MONOTONIC in seconds.

    `interfaces`: ADDRESS:PORT of a portal -> the initiator's interface that leads there.
    """

    def __init__(self, guest: Guest, interfaces: Mapping[str, str]) -> None:
        self._interfaces = interfaces
        self._tail = JsonTail(guest, LOG)
        self._records: list[Record] = []

    def store(self, directory: Path) -> None:
        """Keep the record as DIRECTORY/truth.jsonl."""
        self.records()
        self._tail.store(directory / "truth.jsonl")

    def records(self, source: str | None = None, after: float = 0.0) -> list[Record]:
        """Return all records so far, of one source if given, later than `after`."""
        for values in self._tail.new():
            self._records.append(Record(values["mono"], values["source"], values))
        return [each for each in self._records if each.at > after and source in (None, each.source)]

    def find(self, source: str, after: float = 0.0, **values: object) -> Record | None:
        """Return the first record of `source` later than `after` that has all these values."""
        return next((each for each in self.records(source, after) if _has(each, values)), None)

    def wait(self, source: str, *, after: float, timeout: float, **values: object) -> float:
        """Wait for a record of `source` later than `after` with all these values; return its instant."""
        what = f"{source} {' '.join(f'{key}={value}' for key, value in values.items())}"
        return wait_for(lambda: self.find(source, after, **values), what, timeout).at

    def wait_session(self, portal: str, state: str | None, *, after: float, timeout: float) -> float:
        """Wait until the session to `portal` (ADDRESS:PORT) is in `state`: LOGGED_IN, FAILED, FREE, None for gone."""
        return self.wait("session", after=after, timeout=timeout, portal=portal, state=state)

    def wait_device(self, portal: str, state: str | None, *, after: float, timeout: float, lun: int = 1) -> float:
        """Wait until the SCSI disk behind `portal` is in `state`: running, blocked, offline, None for gone."""
        return wait_for(
            lambda: self.device_instant(portal, state, after=after, lun=lun), f"disk behind {portal} {state}", timeout
        )

    def device_instant(self, portal: str, state: str | None, *, after: float, lun: int = 1) -> float | None:
        """Return the first instant after `after` at which the SCSI disk behind `portal` was in `state`, if any."""
        wanted = {"portal": portal, "state": state}
        records = self.records("device", after)
        return next((each.at for each in records if _has(each, wanted) and _lun(each) == lun), None)

    def wait_dm(self, portal: str, verdict: str, *, after: float, timeout: float, lun: int = 1) -> float:
        """Wait until dm says "A" or "F" of the path through `portal`: by its uevent, or else by its status."""
        return wait_for(
            lambda: self.dm_verdict(portal, verdict, after=after, lun=lun), f"dm says {verdict} of {portal}", timeout
        )

    def dm_verdict(self, portal: str, verdict: str, *, after: float, lun: int = 1) -> float | None:
        """Return the first instant after `after` at which dm called the path through `portal` "A" or "F", if any."""
        device = self.device(portal, lun)
        if device is None:
            return None
        number = device.values["dev_t"]
        action = {"A": "PATH_REINSTATED", "F": "PATH_FAILED"}[verdict]
        instants = [
            each.at
            for each in self.records(after=after)
            if (each.source == "uevent" and _has(each, {"DM_ACTION": action, "DM_PATH": number}))
            or (each.source == "map" and each.values["paths"].get(number) == verdict)
        ]
        return min(instants, default=None)

    def cause(self, portal: str, since: float) -> str:
        """Return the cause of the loss of the session to `portal` after `since`.

        That is: the carrier, if it was gone when the session was lost, or else the error in the kernel's log.
        """
        lost = self.find("session", since, portal=portal, state="FAILED")
        if lost and not self.carrier(portal, lost.at):
            return "carrier_lost"
        number = self._session_number(portal)
        said = (_CONN_ERROR.search(each.values["text"]) for each in self.records("kmsg", since))
        error = next((match["error"] for match in said if match and match["session"] == number), "")
        return _CAUSES.get(error, "connection_error")

    def carrier(self, portal: str, at: float) -> bool:
        """Return whether the initiator's link to `portal` had its carrier at the instant `at`."""
        link = self._interfaces[portal]
        seen = [each for each in self.records("link") if each.values["id"] == link and each.at <= at]
        return bool(seen) and seen[-1].values["carrier"] == "1"

    def ping_timeout(self, portal: str, after: float) -> PingTimeout | None:
        """Return the kernel's first "ping timeout" later than `after` of the session to `portal`, if there was one."""
        number = self._session_number(portal)
        for each in self.records("kmsg", after):
            match = _PING_TIMEOUT.search(each.values["text"])
            if match and match["session"] == number:
                # The line may have been read late in a busy guest; its stamp was made as it was written.
                at = min(each.at, each.values["stamp"])
                return PingTimeout(at, at - (int(match["now"]) - int(match["rx"])) / _HZ)
        return None

    def longest_silence(self, portal: str, after: float) -> float:
        """Return for how many seconds at most nothing came from `portal`, in silences that began later than `after`."""
        heard = [each.values for each in self.records("heard", after) if each.values["portal"] == portal]
        return max((each["gap"] for each in heard if each["heard"] - each["gap"] > after), default=0.0)

    def last_alive(self, portal: str, before: float) -> float | None:
        """Return the last instant, not later than `before`, at which the target behind `portal` sent anything.

        TCP's own clock is exact. A changed `exp_statsn` only says that something came before it was read, and in a busy
        guest that reading can be more than a second late.
        """
        heard = [each.values["heard"] for each in self.records("heard") if each.values["portal"] == portal]
        said = [each.at for each in self.records("alive") if each.values["portal"] == portal]
        return max((at for at in heard or said if at <= before), default=None)

    def dm_verdicts(self, portal: str, lun: int = 1) -> list[tuple[float, str]]:
        """Return (instant, "A" or "F") for each word of dm on the disk that is, or last was, behind `portal`."""
        device = self.device(portal, lun)
        number = device.values["dev_t"] if device else None
        words = {"PATH_REINSTATED": "A", "PATH_FAILED": "F"}
        said: list[tuple[float, str | None]] = []
        for each in self.records():
            if each.source == "uevent" and each.values.get("DM_PATH") == number:
                said.append((each.at, words.get(each.values.get("DM_ACTION", ""))))
            elif each.source == "map":
                said.append((each.at, each.values["paths"].get(number)))
        return [(at, verdict) for at, verdict in said if verdict is not None]

    def failures(self, portal: str, after: float, lun: int = 1) -> list[float]:
        """Return the instants after `after` at which dm failed the path through `portal`, by its uevents."""
        device = self.device(portal, lun)
        number = device.values["dev_t"] if device else None
        failed = {"DM_ACTION": "PATH_FAILED", "DM_PATH": number}
        return [each.at for each in self.records("uevent", after) if _has(each, failed)]

    def path_groups(self, name: str) -> list[tuple[str, list[str]]]:
        """Return (mark, device numbers) of each path group of map `name`; the mark A is on the one in use."""
        records = [each for each in self.records("map") if each.values["id"] == name]
        groups: list[tuple[str, list[str]]] = records[-1].values["groups"] if records else []
        return groups

    def active_paths(self, name: str) -> list[str] | None:
        """Return the device numbers in the group of map `name` that dm uses at present; None before any I/O."""
        return next((paths for mark, paths in self.path_groups(name) if mark == "A"), None)

    def access_instant(self, portal: str, state: str, *, after: float, lun: int = 1) -> float | None:
        """Return the first instant after `after` at which the kernel had this access state of a path, if any."""
        wanted = {"portal": portal, "access": state}
        records = self.records("access", after)
        return next((each.at for each in records if _has(each, wanted) and _lun(each) == lun), None)

    def access(self, portal: str, lun: int = 1) -> str | None:
        """Return the access state that the kernel has of a path at present; None without a device handler."""
        records = [each for each in self.records("access") if each.values["portal"] == portal and _lun(each) == lun]
        return records[-1].values["access"] if records else None

    def attentions(self, after: float) -> list[Attention]:
        """Return the unit attentions later than `after`, in the order of the kernel's uevents."""
        found = [each for each in self.records("uevent", after) if "SDEV_UA" in each.values]
        return [Attention(each.at, each.values["SDEV_UA"], each.values["DEVPATH"].rpartition("/")[2]) for each in found]

    def addresses(self, name: str) -> set[str]:
        """Return the SCSI address (H:C:T:L) of every disk that is or was in the map `name`."""
        maps = (each.values["paths"] for each in self.records("map") if each.values["id"] == name)
        numbers = {number for paths in maps for number in paths}
        return {each.values["hctl"] for each in self.records("device") if each.values["dev_t"] in numbers}

    def device(self, portal: str, lun: int = 1) -> Record | None:
        """Return the latest record of the SCSI disk that is (or last was) behind `portal`."""
        records = [each for each in self.records("device") if each.values["portal"] == portal and _lun(each) == lun]
        return records[-1] if records else None

    def device_name(self, portal: str, lun: int = 1) -> str:
        """Return the kernel name (sdX) of the disk that is, or last was, behind `portal`."""
        device = wait_for(lambda: self.device(portal, lun), f"a disk behind {portal}", 5.0)
        name: str = device.values["id"]
        return name

    def session(self, portal: str) -> Record | None:
        """Return the latest record of the session to `portal`."""
        records = [each for each in self.records("session") if each.values["portal"] == portal]
        return records[-1] if records else None

    def _session_number(self, portal: str) -> str:
        session = self.session(portal)
        return session.values["id"].removeprefix("session") if session else ""

    def story(self, source: str, select: Callable[[Record], object], after: float = 0.0) -> list[tuple[float, object]]:
        """Return (instant, value) for each change of what `select` takes from the records of `source`."""
        changes: list[tuple[float, object]] = []
        for record in self.records(source, after):
            value = select(record)
            if not changes or changes[-1][1] != value:
                changes.append((record.at, value))
        return changes


def _has(record: Record, values: Mapping[str, object]) -> bool:
    return all(record.values.get(key) == value for key, value in values.items())


def _lun(record: Record) -> int:
    return int(str(record.values["hctl"]).rsplit(":", 1)[-1])
