"""The source of the configuration: when it reports, and that a file system that hangs does not block it."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import pytest

from mpathd_watch.core.configuration import Configuration, Reason
from mpathd_watch.core.events import ConfigurationRead, DmStatusRead, Event, SourceErrors
from mpathd_watch.core.formats.multipath_conf import NEWEST
from mpathd_watch.core.formats.open_iscsi import keys
from mpathd_watch.core.model.facts import DmStatus
from mpathd_watch.core.model.vocabulary import DmState, SourceName
from mpathd_watch.sources.configuration import ConfigurationSource, dump, read_root_only, survey

DEFAULTS = "defaults {\n\tpolling_interval %d\n}\n"
NODE = "var/lib/iscsi/nodes/iqn.2024-01.org.example:disks/192.0.2.1,3260,1/default"


class Watch:
    """A running source on a tree of files, and the events it emitted."""

    def __init__(self, directory: Path, deadline: float) -> None:
        self.events: list[Event] = []
        self.root = directory / "host"
        self.handed_over = directory / "root-only.json"
        self.put(NODE, f"{keys.REPLACEMENT_TIMEOUT} = 15\n")
        self.handed_over.write_text(dump(read_root_only(self.root)))
        self.source = ConfigurationSource(
            self.events.append, time.monotonic, self.root, self.handed_over, check_every=0.05, deadline=deadline
        )

    def put(self, path: str, text: str) -> None:
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def reported(self) -> list[Configuration]:
        return [event.configuration for event in self.events if isinstance(event, ConfigurationRead)]

    async def until(self, enough: Callable[[], bool], seconds: float = 10.0) -> None:
        for _ in range(int(seconds / 0.005)):
            if enough():
                return
            await asyncio.sleep(0.005)
        pytest.fail(f"nothing came of it: {self.events}")


def watch(directory: Path, scenario: Callable[[Watch], Awaitable[None]], deadline: float = 20.0) -> None:
    async def run() -> None:
        watching = Watch(directory, deadline)
        running = asyncio.create_task(watching.source.run())
        try:
            await scenario(watching)
            assert not running.done()
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)

    asyncio.run(run())


def test_it_reports_at_the_start_and_when_something_has_changed(tmp_path: Path) -> None:
    async def scenario(watching: Watch) -> None:
        assert watching.source.version is None
        await watching.until(lambda: len(watching.reported()) == 1)
        assert watching.source.version == NEWEST
        await asyncio.sleep(0.2)
        watching.put("etc/multipath.conf", DEFAULTS % 7)
        await watching.until(lambda: len(watching.reported()) == 2)
        watching.put(
            "var/lib/dpkg/status", "Package: multipath-tools\nStatus: install ok installed\nVersion: 0.9.4-3\n"
        )
        await watching.until(lambda: len(watching.reported()) == 3)
        assert watching.source.version == (0, 9, 4)
        assert [len(found.multipath.sections) for found in watching.reported()] == [0, 1, 1]
        assert all(len(found.records) == 1 for found in watching.reported())
        assert len(watching.events) == 3

    watch(tmp_path, scenario)


def test_a_wake_reads_everything_and_reports_only_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    reads = []
    real = survey.Survey.read

    def count(found: survey.Survey) -> Configuration:
        reads.append(time.monotonic())
        return real(found)

    monkeypatch.setattr(survey.Survey, "read", count)

    async def scenario(watching: Watch) -> None:
        await watching.until(lambda: len(watching.reported()) == 1)
        await asyncio.sleep(0.2)
        assert len(reads) == 1
        watching.source.wake()
        await watching.until(lambda: len(reads) == 2)
        await asyncio.sleep(0.2)
        assert (len(reads), len(watching.events)) == (2, 1)

    watch(tmp_path, scenario)


def test_without_a_handover_a_process_of_its_own_reads_the_records(tmp_path: Path) -> None:
    async def scenario(watching: Watch) -> None:
        watching.handed_over.unlink()
        await watching.until(lambda: len(watching.reported()) == 1)
        (found,) = watching.reported()
        assert [node.record.entries[keys.REPLACEMENT_TIMEOUT].value for node in found.records] == [15]

    watch(tmp_path, scenario)


def test_files_on_something_that_hangs_hold_nothing_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    go_on = threading.Event()
    real = survey.Survey.read

    def hang(found: survey.Survey) -> Configuration:
        go_on.wait(20.0)
        return real(found)

    monkeypatch.setattr(survey.Survey, "read", hang)

    async def scenario(watching: Watch) -> None:
        await watching.until(lambda: len(watching.events) == 2)
        errors, reported = watching.events
        assert errors == SourceErrors(SourceName.CONFIGURATION, "timeout", 1)
        assert isinstance(reported, ConfigurationRead)
        (unreadable,) = reported.configuration.unreadable
        assert (unreadable.path, unreadable.reason) == (str(watching.root / "etc"), Reason.FAILED)
        await asyncio.sleep(0.3)
        assert len(watching.events) == 2
        go_on.set()
        await watching.until(lambda: len(watching.reported()) == 2)
        assert watching.reported()[1].unreadable == ()
        # What is known stays known while it hangs again.
        go_on.clear()
        watching.source.wake()
        await watching.until(lambda: len(watching.events) == 4)
        assert watching.events[3] == errors
        go_on.set()

    watch(tmp_path, scenario, deadline=0.1)
    go_on.set()


def test_dms_status_is_passed_on_once_for_each_time_that_root_has_read_it(tmp_path: Path) -> None:
    maps = (DmStatus("mpio", None, {"8:0": DmState.FAILED}),)
    handed_over = tmp_path / "root-only.json"

    def hand_over(requested: float) -> DmStatusRead:
        event = DmStatusRead(maps, requested)
        handed_over.write_text(dump(replace(read_root_only(tmp_path), dm=event)))
        return event

    async def scenario() -> None:
        events: list[Event] = []
        first = hand_over(1.0)
        source = ConfigurationSource(events.append, time.monotonic, tmp_path, handed_over, check_every=0.05)
        task = asyncio.create_task(source.run())

        async def reported(*expected: DmStatusRead) -> None:
            async with asyncio.timeout(10):
                while [event for event in events if isinstance(event, DmStatusRead)] != list(expected):  # noqa: ASYNC110  # a test may poll
                    await asyncio.sleep(0.02)

        await reported(first)
        source.wake()
        await asyncio.sleep(0.2)
        second = hand_over(2.0)
        await reported(first, second)
        task.cancel()

    asyncio.run(scenario())
