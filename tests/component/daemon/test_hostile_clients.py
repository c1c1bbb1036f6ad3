"""The whole daemon beside 500 clients that mean harm: scrapes are answered, and events reach the journal.

The times that are demanded here hold on a busy machine; ``python -m benchmarks --only clients`` measures them.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from statistics import median
from typing import Any

import pytest

from tests.component.sinks.hostile import KINDS

ROOT = Path(__file__).parents[3]
MOST_THREADS = 16
MOST_MIB = 30.0
FACTOR = 10.0
"""A median may be so many times that without clients, and a grace in milliseconds more."""
SCRAPE_GRACE = 3000.0
"""On two cores with a load of 15, beside clients that connect and reset, the median of two scrapes was 1.3 s."""
EVENT_GRACE = 500.0


def besieged(paths: int, what: str) -> dict[str, Any]:
    """What ``besieged`` has seen; the test is skipped where it can't run."""
    if os.geteuid() != 0 or shutil.which("unshare") is None:
        pytest.skip("NOT TESTED: uevents and a journald of our own need root and unshare")
    if subprocess.run(["unshare", "--net", "--mount", "--pid", "--fork", "true"], check=False).returncode:  # noqa: S607
        pytest.skip("NOT TESTED: no namespaces may be made here")
    command = [sys.executable, "-m", "tests.component.daemon.besieged", str(paths), what]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=200, check=False)  # noqa: S603
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize("paths", [64])
def test_every_scrape_is_answered_and_every_event_reported(paths: int) -> None:
    found = besieged(paths, "clients")
    alone = found[""]
    assert set(found) == {"", *KINDS}
    for kind, seen in found.items():
        assert seen["answered"], kind
        assert seen["failed"] == 0, kind
        # Each event has its entry: a missing one would have ended the run.
        assert len(seen["events"]) == len(seen["answered"]), kind
        assert seen["threads"] <= MOST_THREADS, kind
        assert seen["memory"] - seen.get("before", seen["memory"]) < MOST_MIB, kind
        assert median(seen["answered"]) < FACTOR * median(alone["answered"]) + SCRAPE_GRACE, kind
        assert median(seen["events"]) < FACTOR * median(alone["events"]) + EVENT_GRACE, kind
    # Those of a patient kind are all there; a few sockets of the scrapes before may count against them.
    assert found["idle"]["held"] >= 480


def test_events_are_reported_while_clients_hold_every_file() -> None:
    found = besieged(64, "files")
    entries = found["entries"]
    assert median(found["events"]) < 1000.0
    assert entries.count("path_failed") == entries.count("path_reinstated") == len(found["events"]) // 2
    # What can't be read is unknown, and no reason to call a path failed or a map lost.
    assert not {"path_missing", "path_stalled", "map_lost", "session_lost", "path_removed", "map_removed"} & set(
        entries
    )
    assert "daemon" in entries  # the line that files are short
    # The server gives files back, so that the sources can read most of the time.
    assert entries.count("source_down") <= 1
    assert found["recovered"]
