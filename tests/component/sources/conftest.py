"""What the tests of sources share that read a fake sysfs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mpathd_watch.sources.iscsi import close_watch, connections, current_ends, session_source
from mpathd_watch.sources.reading import availability, pace
from mpathd_watch.sources.sysfs import disks, member_disks
from mpathd_watch.sources.sysfs import source as sysfs_source
from tests.component.sources.watching import EVERY, HOUR, Gate
from tests.fakes.sysfs import FakeSysfs, healthy_san

PACED = (availability, pace, close_watch, connections, current_ends, session_source, disks, member_disks, sysfs_source)
"""The modules with constants for how often and how long something is read."""


@pytest.fixture
def san(tmp_path: Path) -> FakeSysfs:
    return healthy_san(tmp_path / "sys")


@pytest.fixture
def timing(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Poll the sessions continuously and nothing else without a reason; a test may set other times."""

    def choose(**seconds: float) -> None:
        for name, value in seconds.items():
            for module in PACED:
                if hasattr(module, name):
                    monkeypatch.setattr(module, name, value)
                    break
            else:
                pytest.fail(f"nothing is paced by {name}")

    choose(
        SESSIONS_EVERY=EVERY,
        HURRIED_EVERY=EVERY,
        BUSY_EVERY=EVERY,
        POLLS_APART=0.0,
        ENDS_APART=0.05,
        TROUBLED_EVERY=EVERY / 2,
        TIMEOUTS_EVERY=HOUR,
        DISKS_EVERY=HOUR,
        SYSTEM_EVERY=HOUR,
        SHARE=1,
        WOKEN_SHARE=1,
        COALESCE=0.05,
        TRAIL=0.1,
        ANSWER_EVERY=HOUR,
        RETRY_AFTER=0.05,
        SESSIONS_DEADLINE=10.0,
        DISKS_DEADLINE=10.0,
    )
    return choose


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> Any:
    gate = Gate(monkeypatch)
    yield gate
    gate.open()
