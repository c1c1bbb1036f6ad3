"""When a session gave a sign of life that two readings show."""

from __future__ import annotations

import pytest

from mpathd_watch.core.model.facts import TcpFacts
from mpathd_watch.sources.iscsi.signs_of_life import SignsOfLife


def facts(heard: float | None) -> dict[int, TcpFacts]:
    """What the kernel reports of session 1."""
    return {1: TcpFacts(None, None, None, heard)}


def after(pause: float) -> tuple[SignsOfLife, float]:
    """A reading at 100 s, and the next one that begins ``pause`` seconds later."""
    signs, now = SignsOfLife(), 100.0 + pause
    signs.begin(100.0)
    signs.end(100.0, asked=False)
    signs.begin(now)
    return signs, now


@pytest.mark.parametrize("pause", [0.2, 0.5, 1.0, 1.25])
def test_at_the_usual_pace_the_moment_of_the_reading_counts(pause: float) -> None:
    signs, now = after(pause)
    assert signs.moment(now, 1, None) == now


def test_after_a_longer_pause_only_a_request_shows_it() -> None:
    signs, now = after(1.7)
    assert signs.moment(now, 1, None) is None
    assert signs.moment(now, 1, facts(100.4)) == 100.4


def test_it_is_never_older_than_the_reading_before_nor_newer_than_this_one() -> None:
    signs, now = after(1.7)
    assert signs.moment(now, 1, facts(90.0)) == 100.0
    assert signs.moment(now, 1, facts(500.0)) == now


@pytest.mark.parametrize("known", [{}, facts(None)])
def test_without_tcp_facts_the_moment_of_the_reading_counts(known: dict[int, TcpFacts]) -> None:
    signs, now = after(1.7)
    assert signs.moment(now, 1, known) == now


def test_a_request_ends_the_gap() -> None:
    signs, now = after(1.7)
    signs.end(now, asked=True)
    signs.begin(now + 0.5)
    assert signs.moment(now + 0.5, 1, None) == now + 0.5
