"""Inputs that almost make sense: no error but the parser's own."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings

from mpathd_watch.sources.netlink.conversation import messages
from mpathd_watch.sources.network import addresses, links
from tests.fuzz.limits import parse
from tests.fuzz.structure import structured
from tests.fuzz.table import TARGETS
from tests.fuzz.target import Target


@pytest.mark.parametrize("target", TARGETS.values(), ids=TARGETS)
def test_what_almost_makes_sense_raises_no_error_but_the_parsers_own(target: Target) -> None:
    @settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck), database=None)
    @given(structured(target))
    def holds(data: bytes) -> None:
        parse(target, data)

    holds()


def test_the_structure_of_netlink_is_understood_often_enough() -> None:
    # Otherwise only the first checks of lengths would be tried.
    understood: list[bool] = []

    @settings(max_examples=100, deadline=None, database=None, derandomize=True)
    @given(structured(TARGETS["rtnetlink"]))
    def count(data: bytes) -> None:
        understood.append(any(links.parse(each) or addresses.parse(each) for each in messages(data)))

    count()
    assert sum(understood) > 10
