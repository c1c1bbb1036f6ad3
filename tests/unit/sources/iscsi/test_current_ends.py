"""This host's ends: when there is news of them, and what their failures are."""

from __future__ import annotations

import asyncio
import errno
import threading
from pathlib import Path

import pytest

from mpathd_watch.core.events import Event, SourceErrors
from mpathd_watch.core.model.vocabulary import SourceName
from mpathd_watch.sources.iscsi import current_ends as module
from mpathd_watch.sources.iscsi.current_ends import CurrentEnds
from mpathd_watch.sources.iscsi.local_ends import LocalEnds
from mpathd_watch.sources.reading.availability import Availability
from tests.fakes.sysfs import FakeSysfs, healthy_san
from tests.reading import Network, before_each_read


class Ends:
    """The ends of a host's sessions, and what is emitted while they are read."""

    def __init__(self, san: FakeSysfs) -> None:
        self.network = network = Network()
        self.events: list[Event] = []
        reader = LocalEnds(san.root, lambda: network.interfaces, network.route, network.ask)
        self.current = CurrentEnds(reader, Availability(self.events.append, SourceName.SYSFS))

    def netdevs(self) -> list[str]:
        """The interfaces as last read."""
        return [end.netdev for end in self.current.known.values()]

    async def until(self, netdev: str) -> None:
        """Wait until the first session's interface is this one."""
        async with asyncio.timeout(5.0):
            while self.netdevs()[:1] != [netdev]:  # noqa: ASYNC110  # what is waited for is a file that is read
                await asyncio.sleep(0.002)


@pytest.fixture
def san(tmp_path: Path) -> FakeSysfs:
    return healthy_san(tmp_path / "sys")


@pytest.fixture
def ends(san: FakeSysfs) -> Ends:
    return Ends(san)


def test_a_reading_gives_what_could_not_be_read_and_is_no_news(san: FakeSysfs, ends: Ends) -> None:
    assert asyncio.run(ends.current.read()) == {}
    assert ends.netdevs() == ["eth1", "eth2"]
    assert ends.current.take_changed() is None  # the caller of read() has the ends already
    san.sessions[0].iscsi_host.set("ipaddress", "nonsense")
    assert asyncio.run(ends.current.read()) == {"unknown_value": 1}
    assert ends.events == []


def test_a_reading_that_fails_leaves_what_was_known(
    san: FakeSysfs, ends: Ends, monkeypatch: pytest.MonkeyPatch
) -> None:
    asyncio.run(ends.current.read())
    san.unmount()
    assert asyncio.run(ends.current.read()) == {"ENOENT": 1}
    san.mount()
    gate = threading.Event()

    def hang(_path: str) -> None:
        gate.wait(10.0)

    before_each_read(monkeypatch, hang)
    monkeypatch.setattr(module, "ENDS_DEADLINE", 0.02)
    assert asyncio.run(ends.current.read()) == {"timeout": 1}
    gate.set()
    assert ends.netdevs() == ["eth1", "eth2"]


def test_what_is_read_after_a_wake_is_news_once_if_it_has_changed(ends: Ends, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "ENDS_APART", 0.01)

    async def scenario() -> None:
        await ends.current.read()
        running = asyncio.create_task(ends.current.run())
        ends.current.wake()
        await asyncio.sleep(0.1)
        assert ends.current.take_changed() is None
        ends.network.bound_to[1] = "eth7"
        ends.current.wake_after_login()
        await ends.until("eth7")
        await asyncio.sleep(0)
        assert ends.current.take_changed() == ends.current.known
        assert ends.current.take_changed() is None
        ends.network.bound_to[1] = "eth8"
        ends.current.wake_after_login()
        await ends.until("eth8")
        assert ends.current.take() == ends.current.known
        assert ends.current.take_changed() is None
        running.cancel()
        await asyncio.wait([running])

    asyncio.run(scenario())
    assert ends.events == []


def test_what_a_wake_could_not_have_read_is_reported(ends: Ends, monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(_self: object, _attributes: object) -> None:
        raise OSError(errno.EMFILE, "Too many open files")

    monkeypatch.setattr(LocalEnds, "read", failing)

    async def scenario() -> None:
        running = asyncio.create_task(ends.current.run())
        ends.current.wake()
        async with asyncio.timeout(5.0):
            while not ends.events:  # noqa: ASYNC110  # what is waited for is a reading
                await asyncio.sleep(0.002)
        running.cancel()
        await asyncio.wait([running])

    asyncio.run(scenario())
    assert ends.events == [SourceErrors(SourceName.SYSFS, "EMFILE", 1)]
