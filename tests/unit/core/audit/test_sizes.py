"""Maps and paths whose sizes or limits do not fit together."""

from __future__ import annotations

from typing import Any

import pytest

from mpathd_watch.core.catalog.findings import FindingKind, Severity
from mpathd_watch.core.model.facts import BlockFacts
from mpathd_watch.core.model.vocabulary import DeviceState
from tests.factories import make_map, with_changes
from tests.hosts import FIRST, SECOND, Host, numbered_paths, two_paths

GIB = 1 << 21
"""Sectors of a GiB."""
NONE = set[FindingKind]()
K = FindingKind


def sized(of_map: int | None, first: int | None, second: int | None, **changes: Any) -> Host:
    paths = two_paths({"block": BlockFacts(first), **changes}, {"block": BlockFacts(second)})
    return Host().paths(*paths, block=BlockFacts(of_map))


def test_a_grown_lun_of_which_one_path_was_not_scanned_again() -> None:
    found = sized(450 * GIB, 510 * GIB, 450 * GIB).only(K.SIZES_DIFFER)
    assert found.subject == "mpio"
    assert found.text == "the size is 450.0 GiB of sdb; 510.0 GiB of sda; 450.0 GiB of the map"
    assert found.kind.value.severity is Severity.CRITICAL


def test_the_map_may_have_no_known_size() -> None:
    assert sized(None, 2 * GIB, GIB).only(K.SIZES_DIFFER).text == "the size is 1.0 GiB of sdb; 2.0 GiB of sda"
    assert sized(None, GIB, GIB).kinds() == NONE


def test_a_map_larger_than_its_paths_loses_data() -> None:
    assert sized(2 * GIB, GIB, GIB).only(K.SIZES_DIFFER).text == "the size is 1.0 GiB of sda, sdb; 2.0 GiB of the map"


def test_a_map_smaller_than_its_paths_only_lacks_space() -> None:
    found = sized(GIB // 2, GIB, GIB).only(K.MAP_NOT_RESIZED)
    assert found.text == "the size is 1.0 GiB of sda, sdb; 512.0 MiB of the map"
    assert found.kind.value.severity is Severity.INFO


def test_sizes_that_look_alike_are_shown_in_sectors() -> None:
    text = sized(GIB, GIB, GIB + 8).only(K.SIZES_DIFFER).text
    assert text == "the size is 2097152 sectors of sda; 2097160 sectors of sdb; 2097152 sectors of the map"


@pytest.mark.parametrize("size", [0, None])
def test_a_disk_without_a_size_is_compared_with_nothing(size: int | None) -> None:
    assert sized(GIB, GIB, size).kinds() == NONE
    assert sized(size, size, size).kinds() == NONE


def test_a_disk_that_left_the_map_or_leads_elsewhere_is_compared_with_nothing() -> None:
    assert sized(GIB, 2 * GIB, GIB, member=False).kinds() == NONE
    assert sized(GIB, 2 * GIB, GIB, wwid="other").kinds() == {K.WWID_DIFFERS}


def test_a_failed_path_counts_because_multipath_reads_its_size_too() -> None:
    assert K.SIZES_DIFFER in sized(GIB, 2 * GIB, GIB, device=DeviceState.TRANSPORT_OFFLINE).kinds()


def test_many_maps_are_one_finding_with_the_first_as_an_example() -> None:
    maps = []
    for lun in range(1, 6):
        first, second = numbered_paths(lun, FIRST, SECOND)
        maps.append(make_map(f"lun{lun}", [grown(first, 2 * GIB), grown(second, GIB)], block=BlockFacts(GIB)))
    found = Host(maps=maps).only(K.SIZES_DIFFER)
    assert found.subject == "lun1, lun2, lun3 and 2 more"
    assert found.text == (
        "the sizes of 5 maps and their paths do not fit together, for example lun1: "
        "the size is 1.0 GiB of sd1x1; 2.0 GiB of sd1x0; 1.0 GiB of the map"
    )


def grown(path: Any, size: int) -> Any:
    return with_changes(path, block=BlockFacts(size))


# --- limits -----------------------------------------------------------------------------------------------------------


def limited(of_map: BlockFacts, first: BlockFacts, second: BlockFacts, **changes: Any) -> Host:
    return Host().paths(*two_paths({"block": first, **changes}, {"block": second}), block=of_map)


def requests(size: int | None, *, bios: bool = False) -> BlockFacts:
    return BlockFacts(max_sectors_kb=size, bios=bios)


def blocks(size: int | None) -> BlockFacts:
    return BlockFacts(logical_block_size=size)


def test_a_path_that_takes_smaller_requests_than_the_map_sends() -> None:
    found = limited(requests(1280), requests(512), requests(1280)).only(K.LIMITS_DIFFER)
    assert found.text == "max_sectors_kb of sda is 512, of the map 1280"
    both = limited(requests(1280), requests(512), requests(128)).only(K.LIMITS_DIFFER)
    assert both.text == "max_sectors_kb of sdb is 128, of the map 1280; max_sectors_kb of sda is 512, of the map 1280"


@pytest.mark.parametrize(
    "right",
    [
        limited(requests(512), requests(1280), requests(512)),
        limited(requests(None), requests(512), requests(1280)),
        limited(requests(1280), requests(None), requests(0)),
        limited(requests(1280, bios=True), requests(512), requests(512)),
        limited(requests(1280), requests(512), requests(1280), member=False),
        limited(blocks(512), blocks(512), blocks(None)),
        limited(blocks(None), blocks(512), blocks(512)),
        limited(blocks(512), blocks(4096), blocks(512), member=False),
    ],
)
def test_limits_that_fit(right: Host) -> None:
    assert right.kinds() == NONE


def test_logical_blocks_of_another_size() -> None:
    text = limited(blocks(512), blocks(4096), blocks(512)).only(K.LIMITS_DIFFER).text
    assert text == "a logical block has 512 bytes on sdb, the map and 4096 bytes on sda"
    assert K.LIMITS_DIFFER in limited(blocks(None), blocks(4096), blocks(512)).kinds()
    assert K.LIMITS_DIFFER in limited(blocks(512), blocks(4096), blocks(4096)).kinds()
