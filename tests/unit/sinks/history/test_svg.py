"""The plot: everything is where its moment is, no text covers another one, and text from outside stays text."""

from __future__ import annotations

import re
from itertools import combinations, pairwise
from xml.etree import ElementTree

from hypothesis import example, given
from hypothesis import strategies as st

from mpathd_watch.sinks.history.figure import Bar, Look, Mark, Phase, Row
from mpathd_watch.sinks.history.mark_labels import labels
from mpathd_watch.sinks.history.svg import WIDTH, svg
from mpathd_watch.sinks.history.time_axis import TimeAxis, clock

SVG = "{http://www.w3.org/2000/svg}"
ROWS = (
    Row(
        "path",
        (
            Bar(-5, 0, "up", Look.GOOD),
            Bar(0, 15, "stalled", Look.HELD),
            Bar(15, 50, "failed", Look.BAD),
            Bar(50, 60, "up", Look.GOOD),
        ),
    ),
    Row("session", (Bar(-5, 0, "LOGGED_IN", Look.GOOD), Bar(0, 60, "FREE", Look.BAD))),
)
MARKS = (Mark(0, "stalled"), Mark(14, "must have failed", deadline=True), Mark(40, "transport back", latest=48))
PHASES = (
    Phase("detection", -5, 5, allowed=16),
    Phase("replacement", 0, 15, allowed=5, over=True),
    Phase("reinstatement", 40, 2, most=10, allowed=82),
    Phase("other", 0, 3),
)
MOMENTS = st.floats(-100, 10_000_000, allow_nan=False)
TEXTS = st.text(max_size=40)


def drawn(rows=ROWS, marks=MARKS, phases=PHASES, title="mpio") -> ElementTree.Element:  # type: ignore[no-untyped-def]
    return ElementTree.fromstring(svg(title, rows, marks, phases, "the outage began"))  # noqa: S314  # our own text


def texts(plot: ElementTree.Element) -> list[str]:
    return [each.text or "" for each in plot.iter(f"{SVG}text")]


def test_a_state_is_drawn_from_its_beginning_to_its_end() -> None:
    bars = [each for each in drawn().iter(f"{SVG}rect") if "bar" in each.get("class", "")]
    assert len(bars) == 6
    found = [(float(each.get("x", "")), float(each.get("width", ""))) for each in bars[:4]]
    assert all(abs(x + width - after) < 0.2 for (x, width), (after, _) in pairwise(found))
    scale = sum(width for _, width in found) / 65
    assert [round(width / scale) for _, width in found] == [5, 15, 35, 10]
    assert [(each.findtext(f"{SVG}title")) for each in bars][1] == "path: stalled, 0 to 15"


def test_marks_and_phases_have_their_seconds() -> None:
    found = texts(drawn())
    assert "stalled 0" in found
    assert "must have failed 14" in found
    assert "transport back 40 to 48" in found
    assert "5.0 s of at most 16 s" in found
    assert "15.0 s, over the 5 s allowed" in found
    assert "2.0 to 10.0 s of at most 82 s" in found
    assert "3.0 s, without a limit" in found
    assert "minutes:seconds since the outage began" in found


def test_a_word_that_does_not_fit_its_bar_is_in_the_legend() -> None:
    rows = (Row("path", (Bar(0, 1, "recovering", Look.BACK), Bar(1, 1000, "up", Look.GOOD))),)
    found = texts(drawn(rows, (), ()))
    assert found.count("recovering") == 1
    assert found.count("up") == 2


def test_a_plot_of_nothing_is_a_plot() -> None:
    assert drawn((), (), ()).tag == f"{SVG}svg"


def test_a_long_quiet_stretch_is_drawn_shorter_and_says_how_long_it_was() -> None:
    rows = (Row("path", (Bar(0, 20, "stalled", Look.HELD), Bar(20, 200_000, "failed", Look.BAD))),)
    plot = drawn(rows, (), ())
    assert "(2 d 7:33:00)" in texts(plot)
    stalled, failed = (
        float(each.get("width", "")) for each in plot.iter(f"{SVG}rect") if "bar" in each.get("class", "")
    )
    assert failed < 4 * stalled
    assert [each for each in plot.iter(f"{SVG}polyline") if each.get("class") == "break"]


def test_the_file_has_a_dark_form_and_nothing_that_runs_or_loads() -> None:
    text = svg("mpio", ROWS, MARKS, PHASES, "the outage began")
    assert "prefers-color-scheme: dark" in text
    assert not re.search(r"<script|<foreignObject|href|url\(|@import|\bon\w+=", text)


@given(TEXTS, TEXTS, TEXTS, TEXTS)
def test_text_from_outside_stays_text(title: str, name: str, word: str, mark: str) -> None:
    row = Row(name, (Bar(0, 10, word, Look.GOOD),))
    plot = drawn((row,), (Mark(1, mark),), (Phase(name, 0, 1),), title)
    allowed = {"svg", "title", "style", "rect", "text", "path", "polyline"}
    assert {each.tag.removeprefix(SVG) for each in plot.iter()} <= allowed
    assert all(text.isprintable() for text in texts(plot))


@example([(0.0, None), (1e-300, None)])
@given(st.lists(st.tuples(MOMENTS, st.none() | st.floats(0, 100_000)), max_size=8))
def test_no_label_of_a_mark_covers_another_one(moments: list[tuple[float, float | None]]) -> None:
    marks = [Mark(at, "transport back", None if more is None else at + more) for at, more in moments]
    axis = TimeAxis([each for mark in marks for each in (mark.at, mark.latest or mark.at)], 150, WIDTH - 24)
    found = labels(marks, axis.place, WIDTH)
    assert len(found) == len(marks)
    for one, other in combinations(found, 2):
        assert one.level != other.level or one.end < other.begin or other.end < one.begin


def test_the_line_of_a_mark_crosses_no_other_text() -> None:
    marks = [
        Mark(0, "stalled"),
        Mark(1, "must have failed"),
        Mark(2, "failed"),
        Mark(97, "transport back"),
        Mark(99, "reinstated"),
    ]
    found = {label.mark.text: label for label in labels(marks, lambda at: 150 + at * 8, WIDTH)}
    assert found["transport back"].leftwards
    assert not found["failed"].leftwards
    for one, other in combinations(found.values(), 2):
        upper, lower = sorted((one, other), key=lambda label: label.level)
        assert not lower.begin < upper.x < lower.end


@given(st.lists(MOMENTS, max_size=12), st.floats(20, 200))
def test_the_axis_keeps_the_order_and_its_numbers_apart(moments: list[float], room: float) -> None:
    axis = TimeAxis(moments, 150, 976)
    places = [axis.place(moment) for moment in sorted(moments)]
    assert places == sorted(places)
    assert all(150 <= place <= 976 for place in places)
    assert (axis.place(axis.begin - 1), axis.place(axis.end + 1)) == (150, 976)
    ticks = list(axis.ticks(room))
    assert all(axis.begin <= tick <= axis.end for tick in ticks)
    assert all(axis.place(after) - axis.place(tick) >= room - 0.2 for tick, after in pairwise(ticks))


def test_a_moment_of_the_axis_is_a_clock() -> None:
    assert [clock(each) for each in (-1.04, 0, 12.5, 59.94, 65, 3725, 183_725)] == [
        "\N{MINUS SIGN}1",
        "0",
        "12.5",
        "59.9",
        "1:05",
        "1:02:05",
        "2 d 3:02:05",
    ]
