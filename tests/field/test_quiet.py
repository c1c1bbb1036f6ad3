"""No false finding on sound hosts of every kind: nothing above info, but what the tree itself defends."""

from __future__ import annotations

import pytest

from tests.field.conftest import NewHost
from tests.field.product import check, status
from tests.field.trees import TREES, Tree


def test_there_are_at_least_thirty_trees_and_no_two_have_one_name() -> None:
    names = [tree.build.__name__ for tree in TREES]
    assert len(names) >= 30
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("tree", TREES, ids=lambda tree: tree.build.__name__)
def test_a_sound_host_gives_no_finding_that_is_not_defended(tree: Tree, new_host: NewHost) -> None:
    host = new_host(version=tree.version, iscsi=tree.iscsi)
    tree.build(host)
    found = check(host)
    assert found.codes("warning") == set(tree.warns), found
    assert found.status == ("WARNING" if tree.warns else "OK")
    health = {map_["map"]: map_["health"] for map_ in status(host).document["maps"]}
    assert set(health.values()) <= {"healthy"}, health
