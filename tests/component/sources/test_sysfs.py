"""The source: when it reads a tree of sysfs, what it tells of it, and how it fares when reads fail or hang."""

from __future__ import annotations

import asyncio
import errno
import os
import threading
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from itertools import groupby, pairwise
from pathlib import Path
from statistics import median
from typing import Any, TypeVar

import pytest

from mpathd_watch.core.events import (
    DevicesRead,
    Event,
    SessionsRead,
    SourceAnswered,
    SourceDown,
    SourceErrors,
    SourceUp,
    SystemRead,
)
from mpathd_watch.core.model.facts import IoFacts, SessionFacts
from mpathd_watch.core.model.vocabulary import DeviceState, SessionStatus, SourceName
from mpathd_watch.sources.iscsi.local_ends import LocalEnd, LocalEnds
from mpathd_watch.sources.iscsi.sessions import Sessions
from mpathd_watch.sources.iscsi.tcp import Answer, Connection
from mpathd_watch.sources.network.addresses import Interface
from mpathd_watch.sources.reading.attributes import Attributes
from mpathd_watch.sources.sysfs import source as module
from mpathd_watch.sources.sysfs.source import SysfsSource
from tests.fakes.sysfs import SECRETS, WWID, FakeSysfs, healthy_san
from tests.reading import Network, before_each_read

HOUR = 3600.0
EVERY = 0.02

E = TypeVar("E")


def addresses() -> Mapping[str, Interface]:
    """This host's."""
    return {f"192.168.{number}.2": Interface(f"eth{number}", f"192.168.{number}.0/24") for number in (1, 2)}


class Watch:
    """A source and the events it has emitted."""

    def __init__(self, san: FakeSysfs) -> None:
        self.san = san
        self.events: list[Event] = []
        self.network = Network()
        self.source = self.make()
        self.heed: Callable[[Event], None] = lambda _event: None

    def make(self) -> SysfsSource:
        """A source that emits into ``events`` and asks ``network``."""
        network = self.network
        return SysfsSource(
            self.emit, time.monotonic, self.san.root, addresses=addresses, route=network.route, tcp=network.ask
        )

    def emit(self, event: Event) -> None:
        """Take an event from the source."""
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
        """The states last told of the sessions."""
        told = [event for event in self.events if isinstance(event, SessionsRead | SystemRead)]
        return [session.state for session in told[-1].sessions]

    def device_states(self) -> dict[str, DeviceState]:
        """The states last told of the disks."""
        states: dict[str, DeviceState] = {}
        for event in self.events:
            if isinstance(event, SystemRead):
                states = {}
            if isinstance(event, SystemRead | DevicesRead):
                states |= {device.name: device.state for device in event.devices}
        return states


@pytest.fixture
def san(tmp_path: Path) -> FakeSysfs:
    return healthy_san(tmp_path / "sys")


@pytest.fixture(autouse=True)
def timing(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Have the sessions polled all the time and nothing else without a reason; a test may say otherwise."""

    def choose(**seconds: float) -> None:
        for name, value in seconds.items():
            monkeypatch.setattr(module, name, value)

    choose(
        SESSIONS_EVERY=EVERY,
        HURRIED_EVERY=EVERY,
        BUSY_EVERY=EVERY,
        POLLS_APART=0.0,
        ENDS_APART=0.05,
        TIMEOUTS_EVERY=HOUR,
        DISKS_EVERY=HOUR,
        SYSTEM_EVERY=HOUR,
        SHARE=1,
        WOKEN_SHARE=1,
        COALESCE=0.05,
        TRAIL=0.1,
        ANSWER_EVERY=HOUR,
        RETRY_AFTER=0.05,
        QUICK_DEADLINE=10.0,
        SCAN_DEADLINE=10.0,
    )
    return choose


def watch(san: FakeSysfs, scenario: Callable[[Watch], Awaitable[None]]) -> Watch:
    watching = Watch(san)

    async def run() -> None:
        watching.source = watching.make()
        running = asyncio.create_task(watching.source.run())
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


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> Any:
    gate = Gate(monkeypatch)
    yield gate
    gate.open()


# --- what it tells ----------------------------------------------------------------------------------------------------


def test_the_first_look_is_whole_and_comes_after_the_source_is_up(san: FakeSysfs) -> None:
    async def scenario(_watching: Watch) -> None:
        await asyncio.sleep(5 * EVERY)

    began = time.monotonic()
    watching = watch(san, scenario)
    up, look = watching.events
    assert up == SourceUp(SourceName.SYSFS)
    assert isinstance(look, SystemRead)
    assert [facts.name for facts in look.maps] == ["mpio"]
    assert [device.name for device in look.devices] == ["sda", "sdb"]
    assert [session.sid for session in look.sessions] == [1, 2]
    assert look.unmapped == ()
    assert [(device.wwid, device.timeout) for device in look.devices] == [(WWID, 30)] * 2
    assert began < look.requested < time.monotonic()


def test_look_reads_everything_once_without_running(san: FakeSysfs) -> None:
    watching = Watch(san)

    async def once() -> None:
        watching.source = watching.make()
        await watching.source.look()

    asyncio.run(once())
    assert [type(event) for event in watching.events] == [SourceUp, SystemRead]


def test_a_change_of_a_session_is_told_within_the_interval(san: FakeSysfs, timing: Callable[..., None]) -> None:
    timing(SESSIONS_EVERY=0.2, HURRIED_EVERY=0.2)
    delays = []

    async def scenario(watching: Watch) -> None:
        for change, state in (
            (san.sessions[1].fail, SessionStatus.FAILED),
            (san.sessions[1].expire, SessionStatus.FREE),
            (san.sessions[1].recover, SessionStatus.LOGGED_IN),
        ):
            change()
            began = time.monotonic()
            await watching.until(lambda: watching.session_states() == [SessionStatus.LOGGED_IN, state])  # noqa: B023
            delays.append(time.monotonic() - began)

    watching = watch(san, scenario)
    assert max(delays) < 0.2 + 0.4
    told = [read.sessions[1].state for read in watching.of(SessionsRead)]
    assert [state for state, _ in groupby(told)] == [SessionStatus.FAILED, SessionStatus.FREE, SessionStatus.LOGGED_IN]


def test_timeouts_are_read_again_under_a_session_that_stays_as_it_is(
    san: FakeSysfs, timing: Callable[..., None]
) -> None:
    """Multipathd writes recovery_tmo at a reconfiguration, and no uevent tells."""
    timing(TIMEOUTS_EVERY=0.1)

    async def scenario(watching: Watch) -> None:
        san.sessions[1].set("recovery_tmo", 20)
        await watching.until_kind(SessionsRead)

    (told,) = watch(san, scenario).of(SessionsRead)
    assert [session.recovery_tmo for session in told.sessions] == [5, 20]


def test_sessions_that_do_not_change_are_not_told_again_but_show_life(
    san: FakeSysfs, timing: Callable[..., None]
) -> None:
    timing(ANSWER_EVERY=0.1)

    async def scenario(_watching: Watch) -> None:
        await asyncio.sleep(0.35)

    watching = watch(san, scenario)
    assert watching.of(SessionsRead) == []
    assert 1 <= len(watching.of(SourceAnswered)) <= 6


def test_a_change_of_a_session_is_told_with_its_last_sign_of_life(san: FakeSysfs) -> None:
    async def scenario(watching: Watch) -> None:
        assert watching.of(SystemRead)[0].sessions[1].alive is None
        for _ in range(5):
            await asyncio.sleep(2 * EVERY)
            san.sessions[1].answer()
        answered = time.monotonic()
        await asyncio.sleep(0.5)
        assert watching.of(SessionsRead) == []
        failed = time.monotonic()
        san.sessions[1].fail()
        (told,) = await watching.until_kind(SessionsRead)
        first, second = told.sessions
        assert first.alive is None
        assert second.alive is not None
        assert answered <= second.alive < failed
        watching.source.wake_system()
        look = (await watching.until_kind(SystemRead, 2))[1]
        assert look.sessions[1].alive == second.alive

    watch(san, scenario)


def test_a_whole_look_carries_signs_of_life_that_were_worth_no_event_of_their_own(san: FakeSysfs) -> None:
    async def scenario(watching: Watch) -> None:
        await asyncio.sleep(2 * EVERY)
        san.sessions[0].answer()
        await asyncio.sleep(0.5)
        asked = time.monotonic()
        watching.source.wake_system()
        look = (await watching.until_kind(SystemRead, 2))[1]
        assert look.sessions[0].alive is not None
        assert look.sessions[0].alive < asked
        assert watching.of(SessionsRead) == []

    watch(san, scenario)


def test_disks_in_no_map_are_told_in_whole_looks_and_never_watched(san: FakeSysfs, timing: Callable[..., None]) -> None:
    timing(DISKS_EVERY=0.05)
    spare = san.add_disk(san.sessions[0], lun=9, wwid="spare")

    async def scenario(watching: Watch) -> None:
        (look,) = watching.of(SystemRead)
        assert [(disk.name, disk.wwid, disk.sid) for disk in look.unmapped] == [("sdc", "spare", 1)]
        assert [device.name for device in look.devices] == ["sda", "sdb"]
        await asyncio.sleep(0.1)
        spare.state = "offline"
        watching.source.wake_devices(["sdc"])
        await asyncio.sleep(0.2)
        assert watching.of(DevicesRead) == []
        san.maps[0].add(spare)
        watching.source.wake_system()
        look = (await watching.until_kind(SystemRead, 2))[1]
        assert look.unmapped == ()
        assert watching.device_states()["sdc"] is DeviceState.OFFLINE

    watch(san, scenario)


def test_run_is_beside_sysfs_unless_told_otherwise(san: FakeSysfs, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    (elsewhere / "udev/data").mkdir(parents=True)
    (elsewhere / "udev/data/b8:0").write_text("E:ID_SERIAL=elsewhere\n")
    told: list[Event] = []

    async def once() -> None:
        await SysfsSource(told.append, time.monotonic, san.root).look()
        await SysfsSource(told.append, time.monotonic, san.root, run_dir=elsewhere).look()

    asyncio.run(once())
    looks = [event for event in told if isinstance(event, SystemRead)]
    assert [[device.wwid for device in look.devices] for look in looks] == [[WWID, WWID], ["elsewhere", ""]]


# --- this host's ends -------------------------------------------------------------------------------------------------


def netdevs(watching: Watch) -> list[str]:
    """The network interfaces last told of the sessions."""
    return [session.netdev for session in watching.of(SystemRead)[-1].sessions]


def test_sessions_are_told_with_this_hosts_ends(san: FakeSysfs) -> None:
    async def scenario(watching: Watch) -> None:
        first = watching.of(SystemRead)[0].sessions[0]
        assert (first.local_address, first.netdev, first.local_network) == ("192.168.1.2", "eth1", "192.168.1.0/24")
        san.sessions[0].fail()
        (told,) = await watching.until_kind(SessionsRead)
        assert told.sessions[0].netdev == "eth1"

    watch(san, scenario)


def test_an_end_that_hangs_takes_nothing_along(san: FakeSysfs, gate: Gate, timing: Callable[..., None]) -> None:
    timing(ENDS_DEADLINE=1.0, WOKEN_SHARE=0.0)

    async def scenario(watching: Watch) -> None:
        gate.shut("host2/ipaddress")
        watching.source.wake_system()
        await watching.until_kind(SystemRead, 2)
        assert netdevs(watching) == ["eth1", "eth2"]
        assert await watching.until_kind(SourceErrors) == [SourceErrors(SourceName.SYSFS, "timeout", 1)]
        watching.source.wake_system()
        began = time.monotonic()
        await watching.until_kind(SystemRead, 3)  # and now nobody waits for it any more
        assert time.monotonic() - began < 0.8
        san.sessions[0].iscsi_host.set("ipaddress", "192.168.2.2")
        gate.open()
        await asyncio.sleep(0.05)
        watching.source.wake_system()
        await watching.until_kind(SystemRead, 4)
        assert netdevs(watching) == ["eth2", "eth2"]

    assert watch(san, scenario).of(SourceDown) == []


def test_an_end_that_cannot_be_read_for_a_reason_of_its_own_takes_nothing_along(
    san: FakeSysfs, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scenario(watching: Watch) -> None:
        def failing(_attributes: object) -> None:
            raise OSError(errno.EMFILE, "Too many open files")

        monkeypatch.setattr(LocalEnds, "read", lambda _self, attributes: failing(attributes))
        watching.source.wake_system()
        await watching.until_kind(SystemRead, 2)
        assert netdevs(watching) == ["eth1", "eth2"]
        assert await watching.until_kind(SourceErrors) == [SourceErrors(SourceName.SYSFS, "EMFILE", 1)]

    assert watch(san, scenario).of(SourceDown) == []


def ports(watching: Watch) -> list[int]:
    """The local port of the first session, each time its connection was asked for."""
    return [asked[1].local_port for asked in watching.network.asked if 1 in asked]


def test_a_session_that_has_logged_in_again_is_asked_for_by_its_new_connection(san: FakeSysfs) -> None:
    async def scenario(watching: Watch) -> None:
        assert ports(watching)[-1] == 46408
        san.sessions[0].fail()
        await watching.until(lambda: watching.session_states()[0] is SessionStatus.FAILED)
        assert watching.of(SessionsRead)[-1].sessions[0].tcp is None
        san.sessions[0].recover()
        await watching.until(lambda: ports(watching)[-1] == 46410)
        await watching.until(lambda: watching.of(SessionsRead)[-1].sessions[0].tcp == watching.network.facts)

    watching = watch(san, scenario)
    assert len(watching.of(SystemRead)) == 1


def test_a_session_that_has_come_by_another_interface_is_told_with_it_at_once(san: FakeSysfs) -> None:
    async def scenario(watching: Watch) -> None:
        san.sessions[0].fail()
        await watching.until(lambda: watching.session_states()[0] is SessionStatus.FAILED)
        watching.network.bound_to[1] = "eth7"
        san.sessions[0].recover()
        await watching.until(lambda: watching.of(SessionsRead)[-1].sessions[0].netdev == "eth7")

    watching = watch(san, scenario)
    assert len(watching.of(SystemRead)) == 1


def test_a_login_that_nobody_saw_shows_in_a_connection_that_is_not_found(
    san: FakeSysfs, timing: Callable[..., None]
) -> None:
    timing(TIMEOUTS_EVERY=0.05)

    async def scenario(watching: Watch) -> None:
        watching.network.missing = {1}
        san.sessions[0].connection.set("local_port", 50000)
        await watching.until(lambda: ports(watching)[-1] == 50000)
        await watching.until(lambda: any(read.sessions[0].tcp is None for read in watching.of(SessionsRead)))
        watching.network.missing = set()
        watching.source.wake_sessions()
        await watching.until(lambda: watching.of(SessionsRead)[-1].sessions[0].tcp == watching.network.facts)

    watch(san, scenario)


def test_local_ends_that_bring_no_news_are_read_ever_more_seldom_until_a_login(
    san: FakeSysfs, timing: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    timing(TIMEOUTS_EVERY=0.0, ENDS_APART=0.1)
    readings: list[float] = []
    read = LocalEnds.read

    def reading(self: LocalEnds, attributes: Attributes) -> Mapping[int, LocalEnd]:
        readings.append(time.monotonic())
        return read(self, attributes)

    monkeypatch.setattr(LocalEnds, "read", reading)

    async def scenario(watching: Watch) -> None:
        watching.network.missing = {1, 2}  # as of an adapter that has its connections to itself
        await asyncio.sleep(1.0)
        assert 2 <= len(readings) <= 1 + 4
        san.sessions[0].state = "FAILED"
        await watching.until(lambda: watching.session_states()[0] is SessionStatus.FAILED)
        before = len(readings)
        san.sessions[0].state = "LOGGED_IN"
        await watching.until(lambda: len(readings) > before, seconds=0.3)

    watch(san, scenario)


# --- how the connections fare -----------------------------------------------------------------------------------------


def test_connections_are_asked_for_with_the_timeouts_and_told_each_time(
    san: FakeSysfs, timing: Callable[..., None]
) -> None:
    timing(TIMEOUTS_EVERY=0.1)

    async def scenario(watching: Watch) -> None:
        assert [session.tcp for session in watching.of(SystemRead)[0].sessions] == [watching.network.facts] * 2
        first = await watching.until_kind(SessionsRead, 3)
        assert [session.tcp for session in first[-1].sessions] == [watching.network.facts] * 2
        later = replace(watching.network.facts, heard=101.0)
        watching.network.facts = later
        await watching.until(lambda: watching.of(SessionsRead)[-1].sessions[0].tcp == later)
        watching.source.wake_system()
        assert [session.tcp for session in (await watching.until_kind(SystemRead, 2))[1].sessions] == [later] * 2
        requests = [told.requested for told in watching.of(SessionsRead)]
        assert requests == sorted(requests)
        assert all(after - before > 0.05 for before, after in pairwise(requests))

    assert watch(san, scenario).of(SourceErrors) == []


@pytest.mark.parametrize("number", [errno.EPERM, errno.ENOBUFS, errno.EPROTONOSUPPORT, errno.EMFILE, errno.ETIMEDOUT])
def test_a_kernel_that_does_not_tell_how_they_fare_leaves_no_old_answer(
    san: FakeSysfs, timing: Callable[..., None], number: int
) -> None:
    timing(TIMEOUTS_EVERY=0.1, TCP_PATIENCE=0.3)

    async def scenario(watching: Watch) -> None:
        await watching.until_kind(SessionsRead)
        watching.network.error = OSError(number, os.strerror(number))
        await watching.until(lambda: watching.of(SessionsRead)[-1].sessions[0].tcp is None)
        told = len(watching.of(SessionsRead))
        (error, *_) = await watching.until_kind(SourceErrors, 3)
        assert error == SourceErrors(SourceName.NETWORK, errno.errorcode[number], 1)
        assert len(watching.of(SessionsRead)) == told  # nothing is nothing new
        watching.network.error = None
        await watching.until(lambda: watching.of(SessionsRead)[-1].sessions[0].tcp == watching.network.facts)

    assert watch(san, scenario).of(SourceDown) == []


def test_a_connection_whose_lock_is_held_delays_no_poll_but_the_first(
    san: FakeSysfs, timing: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    timing(TIMEOUTS_EVERY=0.05, TCP_DEADLINE=0.2, TCP_PATIENCE=0.1)
    held = threading.Event()
    held.set()
    answer = Network.ask

    def asking(self: Network, connections: Mapping[int, Connection], _clock: object = None) -> dict[int, Answer]:
        held.wait(10)
        return answer(self, connections)

    monkeypatch.setattr(Network, "ask", asking)

    async def scenario(watching: Watch) -> None:
        await watching.until_kind(SessionsRead)
        held.clear()
        await watching.until(lambda: watching.of(SessionsRead)[-1].sessions[0].tcp is None)
        assert watching.of(SourceErrors)[0] == SourceErrors(SourceName.NETWORK, "timeout", 1)
        for change, state in ((san.sessions[0].fail, "FAILED"), (san.sessions[0].recover, "LOGGED_IN")):
            began = time.monotonic()
            change()
            await watching.until(lambda: watching.session_states()[0] == state)  # noqa: B023
            assert time.monotonic() - began < 0.15
        held.set()
        await watching.until(lambda: watching.of(SessionsRead)[-1].sessions[0].tcp == watching.network.facts)

    assert watch(san, scenario).of(SourceDown) == []


# --- how often --------------------------------------------------------------------------------------------------------


class Polls:
    """When the sessions were polled."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.times: list[float] = []
        read = Sessions.read

        def reading(sessions: Sessions, attributes: Attributes, **options: Any) -> tuple[SessionFacts, ...]:
            if not options.get("afresh"):
                self.times.append(time.monotonic())
            return read(sessions, attributes, **options)

        monkeypatch.setattr(Sessions, "read", reading)

    async def pauses(self, seconds: float) -> list[float]:
        """Between polls, from now on."""
        del self.times[:]
        await asyncio.sleep(seconds)
        return [after - before for before, after in pairwise(self.times)]


@pytest.fixture
def polls(monkeypatch: pytest.MonkeyPatch, timing: Callable[..., None]) -> Polls:
    timing(SESSIONS_EVERY=0.2, HURRIED_EVERY=0.05, BUSY_EVERY=0.5, TRAIL=0.4)
    return Polls(monkeypatch)


NORMAL, HURRIED, BUSY = (0.2, 0.3), (0.05, 0.15), (0.5, 0.7)


def median_within(pauses: list[float], bounds: tuple[float, float]) -> bool:
    low, high = bounds
    return low - 0.01 <= median(pauses) < high


def test_sessions_are_polled_more_often_until_the_story_ends(san: FakeSysfs, polls: Polls) -> None:
    async def scenario(watching: Watch) -> None:
        await asyncio.sleep(0.7)  # at the start all sessions are new
        assert median_within(await polls.pauses(0.9), NORMAL)
        san.sessions[0].fail()
        await watching.until_kind(SessionsRead)
        assert median_within(await polls.pauses(0.6), HURRIED)
        san.sessions[0].recover()
        await watching.until(lambda: watching.session_states()[0] is SessionStatus.LOGGED_IN)
        assert median_within(await polls.pauses(0.3), HURRIED)
        await asyncio.sleep(0.5)
        assert median_within(await polls.pauses(0.9), NORMAL)

    watch(san, scenario)


def test_a_wake_alone_is_no_reason_to_poll_more_often(san: FakeSysfs, polls: Polls) -> None:
    async def scenario(watching: Watch) -> None:
        await asyncio.sleep(0.7)
        watching.source.wake_sessions()
        assert median_within(await polls.pauses(0.9), NORMAL)

    watch(san, scenario)


def test_a_connection_that_the_kernel_does_not_find_is_asked_for_again_only_when_somebody_wants_to_know(
    san: FakeSysfs, timing: Callable[..., None]
) -> None:
    timing(SESSIONS_EVERY=0.05, TIMEOUTS_EVERY=0.1, ENDS_APART=60.0)

    async def scenario(watching: Watch) -> None:
        network = watching.network
        network.missing = {1}
        await asyncio.sleep(0.4)
        del network.asked[:]
        await asyncio.sleep(0.4)
        assert network.asked
        assert all(1 not in asked and 2 in asked for asked in network.asked)
        watching.source.wake_sessions()
        await watching.until(lambda: any(1 in asked for asked in network.asked))
        network.missing = set()
        watching.source.wake_sessions()
        await asyncio.sleep(0.1)
        del network.asked[:]
        await watching.until(lambda: any(1 in asked for asked in network.asked))

    watch(san, scenario)


def test_sessions_that_are_all_busy_and_well_are_polled_less_often_but_woken_at_once(
    san: FakeSysfs, polls: Polls
) -> None:
    async def scenario(watching: Watch) -> None:
        def answer(*answering: int) -> None:
            for number in answering:
                san.sessions[number].answer()

        async def traffic() -> None:
            while True:
                answer(*busy)
                await asyncio.sleep(0.02)

        busy = [0, 1]
        running = asyncio.create_task(traffic())
        await asyncio.sleep(0.8)
        assert median_within(await polls.pauses(1.8), BUSY)
        asked = time.monotonic()
        watching.source.wake_sessions()
        (told,) = await watching.until_kind(SessionsRead)
        assert told.requested - asked < 0.1
        busy.remove(1)  # one that is idle is enough
        await asyncio.sleep(0.8)
        assert median_within(await polls.pauses(0.9), NORMAL)
        running.cancel()

    watch(san, scenario)


def test_a_storm_of_wakes_is_not_a_storm_of_polls(san: FakeSysfs, polls: Polls, timing: Callable[..., None]) -> None:
    timing(POLLS_APART=0.05)

    async def scenario(watching: Watch) -> None:
        await asyncio.sleep(0.1)
        for _ in range(100):
            watching.source.wake_sessions()
            await asyncio.sleep(0.003)
        last = time.monotonic()
        watching.source.wake_sessions()
        await watching.until(lambda: watching.of(SessionsRead)[-1].requested >= last)
        assert len(watching.of(SessionsRead)) < 20
        assert len(polls.times) < 30

    watch(san, scenario)


# --- sessions and disks that change -----------------------------------------------------------------------------------


def test_login_and_logout_are_told(san: FakeSysfs) -> None:
    async def scenario(watching: Watch) -> None:
        san.logout(san.sessions[0])
        await watching.until_kind(SessionsRead, 1)
        san.login("192.168.9.1:3260")
        await watching.until(lambda: [facts.sid for facts in watching.of(SessionsRead)[-1].sessions] == [2, 3])

    watch(san, scenario)


def test_the_disks_of_a_troubled_session_are_read_with_it_and_no_others(
    san: FakeSysfs, timing: Callable[..., None]
) -> None:
    timing(TRAIL=0.0)

    async def scenario(watching: Watch) -> None:
        await asyncio.sleep(0.1)
        san.disks[0].state = "blocked"  # its session says nothing, and so nobody looks
        san.sessions[1].fail()
        await watching.until(lambda: watching.device_states()["sdb"] is DeviceState.BLOCKED)
        san.disks[1].state = "transport-offline"  # the session's state does not change with it
        await watching.until(lambda: watching.device_states()["sdb"] is DeviceState.TRANSPORT_OFFLINE)
        await asyncio.sleep(5 * EVERY)
        assert watching.device_states()["sda"] is DeviceState.RUNNING

    watch(san, scenario)


def test_the_disks_of_a_session_that_has_changed_are_watched_for_a_while(
    san: FakeSysfs, timing: Callable[..., None]
) -> None:
    timing(TRAIL=0.4)

    async def scenario(watching: Watch) -> None:
        await asyncio.sleep(0.45)  # at the start all sessions are new
        for state in (SessionStatus.FAILED, SessionStatus.LOGGED_IN):
            san.sessions[1].state = state
            await watching.until(lambda: watching.session_states()[1] is state)  # noqa: B023
        await asyncio.sleep(5 * EVERY)
        san.disks[1].state = "blocked"  # the kernel does it from a work queue of its own, later
        await watching.until(lambda: watching.device_states()["sdb"] is DeviceState.BLOCKED)

    watch(san, scenario)


def test_a_disk_in_trouble_is_watched_until_it_runs_again(san: FakeSysfs, timing: Callable[..., None]) -> None:
    timing(TRAIL=0.0)

    async def scenario(watching: Watch) -> None:
        san.disks[1].state = "offline"
        watching.source.wake_devices(["sdb"])
        await watching.until(lambda: watching.device_states()["sdb"] is DeviceState.OFFLINE)
        san.disks[1].state = "running"
        await watching.until(lambda: watching.device_states()["sdb"] is DeviceState.RUNNING)

    watch(san, scenario)


def test_every_disk_is_read_in_rounds_with_its_counters(san: FakeSysfs, timing: Callable[..., None]) -> None:
    timing(DISKS_EVERY=0.1, TRAIL=0.0)

    async def scenario(watching: Watch) -> None:
        san.disks[0].state = "offline"
        san.disks[1].device.set("ioerr_cnt", "0xffffffff80000001")
        await watching.until(lambda: watching.device_states()["sda"] is DeviceState.OFFLINE)
        await watching.until(
            lambda: any(facts.io_errors == 2**31 + 1 for told in watching.of(DevicesRead) for facts in told.devices)
        )
        told = len(watching.of(DevicesRead))
        await asyncio.sleep(0.3)
        assert len(watching.of(DevicesRead)) == told

    watch(san, scenario)


def test_a_disk_that_is_gone_is_told_once_by_name(san: FakeSysfs, timing: Callable[..., None]) -> None:
    timing(DISKS_EVERY=0.05)

    async def scenario(watching: Watch) -> None:
        san.remove_disk(san.disks[1])
        await watching.until_kind(DevicesRead)
        await asyncio.sleep(0.2)
        (told,) = watching.of(DevicesRead)
        assert (told.devices, told.vanished) == ((), ("sdb",))
        assert time.monotonic() - 5 < told.requested < time.monotonic()

    watch(san, scenario)


def test_everything_is_read_again_in_a_slow_reconciliation(san: FakeSysfs, timing: Callable[..., None]) -> None:
    timing(SYSTEM_EVERY=0.1)

    async def scenario(watching: Watch) -> None:
        san.add_map("late", [san.add_disk(san.sessions[0], lun=2)], wwid="late")
        await watching.until(lambda: [facts.name for facts in watching.of(SystemRead)[-1].maps] == ["mpio", "late"])

    watch(san, scenario)


def test_what_could_not_be_read_is_counted_after_what_could(san: FakeSysfs) -> None:
    async def scenario(watching: Watch) -> None:
        san.disks[0].state = "exploded"
        watching.source.wake_system()
        await watching.until_kind(SystemRead, 2)
        await watching.until_kind(SourceErrors)

    watching = watch(san, scenario)
    place = watching.events.index(watching.of(SystemRead)[1])
    assert watching.events[place + 1] == SourceErrors(SourceName.SYSFS, "unknown_value", 1)
    assert watching.device_states()["sda"] is DeviceState.UNKNOWN


# --- being woken ------------------------------------------------------------------------------------------------------


def test_wakes_that_come_together_lead_to_one_look(san: FakeSysfs) -> None:
    async def scenario(watching: Watch) -> None:
        await asyncio.sleep(0.1)  # long enough after the first look for another to be allowed
        for _ in range(20):
            watching.source.wake_system()
            await asyncio.sleep(0.001)
        await watching.until_kind(SystemRead, 2)
        await asyncio.sleep(0.3)
        assert len(watching.of(SystemRead)) == 2

    watch(san, scenario)


def test_a_look_that_is_woken_shows_what_was_there_when_it_was_asked_for(san: FakeSysfs) -> None:
    async def scenario(watching: Watch) -> None:
        san.remove_map(san.maps[0])
        asked = time.monotonic()
        watching.source.wake_system()
        look = (await watching.until_kind(SystemRead, 2))[-1]
        assert look.maps == ()
        assert look.requested > asked

    watch(san, scenario)


def test_a_look_that_took_long_does_not_keep_the_next_waiting_for_long(
    san: FakeSysfs, gate: Gate, timing: Callable[..., None]
) -> None:
    async def scenario(watching: Watch) -> None:
        timing(WOKEN_SHARE=1000)
        gate.shut("sdb/dev")
        watching.source.wake_system()
        await watching.until(gate.reached.is_set)
        await asyncio.sleep(0.1)
        gate.open()
        await watching.until_kind(SystemRead, 2)
        san.add_map("new", wwid="new")
        began = time.monotonic()
        watching.source.wake_system()
        look = (await watching.until_kind(SystemRead, 3))[-1]
        assert [facts.name for facts in look.maps] == ["mpio", "new"]
        assert 0.3 < look.requested - began < 1.0

    watch(san, scenario)


def test_a_wake_during_the_very_first_look_is_not_forgotten(san: FakeSysfs, gate: Gate) -> None:
    watching = Watch(san)

    async def run() -> None:
        gate.shut("sdb/dev")
        watching.source = watching.make()
        running = asyncio.create_task(watching.source.run())
        await watching.until(gate.reached.is_set)
        san.add_map("new", wwid="new")  # the maps have been read already
        watching.source.wake_system()
        gate.open()
        await watching.until_kind(SystemRead)
        assert [facts.name for facts in watching.of(SystemRead)[0].maps] == ["mpio"]
        await watching.until_kind(SystemRead, 2)
        assert [facts.name for facts in watching.of(SystemRead)[1].maps] == ["mpio", "new"]
        running.cancel()
        await asyncio.wait([running])

    asyncio.run(run())


def test_whoever_asks_for_a_look_because_the_source_is_up_gets_the_one_at_hand(san: FakeSysfs) -> None:
    watching = Watch(san)

    async def run() -> None:
        watching.source = watching.make()
        watching.heed = lambda event: watching.source.wake_system() if isinstance(event, SourceUp) else None
        running = asyncio.create_task(watching.source.run())
        await watching.until_kind(SystemRead)
        await asyncio.sleep(0.3)
        assert len(watching.of(SystemRead)) == 1
        running.cancel()
        await asyncio.wait([running])

    asyncio.run(run())


def test_named_disks_are_read_at_once_and_unknown_names_are_nothing(
    san: FakeSysfs, timing: Callable[..., None]
) -> None:
    timing(TRAIL=0.0)

    async def scenario(watching: Watch) -> None:
        san.disks[0].state = "offline"
        watching.source.wake_devices(["sda", "sdzz", "../../etc/passwd"])
        await watching.until_kind(DevicesRead)
        assert [facts.name for facts in watching.of(DevicesRead)[0].devices] == ["sda"]
        assert watching.of(DevicesRead)[0].vanished == ()

    watch(san, scenario)


def test_named_disks_are_told_closely_even_if_nothing_differs(san: FakeSysfs, timing: Callable[..., None]) -> None:
    timing(TRAIL=0.0)
    san.disks[0].serve(1, 2, in_flight=5)

    async def scenario(watching: Watch) -> None:
        for number in range(1, 4):
            watching.source.wake_devices(["sda"])
            told = (await watching.until_kind(DevicesRead, number))[-1]
            assert [(facts.name, facts.in_flight) for facts in told.devices] == [("sda", 5)]
        san.disks[0].device.set("ioerr_cnt", "0x7")
        san.disks[0].serve(3, 4, in_flight=0)
        watching.source.wake_devices(["sda", "sdb"])
        one, two = (await watching.until_kind(DevicesRead, 4))[-1].devices
        assert (one.io_errors, one.io, one.in_flight) == (7, IoFacts(3, 4, 0, 0), 0)
        assert (two.name, two.in_flight) == ("sdb", 0)
        watching.source.wake_devices(["sdzz"])
        watching.source.wake_devices([])
        await asyncio.sleep(0.1)
        assert len(watching.of(DevicesRead)) == 4

    watch(san, scenario)


def test_disks_that_are_only_watched_are_not_told_unless_they_change_and_never_read_closely(
    san: FakeSysfs, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = Opened(monkeypatch, san.root)

    async def scenario(watching: Watch) -> None:
        san.sessions[1].fail()
        await watching.until(lambda: watching.device_states()["sdb"] is DeviceState.BLOCKED)
        told = len(watching.of(DevicesRead))
        opened.paths.clear()
        await asyncio.sleep(10 * EVERY)
        assert len(watching.of(DevicesRead)) == told
        assert f"{san.root}/block/sdb/device/state" in opened.paths
        assert not [path for path in opened.paths if path.endswith(("device_busy", "stat", "_cnt"))]

    watch(san, scenario)


def test_the_disks_of_a_troubled_session_are_not_read_as_often_as_the_session_is_polled(
    san: FakeSysfs, monkeypatch: pytest.MonkeyPatch, timing: Callable[..., None]
) -> None:
    timing(SESSIONS_EVERY=0.3, HURRIED_EVERY=0.02)
    opened = Opened(monkeypatch, san.root)

    async def scenario(watching: Watch) -> None:
        san.sessions[1].fail()
        await watching.until(lambda: watching.device_states()["sdb"] is DeviceState.BLOCKED)
        opened.paths.clear()
        opened.kept.clear()
        await asyncio.sleep(1.0)
        assert 2 <= opened.paths.count(f"{san.root}/block/sdb/device/state") <= 5
        assert len([path for path in opened.kept if path.endswith("session2/state")]) > 15

    watch(san, scenario)


def test_what_a_disk_does_is_told_with_the_round_that_finds_it(san: FakeSysfs, timing: Callable[..., None]) -> None:
    timing(DISKS_EVERY=0.05, TRAIL=0.0)

    async def scenario(watching: Watch) -> None:
        san.disks[1].serve(1000, 2000, 3000, 4000)
        (told,) = await watching.until_kind(DevicesRead)
        assert [(facts.name, facts.io) for facts in told.devices] == [("sdb", IoFacts(1000, 2000, 3000, 4000))]
        await asyncio.sleep(0.2)
        assert len(watching.of(DevicesRead)) == 1

    watch(san, scenario)


def test_sessions_are_polled_at_once_when_asked(san: FakeSysfs, timing: Callable[..., None]) -> None:
    timing(SESSIONS_EVERY=HOUR, HURRIED_EVERY=HOUR)

    async def scenario(watching: Watch) -> None:
        await asyncio.sleep(0.05)
        san.sessions[0].fail()
        watching.source.wake_sessions()
        await watching.until_kind(SessionsRead)

    watch(san, scenario)


def test_a_wake_is_answered_even_if_nothing_differs_by_a_reading_that_was_asked_for_later(
    san: FakeSysfs, timing: Callable[..., None]
) -> None:
    timing(SESSIONS_EVERY=HOUR, HURRIED_EVERY=HOUR)

    async def scenario(watching: Watch) -> None:
        await asyncio.sleep(0.05)
        for number in range(1, 4):
            asks, asked = len(watching.network.asked), time.monotonic()
            watching.source.wake_sessions()
            told = (await watching.until_kind(SessionsRead, number))[-1]
            assert asked <= told.requested <= time.monotonic()
            assert told.sessions == watching.of(SystemRead)[0].sessions
            assert [session.tcp for session in told.sessions] == [watching.network.facts] * 2
            assert len(watching.network.asked) == asks + 1
        await asyncio.sleep(0.1)
        assert len(watching.of(SessionsRead)) == 3

    watch(san, scenario)


def test_a_wake_during_a_poll_is_answered_by_the_next(san: FakeSysfs, gate: Gate, timing: Callable[..., None]) -> None:
    timing(SESSIONS_EVERY=HOUR, HURRIED_EVERY=HOUR)

    async def scenario(watching: Watch) -> None:
        await asyncio.sleep(0.05)
        gate.shut("session1/state")
        watching.source.wake_sessions()
        await watching.until(gate.reached.is_set)
        asked = time.monotonic()
        watching.source.wake_sessions()
        gate.open()
        first, second = await watching.until_kind(SessionsRead, 2)
        assert first.requested < asked <= second.requested

    watch(san, scenario)


def test_without_sessions_a_wake_is_answered_too(tmp_path: Path) -> None:
    async def scenario(watching: Watch) -> None:
        watching.source.wake_sessions()
        (told,) = await watching.until_kind(SessionsRead)
        assert told.sessions == ()

    watch(FakeSysfs(tmp_path / "sys"), scenario)


# --- when reads fail or hang ------------------------------------------------------------------------------------------


def quick_read_hangs(gate: Gate, _source: SysfsSource) -> None:
    gate.shut("session1/state")


def slow_read_hangs(gate: Gate, source: SysfsSource) -> None:
    gate.shut("dm-0/dm/uuid")
    source.wake_system()


@pytest.mark.parametrize("hang", [quick_read_hangs, slow_read_hangs])
def test_a_read_that_hangs_is_a_source_that_is_down_once_and_comes_back_whole(
    san: FakeSysfs, gate: Gate, timing: Callable[..., None], hang: Callable[[Gate, SysfsSource], None]
) -> None:
    timing(QUICK_DEADLINE=0.3, SCAN_DEADLINE=0.3)

    async def scenario(watching: Watch) -> None:
        hang(gate, watching.source)
        (down,) = await watching.until_kind(SourceDown)
        assert (down.source, down.reason) == (SourceName.SYSFS, "timeout")
        assert str(san.root) in down.detail
        assert "\n" not in down.detail
        before = len(watching.events)
        await asyncio.sleep(0.3)
        assert watching.events[before:] == []
        san.sessions[1].fail()
        gate.open()
        await watching.until_kind(SystemRead, 2)
        assert [type(event) for event in watching.events[before:]][:2] == [SourceUp, SystemRead]
        assert watching.session_states() == [SessionStatus.LOGGED_IN, SessionStatus.FAILED]

    watching = watch(san, scenario)
    assert len(watching.of(SourceDown)) == 1


def test_while_the_sessions_hang_no_disk_pretends_that_the_source_answers(
    san: FakeSysfs, gate: Gate, timing: Callable[..., None]
) -> None:
    timing(DISKS_EVERY=0.05, RETRY_AFTER=0.5, QUICK_DEADLINE=0.3)

    async def scenario(watching: Watch) -> None:
        gate.shut("session1/state")
        await watching.until_kind(SourceDown)
        before = len(watching.events)
        san.disks[0].state = "blocked"
        watching.source.wake_devices(["sda"])
        await asyncio.sleep(0.3)
        assert watching.events[before:] == []
        gate.open()
        await watching.until_kind(SystemRead, 2)
        assert watching.device_states()["sda"] is DeviceState.BLOCKED

    watch(san, scenario)


def test_a_long_look_at_the_disks_does_not_delay_the_sessions(san: FakeSysfs, gate: Gate) -> None:
    async def scenario(watching: Watch) -> None:
        gate.shut("dm-0/dm/uuid")
        watching.source.wake_system()
        await watching.until(gate.reached.is_set)
        san.sessions[0].fail()
        await watching.until_kind(SessionsRead)
        assert len(watching.of(SystemRead)) == 1

    watch(san, scenario)


def test_a_whole_look_never_carries_older_sessions_than_those_told_before_it(
    san: FakeSysfs, gate: Gate, timing: Callable[..., None]
) -> None:
    timing(SESSIONS_EVERY=0.005, HURRIED_EVERY=0.005, COALESCE=0.005)

    async def scenario(watching: Watch) -> None:
        for _ in range(5):
            looks = len(watching.of(SystemRead))
            gate.shut("dm-0/dm/uuid")
            watching.source.wake_system()
            await watching.until(gate.reached.is_set)
            told = len(watching.of(SessionsRead))
            san.sessions[0].fail()
            await watching.until_kind(SessionsRead, told + 1)
            gate.open()
            await watching.until_kind(SystemRead, looks + 1)
            assert watching.of(SystemRead)[-1].sessions[0].state is SessionStatus.FAILED
            san.sessions[0].recover()
            await watching.until(lambda: watching.session_states()[0] is SessionStatus.LOGGED_IN)

    watch(san, scenario)


def test_session_states_are_told_in_the_order_in_which_they_were_read(
    san: FakeSysfs, timing: Callable[..., None]
) -> None:
    """Polls and whole looks compete for the sessions; ``recovery_tmo`` counts up as the session fails and recovers."""
    timing(SESSIONS_EVERY=0.001, HURRIED_EVERY=0.001, COALESCE=0.001, WOKEN_SHARE=0.0, TRAIL=0.0)
    san.sessions[0].set("recovery_tmo", 0)

    async def scenario(watching: Watch) -> None:
        for number in range(1, 40):
            san.sessions[0].set("recovery_tmo", number)
            san.sessions[0].state = "FAILED"
            watching.source.wake_system()
            await asyncio.sleep(0.004)
            san.sessions[0].state = "LOGGED_IN"
            await asyncio.sleep(0.004)
        await watching.until(
            lambda: watching.session_states()[0] is SessionStatus.LOGGED_IN and len(watching.of(SystemRead)) > 5
        )

    watching = watch(san, scenario)
    told = [event for event in watching.events if isinstance(event, SessionsRead | SystemRead)][1:]
    numbers = [event.sessions[0].recovery_tmo or 0 for event in told]
    assert numbers == sorted(numbers)
    assert len({type(event) for event in told}) == 2


def test_an_unmounted_sysfs_is_down_once_in_one_line_and_takes_nothing_known_away(
    san: FakeSysfs, timing: Callable[..., None]
) -> None:
    timing(DISKS_EVERY=0.05, SYSTEM_EVERY=0.05)

    async def scenario(watching: Watch) -> None:
        await asyncio.sleep(0.1)
        looks = len(watching.of(SystemRead))
        san.unmount()
        await watching.until_kind(SourceDown)
        await asyncio.sleep(0.4)
        (down,) = watching.of(SourceDown)
        assert down.reason == "unreadable"
        assert "No such file or directory; is sysfs mounted there?" in down.detail
        assert "\n" not in down.detail
        assert all(look.maps and look.devices and look.sessions for look in watching.of(SystemRead))
        assert watching.of(DevicesRead) == []
        assert watching.of(SessionsRead) == []
        san.mount()
        looks = len(watching.of(SystemRead))
        await watching.until_kind(SystemRead, looks + 1)

    watching = watch(san, scenario)
    assert len(watching.of(SourceUp)) == 2


def test_a_host_where_sysfs_is_missing_from_the_start_is_down_and_waits(tmp_path: Path) -> None:
    san = healthy_san(tmp_path / "sys")
    san.unmount()
    watching = Watch(san)

    async def run() -> None:
        watching.source = watching.make()
        running = asyncio.create_task(watching.source.run())
        await asyncio.sleep(0.2)
        assert [type(event) for event in watching.events] == [SourceDown]
        san.mount()
        await watching.until_kind(SystemRead)
        running.cancel()
        await asyncio.wait([running])

    asyncio.run(run())


@pytest.mark.parametrize("endings", [("session1/state",), ("dm-0/dm/uuid",), ("session1/state", "dm-0/dm/uuid")])
def test_cancelling_ends_at_once_even_while_a_read_hangs(
    san: FakeSysfs, gate: Gate, timing: Callable[..., None], endings: tuple[str, ...]
) -> None:
    timing(QUICK_DEADLINE=HOUR, SCAN_DEADLINE=HOUR)
    watching = Watch(san)
    gate.shut(*endings)

    async def run() -> None:
        watching.source = watching.make()
        running = asyncio.create_task(watching.source.run())
        await watching.until(gate.reached.is_set)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running

    began = time.monotonic()
    asyncio.run(run())
    assert time.monotonic() - began < 1.0


@pytest.mark.parametrize("turns", range(6))
def test_cancelling_ends_at_once_in_whatever_turn_of_the_loop_after_a_wake(
    san: FakeSysfs, timing: Callable[..., None], turns: int
) -> None:
    timing(SESSIONS_EVERY=HOUR, HURRIED_EVERY=HOUR)

    async def scenario(watching: Watch) -> None:
        await asyncio.sleep(0.02)
        watching.source.wake_sessions()
        watching.source.wake_devices([])
        for _ in range(turns):
            await asyncio.sleep(0)

    began = time.monotonic()
    watch(san, scenario)
    assert time.monotonic() - began < 1.0


# --- what it costs, and what it must never touch ----------------------------------------------------------------------


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
        def call(path: Any, *args: Any, **options: Any) -> Any:
            if str(path).startswith(self._root):
                self.paths.append(str(path))
            return genuine(path, *args, **options)

        return call


@pytest.mark.parametrize("sessions", [1, 8])
def test_an_idle_poll_reads_two_attributes_of_each_session_lists_the_directory_and_opens_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, timing: Callable[..., None], sessions: int
) -> None:
    timing(TRAIL=0.0)
    san = healthy_san(tmp_path / "sys", sessions=sessions, luns=5)
    opened = Opened(monkeypatch, san.root)

    async def scenario(_watching: Watch) -> None:
        await asyncio.sleep(0.05)
        opened.paths.clear()
        opened.kept.clear()
        await asyncio.sleep(10 * EVERY)

    watch(san, scenario)
    directory = str(san.root / "class/iscsi_session")
    polls = opened.paths.count(directory)
    assert polls >= 3
    assert set(opened.paths) == {directory}
    counts = Counter(Path(path).name for path in opened.kept)
    assert set(opened.kept) == {
        str(place.path(name).resolve())
        for session in san.sessions
        for place, name in ((session, "state"), (session.connection, "exp_statsn"))
    }
    assert counts.keys() == {"state", "exp_statsn"}
    assert all((polls - 1) * sessions <= count <= polls * sessions for count in counts.values())


def test_no_secret_is_opened_whatever_happens(
    san: FakeSysfs, monkeypatch: pytest.MonkeyPatch, timing: Callable[..., None]
) -> None:
    timing(DISKS_EVERY=0.02, SYSTEM_EVERY=0.02, COALESCE=0.01)
    for session in san.sessions:
        for secret in SECRETS:
            session.set(secret, "s3cret")
    opened = Opened(monkeypatch, san.root)

    async def scenario(watching: Watch) -> None:
        for change in (san.sessions[0].fail, san.sessions[0].expire, san.sessions[0].recover):
            told = len(watching.of(SystemRead))
            change()
            await watching.until_kind(SystemRead, told + 2)
        san.logout(san.sessions[0])
        san.maps[0].add(san.add_disk(san.login()))
        told = len(watching.of(SystemRead))
        await watching.until_kind(SystemRead, told + 2)

    watching = watch(san, scenario)
    names = {Path(path).name for path in opened.paths}
    assert {"targetname", "state", "recovery_tmo", "persistent_address", "uuid"} <= names
    assert not [name for name in names if "password" in name or "username" in name]
    assert "s3cret" not in repr(watching.events)
