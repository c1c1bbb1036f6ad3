"""The daemon's side of the store: nothing waits for it, and its troubles are reported once each."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest

from mpathd_watch.core.catalog.alerts import Priority
from mpathd_watch.core.effects import NexusAnnounced
from mpathd_watch.core.events import Event, SourceDown, SourceUp
from mpathd_watch.core.model.instant import Instant
from mpathd_watch.core.model.vocabulary import SourceName
from mpathd_watch.daemon import clock, keeping
from mpathd_watch.daemon.keeping import Keeping, Place, StateTakenError
from mpathd_watch.store.database import StoreError
from mpathd_watch.store.pruning import Limits
from mpathd_watch.store.reopening import Opened, open_store
from mpathd_watch.store.writer import Writer

LIMITS = Limits(730, 100)
UP = SourceUp(SourceName.STORE)


def opened(directory: Path, logged: list[str] | None = None) -> Keeping:
    lines = [] if logged is None else logged

    def log(_: Priority, text: str) -> None:
        lines.append(text)

    return Keeping(Place(directory, LIMITS), clock.now, log)


def run(kept: Keeping, wanted: Callable[[list[Event]], bool]) -> list[Event]:
    """Its events, until they are those that are wanted."""
    events: list[Event] = []

    async def watch() -> None:
        running = asyncio.create_task(kept.run(lambda *found: events.extend(found)))
        async with asyncio.timeout(20):
            while not wanted(events):  # noqa: ASYNC110  # what is waited for is a thread
                await asyncio.sleep(0.01)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)

    asyncio.run(watch())
    return events


def lost(directory: Path) -> dict[str, str]:
    found: Opened = open_store(directory / "state.db", "")
    found.connection.close()
    return dict(found.memory.lost)


def test_what_is_put_is_written_and_the_end_is_noted(tmp_path: Path) -> None:
    kept = opened(tmp_path)
    kept.put(NexusAnnounced("n", "x"))
    assert run(kept, lambda events: bool(events) and kept.outlet.waiting == 0) == [UP]
    kept.put(NexusAnnounced("m", ""))
    kept.stop()
    assert lost(tmp_path) == {"n": "x", "m": ""}
    assert opened(tmp_path).remembered is not None


def test_what_comes_one_by_one_in_a_storm_is_written_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[float] = []
    writes = Writer.write

    def counted(self: Writer, now: Instant) -> str:
        written.append(now.monotonic)
        return writes(self, now)

    monkeypatch.setattr(keeping, "SPACING", 1.0)
    monkeypatch.setattr(Writer, "write", counted)
    kept = opened(tmp_path)

    def storm() -> None:
        for number in range(100):
            kept.put(NexusAnnounced(f"n{number}", ""))
            time.sleep(0.002)

    assert run(kept, lambda events: UP in events) == [UP]
    storm()
    deadline = time.monotonic() + 20
    while kept.outlet.waiting and time.monotonic() < deadline:
        time.sleep(0.01)
    kept.stop()
    assert len(lost(tmp_path)) == 100
    assert len(written) <= 4
    assert all(after - before >= 1.0 for before, after in pairwise(written))


def test_what_is_put_is_written_even_if_it_never_ran(tmp_path: Path) -> None:
    kept = opened(tmp_path)
    kept.put(NexusAnnounced("n", "x"))
    kept.stop()
    assert lost(tmp_path) == {"n": "x"}


def test_two_can_not_use_one_directory(tmp_path: Path) -> None:
    first = opened(tmp_path)
    with pytest.raises(StateTakenError, match="another mpathd-watch uses"):
        opened(tmp_path)
    first.stop()
    opened(tmp_path).stop()


def test_a_directory_that_hangs_at_the_start_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hanging = threading.Event()

    def hangs(_path: Path, _boot: str) -> Opened:
        hanging.wait(20)
        raise StoreError("error", "it was too late")

    monkeypatch.setattr(keeping, "OPENED_WITHIN", 0.1)
    monkeypatch.setattr(keeping, "open_store", hangs)
    kept = opened(tmp_path)
    assert kept.remembered is None
    events = run(kept, lambda events: UP in events)
    hanging.set()
    assert isinstance(events[0], SourceDown)
    assert events[0].reason == "timeout"
    kept.stop()


def test_a_write_that_hangs_is_reported_and_nothing_waits_for_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hanging = threading.Event()
    writes = Writer.write

    def hangs(self: Writer, now: object) -> str:
        hanging.wait(20)
        return writes(self, now)  # type: ignore[arg-type]

    monkeypatch.setattr(Writer, "write", hangs)
    monkeypatch.setattr(keeping, "HANGS", 0.15)
    kept = opened(tmp_path)
    events = run(kept, lambda events: len(events) == 2)
    assert [getattr(event, "reason", "") for event in events] == ["", "timeout"]
    kept.put(NexusAnnounced("n", "x"))
    assert kept.outlet.waiting == 1
    monkeypatch.setattr(keeping, "ENDED_WITHIN", 0.1)
    kept.stop()
    hanging.set()


def test_a_bug_in_the_thread_is_reported_and_does_not_end_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    writes, calls, logged = Writer.write, list[object](), list[str]()

    def breaks(self: Writer, now: object) -> str:
        calls.append(now)
        if len(calls) == 1:
            raise LookupError("no such thing")
        return writes(self, now)  # type: ignore[arg-type]

    monkeypatch.setattr(Writer, "write", breaks)
    monkeypatch.setattr(keeping, "BEAT", 0.05)
    kept = opened(tmp_path, logged)
    kept.put(NexusAnnounced("n", "x"))
    run(kept, lambda _: kept.outlet.waiting == 0)
    kept.stop()
    assert len(logged) == 1
    assert "Internal error" in logged[0]
    assert lost(tmp_path) == {"n": "x"}


def test_without_a_boot_id_every_boot_is_another_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keeping, "BOOT_ID", tmp_path / "none")
    opened(tmp_path).stop()
    again = opened(tmp_path)
    assert again.remembered is not None
    assert not again.remembered.memory.same_boot
    again.stop()
