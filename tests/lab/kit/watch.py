"""What the product says: its journal, its metrics, its status command."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.lab.kit.guest import METRICS_PORT, Guest
from tests.lab.kit.tail import JsonTail, wait_for

UNIT = "mpathd-watch.service"
PREFIX = "MPATHD_WATCH_"
METRIC_PREFIX = "mpathd_watch_"
SCRAPER = Path(__file__).parent.parent / "guest/scraper.py"
CONFIG = "/etc/mpathd-watch/config.toml"
RECORDING = "/var/lib/mpathd-watch/recording.jsonl.gz"
JOURNAL_LOG = "/run/lab/journal.jsonl"
METRICS_LOG = "/run/lab/metrics.jsonl"
METRICS_URL = f"http://127.0.0.1:{METRICS_PORT}/metrics"

WARNING = 4
"""Journal priority; smaller is worse."""
OF_INCIDENTS = frozenset({"incident_began", "incident_worse"})
OF_MAPS = frozenset({"map_at_risk", "map_lost"})
OUTAGES = OF_MAPS | {"path_stalled", "path_failed", "path_missing", "session_lost", "map_degraded", "port_group_down"}
"""Events of a story in which paths fail."""

SYSTEMD_LINE = re.compile(
    r"(Starting|Started|Stopping|Stopped|Reloading|Reloaded) |.*: (Deactivated successfully|Consumed )"
)
KILLED_LINE = re.compile(
    r".*: (Sent signal SIG(KILL|ABRT) |Main process exited, code=(killed, status=9/KILL|dumped, status=6/ABRT)"
    r"|Failed with result '(signal|core-dump)'|Scheduled restart job, )"
)
"""What systemd logs of a daemon that was killed, and is started again."""
LABEL = re.compile(r'(\w+)="((?:\\.|[^"\\])*)"')


@dataclass(frozen=True)
class Entry:
    """A journal entry of the unit. `at` is the guest's CLOCK_MONOTONIC in seconds."""

    at: float
    priority: int
    message: str
    fields: Mapping[str, str]
    """The product's own fields without their prefix: EVENT, MAP, PATH, HEALTH ..."""
    from_systemd: bool

    @property
    def event(self) -> str | None:
        """The event's name, or None: not an entry of the contract."""
        return self.fields.get("EVENT")

    def __str__(self) -> str:
        return f"{self.at:.2f} <{self.priority}> {self.event or '-'}: {self.message}"


@dataclass(frozen=True)
class Scrape:
    """A scrape that failed or took more than 0.25 s. `at` is when it was over, by the guest's CLOCK_MONOTONIC."""

    at: float
    error: str
    took: float


@dataclass(frozen=True)
class Start:
    """A start of the service, by the guest's CLOCK_MONOTONIC.

    The daemon sends READY=1 when the whole host has been read for the first time, and systemd says that it has started
    the unit when the step as root after that has ended, too.
    """

    began: float
    """When the daemon opened its socket, before it read anything."""
    done: float
    """When systemd said that it has started the unit."""


Labels = Mapping[str, str]
Present = dict[frozenset[tuple[str, str]], float]
"""The values of series by their labels."""


@dataclass(frozen=True)
class Change:
    """A series that has another value than in the last scrape, by one that `began` and was over `at` these instants."""

    at: float
    began: float
    name: str
    labels: dict[str, str]
    value: float | None

    def is_of(self, name: str, labels: Labels) -> bool:
        """Whether it is of this name (without prefix), and has these labels."""
        return self.name == METRIC_PREFIX + name and labels.items() <= self.labels.items()


def start_followers(guest: Guest, *, scrapes: bool = True) -> None:
    """Start following the product's journal and metrics in the guest, and return when both have their first line.

    Without `scrapes` only the journal: the metrics of thousands of paths, twice a second, would keep an emulated
    guest busy.
    """
    guest.run("mkdir -p /run/lab")
    journalctl = f"exec journalctl --follow --no-tail --output=json --unit={UNIT} > {JOURNAL_LOG}"
    guest.start(["/bin/sh", "-c", journalctl])
    if scrapes:
        guest.write_file("/run/lab/scraper.py", SCRAPER.read_text(encoding="utf-8"))
        # A scraper that waits for a processor would be counted as lateness of the daemon.
        guest.start(["/usr/bin/nice", "-n", "-10", "/usr/bin/python3", "/run/lab/scraper.py", METRICS_URL, METRICS_LOG])
    for path in (JOURNAL_LOG, METRICS_LOG) if scrapes else (JOURNAL_LOG,):
        tail = JsonTail(guest, path)
        wait_for(lambda: tail.new() or None, f"the first line in {path}", 30.0)  # noqa: B023 - called in the loop


class Watch:
    """The product in the guest. With `present` false nothing is installed, and everything is empty."""

    def __init__(self, guest: Guest, present: bool, since: float | None = None) -> None:
        self._guest = guest
        self.present = present
        self._killed = False
        self._journal = JsonTail(guest, JOURNAL_LOG)
        self._metrics = JsonTail(guest, METRICS_LOG)
        self._entries: list[Entry] = []
        self._changes: list[Change] = []
        self._scrapes: list[Scrape] = []
        # What the product said while the SAN was being set up is no part of a scenario.
        self._since = guest.now() if since is None else since

    def store(self, directory: Path) -> None:
        """Keep journal, metrics, the last status screen and the recording, if there is one, below `directory`."""
        if self.present:
            self.entries()
            self._read_metrics()
            self._journal.store(directory / "journal.jsonl")
            self._metrics.store(directory / "metrics.jsonl")
            status = self._guest.run("mpathd-watch status 2>&1", check=False)
            (directory / "status.txt").write_text(status, encoding="utf-8")
            if self._guest.run(f"ls {RECORDING}", check=False):
                (directory / "recording.jsonl.gz").write_bytes(self._guest.read_file(RECORDING, 0))

    def entries(self, after: float = 0.0, event: str | None = None, /, **fields: str) -> list[Entry]:
        """Return the unit's journal entries of this scenario later than `after`, with this event and these fields."""
        if self.present:
            self._entries += [entry for entry in map(entry_of, self._journal.new()) if entry.at >= self._since]
        return [
            entry
            for entry in self._entries
            if entry.at > after
            and event in (None, entry.event)
            and all(entry.fields.get(key) == value for key, value in fields.items())
        ]

    def find_health(self, health: str, *, after: float, **fields: str) -> Entry | None:
        """Return the first entry after `after` that says something became `health`, for these fields (MAP=, PATH=)."""
        prefix = "path_" if "PATH" in fields else "map_"
        found = self.entries(after, HEALTH=health, **fields)
        return next((entry for entry in found if (entry.event or "").startswith(prefix)), None)

    def held(self, entry: Entry, **fields: str) -> float:
        """Return for how many seconds the health that `entry` reports lasted, by the next entry with these fields."""
        prefix = "path_" if "PATH" in fields else "map_"
        later = (each for each in self.entries(entry.at, **fields) if (each.event or "").startswith(prefix))
        return next((each.at - entry.at for each in later if "HEALTH" in each.fields), math.inf)

    def healths(self, after: float = 0.0, **fields: str) -> list[tuple[float, str]]:
        """Return (instant, health) for each reported health of a path (MAP=, PATH=) or a map (MAP=), in order."""
        prefix = "path_" if "PATH" in fields else "map_"
        told: list[tuple[float, str]] = []
        for entry in self.entries(after, **fields):
            health = entry.fields.get("HEALTH")
            if health and (entry.event or "").startswith(prefix) and entry.fields.get("PREVIOUS_HEALTH") != health:
                told += [(entry.at, health)] if not told or told[-1][1] != health else []
        return told

    def unexpected(self, allowed: frozenset[str]) -> list[Entry]:
        """Return the entries that nothing accounts for.

        That is: lines without an event apart from systemd's own of an orderly start and stop, and entries of priority
        warning or worse whose event is not among `allowed`. An incident belongs to every story in which paths fail, and
        that a map is in danger has to belong to the story whatever the priority of its entry.
        """
        return [entry for entry in self.entries() if not self._accounted_for(entry, allowed)]

    def _accounted_for(self, entry: Entry, allowed: frozenset[str]) -> bool:
        if entry.from_systemd and self._killed and KILLED_LINE.match(entry.message):
            return True
        return _accounted_for(entry, allowed)

    def metric_instant(self, name: str, state: str, *, after: float, **labels: str) -> float | None:
        """Return when, later than `after`, the series NAME{state=...,labels} was first scraped as 1.

        As for Prometheus, that is when the scrape began: an emulated guest takes up to a second for one.
        """
        self._read_metrics()
        wanted = {**labels, "state": state}
        for change in self._changes:
            if change.at > after and change.value == 1 and change.is_of(name, wanted):
                return change.began
        return None

    def metric(self, name: str, **labels: str) -> float | None:
        """Return the present value of the series of this name (without prefix) and these labels, None if none."""
        return self._value(name, labels, math.inf)

    def rise(self, name: str, since: float, **labels: str) -> float:
        """Return by how much a counter has risen since the instant `since`."""
        return (self._value(name, labels, math.inf) or 0.0) - (self._value(name, labels, since) or 0.0)

    def info(self, name: str, **labels: str) -> Labels:
        """Return all labels of the series of an info metric that is there at present; none if there is no series."""
        present = self._present(name, labels, math.inf)
        return dict(next(reversed(present), frozenset()))

    def state(self, name: str, **labels: str) -> str | None:
        """Return which `state` of a state metric is 1 at present, for these labels."""
        self._read_metrics()
        current: dict[str, float | None] = {}
        for change in self._changes:
            if change.is_of(name, labels):
                current[change.labels.get("state", "")] = change.value
        return next((state for state, value in current.items() if value == 1), None)

    def infos(self, name: str, **labels: str) -> list[dict[str, str]]:
        """Return all labels of the series of this name and these labels that are 1 at present."""
        self._read_metrics()
        current: dict[frozenset[tuple[str, str]], float | None] = {}
        for change in self._changes:
            if change.is_of(name, labels):
                current[frozenset(change.labels.items())] = change.value
        return [dict(series_labels) for series_labels, value in current.items() if value == 1]

    def scrapes(self, after: float) -> list[Scrape]:
        """Return the scrapes later than `after` that failed or took more than 0.25 s."""
        self._read_metrics()
        return [scrape for scrape in self._scrapes if scrape.at > after]

    def _value(self, name: str, labels: Labels, until: float) -> float | None:
        return next(reversed(self._present(name, labels, until).values()), None)

    def _present(self, name: str, labels: Labels, until: float) -> Present:
        """Return the series with these labels that were there at the instant `until`, the last changed one last.

        When a label of an info metric changes, one scrape has the end of a series and the next series, in any order.
        """
        self._read_metrics()
        present: Present = {}
        for change in self._changes:
            if change.at <= until and change.is_of(name, labels):
                key = frozenset(change.labels.items())
                present.pop(key, None)
                if change.value is not None:
                    present[key] = change.value
        return present

    def status(self) -> Any:
        """Return what `mpathd-watch status --json` prints."""
        return json.loads(self._guest.run("mpathd-watch status --json"))

    def check(self) -> Any:
        """Return what `mpathd-watch check --json` prints."""
        return json.loads(self._guest.run("mpathd-watch check --json", check=False))

    def outages(self) -> dict[str, dict[str, Any]]:
        """Return the outages that `mpathd-watch history --json` prints, by their ids; none if there is no history."""
        printed = self._guest.run("mpathd-watch history --json", check=False)
        return {each["id"]: each for each in json.loads(printed)["outages"]} if printed.strip() else {}

    def open_outage(self, path: str) -> str | None:
        """Return the id of the outage of a path that goes on by the history; None if there is none."""
        found = (key for key, each in self.outages().items() if each["path"] == path and each["verdict"] is None)
        return next(found, None)

    def service(self) -> dict[str, str]:
        """Return what changes if the service is started again, by systemd's names, and what `program` executes it."""
        names = ("MainPID", "NRestarts", "ActiveEnterTimestampMonotonic", "ActiveState")
        shown = self._guest.run(f"systemctl show {UNIT} --property {','.join(names)}")
        found = dict(line.split("=", 1) for line in shown.splitlines() if "=" in line)
        program = self._guest.run(f"readlink /proc/{found['MainPID']}/exe", check=False).strip()
        return {**found, "program": program.removesuffix(" (deleted)")}

    def stop(self) -> None:
        """Stop the service and forget what it kept."""
        if self.present:
            self._guest.run(f"systemctl stop {UNIT}; rm -rf /var/lib/mpathd-watch/*")

    def start(self) -> Start:
        """Start the service, and return when the daemon began to watch and when systemd said that it has started it."""
        before = self._guest.now()
        if not self.present:
            return Start(before, before)
        self._guest.run(f"systemctl start {UNIT}")

        def said(text: str, *, systemd: bool) -> float | None:
            lines = (entry for entry in self.entries(before) if entry.from_systemd is systemd)
            return next((entry.at for entry in lines if text in entry.message), None)

        done = wait_for(lambda: said("Started ", systemd=True), f"systemd to say that it has started {UNIT}", 20.0)
        return Start(wait_for(lambda: said("serves metrics", systemd=False), "the daemon's first line", 10.0), done)

    def restart(self, signal: str = "TERM") -> float:
        """End the daemon by a signal, and return the instant at which the next one began to watch.

        After TERM the unit is started again at once, after KILL or ABRT by systemd itself, after RestartSec.
        """
        before = self._guest.now()
        if not self.present:
            return before
        if signal == "TERM":
            self._guest.run(f"systemctl restart {UNIT}")
        else:
            self._killed = True
            self._guest.run(f"systemctl kill --kill-whom=main --signal={signal} {UNIT}")

        def began() -> float | None:
            return next((entry.at for entry in self.entries(before) if "serves metrics" in entry.message), None)

        return wait_for(began, "the next daemon's first line", 30.0)

    def _read_metrics(self) -> None:
        if self.present:
            for line in self._metrics.new():
                if "series" in line:
                    name, labels = parse_series(line["series"])
                    self._changes.append(Change(line["mono"], line["began"], name, labels, line["value"]))
                else:
                    self._scrapes.append(Scrape(line["mono"], line.get("error", ""), line.get("took", 0.0)))


def entry_of(line: dict[str, Any]) -> Entry:
    """Return the entry that journalctl writes as this line of JSON."""
    at = int(line["__MONOTONIC_TIMESTAMP"]) / 1e6
    if "_SOURCE_REALTIME_TIMESTAMP" in line:
        # When the entry was sent; journald may have taken its time to receive it.
        at -= (int(line["__REALTIME_TIMESTAMP"]) - int(line["_SOURCE_REALTIME_TIMESTAMP"])) / 1e6
    fields = {key.removeprefix(PREFIX): _plain(value) for key, value in line.items() if key.startswith(PREFIX)}
    # What waited in the product until journald accepted it.
    at -= float(fields.get("DELAY_SEC", 0.0))
    return Entry(at, int(line.get("PRIORITY", 6)), _plain(line.get("MESSAGE", "")), fields, line.get("_PID") == "1")


def _plain(value: Any) -> str:
    # journalctl writes what is not UTF-8 as an array of byte values, and repeated fields as an array of strings.
    if isinstance(value, list):
        if all(isinstance(each, int) for each in value):
            return bytes(value).decode(errors="replace")
        return str(value[-1])
    return str(value)


def _accounted_for(entry: Entry, allowed: frozenset[str]) -> bool:
    if entry.from_systemd:
        return entry.priority > WARNING and SYSTEMD_LINE.match(entry.message) is not None
    if entry.event in OF_MAPS:
        return entry.event in allowed
    if entry.event in OF_INCIDENTS:
        return not allowed.isdisjoint(OUTAGES)
    return entry.event is not None and (entry.priority > WARNING or entry.event in allowed)


def parse_series(series: str) -> tuple[str, dict[str, str]]:
    """Return the name and the labels of a series."""
    name, _, labels = series.partition("{")
    return name, {key: re.sub(r"\\(.)", _unescape, value) for key, value in LABEL.findall(labels)}


def _unescape(match: re.Match[str]) -> str:
    return "\n" if match[1] == "n" else match[1]
