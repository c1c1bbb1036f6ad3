"""When the sessions are polled, what is reported of them, and when their connections are asked about."""

from __future__ import annotations

import asyncio
import errno
import os
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from itertools import groupby, pairwise
from pathlib import Path
from statistics import median
from typing import Any

import pytest

from mpathd_watch.core.events import (
    SessionsRead,
    SourceAnswered,
    SourceDown,
    SourceErrors,
    SystemRead,
)
from mpathd_watch.core.model.facts import SessionFacts
from mpathd_watch.core.model.vocabulary import SessionStatus, SourceName
from mpathd_watch.sources.iscsi.local_ends import LocalEnd, LocalEnds
from mpathd_watch.sources.iscsi.sessions import Sessions
from mpathd_watch.sources.iscsi.tcp import Answer, Connection
from mpathd_watch.sources.reading.attributes import Attributes
from tests.component.sources.watching import EVERY, HOUR, Gate, Opened, Watch, watch
from tests.fakes.sysfs import FakeSysfs, healthy_san
from tests.reading import Network

pytestmark = pytest.mark.usefixtures("timing")

# --- what is reported -------------------------------------------------------------------------------------------------


def test_a_change_of_a_session_is_reported_within_the_interval(san: FakeSysfs, timing: Callable[..., None]) -> None:
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
    reported = [read.sessions[1].state for read in watching.of(SessionsRead)]
    assert [state for state, _ in groupby(reported)] == [
        SessionStatus.FAILED,
        SessionStatus.FREE,
        SessionStatus.LOGGED_IN,
    ]


def test_timeouts_are_read_again_under_a_session_that_stays_as_it_is(
    san: FakeSysfs, timing: Callable[..., None]
) -> None:
    """Multipathd writes recovery_tmo at a reconfiguration, and no uevent reports it."""
    timing(TIMEOUTS_EVERY=0.1)

    async def scenario(watching: Watch) -> None:
        san.sessions[1].set("recovery_tmo", 20)
        await watching.until_kind(SessionsRead)

    (reported,) = watch(san, scenario).of(SessionsRead)
    assert [session.recovery_tmo for session in reported.sessions] == [5, 20]


def test_sessions_that_do_not_change_are_not_reported_again_but_show_life(
    san: FakeSysfs, timing: Callable[..., None]
) -> None:
    timing(ANSWER_EVERY=0.1)

    async def scenario(_watching: Watch) -> None:
        await asyncio.sleep(0.35)

    watching = watch(san, scenario)
    assert watching.of(SessionsRead) == []
    assert 1 <= len(watching.of(SourceAnswered)) <= 6


def test_a_change_of_a_session_is_reported_with_its_last_proof_of_life(san: FakeSysfs) -> None:
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
        (reported,) = await watching.until_kind(SessionsRead)
        first, second = reported.sessions
        assert first.alive is None
        assert second.alive is not None
        assert answered <= second.alive < failed
        watching.sysfs.wake_system()
        look = (await watching.until_kind(SystemRead, 2))[1]
        assert look.sessions[1].alive == second.alive

    watch(san, scenario)


def test_a_full_scan_carries_proofs_of_life_that_caused_no_event(san: FakeSysfs) -> None:
    async def scenario(watching: Watch) -> None:
        await asyncio.sleep(2 * EVERY)
        san.sessions[0].answer()
        await asyncio.sleep(0.5)
        asked = time.monotonic()
        watching.sysfs.wake_system()
        look = (await watching.until_kind(SystemRead, 2))[1]
        assert look.sessions[0].alive is not None
        assert look.sessions[0].alive < asked
        assert watching.of(SessionsRead) == []

    watch(san, scenario)


def test_login_and_logout_are_reported(san: FakeSysfs) -> None:
    async def scenario(watching: Watch) -> None:
        san.logout(san.sessions[0])
        await watching.until_kind(SessionsRead, 1)
        san.login("192.168.9.1:3260")
        await watching.until(lambda: [facts.sid for facts in watching.of(SessionsRead)[-1].sessions] == [2, 3])

    watch(san, scenario)


# --- this host's ends -------------------------------------------------------------------------------------------------


def netdevs(watching: Watch) -> list[str]:
    """The network interfaces last reported for the sessions."""
    return [session.netdev for session in watching.of(SystemRead)[-1].sessions]


def test_sessions_are_reported_with_this_hosts_ends(san: FakeSysfs) -> None:
    async def scenario(watching: Watch) -> None:
        first = watching.of(SystemRead)[0].sessions[0]
        assert (first.local_address, first.netdev, first.local_network) == ("192.168.1.2", "eth1", "192.168.1.0/24")
        san.sessions[0].fail()
        (reported,) = await watching.until_kind(SessionsRead)
        assert reported.sessions[0].netdev == "eth1"

    watch(san, scenario)


def test_an_end_that_hangs_takes_nothing_along(san: FakeSysfs, gate: Gate, timing: Callable[..., None]) -> None:
    timing(ENDS_DEADLINE=1.0, WOKEN_SHARE=0.0)

    async def scenario(watching: Watch) -> None:
        gate.shut("host2/ipaddress")
        watching.sysfs.wake_system()
        await watching.until_kind(SystemRead, 2)
        assert netdevs(watching) == ["eth1", "eth2"]
        assert await watching.until_kind(SourceErrors) == [SourceErrors(SourceName.SYSFS, "timeout", 1)]
        watching.sysfs.wake_system()
        began = time.monotonic()
        await watching.until_kind(SystemRead, 3)  # this one does not wait for it
        assert time.monotonic() - began < 0.8
        san.sessions[0].iscsi_host.set("ipaddress", "192.168.2.2")
        gate.open()
        await asyncio.sleep(0.05)
        watching.sysfs.wake_system()
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
        watching.sysfs.wake_system()
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


def test_a_session_that_returns_by_another_interface_is_reported_with_it_at_once(san: FakeSysfs) -> None:
    async def scenario(watching: Watch) -> None:
        san.sessions[0].fail()
        await watching.until(lambda: watching.session_states()[0] is SessionStatus.FAILED)
        watching.network.bound_to[1] = "eth7"
        san.sessions[0].recover()
        await watching.until(lambda: watching.of(SessionsRead)[-1].sessions[0].netdev == "eth7")

    watching = watch(san, scenario)
    assert len(watching.of(SystemRead)) == 1


def test_a_login_between_two_polls_is_detected_by_a_connection_that_is_not_found(
    san: FakeSysfs, timing: Callable[..., None]
) -> None:
    timing(TIMEOUTS_EVERY=0.05)

    async def scenario(watching: Watch) -> None:
        watching.network.missing = {1}
        san.sessions[0].connection.set("local_port", 50000)
        await watching.until(lambda: ports(watching)[-1] == 50000)
        await watching.until(lambda: any(read.sessions[0].tcp is None for read in watching.of(SessionsRead)))
        watching.network.missing = set()
        watching.sessions.wake()
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


# --- the TCP connections ----------------------------------------------------------------------------------------------


def test_connections_are_asked_for_with_the_timeouts_and_reported_each_time(
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
        watching.sysfs.wake_system()
        assert [session.tcp for session in (await watching.until_kind(SystemRead, 2))[1].sessions] == [later] * 2
        requests = [reported.requested for reported in watching.of(SessionsRead)]
        assert requests == sorted(requests)
        assert all(after - before > 0.05 for before, after in pairwise(requests))

    assert watch(san, scenario).of(SourceErrors) == []


@pytest.mark.parametrize("number", [errno.EPERM, errno.ENOBUFS, errno.EPROTONOSUPPORT, errno.EMFILE, errno.ETIMEDOUT])
def test_without_answers_about_connections_no_old_answer_stays(
    san: FakeSysfs, timing: Callable[..., None], number: int
) -> None:
    timing(TIMEOUTS_EVERY=0.1, TCP_PATIENCE=0.3)

    async def scenario(watching: Watch) -> None:
        await watching.until_kind(SessionsRead)
        watching.network.error = OSError(number, os.strerror(number))
        await watching.until(lambda: watching.of(SessionsRead)[-1].sessions[0].tcp is None)
        reported = len(watching.of(SessionsRead))
        (error, *_) = await watching.until_kind(SourceErrors, 3)
        assert error == SourceErrors(SourceName.NETWORK, errno.errorcode[number], 1)
        assert len(watching.of(SessionsRead)) == reported  # that there is still none is no change
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


def test_a_connection_that_the_kernel_does_not_find_is_asked_for_again_only_after_a_wake(
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
        watching.sessions.wake()
        await watching.until(lambda: any(1 in asked for asked in network.asked))
        network.missing = set()
        watching.sessions.wake()
        await asyncio.sleep(0.1)
        del network.asked[:]
        await watching.until(lambda: any(1 in asked for asked in network.asked))

    watch(san, scenario)


# --- how often --------------------------------------------------------------------------------------------------------


class Polls:
    """When the sessions were polled."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.times: list[float] = []
        read = Sessions.read

        def reading(sessions: Sessions, attributes: Attributes, **options: Any) -> tuple[SessionFacts, ...]:
            if not options.get("everything"):
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


def test_sessions_are_polled_more_often_until_the_outage_ends(san: FakeSysfs, polls: Polls) -> None:
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
        watching.sessions.wake()
        assert median_within(await polls.pauses(0.9), NORMAL)

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
        watching.sessions.wake()
        (reported,) = await watching.until_kind(SessionsRead)
        assert reported.requested - asked < 0.1
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
            watching.sessions.wake()
            await asyncio.sleep(0.003)
        last = time.monotonic()
        watching.sessions.wake()
        await watching.until(lambda: watching.of(SessionsRead)[-1].requested >= last)
        assert len(watching.of(SessionsRead)) < 20
        assert len(polls.times) < 30

    watch(san, scenario)


# --- being woken ------------------------------------------------------------------------------------------------------


def test_sessions_are_polled_at_once_when_asked(san: FakeSysfs, timing: Callable[..., None]) -> None:
    timing(SESSIONS_EVERY=HOUR, HURRIED_EVERY=HOUR)

    async def scenario(watching: Watch) -> None:
        await asyncio.sleep(0.05)
        san.sessions[0].fail()
        watching.sessions.wake()
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
            watching.sessions.wake()
            reported = (await watching.until_kind(SessionsRead, number))[-1]
            assert asked <= reported.requested <= time.monotonic()
            assert reported.sessions == watching.of(SystemRead)[0].sessions
            assert [session.tcp for session in reported.sessions] == [watching.network.facts] * 2
            assert len(watching.network.asked) == asks + 1
        await asyncio.sleep(0.1)
        assert len(watching.of(SessionsRead)) == 3

    watch(san, scenario)


def test_a_wake_during_a_poll_is_answered_by_the_next(san: FakeSysfs, gate: Gate, timing: Callable[..., None]) -> None:
    timing(SESSIONS_EVERY=HOUR, HURRIED_EVERY=HOUR)

    async def scenario(watching: Watch) -> None:
        await asyncio.sleep(0.05)
        gate.shut("session1/state")
        watching.sessions.wake()
        await watching.until(gate.reached.is_set)
        asked = time.monotonic()
        watching.sessions.wake()
        gate.open()
        first, second = await watching.until_kind(SessionsRead, 2)
        assert first.requested < asked <= second.requested

    watch(san, scenario)


def test_without_sessions_a_wake_is_answered_too(tmp_path: Path) -> None:
    async def scenario(watching: Watch) -> None:
        watching.sessions.wake()
        (reported,) = await watching.until_kind(SessionsRead)
        assert reported.sessions == ()

    watch(FakeSysfs(tmp_path / "sys"), scenario)


# --- what it costs ----------------------------------------------------------------------------------------------------


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
