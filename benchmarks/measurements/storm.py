"""Hundreds of paths that fail at once."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Sequence
from statistics import median

from benchmarks.effort import Effort
from benchmarks.figures import Figure, Plot, by_size
from benchmarks.host.host import Host
from benchmarks.host.journald import Entry
from benchmarks.host.process import processor_time, wait_quiet
from benchmarks.host.uevents import Uevents
from benchmarks.measurements.measurement import Measurement
from benchmarks.peers import BARE
from benchmarks.peers.running import netlink_reader, of_reader

LAST, USED, MISSING = "last event to last entry", "processor time an event", "events without an entry"
PATIENCE, PAUSE = 20.0, 0.3


class Storm:
    """The events of so many paths, and what became of them; ``listed``: multipathd lists the same."""

    def __init__(self, host: Host, size: int, uevents: Uevents, pid: int, *, listed: bool) -> None:
        width = len(host.tree.maps[0].paths)
        every = [(map_, map_.paths[place].dev_t) for place in range(width) for map_ in host.tree.maps]
        self._paths = every[:size]
        self._host = host
        self._uevents = uevents
        self._pid = pid
        self._listed = listed
        self.last: list[float] = []
        self.used: list[float] = []
        self.missing: list[float] = []

    def break_out(self) -> None:
        """Have dm fail the paths, at once."""
        self._play("PATH_FAILED", "path_failed", "failed", counted=True)

    def pass_by(self) -> None:
        """Have all return."""
        self._play("PATH_REINSTATED", "path_reinstated", "active", counted=False)

    def _play(self, action: str, event: str, state: str, *, counted: bool) -> None:
        messages = [self._uevents.message(action, *path) for path in self._paths]
        wait_quiet(self._pid)
        self._host.journald.taken()
        if self._listed:
            # Not sooner: the daemon may list the maps at any time, and would report what no event has reported.
            self._host.multipathd.change(**{state: [dev_t for _, dev_t in self._paths]})
        before, sent = processor_time(self._pid), 0
        for message in messages:
            sent = self._uevents.send(message)

        def wanted(entry: Entry) -> bool:
            return entry.event == event or of_reader(entry)

        entries = self._host.journald.all_of(wanted, len(messages), PATIENCE, PAUSE)
        wait_quiet(self._pid)
        if counted:
            self.used.append((processor_time(self._pid) - before) / len(messages) * 1e6)
            self.last.append((max(entry.at for entry in entries) - sent) / 1e6)
            self.missing.append(float(len(messages) - len(entries)))


def measure(host: Host, effort: Effort) -> list[Figure]:
    """Storms of several sizes, of the daemon and of the bare reader in turn."""
    figures = []
    with netlink_reader(host) as (pid, alone), host.watched() as daemon, contextlib.closing(Uevents()) as uevents:
        time.sleep(effort.settle)
        for size in effort.storms:
            ours = Storm(host, size, uevents, daemon.pid, listed=True)
            bare = Storm(host, size, alone, pid, listed=False)
            for _ in range(effort.storm_rounds):
                ours.break_out()
                ours.pass_by()
                bare.break_out()
            figures += [
                Figure(LAST, "ms", size, median(ours.last), {BARE: median(bare.last)}),
                Figure(USED, "µs", size, median(ours.used), {BARE: median(bare.used)}),
                Figure(MISSING, "", size, max(ours.missing), {BARE: max(bare.missing)}),
            ]
    return figures


def plots(figures: Sequence[Figure]) -> tuple[Plot, ...]:
    """The processor time of an event by the size of the storm: level if it grows with the number of events only."""
    return by_size(figures, USED, "storm", "Processor time an event", across="events at once")


MEASUREMENT = Measurement(
    "storm",
    "A storm",
    "So many paths fail at once, as fast as the events can be sent. The time is that from the last event to the last "
    "path's entry. The processor time is all that follows until the process is quiet again, the reading of the host "
    "included.",
    lambda effort: (effort.main,),
    measure,
    plots,
    (LAST, USED),
    at="events",
)
