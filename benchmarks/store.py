"""What the store costs: ``python -m benchmarks.store [--outages N]``.

Printed are: the time that the loop spends on one thing to keep; how long the store takes to write so many outages, each
with a stalled, a failed and a recovering path, and how large they are; how long a start takes with them; how long it
takes to remove the oldest; how many of them 100 MiB hold; and what importing sqlite3 costs.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mpathd_watch.core.effects import Kept, MapChanged, OutageChanged, OutageEnded
from mpathd_watch.core.model.budget import Bounds
from mpathd_watch.core.model.instant import Instant
from mpathd_watch.core.model.memory import KeptMap, OpenOutage
from mpathd_watch.core.model.outage import Outage, PathStates
from mpathd_watch.core.model.vocabulary import Cause, Health, MapHealth
from mpathd_watch.core.verdicts.outage import judge, outage_id
from mpathd_watch.immutable import replace
from mpathd_watch.store.database import NAME
from mpathd_watch.store.opening import open_to_write
from mpathd_watch.store.pending import Contents, Pending
from mpathd_watch.store.pruning import Limits, prune, size
from mpathd_watch.store.reopening import open_store
from mpathd_watch.store.writer import Run, Writer

AT_ONCE = 1000
"""Outages of one transaction: those of a large SAN that fails at once."""
EVERY = 600.0
"""Seconds between two outages."""
FIRST = Instant(1_000.0, 1_700_000_000.0)
TIMEOUTS = {"noop_out_interval": 5.0, "noop_out_timeout": 10.0, "replacement_timeout": 120.0}


def main() -> None:
    """Measure once."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--outages", type=int, default=100_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        measure(Path(name), options.outages)
    print(f"import sqlite3: {_imported():.1f} ms")


def measure(directory: Path, outages: int) -> None:
    """Print the figures for so many outages."""
    path = directory / NAME
    pending = Pending(Contents.nothing())
    writer = Writer(directory, pending, Run("0", "boot", FIRST), Limits(36_500, 1_000_000))
    put = wrote = 0.0
    things, last = 0, FIRST
    for number in range(outages):
        kept = list(_one(number))
        began = time.perf_counter()
        for each in kept:
            pending.put(each)
        put += time.perf_counter() - began
        things += len(kept)
        if (number + 1) % AT_ONCE == 0 or number + 1 == outages:
            last = FIRST.later(number * EVERY)
            began = time.perf_counter()
            writer.write(last)
            wrote += time.perf_counter() - began
    writer.end(last)
    taken = path.stat().st_size
    print(f"{outages} outages: the loop spends {put / things * 1e6:.1f} us on one thing to keep ({things} things)")
    print(f"written in {wrote:.1f} s, {wrote / outages * 1e6:.0f} us each; {taken / outages:.0f} bytes each")
    print(f"100 MiB hold {int((100 << 20) / taken * outages)} of them")
    began = time.perf_counter()
    open_store(path, "boot").connection.close()
    print(f"opened, checked and read in {(time.perf_counter() - began) * 1e3:.0f} ms")
    connection, _ = open_to_write(path)
    began = time.perf_counter()
    limits, longest, times, done = Limits(36_500, max(1, taken // 2 >> 20)), 0.0, 0, False
    while not done:
        since = time.perf_counter()
        done = prune(connection, limits, last.wall, None)
        longest, times = max(longest, time.perf_counter() - since), times + 1
    print(
        f"cut down to half of that in {time.perf_counter() - began:.1f} s, of which new outages wait for at most "
        f"{longest:.1f} s; {size(connection) >> 20} MiB are left"
    )
    connection.close()


def _one(number: int) -> Iterator[Kept]:
    """What the core wants to be kept of one outage, and of its map."""
    began = FIRST.later(number * EVERY)
    wwid, label = f"36001405{number % 512:024x}", f"mpath{number % 512}"
    path = f"192.168.{number % 2 + 1}.1:3260"
    outage = Outage(
        outage_id(wwid, path, began), began, Cause.NOP_TIMEOUT, TIMEOUTS, Bounds(16, 120, 136, 22), began.earlier(12.0)
    )
    stages: tuple[tuple[float, Health, dict[str, Any]], ...] = (
        (0.0, Health.STALLED, {"stalled": began}),
        (120.0, Health.FAILED, {"failed": began.later(120.0)}),
        (180.0, Health.RECOVERING, {"transport_up": began.later(180.0)}),
    )
    for seconds, health, changes in stages:
        at = began.later(seconds)
        outage = replace(outage, transport_lost=True, **changes)
        states = PathStates(health.value, "failed", "faulty", "transport-offline", "FAILED", "active/optimized")
        yield OutageChanged(OpenOutage(wwid, label, path, outage, health, at, health), states, at)
    end = began.later(190.0)
    outage = replace(outage, reinstated=end)
    outage = replace(outage, judgement=judge(outage, 2.0))
    yield OutageEnded(wwid, label, path, outage, PathStates("up", "active", "ready", "running", "LOGGED_IN"))
    risk, healthy = MapHealth.AT_RISK, MapHealth.HEALTHY
    for new, was, at in ((risk, healthy, began), (healthy, risk, end)):
        yield MapChanged(wwid, label, was, KeptMap(new, at, new), at)


def _imported() -> float:
    """Milliseconds that an interpreter takes longer with sqlite3, the best of five."""

    def best(program: str) -> float:
        taken = []
        for _ in range(5):
            began = time.perf_counter()
            subprocess.run([sys.executable, "-I", "-c", program], check=True)
            taken.append(time.perf_counter() - began)
        return min(taken)

    return (best("import sqlite3") - best("pass")) * 1e3


if __name__ == "__main__":
    main()
