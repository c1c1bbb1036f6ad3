"""Plots over time."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.figures import Line
from benchmarks.page.timelines import Panel, drawn, top

SVG = "{http://www.w3.org/2000/svg}"


@given(st.lists(st.floats(1e-6, 1e12), min_size=1))
def test_an_axis_has_room_for_all_and_not_much_more(values: list[float]) -> None:
    assert max(values) <= top(values) <= 2.5 * max(values)


def test_an_axis_without_values_has_a_length() -> None:
    assert top([]) == top([0.0]) == 1.0


@given(
    st.lists(st.tuples(st.floats(0.0, 9e4), st.floats(0.0, 1e9)), max_size=20),
    st.floats(1.0, 9e4),
    st.lists(st.tuples(st.floats(0.0, 9e4), st.floats(0.0, 9e4)).map(sorted), max_size=4),
)
def test_a_plot_is_xml_and_all_of_it_is_within(
    points: list[tuple[float, float]], seconds: float, spans: list[list[float]]
) -> None:
    panel = Panel("a & b", "ms", (Line("<x>", tuple(points)), Line("y", ())))
    shaded = {"<full>": [(begin, end) for begin, end in spans]}
    picture = ElementTree.fromstring(drawn([panel, panel], seconds, shaded))  # noqa: S314  # our own
    width, height = map(float, picture.attrib["viewBox"].split()[2:])
    for line in picture.iter(f"{SVG}polyline"):
        for point in line.attrib["points"].split():
            x, y = map(float, point.split(","))
            assert 0 < x < width
            assert 0 < y < height
    for box in picture.iter(f"{SVG}rect"):
        assert float(box.attrib.get("x", 0)) + float(box.attrib["width"]) <= width


@pytest.mark.parametrize(("seconds", "unit"), [(84.0, "s"), (3600.0, "min"), (86_400.0, "h")])
def test_the_axis_of_time_has_a_unit_that_fits(seconds: float, unit: str) -> None:
    picture = ElementTree.fromstring(drawn([Panel("x", "", ())], seconds, {}))  # noqa: S314  # our own
    texts = [each.text for each in picture.iter(f"{SVG}text")]
    assert texts[-1] == unit
    assert 3 <= len(texts) - 5 <= 8
