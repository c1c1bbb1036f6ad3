"""What multipathd does by its version."""

from __future__ import annotations

import pytest

from mpathd_watch.core.formats.multipath_conf import Version
from mpathd_watch.core.layers.dm_multipath import DM_MULTIPATH


@pytest.mark.parametrize(
    ("version", "seconds"),
    [
        (None, 20),
        ((0, 9, 9), 5),
        ((0, 10, 0), 20),
        ((0, 10, 3), 20),
        ((0, 10, 4), 5),
        ((0, 10, 9), 5),
        ((0, 11, 0), 20),
        ((0, 11, 1), 20),
        ((0, 11, 99), 20),
        ((0, 12, 0), 5),
    ],
)
def test_how_often_a_failed_path_is_checked(version: Version | None, seconds: int) -> None:
    assert DM_MULTIPATH.checks is not None
    assert DM_MULTIPATH.checks.interval(5, 20, version) == seconds
    assert DM_MULTIPATH.checks.interval(30, 20, version) == 30
