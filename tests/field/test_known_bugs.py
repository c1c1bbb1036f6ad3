"""Versions of multipath-tools with a bug that may hit the host."""

from __future__ import annotations

import pytest

from tests.field.conftest import NewHost
from tests.field.product import check


@pytest.mark.field("0.14.1 and 0.14.2 may not boot from a map", "multipath-tools NEWS.md, 0.14.3")
@pytest.mark.parametrize(
    ("version", "bad"), [("0.14.0-1", False), ("0.14.1-1", True), ("0.14.2-0ubuntu1", True), ("0.14.3-1", False)]
)
def test_a_version_that_may_not_boot_is_told(new_host: NewHost, version: str, bad: bool) -> None:
    host = new_host(version=version)
    host.two_paths()
    assert bool(check(host).of("known_bad_version")) is bad


@pytest.mark.field("the same version where nothing is on a map", "multipath-tools NEWS.md, 0.14.3")
def test_without_maps_no_version_is_bad(new_host: NewHost) -> None:
    assert not check(new_host(version="0.14.2-1")).of("known_bad_version")
