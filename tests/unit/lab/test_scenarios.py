"""The scenarios themselves: each can be loaded, and is played on suites that there are."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.lab.kit import image, runner, scenario

EVERY = [(name, takes_long) for takes_long in (False, True) for name in scenario.names(takes_long=takes_long)]


@pytest.mark.parametrize(("name", "takes_long"), EVERY)
def test_a_scenario_is_played_somewhere(name: str, takes_long: bool) -> None:
    loaded = scenario.load(name)
    assert loaded.suites
    assert set(loaded.suites) | set(loaded.long_suites) <= set(image.SUITES)
    assert not set(loaded.suites) & set(loaded.long_suites)
    assert set(loaded.quick_suites) <= set(loaded.suites)
    assert not (takes_long and (loaded.long_suites or loaded.quick_suites))


def test_no_two_scenarios_have_one_name() -> None:
    names = [name for name, _ in EVERY]
    assert len(set(names)) == len(names)


def planned(extent: runner.Extent, *names: str) -> set[tuple[str, str]]:
    options = runner.Options((), None, Path("logs"), sit=False, extent=extent)
    return {(each.name, suite) for each, suite in runner.plan(list(names), options)}


def test_each_extent_runs_its_own() -> None:
    quick, whole, long = (planned(extent) for extent in runner.Extent)
    assert ("device_offline", "trixie") in quick < whole
    assert ("healthy_hour", "trixie") in long
    assert not whole & long


def test_what_is_named_is_run_whatever_the_extent() -> None:
    assert planned(runner.Extent.QUICK, "no_multipath") == {("no_multipath", "trixie")}


def test_what_the_quick_run_leaves_out_is_named() -> None:
    options = runner.Options((), None, Path("logs"), sit=False, extent=runner.Extent.QUICK)
    missing = runner.left_out(runner.plan([], options))
    assert "no_multipath (trixie)" in missing
    assert "device_offline (trixie)" not in missing
