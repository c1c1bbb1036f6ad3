"""The tool that makes one hardware table of what several versions of multipath-tools print."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mpathd_watch.core.formats.multipath_conf import Version
from tests.golden import GOLDEN
from tools import hardware_table
from tools.hardware_table import Entry, Row, printed, rows

OLD, MIDDLE, NEW = VERSIONS = ((0, 9, 4), (0, 11, 1), (0, 15, 1))
SERIES = {OLD: None, MIDDLE: (0, 11, 0), NEW: (0, 15, 0)}


def entry(vendor: str, retry: str = "5") -> Entry:
    return Entry(vendor, ".*", (("no_path_retry", retry),))


def of(version: Version, found: list[Row]) -> list[Entry]:
    """The entries of a version."""
    return [row.entry for row in found if (row.since or OLD) <= version and (row.until is None or version < row.until)]


def test_an_entry_that_stays_is_one_row() -> None:
    same = [entry("A"), entry("B")]
    assert rows(dict.fromkeys(VERSIONS, same)) == [Row(same[0], None), Row(same[1], None)]


def test_what_comes_changes_and_goes_is_dated_to_the_first_release_of_the_series() -> None:
    found = rows({OLD: [entry("A"), entry("C")], MIDDLE: [entry("A", "6"), entry("B")], NEW: [entry("B")]})
    assert found == [
        Row(entry("A"), None, (0, 11, 0)),
        Row(entry("C"), None, (0, 11, 0)),
        Row(entry("A", "6"), (0, 11, 0), (0, 15, 0)),
        Row(entry("B"), (0, 11, 0)),
    ]


def test_what_moves_ends_and_begins_elsewhere() -> None:
    found = rows({OLD: [entry("A"), entry("B"), entry("C")], NEW: [entry("B"), entry("C"), entry("A")]})
    assert found == [
        Row(entry("A"), None, (0, 15, 0)),
        Row(entry("B"), None),
        Row(entry("C"), None),
        Row(entry("A"), (0, 15, 0)),
    ]


@given(st.lists(st.lists(st.sampled_from("ABCDEF"), unique=True), min_size=3, max_size=3))
def test_each_version_can_be_picked_from_the_rows_in_its_own_order(orders: list[list[str]]) -> None:
    tables = {version: [entry(vendor) for vendor in order] for version, order in zip(VERSIONS, orders, strict=True)}
    found = rows(tables)
    assert {version: of(version, found) for version in VERSIONS} == tables


def test_an_entry_is_kept_for_the_settings_that_something_reads(tmp_path: Path) -> None:
    device = '\tdevice {{\n\t\tvendor "{}"\n\t\tproduct "x"\n\t\t{}\n\t}}\n'
    devices = (
        device.format("A", "rr_min_io 100"),
        device.format("B", 'rr_min_io 100\n\t\tno_path_retry 30\n\t\trevision "^4"'),
    )
    (tmp_path / "suite-1.2.3-config-builtin.txt").write_text(f"devices {{\n{''.join(devices)}}}\n")
    (tmp_path / "suite-1.2.3-config-local.txt").write_text("junk")
    assert printed(tmp_path) == {(1, 2, 3): [Entry("B", "x", (("no_path_retry", "30"), ("revision", "^4")))]}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name, target in ((hardware_table.PRINTED, GOLDEN / "multipathd"), (hardware_table.MODULE, None)):
        place = tmp_path / name
        place.parent.mkdir(parents=True)
        if target is not None:
            place.symlink_to(target)
    return tmp_path


def test_it_writes_the_module_once_and_notices_when_it_is_stale(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = root / hardware_table.MODULE
    assert hardware_table.main(["--check"], root) == 1
    assert (hardware_table.main([], root), hardware_table.main([], root)) == (0, 0)
    assert capsys.readouterr().out == f"wrote {hardware_table.MODULE}\n"
    assert hardware_table.main(["--check"], root) == 0
    assert file.read_text() == (hardware_table.ROOT / hardware_table.MODULE).read_text()
    file.write_text(file.read_text().replace('"12"', '"13"'))
    assert hardware_table.main(["--check"], root) == 1
    assert len(capsys.readouterr().err.splitlines()) == 1
