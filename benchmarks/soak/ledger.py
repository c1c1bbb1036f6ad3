"""What must be in the journal, beside what is there. Pure: what was sent and what has come go in."""

from __future__ import annotations

import re
from collections import Counter, defaultdict, deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from benchmarks.host.journald import Entry
from mpathd_watch.core.catalog.fields import PREFIX

FAILED, REINSTATED = "path_failed", "path_reinstated"
ERR = 3
"""Priority err of syslog; a smaller number is worse."""
RELOADED = "The configuration was reloaded."
DAEMON = "daemon"
"""The event of an entry of the daemon about itself."""

_FIELD = re.compile(rb"^([A-Z0-9_]+)=(.*)$", re.MULTILINE)

Key = tuple[str, str, str]
"""Map, path, event."""


@dataclass(slots=True)
class Expected:
    """An entry that must come; ``sent`` in nanoseconds of CLOCK_REALTIME. Whether its latency counts."""

    sent: int
    counts: bool


@dataclass(slots=True)
class Ledger:
    """What is expected and not there yet, and what has come.

    ``latencies`` are the milliseconds from a uevent to its entry, since ``taken`` was called last. ``extra`` counts the
    entries about paths that nothing explains. ``events`` counts all entries by their event, of the sources by event,
    source and reason. ``errors`` are the daemon's messages about itself of priority err and worse.
    """

    expected: dict[Key, deque[Expected]] = field(default_factory=lambda: defaultdict(deque))
    latencies: list[float] = field(default_factory=list)
    extra: Counter[Key] = field(default_factory=Counter)
    events: Counter[str] = field(default_factory=Counter)
    errors: list[str] = field(default_factory=list)
    messages: dict[str, str] = field(default_factory=dict)
    """The first message of each event of a source."""
    sent: int = 0
    due: int = 0
    found: int = 0
    reloads: int = 0
    """Messages of the daemon that it has reloaded its configuration."""
    late: int = 0
    """Entries that came while, or just after, there was no journald."""
    _accepting: bool = True

    def expect(self, key: Key, at: int, *, counts: bool) -> None:
        """An entry must come for what was caused ``at`` this moment; its latency counts if it ``counts``."""
        self.due += 1
        self.expected[key].append(Expected(at, counts and self._accepting))

    def journald(self, *, accepting: bool) -> None:
        """From now on journald accepts entries, or not. The latency of an entry that waits meanwhile does not count."""
        self._accepting = accepting
        for waiting in self.expected.values():
            for each in waiting:
                each.counts = False

    def enter(self, entries: Iterable[Entry]) -> None:
        """These entries have come."""
        for entry in entries:
            fields = {name.decode(): value.decode(errors="replace") for name, value in _FIELD.findall(entry.data)}
            event = fields.get(f"{PREFIX}EVENT", "")
            self.late += f"{PREFIX}DELAY_SEC" in fields
            self.events[event] += 1
            self._note(event, fields)
            if event in (FAILED, REINSTATED):
                self._path(entry.at, (fields.get(f"{PREFIX}MAP", ""), fields.get(f"{PREFIX}PATH", ""), event))

    def taken(self) -> list[float]:
        """The latencies since the last call."""
        taken, self.latencies = self.latencies, []
        return taken

    @property
    def missing(self) -> list[Key]:
        """The entries that are still expected, one for each."""
        return [key for key, waiting in self.expected.items() for _ in waiting]

    def _note(self, event: str, fields: Mapping[str, str]) -> None:
        source, message = fields.get(f"{PREFIX}SOURCE", ""), fields.get("MESSAGE", "")
        if source:
            named = " ".join(filter(None, (event, source, fields.get(f"{PREFIX}REASON", ""))))
            self.events[named] += 1
            self.messages.setdefault(named, message)
        elif message == RELOADED:
            self.reloads += 1
        elif event == DAEMON and int(fields.get("PRIORITY", "6")) <= ERR:
            self.errors.append(message)

    def _path(self, at: int, key: Key) -> None:
        waiting = self.expected[key]
        if not waiting:
            self.extra[key] += 1
            return
        first = waiting.popleft()
        self.found += 1
        if first.counts:
            self.latencies.append((at - first.sent) / 1e6)
