"""The loop of a drill, with sources that are fed by the test."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, cast

import pytest

from mpathd_watch.config import Config
from mpathd_watch.core.drill.following import Following
from mpathd_watch.core.drill.plan import Plan
from mpathd_watch.core.drill.result import DrillRecord, Ending, Outcome
from mpathd_watch.core.drill.target import Target, TargetError
from mpathd_watch.core.effects import Refresh, Scope
from mpathd_watch.core.events import Event, Tick
from mpathd_watch.core.state import State
from mpathd_watch.daemon import drill as module
from mpathd_watch.daemon import engine
from mpathd_watch.daemon.drill import Drill, Interrupted
from mpathd_watch.daemon.live_sources import LiveSources
from mpathd_watch.immutable import replace
from tests.unit.core.drill.drilling import P2, host, lost


class Waking:
    """Counts what is to be read again."""

    def __init__(self) -> None:
        self.woken: list[str] = []

    def wake_system(self) -> None:
        self.woken.append("system")

    def wake_maps(self) -> None:
        self.woken.append("maps")


class Sources:
    """They report nothing by themselves."""

    def __init__(self) -> None:
        self.sysfs = self.multipathd = Waking()
        self.wanted: list[Refresh] = []
        self.failing = asyncio.Event()

    async def run(self) -> None:
        await self.failing.wait()
        raise OSError("a source has ended")

    def refresh(self, wanted: Refresh) -> None:
        self.wanted.append(wanted)


class Watching:
    """Does something when the drill has begun, and keeps what has happened."""

    def __init__(self, then: Callable[[], None]) -> None:
        self._then = then
        self.happened: list[str] = []

    def begun(self, following: Following) -> None:
        assert following.plan.reasons == ()
        self._then()

    def watched(self, following: Following, happened: Iterable[str]) -> None:
        assert following.now.monotonic >= following.began.monotonic
        self.happened += happened


class Made:
    """A drill on a host in this state."""

    def __init__(self, state: State | None = None, *, target: Target = P2, limit: float = 60.0) -> None:
        self.sources = Sources()
        self.drill = Drill(
            Config(), target, limit, sources=lambda _config, _emit, _root, _handed: cast("LiveSources", self.sources)
        )
        self.be(host() if state is None else state)

    def be(self, state: State) -> None:
        """Have the host be in this state."""
        self.drill._engine.state = state

    def feed(self, event: Event) -> None:
        self.drill._feed(event)

    def run(self, then: Callable[[], Any] = lambda: None) -> tuple[DrillRecord | Plan, Watching]:
        watching = Watching(then)
        return asyncio.run(self.drill.run(watching)), watching


@pytest.fixture(autouse=True)
def settings_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """The state is the test's: an event leaves it as it is."""
    monkeypatch.setattr(engine, "step", lambda state, _event, _now: (state, ()))


def test_it_ends_at_its_limit_and_reads_the_disks_while_a_path_is_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "READ_EVERY", 0.2)
    made = Made(limit=1.0)
    record, watching = made.run(lambda: made.be(lost(host())))
    assert isinstance(record, DrillRecord)
    assert (record.outcome, record.ending) == (Outcome.FAILED, Ending.LIMIT)
    assert len(watching.happened) == 1
    assert Refresh(Scope.DEVICES, ("sda", "sdb")) in made.sources.wanted
    assert made.sources.wanted.count(Refresh(Scope.DEVICES, ("sda", "sdb"))) < 8


def test_it_is_refused_at_once_for_what_is_wrong() -> None:
    plan, watching = Made(lost(host(), "192.168.1.1:3260")).run()
    assert isinstance(plan, Plan)
    assert len(plan.reasons) == 2
    assert watching.happened == []


def test_what_is_not_known_is_read_again_before_it_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "READ_EVERY", 0.2)
    monkeypatch.setattr(module, "PREPARED_WITHIN", 1.0)
    unknown = host()
    session = "192.168.2.1:3260/iqn.2003-01.org.linux-iscsi.san:mpio"
    silent = replace(unknown.nexuses[session], heard=None)
    made = Made(replace(unknown, nexuses={**unknown.nexuses, session: silent}))
    plan, _ = made.run()
    assert isinstance(plan, Plan)
    assert "has given no sign of life yet" in plan.reasons[0]
    assert Refresh(Scope.NEXUSES) in made.sources.wanted


def test_a_host_that_can_not_be_read_is_refused_after_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PREPARED_WITHIN", 0.3)
    with pytest.raises(TargetError, match="there is no interface p2; there is none"):
        Made(State()).run()


def test_a_signal_before_it_begins_ends_it() -> None:
    made = Made(State())
    monitor = made.sources.run

    async def interrupting() -> None:
        os.kill(os.getpid(), signal.SIGINT)
        await monitor()

    made.sources.run = interrupting  # type: ignore[method-assign]  # the signal must come while the loop runs
    with pytest.raises(Interrupted):
        made.run()


def test_a_signal_ends_it_with_a_result() -> None:
    record, _ = Made().run(lambda: os.kill(os.getpid(), signal.SIGTERM))
    assert isinstance(record, DrillRecord)
    assert (record.outcome, record.ending) == (Outcome.INTERRUPTED, Ending.STOPPED)


def test_an_error_in_the_core_keeps_it_from_passing_and_has_everything_read_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made = Made(limit=0.5)

    def broken() -> None:
        monkeypatch.setattr(engine, "step", lambda *_: 1 / 0)
        made.feed(Tick())

    record, _ = made.run(broken)
    assert isinstance(record, DrillRecord)
    assert record.reasons[-1].startswith("internal error while processing a Tick (")
    assert "ZeroDivisionError" in record.reasons[-1]
    assert made.sources.sysfs.woken == ["system", "maps"]


def test_sources_that_end_are_an_error() -> None:
    made = Made()

    with pytest.raises(OSError, match="a source has ended"):
        made.run(made.sources.failing.set)


def test_the_files_are_those_below_its_root() -> None:
    seen: list[tuple[Path, Path | None]] = []

    def sources(_config: Config, _emit: object, root: Path, handed: Path | None) -> LiveSources:
        seen.append((root, handed))
        return cast("LiveSources", Sources())

    Drill(Config(), P2, 1.0, root=Path("/srv"), handed_over=Path("/run/x"), sources=sources)
    assert seen == [(Path("/srv"), Path("/run/x"))]
