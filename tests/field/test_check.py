"""``check`` is about paths, too: it may not say OK while one is down."""

from __future__ import annotations

import pytest

from tests.field.conftest import NewHost
from tests.field.host.multipathd import FAULTY
from tests.field.product import check


@pytest.mark.parametrize(
    ("dead", "wanted"),
    [
        ((), "OK"),
        (("sda",), "WARNING"),
        (("sda", "sdb"), "CRITICAL"),
    ],
)
@pytest.mark.field(
    "the LUN was deleted on the array: every path failed, and the check is green",
    "TheGrandWazoo/freenas-proxmox#162 and #88; centreon/centreon-plugins#3990; the README of check_pve_multipath",
)
def test_the_status_is_that_of_the_worst_map(new_host: NewHost, dead: tuple[str, ...], wanted: str) -> None:
    host = new_host()
    host.two_paths()
    host.multipathd.words = dict.fromkeys(dead, FAULTY)
    found = check(host)
    assert found.status == wanted
    assert found.exit_status == ["OK", "WARNING", "CRITICAL"].index(wanted)
