"""The scenarios themselves: each can be loaded, and is played on suites that there are."""

from __future__ import annotations

import pytest

from tests.lab.kit import image, scenario

EVERY = [(name, takes_long) for takes_long in (False, True) for name in scenario.names(takes_long=takes_long)]


@pytest.mark.parametrize(("name", "takes_long"), EVERY)
def test_a_scenario_is_played_somewhere(name: str, takes_long: bool) -> None:
    loaded = scenario.load(name)
    assert loaded.suites
    assert set(loaded.suites) | set(loaded.long_suites) <= set(image.SUITES)
    assert not set(loaded.suites) & set(loaded.long_suites)
    assert not (takes_long and loaded.long_suites)


def test_no_two_scenarios_have_one_name() -> None:
    names = [name for name, _ in EVERY]
    assert len(set(names)) == len(names)
