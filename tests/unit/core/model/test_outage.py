"""How a range of seconds is written."""

from __future__ import annotations

from math import inf

import pytest

from mpathd_watch.core.model.outage import Span


@pytest.mark.parametrize(
    ("span", "text"),
    [
        (Span(5.2, 5.2), "5.2 s"),
        (Span(5.2, 5.25), "5.2 s"),
        (Span(5.2, 63.0), "5.2 s to 1 min 3 s"),
        (Span(5.2, inf), "at least 5.2 s"),
        (Span(-1.0, inf), "at least 0.0 s"),
    ],
)
def test_a_range_is_written_as_what_is_known(span: Span, text: str) -> None:
    assert span.text == text
