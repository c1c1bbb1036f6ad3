"""The same WWID is not yet the same disk: sizes, LUNs and targets are compared."""

from __future__ import annotations

import pytest

from tests.field.conftest import NewHost
from tests.field.product import check


@pytest.mark.xfail(strict=True, reason="sizes are not compared so far")
@pytest.mark.field("a Metro volume was grown, half of the paths still have the old size", "dell/csm#2002")
def test_paths_of_different_sizes_are_told(new_host: NewHost) -> None:
    host = new_host()
    grown = host.two_paths(count=4)
    for disk in host.san.disks[:2]:
        disk.set("size", 1069547520)
    for disk in host.san.disks[2:]:
        disk.set("size", 943718400)
    grown.set("size", 943718400)
    assert check(host).naming("size")
