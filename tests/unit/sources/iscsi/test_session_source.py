"""The sessions alone: polls, wakes and full scans without maps or disks."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from mpathd_watch.core.events import Event, SessionsRead, SourceAnswered, SourceDown, SourceErrors
from mpathd_watch.core.model.facts import SessionFacts
from mpathd_watch.core.model.vocabulary import SessionStatus, SourceName
from mpathd_watch.sources.iscsi.close_watch import OUTAGE_TRAIL, TRAIL
from mpathd_watch.sources.iscsi.session_source import SessionSource
from mpathd_watch.sources.reading.attributes import Attributes
from mpathd_watch.sources.reading.poller import Poller
from tests.fakes.sysfs import FakeSysfs, healthy_san
from tests.reading import Network


class Host:
    """The sessions of a host, by a clock that stands still until it is moved."""

    def __init__(self, san: FakeSysfs) -> None:
        self.now = 1000.0
        self.events: list[Event] = []
        self.network = network = Network()
        self.poller = Poller(self.events.append, lambda: self.now, SourceName.SYSFS, san.root)
        self.source = SessionSource(
            self.poller, addresses=lambda: network.interfaces, route=network.route, tcp=network.ask
        )
        self.polled: list[bool] = []
        self.source.after_each_poll(self._polled)

    def _polled(self, *, changed: bool) -> None:
        self.polled.append(changed)

    def scan(self) -> tuple[SessionFacts, ...] | None:
        """The sessions that a full scan finds; the source is up then."""

        async def reading() -> tuple[SessionFacts, ...] | None:
            await self.source.read_ends()
            return await self.source.read_all(Attributes())

        found = asyncio.run(reading())
        self.poller.availability.report_up()
        self.events.clear()
        return found

    def poll(self, *, woken: bool = False) -> list[Event]:
        """What a poll emits."""
        self.events.clear()
        asyncio.run(self.source.poll(woken=woken))
        return list(self.events)


@pytest.fixture
def san(tmp_path: Path) -> FakeSysfs:
    return healthy_san(tmp_path / "sys")


@pytest.fixture
def host(san: FakeSysfs) -> Host:
    return Host(san)


def test_a_poll_counts_only_while_the_source_is_up(host: Host) -> None:
    assert host.poll(woken=True) == []
    assert host.polled == []
    host.scan()
    (read,) = host.poll(woken=True)
    assert isinstance(read, SessionsRead)
    assert [session.sid for session in read.sessions] == [1, 2]
    assert host.polled == [False]


def test_nothing_is_polled_while_the_source_is_down(san: FakeSysfs, host: Host) -> None:
    """Such a poll took note of a login without its TCP facts, and the full scan that followed found no news in it."""
    host.scan()
    san.sessions[1].fail()
    host.poll()
    host.poller.availability.report_down("unreadable", "it is not mounted")
    san.sessions[1].recover()
    host.now += 20.0
    host.network.facts = replace(host.network.facts, heard=1003.0)
    assert host.poll(woken=True) == []
    _, second = host.scan() or ()
    assert (second.state, second.alive) == (SessionStatus.LOGGED_IN, 1003.0)


def test_a_full_scan_has_the_local_ends_and_the_tcp_facts(host: Host) -> None:
    first, second = host.scan() or ()
    assert (first.netdev, second.netdev) == ("eth1", "eth2")
    assert first.tcp == second.tcp == host.network.facts


def test_a_change_is_reported_and_followed(san: FakeSysfs, host: Host) -> None:
    host.scan()
    host.poll()
    san.sessions[1].fail()
    (read,) = host.poll()
    assert isinstance(read, SessionsRead)
    assert [session.state for session in read.sessions] == [SessionStatus.LOGGED_IN, SessionStatus.FAILED]
    assert host.polled == [False, True]
    host.now += TRAIL + 0.1  # at first all sessions were new
    assert host.source.in_trouble() == {2}
    san.sessions[1].recover()
    host.poll()
    assert host.source.in_trouble() == {2}
    host.now += TRAIL + 0.1
    assert host.source.in_trouble() == set()


def test_a_session_that_is_down_stays_in_trouble(san: FakeSysfs, host: Host) -> None:
    host.scan()
    san.sessions[1].fail()
    host.poll()
    host.now += OUTAGE_TRAIL + 0.1
    assert host.source.in_trouble() == {2}


def test_a_poll_without_news_shows_that_the_source_answers(host: Host) -> None:
    host.scan()
    assert [type(event) for event in host.poll()] == [SessionsRead]  # the timeouts and connections were due
    assert host.poll() == []
    host.now += 4.9
    assert host.poll() == []
    host.network.missing = {1, 2}
    host.poll(woken=True)
    host.now += 5.0
    assert SourceAnswered(SourceName.SYSFS) in host.poll()


def test_a_reading_is_as_old_as_the_last_question_about_the_connections(san: FakeSysfs, host: Host) -> None:
    host.scan()
    host.poll()
    host.now += 1.0
    san.sessions[0].fail()
    (read,) = host.poll()
    assert isinstance(read, SessionsRead)
    assert read.requested == 1000.0
    (read,) = host.poll(woken=True)
    assert isinstance(read, SessionsRead)
    assert read.requested == 1001.0


def test_sessions_that_cannot_be_read_are_a_source_that_is_down(san: FakeSysfs, host: Host) -> None:
    host.scan()
    san.unmount()
    events = host.poll(woken=True)
    assert [type(event) for event in events] == [SourceDown]
    assert host.poll() == []
    assert host.scan() is None
    assert host.polled == []


def test_what_could_not_be_read_is_reported_before_what_could(san: FakeSysfs, host: Host) -> None:
    host.scan()
    san.sessions[0].state = "EXPLODED"
    problem, read = host.poll(woken=True)
    assert problem == SourceErrors(SourceName.SYSFS, "unknown_value", 1)
    assert isinstance(read, SessionsRead)
    assert read.sessions[0].state is SessionStatus.UNKNOWN
