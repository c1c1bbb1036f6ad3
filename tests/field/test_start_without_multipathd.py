"""multipathd is dead when we look first: what the disk and the nexus report is enough for a health."""

from __future__ import annotations

import pytest

from tests.field.conftest import NewHost
from tests.field.product import check, status
from tests.field.trees.other_transports import fc_disk


@pytest.mark.field(
    "multipathd crashes within 60 to 90 s of each start on hosts with Fibre Channel, one path is offline meanwhile",
    "siderolabs/extensions#1116",
)
def test_an_offline_disk_is_a_failed_path_without_multipathd(new_host: NewHost) -> None:
    host, wwid = new_host(iscsi=False), "3624a9370e1b2c3d4a5f6071800011010"
    disks = [fc_disk(host, n, 0, 1, wwid=wwid, vendor="PURE", product="FlashArray") for n in (1, 2)]
    host.map("mpatha", *disks, wwid=wwid)
    host.multipathd.running = False
    disks[1].state = "offline"
    seen = status(host)
    assert seen.path("sdb")["health"] == "failed"
    assert seen.health("mpatha") != "lost"
    assert check(host).of("multipathd_not_running")


@pytest.mark.field("the same, and every path is offline", "siderolabs/extensions#1116")
def test_a_map_whose_disks_are_all_offline_is_lost_without_multipathd(new_host: NewHost) -> None:
    host = new_host()
    host.two_paths()
    host.multipathd.running = False
    for disk in host.san.disks:
        disk.state = "transport-offline"
    assert status(host).health("mpio") == "lost"
