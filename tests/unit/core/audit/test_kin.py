"""Maps that have fewer paths than other maps of the same array."""

from __future__ import annotations

from typing import Any

import pytest

from mpathd_watch.core.catalog.findings import FindingKind
from mpathd_watch.core.model.settings import Settings
from mpathd_watch.core.state import Due, MapState, Wait, frozen
from tests.factories import make_map, with_changes
from tests.hosts import FIRST, SECOND, Host, numbered_paths

THIRD, FOURTH = "192.168.3.1:3260", "192.168.4.1:3260"
ALL = (FIRST, SECOND, THIRD, FOURTH)
K = FindingKind


def host(*portals: tuple[str, ...], per_volume: bool = False, **changes: Any) -> Host:
    """A map for each of these; of one target, or each of its own."""
    maps = []
    for lun, ends in enumerate(portals, 1):
        target = {"target": f"iqn.2001-05.com.equallogic:{lun}"} if per_volume else {}
        maps.append(make_map(f"lun{lun}", numbered_paths(lun, *ends, **target)))
    return Host(maps=maps, changes=changes)


def reported(host: Host) -> list[str]:
    return [finding.subject for finding in host.findings if finding.kind is K.FEWER_PATHS_THAN_ITS_KIN]


def test_a_map_with_half_the_paths_of_the_others() -> None:
    found = host(ALL, ALL, (FIRST, THIRD)).only(K.FEWER_PATHS_THAN_ITS_KIN)
    assert (found.subject, found.text) == (
        "lun3",
        f"it has 2 paths, 2 other maps of its array have 4; none is {SECOND}, {FOURTH}",
    )


def test_a_map_with_one_path_is_not_reported_twice() -> None:
    single = host(ALL[:2], (FIRST,))
    assert reported(single) == ["lun2"]
    assert single.only(K.FEWER_PATHS_THAN_ITS_KIN).text == (
        f"it has 1 path, 1 other map of its array has 2; none is {SECOND}"
    )
    assert not single.kinds() & {K.SINGLE_PATH, K.SINGLE_PORTAL}
    assert host((FIRST,), (FIRST,)).kinds() >= {K.SINGLE_PATH}


def test_the_first_of_several_is_the_example() -> None:
    found = host(ALL, ALL, ALL, ALL, (FIRST,), (SECOND,)).only(K.FEWER_PATHS_THAN_ITS_KIN)
    assert found.subject == "lun5, lun6"
    assert found.text.startswith("2 maps have fewer paths than others of their array, for example lun5: it has 1 path")


@pytest.mark.parametrize(
    "right",
    [
        host(ALL),
        host(ALL, ALL),
        # Half of the LUNs are shown by each controller on purpose.
        host((FIRST, SECOND), (THIRD, FOURTH), (FIRST, SECOND), (THIRD, FOURTH), ALL),
        # As many have as few.
        host(ALL, ALL, (FIRST, SECOND), (FIRST, SECOND), (FIRST, SECOND)),
        # Different targets without a portal in common: another array.
        host(ALL[2:], (FIRST,), per_volume=True),
    ],
)
def test_nothing_is_reported_where_most_of_the_kin_have_no_more(right: Host) -> None:
    assert reported(right) == []


def test_each_lun_may_have_a_target_of_its_own() -> None:
    assert reported(host(ALL[:2], ALL[:2], (FIRST,), per_volume=True)) == ["lun3"]


def metro(name: str, lun: int, *targets: str) -> MapState:
    paths = [
        path
        for at, target in enumerate(targets)
        for path in numbered_paths(lun + 10 * at, *ALL[2 * at : 2 * at + 2], target=target)
    ]
    return make_map(name, paths)


def test_a_lun_that_a_second_array_shows_too_is_no_standard_for_others() -> None:
    maps = [metro("both1", 1, "iqn.a", "iqn.b"), metro("both2", 2, "iqn.a", "iqn.b"), metro("local", 3, "iqn.a")]
    assert reported(Host(maps=maps)) == []


def test_a_map_that_is_new_misses_a_path_or_is_meant_so() -> None:
    assert reported(host(ALL, ALL[:1])) == ["lun2"]
    assert reported(host(ALL, ALL[:1], deadlines=frozen({Due(Wait.SETTLE, "wwid-of-lun2"): 5.0}))) == []
    assert reported(host(ALL, ALL[:1], deadlines=frozen({Due(Wait.SETTLE, "wwid-of-lun1"): 5.0}))) == ["lun2"]
    assert reported(host(ALL, ALL[:1], settings=Settings(single_path_ok=frozenset({"lun2"})))) == []
    missing = numbered_paths(2, FIRST, SECOND)
    missing[1] = with_changes(missing[1], member=False)
    assert reported(Host(maps=[make_map("lun1", numbered_paths(1, *ALL)), make_map("lun2", missing)])) == []


def test_a_missing_path_is_no_standard_for_others() -> None:
    missing = numbered_paths(1, FIRST, SECOND)
    missing[1] = with_changes(missing[1], member=False)
    assert reported(Host(maps=[make_map("lun1", missing), make_map("lun2", numbered_paths(2, FIRST))])) == []


def test_paths_without_a_target_are_compared_with_nothing() -> None:
    fc = [with_changes(path, target="") for path in numbered_paths(1, *ALL)]
    one = [with_changes(path, target="") for path in numbered_paths(2, FIRST)]
    assert reported(Host(maps=[make_map("lun1", fc), make_map("lun2", one)])) == []
