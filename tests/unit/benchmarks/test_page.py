"""The page of figures, from figures that are always the same.

After a change that means to alter it: ``pytest tests/unit/benchmarks --update-golden``, and read the difference.
"""

from __future__ import annotations

import math
import re
from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.effort import FULL
from benchmarks.figures import Figure, Line, Plot, Section, by_size, quantile
from benchmarks.machine import Machine, this_machine
from benchmarks.page.numbers import beside, number
from benchmarks.page.plot import drawn, ticks
from benchmarks.page.writer import Report, files
from benchmarks.peers import BARE, MULTIPATHD, SYSFS

EXPECTED = Path(__file__).parent / "expected"
MACHINE = Machine("Example 3000", 4, 15.5, "Linux 6.12.1", "3.13.5", "1.2.3", "2026-11-26")
SCRAPE = (
    Figure("processor time", "ms", 1_000, 2.04, {SYSFS: 31.3, MULTIPATHD: 44.0}),
    Figure("processor time", "ms", 10_000, 20.5, {SYSFS: 302.0, MULTIPATHD: 451.0}),
    Figure("disks busy", "ms", 1_000, 12.25, note="every disk has done I/O since the last scrape"),
    Figure("series", "", 10_000, 251_584.0, {SYSFS: 35_000.0}),
)
STORM = (
    Figure("last event to last entry", "ms", 512, 80.2, {BARE: 4.1}),
    Figure("events without an entry", "", 512, 0.0, {BARE: 0.0}),
    Figure("scrapes answered", "%", 512, 100.0, {BARE: math.nan}),
)
COMMANDS = (Figure("check", "ms", 2, 150.0), Figure("check", "ms", 10_000, 1_500.0))
TIME = ("processor time", "scrape", "Time")
QUANTILES = Plot(
    "event",
    "From a uevent to the journal",
    "share of the events",
    "ms",
    (Line("mpathd-watch", ((0.5, 1.9), (0.99, 5.2), (1.0, 18.0))), Line(BARE, ((0.5, 0.07), (0.99, 0.4), (1.0, 0.9)))),
    logarithmic=False,
)
REPORT = Report(
    MACHINE,
    FULL.described(),
    (
        Section("scrape", "A scrape", "Over HTTP.", SCRAPE, "paths", by_size(SCRAPE, *TIME), TIME[:1], grows=True),
        Section("commands", "Commands", "Whole processes.", COMMANDS, headlines=("check",)),
        Section("storm", "A storm", "At once.", STORM, at="events", plots=(QUANTILES,)),
    ),
    (("Commands", "not asked for"),),
    main=1_000,
)


def test_the_page_and_its_plots_are_as_expected(pytestconfig: pytest.Config) -> None:
    found = files(REPORT, "page")
    if pytestconfig.getoption("update_golden"):
        for name, text in found.items():
            (EXPECTED / name).write_text(text, encoding="utf-8")
    assert found == {path.name: path.read_text(encoding="utf-8") for path in EXPECTED.iterdir()}


def test_the_page_refers_to_each_plot_that_is_written() -> None:
    found = files(REPORT, "page")
    assert set(re.findall(r"\(([\w-]+\.svg)\)", found["page.md"])) == found.keys() - {"page.md"}


def test_a_run_that_measured_nothing_has_a_page_as_well() -> None:
    (page,) = files(Report(MACHINE, "", (), (("A scrape", "failed"),)), "page").values()
    assert "* A scrape: failed" in page


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"),
        (0.0123, "0.012"),
        (0.5, "0.5"),
        (2.0, "2"),
        (2.345, "2.35"),
        (23.45, "23.4"),
        (234.5, "234"),
        (51_584.0, "51,584"),
        (math.nan, "-"),
    ],
)
def test_a_number_has_about_three_digits(value: float, text: str) -> None:
    assert number(value) == text


def test_a_ratio_to_nothing_is_not_shown() -> None:
    assert beside(10.0, 4.0) == "10 (2.50)"
    assert beside(4.0, 10.0) == "4 (1/2.50)"
    assert beside(0.0, 10.0) == "0"
    assert beside(0.0, 0.0) == "0"
    assert beside(math.nan, 4.0) == "-"
    assert beside(10.0, math.nan) == "10"


def test_quantiles_are_values_that_were_measured() -> None:
    values = [float(each) for each in range(100, 0, -1)]
    assert [quantile(values, share) for share in (0.5, 0.9, 0.99, 1.0)] == [50.0, 90.0, 99.0, 100.0]
    assert quantile([7.0], 0.0) == 7.0


@given(st.lists(st.floats(1e-6, 1e9), min_size=1, max_size=5))
def test_the_ticks_enclose_all_values(values: list[float]) -> None:
    found = ticks(values)
    assert found == sorted(set(found))
    assert len(found) > 1
    assert found[0] <= min(values)
    assert max(values) <= found[-1]


@given(
    st.lists(
        st.tuples(st.integers(1, 20_000), st.just(0.0) | st.floats(1e-6, 1e6)),
        min_size=1,
        unique_by=lambda point: point[0],
    )
)
def test_a_plot_is_xml_whose_points_are_within_it(points: list[tuple[int, float]]) -> None:
    line = Line("<&>", ((1, 1.0), *((x, y) for x, y in sorted(points) if x > 1)))
    picture = ElementTree.fromstring(drawn(Plot("key", "a & b", "paths", "ms", (line,))))  # noqa: S314  # our own
    width, height = map(float, picture.attrib["viewBox"].split()[2:])
    circles = list(picture.iter("{http://www.w3.org/2000/svg}circle"))
    assert len(circles) == sum(y > 0 for _, y in line.points)
    assert all(0 < float(each.attrib["cx"]) < width and 0 < float(each.attrib["cy"]) < height for each in circles)


def test_a_figure_of_one_size_is_not_plotted() -> None:
    assert by_size(SCRAPE[:1], *TIME) == ()


def test_the_machine_is_named_by_what_matters_and_not_by_its_name() -> None:
    machine = this_machine()
    assert machine.processor
    assert machine.cores > 0
    assert machine.memory > 0.0
    assert machine.kernel.startswith("Linux ")


def test_a_processor_without_a_name_has_its_architecture(tmp_path: Path) -> None:
    (tmp_path / "cpuinfo").write_text("processor\t: 0\nBogoMIPS\t: 50.00\n")
    (tmp_path / "meminfo").write_text("MemTotal:       16777216 kB\n")
    machine = this_machine(tmp_path)
    assert machine.processor
    assert machine.memory == 16.0
