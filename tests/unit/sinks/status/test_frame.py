"""The frame of ``status --watch``: what fits, what is out of date, and count-downs that run."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mpathd_watch.core.model.vocabulary import Health, MapHealth
from mpathd_watch.immutable import replace
from mpathd_watch.sinks.status.ageing import aged
from mpathd_watch.sinks.status.choice import Choice
from mpathd_watch.sinks.status.document import Document
from mpathd_watch.sinks.status.frame import Page, Shown, drawn, frame
from mpathd_watch.sinks.status.from_view import document
from mpathd_watch.sinks.view import View
from tests.factories import NOW, at, make_map, make_outage, make_path, make_state

LATER = datetime(2026, 11, 18, 11, 6, 41, tzinfo=UTC)
CONTROL = re.compile(r"\x1b\[[0-9;]*m")
PAGE = Page(120, 40, zone=UTC)


def answer() -> Document:
    stalled = make_path("192.168.2.1:3260", "sdb", health=Health.STALLED, deadline=at(2.9), outage=make_outage(1))
    maps = [make_map("mpathb", [make_path(), stalled], health=MapHealth.AT_RISK), make_map("mpatha")]
    return document(View(make_state(maps), NOW))


def shown(page: Page = PAGE, **changes: Any) -> list[str]:
    return frame(replace(Shown(answer()), **changes), page, "san\x1bhost", LATER)


def test_the_head_names_the_host_and_the_time() -> None:
    assert shown()[:3] == ["san\\x1bhost  Wed Nov 18 11:06:41 UTC  Ctrl-C ends", "", "2 maps: 1 healthy, 1 at risk"]


def test_the_count_down_runs_and_ends_overdue() -> None:
    assert any("2.9 s left" in line for line in shown())
    assert any("1.9 s left" in line for line in shown(age=1.0))
    assert any("overdue by 0.1 s" in line for line in shown(age=3.0))


def test_durations_grow_with_the_age_of_the_answer() -> None:
    (troubled,) = (entry for entry in aged(answer(), 2.5)["maps"] if entry["map"] == "mpathb")
    before = next(entry for entry in answer()["maps"] if entry["map"] == "mpathb")
    assert troubled["seconds"] == before["seconds"] + 2.5
    (path,) = (path for path in troubled["paths"] if path["outage"])
    assert path["outage"] is not None
    assert path["outage"]["seconds"] == 3.5
    up = next(path for path in troubled["paths"] if not path["outage"])
    assert (up["seconds_left"], up["seconds"]) == (None, 3602.5)
    assert {source["seconds"] for source in aged(answer(), 2.5)["sources"]} == {3.5}
    unread = {**answer(), "sources": [{**answer()["sources"][0], "seconds": None}]}
    assert aged(unread, 1.0)["sources"][0]["seconds"] is None  # type: ignore[arg-type]


def test_an_answer_that_is_out_of_date_stands_still_and_says_so() -> None:
    lines = shown(age=95.0)
    assert lines[1] == "the daemon has not answered for 1 min 35 s; this is its last answer"
    assert any("2.9 s left" in line for line in lines)
    assert "has not answered" not in shown(age=95.0, pause=100.0)[1]


def test_a_note_says_where_an_answer_comes_from() -> None:
    assert shown(note="a replay, not this host")[1] == "a replay, not this host"


def test_without_an_answer_it_waits() -> None:
    lines = frame(Shown(), Page(60, 40, colour=True), "host", LATER)
    assert lines[2] == "\x1b[1;31mno daemon answers; waiting for one\x1b[0m"


def test_only_what_was_asked_for_is_shown() -> None:
    assert not any("mpatha" in line for line in shown(replace(PAGE, choice=Choice(problems=True))))


@given(st.integers(1, 200), st.integers(1, 60), st.booleans(), st.sampled_from([0.0, 2.0, 60.0]))
def test_a_frame_always_fits(width: int, height: int, colour: bool, age: float) -> None:
    lines = shown(Page(width, height, colour), age=age, note="n" * 50)
    assert 0 < len(lines) <= height
    assert max(len(CONTROL.sub("", line)) for line in lines) <= width


def test_what_does_not_fit_is_counted() -> None:
    whole = shown()
    assert shown(Page(120, 5, zone=UTC)) == [*whole[:4], f"{len(whole) - 4} more lines"]


@pytest.mark.parametrize("lines", [["one", "two"], ["one"]])
def test_each_line_is_written_over_and_the_rest_is_cleared(lines: list[str]) -> None:
    text = drawn(lines)
    assert text.startswith("\x1b[H")
    assert text.endswith("\x1b[K\x1b[J")
    assert text.count("\x1b[K") == len(lines)
    assert not text.endswith("\n")
