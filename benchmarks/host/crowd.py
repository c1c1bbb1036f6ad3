"""Hundreds of clients that mean harm, and what becomes of scrapes and events beside them."""

from __future__ import annotations

import contextlib
import http.client
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from benchmarks.host.process import memory, sockets, threads
from benchmarks.host.scraping import scrape
from tests.component.sinks.hostile import CLIENTS

PATIENCE = 5.0
"""Seconds after which a scrape has failed."""
CONNECTING = 20.0
"""Seconds for which all clients may take to come: a server with a short queue accepts few at a time."""
STILL = 2.0
"""Seconds after which no more come, if none has."""
LOOK = 0.1


@dataclass(slots=True)
class Seen:
    """What was seen of a server: milliseconds of each scrape that it answered, and of each event.

    ``failed`` scrapes, the most ``threads`` and MiB of ``memory``, and the connections ``held`` when all had come.
    """

    answered: list[float] = field(default_factory=list)
    failed: int = 0
    events: list[float] = field(default_factory=list)
    threads: int = 0
    memory: float = 0.0
    held: int = 0


@contextlib.contextmanager
def crowd(kind: str, port: int, clients: int = CLIENTS) -> Iterator[None]:
    """Clients of a kind (``tests/component/sinks/hostile.py``) in a process of their own, which have begun."""
    command = [sys.executable, "-m", "tests.component.sinks.hostile", kind, str(port), str(clients)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        if process.stdout is None or process.stdout.readline() != b"begins\n":
            raise RuntimeError(f"no clients of kind {kind}")
        yield
    finally:
        process.kill()
        process.communicate()


def watch(
    port: int,
    pid: int,
    *,
    seconds: float,
    pause: float,
    event: Callable[[], float] | None = None,
    seen: Seen | None = None,
) -> Seen:
    """Scrape for so many seconds with a pause between scrapes, and have an ``event`` happen after each."""
    seen = seen or Seen()
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            seen.answered.append(scrape(port, patience=PATIENCE).seconds * 1e3)
        except (OSError, http.client.HTTPException):
            seen.failed += 1
        if event is not None:
            seen.events.append(event())
        seen.threads = max(seen.threads, threads(pid))
        seen.memory = max(seen.memory, memory(pid)[0])
        time.sleep(pause)
    return seen


def watch_beside(
    kind: str, port: int, pid: int, *, seconds: float, pause: float, event: Callable[[], float] | None = None
) -> Seen:
    """The same beside clients of a kind, once all have a connection or no more get one."""
    before = sockets(pid)
    with crowd(kind, port):
        seen = Seen(held=_come(pid, before, min(CONNECTING, 10 * seconds)))
        return watch(port, pid, seconds=seconds, pause=pause, event=event, seen=seen)


def _come(pid: int, before: int, patience: float) -> int:
    """Wait until all clients are there, or no more come. Returns how many there were at most."""
    most, grown = 0, time.monotonic()
    deadline = grown + patience
    while time.monotonic() < min(deadline, grown + STILL) and most < CLIENTS:
        now = sockets(pid) - before
        if now > most:
            most, grown = now, time.monotonic()
        time.sleep(LOOK)
    return most
