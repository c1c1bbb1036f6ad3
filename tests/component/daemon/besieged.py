"""A daemon that clients mean harm to: ``python -m tests.component.daemon.besieged PATHS clients`` or ``files``.

It needs root, for namespaces of its own with a journald and with uevents, and writes what it has seen as JSON.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import re
import resource
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path

from benchmarks.host.crowd import watch, watch_beside
from benchmarks.host.daemon import Daemon
from benchmarks.host.host import Host, host
from benchmarks.host.namespace import enter
from benchmarks.host.passage import passages
from benchmarks.host.process import memory, wait_quiet
from benchmarks.host.scraping import scrape
from benchmarks.host.uevents import Uevents
from tests.component.sinks.hostile import KINDS, connected

SETTLE = 3.0
SECONDS = 2.5
PAUSE = 0.1
FEW = 20
"""Files that the process may open besides those that it has open."""
EVENTS = 12
LIMITED = 6.0
"""Seconds for which files are short: a source reads in each of them."""
RECOVERY = 20.0


def clients(here: Host, daemon: Daemon) -> Mapping[str, object]:
    """Scrapes and events without clients (``""``) and beside each kind, and the memory before."""
    with contextlib.closing(Uevents()) as uevents:
        events = passages(here, uevents)
        for _ in range(3):
            scrape(daemon.port)

        def event() -> float:
            return next(events)

        found = {"": asdict(watch(daemon.port, daemon.pid, seconds=SECONDS, pause=PAUSE, event=event))}
        for kind in KINDS:
            before = memory(daemon.pid)[0]
            seen = watch_beside(kind, daemon.port, daemon.pid, seconds=SECONDS, pause=PAUSE, event=event)
            found[kind] = {**asdict(seen), "before": before}
        return found


def files(here: Host, daemon: Daemon) -> Mapping[str, object]:
    """What happens while clients hold every file that the process may open, and after that."""
    here.journald.taken()
    before = resource.prlimit(daemon.pid, resource.RLIMIT_NOFILE)
    most = 1 + FEW + max(int(each.name) for each in Path(f"/proc/{daemon.pid}/fd").iterdir())
    with contextlib.closing(Uevents()) as uevents, contextlib.ExitStack() as crowd:
        events, entries = passages(here, uevents), list[str]()
        resource.prlimit(daemon.pid, resource.RLIMIT_NOFILE, (most, before[1]))
        for _ in range(3 * FEW):
            crowd.enter_context(connected(daemon.port, b"GET /metrics HTTP/1.1\r\n"))
        began, took = time.monotonic(), list[float]()
        for _ in range(EVENTS):
            time.sleep(LIMITED / EVENTS)
            entries += _journal(here)
            took.append(next(events))
        entries += _journal(here)
        limited = time.monotonic() - began
    resource.prlimit(daemon.pid, resource.RLIMIT_NOFILE, before)
    kinds = (re.findall(r"^MPATHD_WATCH_EVENT=(.*)$", entry, re.MULTILINE) for entry in entries)
    return {
        "events": took,
        "entries": list(itertools.chain.from_iterable(kinds)),
        "seconds": limited,
        "recovered": any(_healthy(daemon, here.paths) for _ in _tries()),
    }


def _journal(here: Host) -> list[str]:
    return [entry.data.decode(errors="replace") for entry in here.journald.taken()]


def _tries() -> Iterator[None]:
    end = time.monotonic() + RECOVERY
    while time.monotonic() < end:
        yield
        time.sleep(0.2)


def _healthy(daemon: Daemon, paths: int) -> bool:
    lines = scrape(daemon.port).text.decode().splitlines()
    up = sum(line.startswith("mpathd_watch_path_health{") and line.endswith('state="up"} 1.0') for line in lines)
    return up == paths and not any(
        line.startswith("mpathd_watch_source_up{") and line.endswith(" 0.0") for line in lines
    )


if __name__ == "__main__":
    enter("tests.component.daemon.besieged", sys.argv[1:])
    with host(int(sys.argv[1])) as simulated, simulated.watched() as watched:
        time.sleep(SETTLE)
        wait_quiet(watched.pid, share=0.2)
        print(json.dumps({"clients": clients, "files": files}[sys.argv[2]](simulated, watched)))
