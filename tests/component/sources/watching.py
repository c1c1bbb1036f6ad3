"""Sources on a fake sysfs: what they emit, and how to have their reads hang or be counted."""

from __future__ import annotations

import asyncio
import os
import threading
import time
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import pytest

from mpathd_watch.core.events import (
    DevicesRead,
    Event,
    SessionsRead,
    SystemRead,
)
from mpathd_watch.core.model.vocabulary import DeviceState, SessionStatus, SourceName
from mpathd_watch.sources.iscsi.session_source import SessionSource
from mpathd_watch.sources.network.addresses import Interface
from mpathd_watch.sources.reading.poller import Poller
from mpathd_watch.sources.sysfs.source import SysfsSource
from tests.fakes.sysfs import FakeSysfs
from tests.reading import Network, before_each_read, place_of

HOUR = 3600.0

EVERY = 0.02


E = TypeVar("E")


def addresses() -> Mapping[str, Interface]:
    """This host's."""
    return {f"192.168.{number}.2": Interface(f"eth{number}", f"192.168.{number}.0/24") for number in (1, 2)}


class Watch:
    """The sources of sessions, maps and disks, and the events they have emitted."""

    def __init__(self, san: FakeSysfs) -> None:
        self.san = san
        self.events: list[Event] = []
        self.network = Network()
        self.heed: Callable[[Event], None] = lambda _event: None
        poller = Poller(self.emit, time.monotonic, SourceName.SYSFS, san.root)
        self.sessions = SessionSource(poller, addresses=addresses, route=self.network.route, tcp=self.network.ask)
        self.sysfs = SysfsSource(poller, self.sessions)

    async def run(self) -> None:
        """Watch until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self.sessions.run())
            tasks.create_task(self.sysfs.run())

    def emit(self, event: Event) -> None:
        """Take an event from the sources."""
        self.events.append(event)
        self.heed(event)

    def of(self, kind: type[E]) -> list[E]:
        """All events of one kind so far."""
        return [event for event in self.events if isinstance(event, kind)]

    async def until(self, enough: Callable[[], object], seconds: float = 5.0) -> None:
        """Wait until there is enough to see."""
        give_up = time.monotonic() + seconds
        while not enough():
            if time.monotonic() > give_up:
                pytest.fail(f"nothing came of it: {self.events}")
            await asyncio.sleep(0.002)

    async def until_kind(self, kind: type[E], count: int = 1) -> list[E]:
        """Wait for ``count`` events of one kind."""
        await self.until(lambda: len(self.of(kind)) >= count)
        return self.of(kind)

    def session_states(self) -> list[SessionStatus]:
        """The states last reported for the sessions."""
        reported = [event for event in self.events if isinstance(event, SessionsRead | SystemRead)]
        return [session.state for session in reported[-1].sessions]

    def device_states(self) -> dict[str, DeviceState]:
        """The states last reported for the disks."""
        states: dict[str, DeviceState] = {}
        for event in self.events:
            if isinstance(event, SystemRead):
                states = {}
            if isinstance(event, SystemRead | DevicesRead):
                states |= {device.name: device.state for device in event.devices}
        return states


def watch(san: FakeSysfs, scenario: Callable[[Watch], Awaitable[None]]) -> Watch:
    """Play the scenario once everything has been read."""
    watching = Watch(san)

    async def run() -> None:
        running = asyncio.create_task(watching.run())
        try:
            await watching.until_kind(SystemRead)
            await scenario(watching)
            assert not running.done()
        finally:
            running.cancel()
            assert await asyncio.wait([running], timeout=5.0) == ({running}, set())

    asyncio.run(run())
    return watching


class Gate:
    """Reads of attributes whose path ends so hang until the gate is opened."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._endings: tuple[str, ...] = ()
        self._free = threading.Event()
        self.reached = threading.Event()

        def slow(path: str) -> None:
            if self._endings and path.endswith(self._endings):
                self.reached.set()
                self._free.wait(30)

        before_each_read(monkeypatch, slow)

    def shut(self, *endings: str) -> None:
        """From now on, reads of these hang."""
        self._free.clear()
        self.reached.clear()
        self._endings = endings

    def open(self) -> None:
        """Let all reads go."""
        self._endings = ()
        self._free.set()


class Opened:
    """Every file and directory below a root that anything has opened or listed, or has read having kept it open."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, root: Path) -> None:
        self._root = str(root)
        self.paths: list[str] = []
        self.kept: list[str] = []
        for name in ("open", "listdir", "scandir"):
            monkeypatch.setattr(os, name, self._recording(getattr(os, name)))
        before_each_read(monkeypatch, self._read)

    def _read(self, path: str) -> None:
        if path.startswith(f"{self._root}/devices/"):
            self.kept.append(path)

    def _recording(self, genuine: Callable[..., Any]) -> Callable[..., Any]:
        def call(place: Any, *args: Any, **options: Any) -> Any:
            path = place_of(place, options.get("dir_fd"))
            if path.startswith(self._root):
                self.paths.append(path)
            return genuine(place, *args, **options)

        return call
