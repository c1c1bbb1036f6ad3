"""The last day for the page: read by a thread of its own, seldom, and never waited for."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

from mpathd_watch.sinks.http import past as module
from mpathd_watch.sinks.http.past import FIRST, SPAN, PastDay, no_past
from mpathd_watch.store.day import Day
from mpathd_watch.store.read_only import HistoryError
from tests.histories import BEGAN, change, database

NOW = BEGAN + SPAN


class Store:
    """In place of ``read_day``: what was asked for, and a door that keeps the reader waiting."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.asked: list[tuple[float, float]] = []
        self.door = threading.Event()
        self.door.set()
        self.error: Exception | None = None
        monkeypatch.setattr(module, "read_day", self.read)
        monkeypatch.setattr(module, "FRESH", 0.0)

    def read(self, _: Path, begin: float, end: float) -> Day:
        self.asked.append((begin, end))
        self.door.wait(10)
        if self.error is not None:
            raise self.error
        return Day(begin, end, begin)


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> Store:
    return Store(monkeypatch)


def wait_for(past: PastDay, end: float | None) -> None:
    until = time.monotonic() + 10
    while (day := past()) is None or day.end != end:
        assert time.monotonic() < until
        time.sleep(0.01)


def test_the_first_page_has_the_last_24_hours_already(tmp_path: Path) -> None:
    with database(tmp_path) as connection:
        change(connection, NOW - 60, "lost")
    day = PastDay(tmp_path, lambda: NOW)()
    assert day is not None
    assert (day.begin, day.end, len(day.changes)) == (NOW - SPAN, NOW, 1)


def test_what_was_read_is_shown_again_until_it_is_old(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    past = PastDay(Path("/none"), lambda: NOW)
    monkeypatch.setattr(module, "FRESH", 3600.0)
    assert [past() for _ in range(5)] == [past()] * 5
    assert len(store.asked) == 1
    monkeypatch.setattr(module, "FRESH", 0.0)
    past()
    wait_for(past, NOW)
    assert len(store.asked) > 1


def test_a_store_that_hangs_delays_the_first_page_a_little_and_no_other(store: Store) -> None:
    store.door.clear()
    past = PastDay(Path("/none"), lambda: NOW)
    began = time.monotonic()
    assert past() is None
    assert time.monotonic() - began >= FIRST * 0.9
    began = time.monotonic()
    assert [past() for _ in range(100)] == [None] * 100
    assert time.monotonic() - began < FIRST
    assert len(store.asked) == 1
    store.door.set()
    wait_for(past, NOW)


def test_a_store_that_can_no_longer_be_read_has_no_past(store: Store) -> None:
    past = PastDay(Path("/none"), lambda: NOW)
    wait_for(past, NOW)
    for error in (HistoryError("gone"), OSError("gone")):
        store.error = error
        until = time.monotonic() + 10
        while past() is not None:
            assert time.monotonic() < until
            time.sleep(0.01)


def test_what_was_read_half_a_day_ago_is_not_shown(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [NOW]
    past = PastDay(Path("/none"), lambda: now[0])
    wait_for(past, NOW)
    monkeypatch.setattr(module, "FRESH", 3600.0)
    now[0] += SPAN
    assert past() is None
    assert store.asked


def test_without_a_store_there_is_no_past() -> None:
    assert no_past() is None
