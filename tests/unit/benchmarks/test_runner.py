"""What becomes of a run of measurements, some of which fail."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterator, Sequence
from dataclasses import replace

import pytest

from benchmarks import runner
from benchmarks.effort import FULL, QUICK, Effort
from benchmarks.figures import Figure
from benchmarks.host.host import Host
from benchmarks.measurements.measurement import Measurement
from benchmarks.progress import Progress


class Terminal(io.StringIO):
    """A terminal."""

    def isatty(self) -> bool:
        """It is one."""
        return True


def measurement(key: str, sizes: Sequence[int], failure: BaseException | None = None) -> Measurement:
    def measure(_host: Host, _effort: Effort) -> list[Figure]:
        if failure is not None:
            raise failure
        return [Figure("time", "ms", 1, 1.0)]

    return Measurement(key, key.title(), "", lambda _: sizes, measure, lambda _: (), ("time",))


@pytest.fixture
def no_host(monkeypatch: pytest.MonkeyPatch) -> None:
    @contextlib.contextmanager
    def host(_paths: int) -> Iterator[None]:
        yield

    monkeypatch.setattr(runner, "host", host)
    monkeypatch.setattr(runner, "program", lambda: "node_exporter")


def test_each_host_is_made_once() -> None:
    found = runner.steps([measurement("a", (1, 3)), measurement("b", (3,))], QUICK)
    assert [(size, [each.key for each in here]) for size, here in found] == [(1, ["a"]), (3, ["a", "b"])]


@pytest.mark.usefixtures("no_host")
def test_what_fails_or_is_not_asked_for_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    every = (measurement("a", (1, 2)), measurement("b", (1,), ValueError("bad")), measurement("c", (1,)))
    monkeypatch.setattr(runner, "MEASUREMENTS", every)
    log = io.StringIO()
    report = runner.run(QUICK, ["a", "b"], Progress(4, log))
    assert [section.key for section in report.sections] == ["a"]
    assert report.missing == (("C", "not asked for"), ("B", "failed with 1 paths (ValueError)"))
    assert "B, 1 paths: ValueError('bad')" in log.getvalue()


@pytest.mark.usefixtures("no_host")
def test_an_interrupted_run_keeps_what_it_has(monkeypatch: pytest.MonkeyPatch) -> None:
    every = (measurement("a", (1,)), measurement("b", (2,), KeyboardInterrupt()), measurement("c", (3,)))
    monkeypatch.setattr(runner, "MEASUREMENTS", every)
    report = runner.run(QUICK, ["a", "b", "c"], Progress(6, io.StringIO()))
    assert [section.key for section in report.sections] == ["a"]
    assert report.missing == (("B", "with 2 paths: interrupted"), ("C", "with 3 paths: interrupted"))


def test_the_bar_is_full_in_the_end() -> None:
    terminal = Terminal()
    progress = Progress(2, terminal)
    progress.begin("one")
    progress.begin("two")
    progress.note("a line that stays")
    progress.end()
    bars = terminal.getvalue().split("\r\x1b[K")
    assert ["[---" in bars[1], "[###############---------------] 1/2" in bars[2]] == [True, True]
    assert bars[3] == "a line that stays\n"
    assert bars[4].startswith("[##############################] 2/2")


def test_the_keys_are_different_and_the_quick_run_measures_all() -> None:
    keys = [each.key for each in runner.MEASUREMENTS]
    assert len(set(keys)) == len(keys)
    assert all(each.sizes(QUICK) and each.sizes(FULL) for each in runner.MEASUREMENTS)
    assert replace(QUICK, seconds=1.0).described().endswith("1 s of idleness")
