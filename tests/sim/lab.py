"""What the lab recorded of a real kernel, in a short form that the model is compared with.

``python -m tests.sim.lab SCENARIO [SUITE]`` makes ``tests/golden/model/SCENARIO.SUITE.json`` of what ``make lab-test``
or ``make lab-long`` has left in ``tests/lab/logs/SUITE/SCENARIO``. ``tests.sim.replay`` compares the model with it.

A file has the shape of the host, the faults and the marks: what changed and when, in seconds after the recorder began.
The faults are read from ``story.log``, and their moments from the journal of the guest, in which its agent logs each
command. The marks are from ``truth.jsonl``, which is a record of the kernel without any part of the product.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from tests import golden
from tests.lab.kit import scenario
from tests.lab.kit.lio import Lio
from tests.sim.world.shape import DEBIAN_12, DEBIAN_13, Shape

GOLDEN = golden.GOLDEN / "model"
LOGS = Path(__file__).parent.parent / "lab/logs"
VERSIONS = {"bookworm": DEBIAN_12, "trixie": DEBIAN_13}

ACCESS = "port group "
"""What the kind of a fault begins with that gives a port group another state."""

_CALLED = re.compile(r"\[ *([\d.]+)\] .*guest-exec called: \"/bin/sh -c cut -d' ' -f1 /proc/uptime; ")
_STARTING = re.compile(r"\[ *([\d.]+)\] .* Starting lab-target@(\d)\.service")
_STARTED = re.compile(r"\[ *([\d.]+)\] .* Started lab-target@(\d)\.service")
_SAID = re.compile(r" +[\d.]+  (.*)")
_BEGINS = {
    r"link to (\S+) down": "link down",
    r"link to (\S+) drops everything": "silent drop",
    r"(\S+) resets connections": "reset",
    r"target (\S+) killed": "target killed",
    r"logout of (\S+)": "logout",
    r"(sd\w+) set offline": "device offline",
    r"multipathd fail path (sd\w+)": "multipathd fail path",
    r"LUN 1 not ready at (\S+)": "LUN not ready",
    r"port group (\d) (?!active/optimized)\S+": ACCESS,
}
_ENDS = (
    *(r"link to \S+ up", r"no link drops anything", r"no portal resets connections", r"target \S+ started"),
    *(r"login to \S+", r"sd\w+ set running", r"multipathd reinstate path sd\w+", r"LUN 1 ready at \S+"),
    r"port group \d active/optimized",
)
_ANOTHER_SHAPE = re.compile(r"multipathd reconfigured|load: |\S+: noop_out_interval|REPORT TARGET PORT GROUPS")
"""From here on the host is not the one that the file describes."""
BEHIND = 2.0
"""Seconds that one reading of everything may take the recorder on a busy host."""
_ERROR = re.compile(r" connection(\d+):0: detected conn error \((\d+)\)")


@dataclass(frozen=True, slots=True, order=True)
class Mark:
    """Something changed: of the session to a portal (``lun`` is 0), or of the path to one of its LUNs.

    ``kind``: ``carrier``, ``error`` (by which the kernel gave a connection up), ``session``, ``disk``, ``access``,
    ``dm`` (what dm made of the path) or ``member`` (whether the map has the path).
    """

    moment: float
    portal: int
    lun: int
    kind: str
    state: str


@dataclass(frozen=True, slots=True)
class Fault:
    """What was broken, behind which portal, from when to when; ``ready``: when a target that was started had a LUN."""

    kind: str
    portal: int
    begin: float
    end: float
    ready: float


@dataclass(frozen=True, slots=True)
class Record:
    """A scenario as the lab recorded it. ``busy``: how many of the maps were written to."""

    scenario: str
    suite: str
    kernel: str
    shape: Shape
    busy: int
    seconds: float
    faults: tuple[Fault, ...]
    marks: tuple[Mark, ...]

    def window(self, number: int) -> tuple[float, float]:
        """From when to when the marks belong to a fault: until the next one begins."""
        following = self.faults[number + 1].begin if number + 1 < len(self.faults) else self.seconds
        return self.faults[number].begin, following


# --- the files --------------------------------------------------------------------------------------------------------


def path(name: str, suite: str) -> Path:
    """Where the record of a scenario is."""
    return GOLDEN / f"{name}.{suite}.json"


def names() -> list[str]:
    """All records."""
    return sorted(each.stem for each in GOLDEN.glob("*.json"))


def load(name: str) -> Record:
    """Read a record, ``SCENARIO.SUITE``."""
    found = json.loads((GOLDEN / f"{name}.json").read_text(encoding="utf-8"))
    shape = found["shape"]
    return Record(
        **{
            **found,
            "shape": Shape(**{**shape, "version": tuple(shape["version"])}),
            "faults": tuple(Fault(*each) for each in found["faults"]),
            "marks": tuple(Mark(*each) for each in found["marks"]),
        }
    )


def text_of(record: Record) -> str:
    """A record as it is kept: one fault or mark a line."""
    lines = []
    for name in ("scenario", "suite", "kernel", "shape", "busy", "seconds"):
        value = getattr(record, name)
        lines.append(f'"{name}": {json.dumps(asdict(value) if name == "shape" else value)}')
    for name in ("faults", "marks"):
        each = ",\n".join(json.dumps(list(_values(one))) for one in getattr(record, name))
        lines.append(f'"{name}": [\n{each}\n]')
    return "{\n" + ",\n".join(lines) + "\n}\n"


def _values(one: Fault | Mark) -> Iterator[object]:
    for value in asdict(one).values():
        yield round(value, 2) if isinstance(value, float) else value


# --- from the lab's logs ----------------------------------------------------------------------------------------------


def read(logs: Path) -> Record:
    """Read what a scenario has left in a directory ``SUITE/SCENARIO``."""
    rows = [json.loads(line) for line in (logs / "truth.jsonl").read_text(encoding="utf-8").splitlines()]
    start, truth = rows[0]["mono"], Truth(rows)
    faults, seconds = _faults(logs, truth)
    marks = [mark for mark in truth.marks if faults[0].begin <= mark.moment < seconds]
    name, suite = logs.name, logs.parent.name
    return Record(
        name,
        suite,
        rows[0]["kernel"],
        _shape(name, suite, rows),
        int((logs / "writes.jsonl").stat().st_size > 0),
        round(seconds - start, 2),
        tuple(
            Fault(fault.kind, fault.portal, fault.begin - start, fault.end - start, fault.ready - start)
            for fault in faults
        ),
        tuple(replace(mark, moment=mark.moment - start) for mark in marks),
    )


def _shape(name: str, suite: str, rows: Sequence[Mapping[str, Any]]) -> Shape:
    san = scenario.load(name).san
    session = next(row for row in rows if row["source"] == "session")
    polling = int(san.multipath_defaults["polling_interval"])
    return Shape(
        maps=len(san.luns),
        recv_tmo=int(session["recv_tmo"]),
        ping_tmo=int(session["ping_tmo"]),
        recovery_tmo=int(session["recovery_tmo"]),
        polling_interval=polling,
        max_polling_interval=int(san.multipath_defaults.get("max_polling_interval", 4 * polling)),
        policy=san.multipath_defaults["path_grouping_policy"],
        no_path_retry=san.multipath_defaults["no_path_retry"],
        version=VERSIONS[suite],
        alua=isinstance(san.array, Lio),
    )


def _faults(logs: Path, truth: Truth) -> tuple[list[Fault], float]:
    """The faults, and until when the host keeps its shape; on the guest's clock."""
    journal = (logs / "journal.txt").read_text(encoding="utf-8", errors="replace").splitlines()
    called = iter([float(found[1]) for line in journal if (found := _CALLED.match(line))])
    starting, started = (
        [(float(found[1]), int(found[2])) for line in journal if (found := pattern.match(line))]
        for pattern in (_STARTING, _STARTED)
    )
    faults: list[Fault] = []
    for line in (logs / "story.log").read_text(encoding="utf-8").splitlines():
        said = found[1] if (found := _SAID.fullmatch(line)) else ""
        if _ANOTHER_SHAPE.match(said) and not faults:
            continue
        if _ANOTHER_SHAPE.match(said):
            return faults, next(called, truth.end)
        begun = next(((kind, found[1]) for each, kind in _BEGINS.items() if (found := re.fullmatch(each, said))), None)
        if begun is not None:
            moment = next(called)
            kind = said if begun[0] == ACCESS else begun[0]
            kind = re.sub(r"port group \d ", ACCESS, kind)
            faults.append(Fault(kind, truth.portal(begun[1], moment), moment, truth.end, truth.end))
        elif any(re.fullmatch(each, said) for each in _ENDS):
            moment = next(called)
            last, ready = faults[-1], moment
            if last.kind == "target killed":
                # It accepts connections before it has its target, and rejects logins until then.
                moment, ready = (_next(each, moment, last.portal) for each in (starting, started))
            faults[-1] = replace(last, end=moment, ready=ready)
    return faults, truth.end


def _next(moments: Sequence[tuple[float, int]], after: float, portal: int) -> float:
    return next(at for at, number in moments if at > after and number == portal)


class Truth:
    """The marks of a record of the kernel; their moments are on the guest's clock."""

    def __init__(self, rows: Sequence[Mapping[str, Any]]) -> None:
        self.marks: list[Mark] = []
        self.end: float = rows[-1]["mono"]
        self._known: dict[tuple[str, object], object] = {}
        self._portals: dict[str, int] = {}
        self._disks: dict[str, tuple[int, int]] = {}
        """dev_t -> number of the portal, LUN."""
        self._names: list[tuple[float, str, int]] = []
        self._members: dict[str, set[tuple[int, int]]] = {}
        for row in rows:
            reader = getattr(self, f"_read_{row['source']}", None)
            if reader is not None:
                reader(row)
        self._correct()
        self.marks.sort()

    def _correct(self) -> None:
        """The kernel lets the disks run after the login: a session that was read later than they were is dated back."""
        running = [mark for mark in self.marks if (mark.kind, mark.state) == ("disk", "running")]
        for number, mark in enumerate(self.marks):
            if mark.state == "LOGGED_IN":
                of = [disk.moment for disk in running if disk.portal == mark.portal]
                before = [moment for moment in of if mark.moment - BEHIND < moment < mark.moment]
                self.marks[number] = replace(mark, moment=min(before, default=mark.moment))

    def portal(self, name: str, moment: float) -> int:
        """The number of a portal, or of that through which a disk was reached at that moment."""
        if name.isdigit():
            return int(name)
        return next((of for at, disk, of in reversed(self._names) if disk == name and at < moment), _number(name))

    def _mark(self, row: Mapping[str, Any], what: tuple[int, int, str], state: str) -> None:
        """Keep a change, other than the first state of all."""
        before = self._known.get(("mark", what))
        self._known["mark", what] = state
        if before is not None and before != state:
            self.marks.append(Mark(row["mono"], *what, state))

    def _read_link(self, row: Mapping[str, Any]) -> None:
        self._mark(row, (int(row["id"][1:]), 0, "carrier"), row["carrier"])

    def _read_session(self, row: Mapping[str, Any]) -> None:
        name, address, state = row["id"], row["portal"] or "", row["state"]
        if state is not None and _number(address):
            self._portals[name] = _number(address)
        elif state is not None:
            return  # it is being set up
        portal = self._portals[name]
        current = self._known.get(("session", portal))
        if state is None and current != name:
            return
        if current != name and current is not None and state == "FREE":
            return  # a new one that is not logged in yet
        self._known["session", portal] = name if state is not None else "none"
        self._mark(row, (portal, 0, "session"), state or "gone")

    def _read_device(self, row: Mapping[str, Any]) -> None:
        portal = _number(row["portal"] or "")
        if not portal:
            return
        lun = int(row["hctl"].rpartition(":")[2])
        if row["state"] is not None:
            self._disks[row["dev_t"]] = portal, lun
            self._names.append((row["mono"], row["id"], portal))
        self._mark(row, (portal, lun, "disk"), row["state"] or "gone")

    def _read_access(self, row: Mapping[str, Any]) -> None:
        portal = _number(row["portal"] or "")
        if portal and row["access"]:
            self._mark(row, (portal, int(row["hctl"].rpartition(":")[2]), "access"), row["access"])

    def _read_map(self, row: Mapping[str, Any]) -> None:
        members = {self._disks[dev_t] for dev_t in row.get("paths") or () if dev_t in self._disks}
        before = self._members.get(row["id"], members)
        self._members[row["id"]] = members
        for portal, lun in sorted(before ^ members):
            self.marks.append(Mark(row["mono"], portal, lun, "member", "in" if (portal, lun) in members else "out"))

    def _read_uevent(self, row: Mapping[str, Any]) -> None:
        state = {"PATH_FAILED": "F", "PATH_REINSTATED": "A"}.get(row.get("DM_ACTION", ""))
        if state:
            portal, lun = self._disks[row["DM_PATH"]]
            self.marks.append(Mark(row["mono"], portal, lun, "dm", state))

    def _read_kmsg(self, row: Mapping[str, Any]) -> None:
        found = _ERROR.match(row["text"])
        portal = self._portals.get(f"session{found[1]}") if found else None
        # An attempt to log in that fails is an error, too, but of no session that was in use.
        if found and portal and self._known.get(("mark", (portal, 0, "session"))) == "LOGGED_IN":
            self.marks.append(Mark(row["mono"], portal, 0, "error", found[2]))


def _number(address: str) -> int:
    """The number of a portal 192.168.N.1:3260; 0 for none."""
    found = re.match(r"192\.168\.(\d+)\.", address)
    return int(found[1]) if found else 0


def main(arguments: Sequence[str] | None = None) -> int:
    """Make a record of the lab's logs."""
    parser = argparse.ArgumentParser(prog="python -m tests.sim.lab", description="Keep what the lab recorded.")
    parser.add_argument("scenario")
    parser.add_argument("suite", nargs="?", default="trixie", choices=sorted(VERSIONS))
    parser.add_argument("--logs", type=Path, default=LOGS, help="where the lab leaves its logs")
    given = parser.parse_args(arguments)
    GOLDEN.mkdir(exist_ok=True)
    record = read(given.logs / given.suite / given.scenario)
    path(given.scenario, given.suite).write_text(text_of(record), encoding="utf-8")
    print(f"{len(record.faults)} faults, {len(record.marks)} marks")
    return 0


if __name__ == "__main__":
    sys.exit(main())
