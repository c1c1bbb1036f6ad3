"""The second layer of the simulator: the daemon with its real sources, on a clock of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from mpathd_watch.core.events import Event, SourceDown
from mpathd_watch.core.model.vocabulary import SourceName
from mpathd_watch.daemon import pulse
from mpathd_watch.sources.iscsi import session_source
from mpathd_watch.sources.sysfs import source as sysfs_source
from tests.sim.clock import MONOTONIC_AT_START, Clock
from tests.sim.daemon.__main__ import main
from tests.sim.daemon.loop import BusyLoopError, IdleError, VirtualLoop
from tests.sim.daemon.run import DaemonRun, drawn, play
from tests.sim.faults import Fault
from tests.sim.run import Plan
from tests.sim.world.shape import Shape

SEEDS = tuple(f"unit-{number}" for number in range(4))


@pytest.fixture
def loop() -> Iterator[VirtualLoop]:
    loop = VirtualLoop(Clock())
    yield loop
    loop.close()


class Watched:
    """A daemon in a healthy world, at seconds since its start."""

    def __init__(self) -> None:
        self.run = DaemonRun(Plan("watched", Shape(), ()))
        self.events: list[tuple[float, Event]] = []
        self.run.product.observers.append(lambda _, __, event, ___: self.events.append((self.now, event)))
        self.run.product.start()

    @property
    def now(self) -> float:
        return self.run.clock.now - MONOTONIC_AT_START

    def to(self, moment: float) -> None:
        self.run.loop.run_to(MONOTONIC_AT_START + moment)

    def play(self, fault: Fault) -> None:
        self.run.peace.healthy = False
        self.run.stage.play(fault)

    def end(self) -> list[str]:
        """End it; the rules that were broken."""
        self.run.daemon.close()
        self.run.loop.close()
        return [violation.rule for violation in self.run.result.violations]


# --- the loop ---------------------------------------------------------------------------------------------------------


def test_time_passes_without_waiting_and_in_order(loop: VirtualLoop) -> None:
    order: list[tuple[str, float]] = []

    async def sleep() -> None:
        await asyncio.sleep(3600.0)
        order.append(("loop", loop.time()))

    loop.clock.after(1800.0, lambda: order.append(("world", loop.time())))
    loop.clock.after(5400.0, lambda: order.append(("world", loop.time())))
    task = loop.create_task(sleep())
    loop.run_to(MONOTONIC_AT_START + 7200.0)
    assert task.done()
    assert order == [("world", 2800.0), ("loop", 4600.0), ("world", 6400.0)]


def test_a_loop_that_is_busy_is_found(loop: VirtualLoop) -> None:
    async def turn() -> None:
        for _ in range(100_000):
            await asyncio.sleep(0)

    with pytest.raises(BusyLoopError):
        loop.run_until_complete(turn())


def test_a_loop_that_waits_for_nothing_is_found(loop: VirtualLoop) -> None:
    with pytest.raises(IdleError):
        loop.run_forever()


# --- hours ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", SEEDS)
def test_nothing_is_wrong(seed: str) -> None:
    result = play(drawn(seed))
    assert result.violations == []
    assert result.seconds > 1500.0


def test_a_run_is_the_same_each_time(capsys: pytest.CaptureFixture[str]) -> None:
    results = [play(drawn("again")) for _ in range(2)]
    assert len({(result.turns, result.steps, result.outages, result.ended) for result in results}) == 1
    assert main(["--repeat", "again"]) == 0
    assert "Shape(" in capsys.readouterr().out


def test_the_command_prints_what_it_has_done(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["0.4", "--seed", "command", "--processes", "1"]) == 0
    assert "nothing is wrong" in capsys.readouterr().out


# --- deadlines, the watchdog and the end ------------------------------------------------------------------------------


def test_sysfs_that_hangs_is_down_within_its_deadline() -> None:
    watched = Watched()
    watched.to(30.0)
    watched.play(Fault("sysfs_hangs", 30.0, 8.0))
    watched.to(40.0)
    (down,) = [(at, event) for at, event in watched.events if isinstance(event, SourceDown)]
    assert (down[1].source, down[1].reason) == (SourceName.SYSFS, "timeout")
    assert 35.0 <= down[0] <= 36.2
    assert watched.end() == []


def test_multipathd_that_hangs_is_down_within_its_deadline() -> None:
    watched = Watched()
    watched.to(30.0)
    watched.play(Fault("multipathd_stopped", 30.0, 9.5))
    watched.to(40.0)
    (down,) = [(at, event) for at, event in watched.events if isinstance(event, SourceDown)]
    assert (down[1].source, down[1].reason) == (SourceName.MULTIPATHD, "timeout")
    assert 34.1 <= down[0] <= 39.2
    assert watched.end() == []


@pytest.mark.parametrize("kind", ["ends_hang", "tcp_hangs"])
def test_a_socket_that_hangs_does_not_keep_the_disks_from_being_read(kind: str) -> None:
    """A full scan waits for the sockets. That is no reason to read the disks less often: it was, by 200 times."""
    watched = Watched()
    watched.to(30.0)
    watched.play(Fault(kind, 30.0, 100.0))
    host = watched.run.daemon.host
    assert host is not None
    watched.run.product.sources.sysfs.wake_system()
    longest = 0.0
    for moment in range(31, 200):
        watched.to(float(moment))
        longest = max(longest, watched.run.clock.now - host.threads["sysfs-disks"].last)
    assert longest <= 10.0
    assert watched.end() == []


def test_the_daemon_can_be_cancelled_at_any_moment() -> None:
    watched = Watched()
    product = watched.run.daemon
    for number in range(60):
        watched.to(watched.now + 0.003 + 0.0137 * number)
        product.end()
        product.start()
    watched.to(watched.now + 10.0)
    assert product.ended == 60
    assert watched.end() == []


@pytest.mark.parametrize(
    ("bug", "rule", "fault"),
    [
        ((pulse, "HEARTBEAT", 6.0), "watchdog", Fault("load", 10.0, 1.0)),
        ((session_source, "SESSIONS_DEADLINE", 30.0), "deadline", Fault("sysfs_hangs", 10.0, 40.0)),
        ((session_source, "SESSIONS_EVERY", 0.0), "busy", Fault("load", 10.0, 1.0)),
        ((sysfs_source, "DISKS_EVERY", 40.0), "silent", Fault("load", 10.0, 1.0)),
    ],
)
def test_each_rule_finds_what_breaks_it(
    monkeypatch: pytest.MonkeyPatch, bug: tuple[object, str, float], rule: str, fault: Fault
) -> None:
    monkeypatch.setattr(*bug)
    if rule == "busy":
        monkeypatch.setattr(session_source, "POLLS_APART", 0.0)
    watched = Watched()
    watched.to(10.0)
    watched.play(fault)
    watched.to(55.0)
    assert rule in watched.end()
