"""What a LUN reports of itself by INQUIRY, however short or wrong."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mpathd_watch.core.formats.inquiry import Designator, designators, has_port_groups, port_group
from tests.fakes.sysfs import WWID, inquiry, vpd_pg83


def page(*found: Designator) -> bytes:
    body = b"".join(bytes([1, each.association << 4 | each.kind, 0, len(each.value)]) + each.value for each in found)
    return bytes([0, 0x83]) + len(body).to_bytes(2, "big") + body


LIO = page(
    Designator(0, 3, bytes.fromhex(WWID[1:])),
    Designator(0, 1, b"LIO-ORG mpio:5a4f0c2d-1e8b-94f6-c9a1-b2c3d4e5f607"),
    Designator(1, 4, b"\0\0\0\1"),
    Designator(1, 5, b"\0\0\0\x11"),
    Designator(1, 6, b"\0\0\0\0"),
    Designator(1, 8, b"iqn.2003-01.org.linux-iscsi.san,t,0x0001\0\0\0\0"),
)
"""The order of spc_emulate_evpd_83() in drivers/target/target_core_spc.c; group 17."""


@pytest.mark.parametrize(
    ("standard", "groups"),
    [
        (inquiry(), False),
        (inquiry(port_groups=True), True),
        (bytes([0, 0, 6, 0x12, 31, 0x10]), True),
        (bytes([0, 0, 6, 0x12, 31, 0x20]), True),
        (bytes([0, 0, 6, 0x12, 31, 0x30]), True),
        (bytes([0, 0, 6, 0x12, 31, 0xCF]), False),
        (bytes([0, 0, 6, 0x12, 31]), None),
        (b"", None),
    ],
)
def test_port_groups_in_the_standard_data(standard: bytes, groups: bool | None) -> None:
    assert has_port_groups(standard) is groups


def test_a_page_as_lio_makes_it() -> None:
    assert port_group(LIO) == 17
    assert port_group(LIO + b"\n" * 8) == 17


@pytest.mark.parametrize(
    ("found", "group"),
    [
        ([Designator(1, 5, b"\0\0\0\0")], 0),
        ([Designator(1, 5, b"\xff\xff\xff\xff")], 65535),
        ([Designator(1, 5, b"\0\0\0\1"), Designator(1, 5, b"\0\0\0\2")], 2),
        ([Designator(0, 5, b"\0\0\0\1")], None),
        ([Designator(2, 5, b"\0\0\0\1")], None),
        ([Designator(1, 4, b"\0\0\0\1")], None),
        ([Designator(1, 5, b"\0\0\1")], None),
        ([Designator(1, 5, b"")], None),
        ([], None),
    ],
)
def test_only_a_target_ports_group_of_four_bytes_counts(found: list[Designator], group: int | None) -> None:
    assert port_group(page(*found)) == group


def test_another_page_has_no_designators() -> None:
    assert port_group(bytes([0, 0x80]) + LIO[2:]) is None


def test_a_length_beyond_the_end_is_not_believed() -> None:
    whole = vpd_pg83(7)
    assert port_group(whole[:2] + b"\xff\xff" + whole[4:]) == 7
    assert port_group(whole[:2] + b"\0\x20" + whole[4:]) is None  # the page ends within the last designator
    assert port_group(whole[:-5] + b"\x05" + whole[-4:]) is None


@given(st.integers(0, 255), st.integers(0, 255))
def test_a_truncated_page_yields_what_is_whole(cut: int, group: int) -> None:
    whole = vpd_pg83(group)
    known = list(designators(whole))
    found = list(designators(whole[:cut]))
    assert found == known[: len(found)]
    assert port_group(whole[:cut]) == (group if cut >= len(whole) else None)


DESIGNATORS = st.builds(Designator, st.integers(0, 3), st.integers(0, 15), st.binary(max_size=255))


@given(st.lists(DESIGNATORS, max_size=6))
def test_any_designators_come_back(found: list[Designator]) -> None:
    assert list(designators(page(*found))) == found


@given(st.binary(max_size=600) | st.binary(max_size=600).map(lambda rest: b"\0\x83" + rest))
def test_nothing_is_ever_raised(data: bytes) -> None:
    assert has_port_groups(data) in (True, False, None)
    assert port_group(data) in (None, *range(65536))
