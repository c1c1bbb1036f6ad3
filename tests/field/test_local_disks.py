"""Disks of the host itself: no remedy of a SAN, and nothing to say where nothing is wrong."""

from __future__ import annotations

import pytest

from tests.field.conftest import NewHost
from tests.field.product import check


@pytest.mark.field(
    "a virtual machine runs multipathd, its disk has no WWID, and there are no maps",
    "SUSE and Ubuntu guests on VMware without disk.EnableUUID",
)
def test_a_guest_whose_disk_has_no_wwid(new_host: NewHost) -> None:
    host = new_host(iscsi=False)
    host.storage.local_disk(vendor="VMware", product="Virtual disk")
    host.configure("defaults {\n    user_friendly_names yes\n}\n", no_path_retry="fail", user_friendly_names="yes")
    host.multipathd.orphans = ["|[orphan]|sda|8:0|undef|undef|(null)|normal|0"]
    found = check(host)
    assert found.status == "OK"
    assert not found.findings


@pytest.mark.xfail(strict=True, reason="every remedy is one for iSCSI so far")
@pytest.mark.field("multipath claims a local RAID disk", "a wiki page on unnecessary multipath devices (PERC H700)")
def test_a_map_of_a_local_raid_disk_needs_no_portal(new_host: NewHost) -> None:
    host, wwid = new_host(), "36848f690ebf1a7001afab704197c80a0"
    place = "pci0000:00/0000:00:03.0/host0/target0:2:1/0:2:1:0"
    disk = host.disk(place=place, wwid=wwid, vendor="DELL", product="PERC H700", access="")
    host.map("mpathc", disk, wwid=wwid)
    told = check(host).only("single_path")
    assert "portal" not in told.remedy
