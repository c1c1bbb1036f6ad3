"""Reads that decide whether a source answers, and a source of another transport made of nothing else."""

from __future__ import annotations

import asyncio
import errno
import threading
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from mpathd_watch.core.events import Event, NetworkRead, SourceDown, SourceUp
from mpathd_watch.core.model.facts import LinkFacts
from mpathd_watch.core.model.vocabulary import SourceName
from mpathd_watch.sources.reading.attributes import Attributes, entries
from mpathd_watch.sources.reading.pace import wait_at_most
from mpathd_watch.sources.reading.poller import Poller, reason_of
from mpathd_watch.sources.reading.worker import StalledError, Worker

UP = SourceUp(SourceName.SYSFS)


class Reads:
    """A poller, a worker, and what is emitted."""

    def __init__(self, root: Path = Path("/sys")) -> None:
        self.events: list[Event] = []
        self.poller = Poller(self.events.append, time.monotonic, SourceName.SYSFS, root)
        self.worker = Worker("test")
        self.gate = threading.Event()

    async def failing(self, error: OSError) -> object:
        """Read something that raises this."""

        def fail() -> None:
            raise error

        return await self.poller.read(self.worker, fail, 10.0)

    async def hanging(self) -> object:
        """Read something that hangs until the gate is opened."""
        return await self.poller.read(self.worker, lambda: self.gate.wait(10.0), 0.02)

    def run(self, scenario: Callable[[], Awaitable[None]]) -> None:
        """Play the scenario, and leave no thread behind that waits."""

        async def play() -> None:
            await scenario()

        try:
            asyncio.run(play())
        finally:
            self.gate.set()


def test_a_read_that_ends_reports_nothing_by_itself() -> None:
    reads = Reads()

    async def scenario() -> None:
        assert await reads.poller.read(reads.worker, lambda: 7, 10.0) == 7

    reads.run(scenario)
    assert reads.events == []
    assert reads.poller.availability.up is None


def test_a_read_that_fails_is_a_source_that_is_down() -> None:
    reads = Reads(Path("/elsewhere/sys"))

    async def scenario() -> None:
        assert await reads.failing(OSError(errno.EACCES, "Permission denied", "/elsewhere/sys/class")) is None
        reads.poller.availability.report_up()
        assert await reads.failing(OSError(errno.EMFILE, "Too many open files")) is None

    reads.run(scenario)
    assert reads.events == [
        SourceDown(SourceName.SYSFS, "unreadable", "/elsewhere/sys/class: Permission denied; is sysfs mounted there?"),
        UP,
        SourceDown(SourceName.SYSFS, "unreadable", "/elsewhere/sys: Too many open files; raise LimitNOFILE="),
    ]


def test_a_read_that_hangs_is_a_source_that_is_down() -> None:
    reads = Reads(Path("/elsewhere/sys"))

    async def scenario() -> None:
        assert await reads.hanging() is None

    reads.run(scenario)
    (down,) = reads.events
    assert isinstance(down, SourceDown)
    assert (down.source, down.reason) == (SourceName.SYSFS, "timeout")
    assert "/elsewhere/sys" in down.detail


def test_of_an_outage_only_the_first_reason_is_reported() -> None:
    reads = Reads()

    async def scenario() -> None:
        await reads.failing(OSError(errno.EIO, "broken"))
        await reads.hanging()
        await reads.failing(OSError(errno.EIO, "broken"))

    reads.run(scenario)
    assert [type(event) for event in reads.events] == [SourceDown]


def test_recovery_begins_at_each_failure_and_before_it_is_reported() -> None:
    reads = Reads()
    found: list[tuple[bool | None, int]] = []
    reads.poller.recover_by(lambda: found.append((reads.poller.availability.up, len(reads.events))))

    async def scenario() -> None:
        reads.poller.availability.report_up()
        for _ in range(2):
            await reads.failing(OSError(errno.EIO, "broken"))
        await reads.poller.read(reads.worker, lambda: 7, 10.0)

    reads.run(scenario)
    assert found == [(True, 1), (False, 2)]


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (StalledError(), "timeout"),
        (OSError(errno.EPERM, "no"), "EPERM"),
        (OSError(), "error"),
        (OSError(99999, "odd"), "error"),
    ],
)
def test_the_reason_of_a_failure_is_one_word(error: StalledError | OSError, reason: str) -> None:
    assert reason_of(error) == reason


class RemotePorts:
    """A source of another transport, as described in the module's docstring: no other source is imported.

    Its ports are the names in one directory; that they are reported as network interfaces is the test's makeshift.
    """

    def __init__(self, emit: Callable[[Event], None], root: Path) -> None:
        self._poller = Poller(emit, time.monotonic, SourceName.NETWORK, root)
        self._worker = Worker("ports")
        self._wake = asyncio.Event()
        self._known: tuple[LinkFacts, ...] | None = None

    def _read(self, attributes: Attributes) -> tuple[LinkFacts, ...]:
        names = entries(self._poller.root)
        found = [(name, attributes.text(self._poller.root / name)) for name in names]
        return tuple(LinkFacts(name, up=True, carrier=state == "Online") for name, state in found)

    async def run(self) -> None:
        """Poll until cancelled."""
        while True:
            await self._poll()
            await wait_at_most(self._wake, 0.01)

    async def _poll(self) -> None:
        attributes = Attributes()
        ports = await self._poller.read(self._worker, lambda: self._read(attributes), 1.0)
        if ports is None:
            self._known = None
            return
        self._poller.availability.report_up()
        if ports != self._known:
            self._known = ports
            self._poller.heartbeat.report(NetworkRead(ports))
        else:
            self._poller.heartbeat.report_unchanged()
        self._poller.availability.report_problems(attributes.problems)


def test_a_source_of_another_transport_polls_with_nothing_but_this_room(tmp_path: Path) -> None:
    root = tmp_path / "fc_remote_ports"
    port = root / "rport-5:0-1"
    events: list[Event] = []

    async def until(count: int) -> None:
        async with asyncio.timeout(5.0):
            while len(events) < count:  # noqa: ASYNC110  # what is waited for is a file that is read
                await asyncio.sleep(0.002)

    def write(state: str) -> None:
        """As the kernel does it: the attribute is never empty."""
        new = tmp_path / "new"
        new.write_text(state)
        new.rename(port)

    async def scenario() -> None:
        root.mkdir()
        write("Online\n")
        running = asyncio.create_task(RemotePorts(events.append, root).run())
        await until(2)
        write("Blocked\n")
        await until(3)
        root.rename(tmp_path / "unmounted")
        await until(4)
        (tmp_path / "unmounted").rename(root)
        await until(6)
        running.cancel()
        await asyncio.wait([running])

    asyncio.run(scenario())
    online, blocked = (NetworkRead((LinkFacts(port.name, up=True, carrier=carrier),)) for carrier in (True, False))
    up, down = SourceUp(SourceName.NETWORK), events[3]
    assert isinstance(down, SourceDown)
    assert (down.source, down.reason) == (SourceName.NETWORK, "unreadable")
    assert events == [up, online, blocked, down, up, blocked]
