"""A number is written as prometheus_client writes it."""

from __future__ import annotations

from collections.abc import Callable
from math import inf, nan

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from prometheus_client.utils import floatToGoString

from mpathd_watch.sinks.metrics.text import number

_theirs: Callable[[float], str] = floatToGoString


@pytest.mark.parametrize(
    "value", [0, -1, 999_999, 10**6, 1_234_500, 10**10 - 1, 10**10, 10**16, 10**30, inf, -inf, nan]
)
def test_the_edges(value: float) -> None:
    assert number(value) == _theirs(value)


@given(st.integers(-(10**18), 10**18) | st.integers(10**6, 10**10) | st.floats())
@example(True)
def test_any_number(value: float) -> None:
    assert number(value) == _theirs(value)
