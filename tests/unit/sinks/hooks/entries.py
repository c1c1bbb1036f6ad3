"""Entries about maps, and how to wait for what becomes of them."""

from __future__ import annotations

import time
from collections.abc import Callable

from mpathd_watch.core.catalog.alerts import AlertKind, Priority
from mpathd_watch.core.effects import Alert


def until(look: Callable[[], object]) -> None:
    deadline = time.monotonic() + 20
    while not look():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def lost(name: str = "mpatha", priority: Priority = Priority.CRIT) -> Alert:
    return Alert(AlertKind.MAP_LOST, priority, f"{name} is lost.", {"WWID": name})


def recovered(name: str = "mpatha") -> Alert:
    return Alert(AlertKind.MAP_RECOVERED, Priority.NOTICE, f"{name} is healthy.", {"WWID": name})
