"""The same WWID is not yet the same disk: sizes, LUNs and targets are compared."""

from __future__ import annotations

import pytest

from tests.field.conftest import NewHost
from tests.field.host.tree import attributes
from tests.field.product import check


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


@pytest.mark.field(
    "two volumes of two tgt nodes have the serial number of target 1, LUN 1: one map of 4 paths, 2 disks",
    "rackerlabs/genestack#451; ClusterLabs/resource-agents#1463",
)
def test_two_targets_with_the_same_serial_number_are_critical(new_host: NewHost) -> None:
    host, wwid, size = new_host(), "360000000000000000e00000000010001", 20971520
    disks = []
    for volume, node in (("a19767d8", 1), ("9f62e564", 2)):
        for network in (1, 2):
            session = host.login(f"192.168.{network}.1{node}:3260", target=f"iqn.2010-10.org.openstack:{volume}")
            disks.append(host.disk(session, wwid=wwid, vendor="IET", product="VIRTUAL-DISK", size=size, access=""))
    host.map(wwid, *disks, wwid=wwid, hwhandler="0")
    told = [each for each in check(host).findings if each.severity == "critical"]
    assert told
    assert told[0].subject == wwid


@pytest.mark.field(
    "the LUNs of one UFS device have one serial number; where their sizes are the same, multipath joins them",
    "opensvc/multipath-tools#142",
)
def test_two_luns_of_one_nexus_in_one_map_are_critical(new_host: NewHost) -> None:
    host, wwid = new_host(iscsi=False), "3534b48304741523120202020"
    place = "platform/soc/1d84000.ufshc/host0/target0:0:0/0:0:0:%d"
    disks = [
        host.disk(place=place % lun, wwid=wwid, vendor="SKHYNIX", product="H28S8Q302CMR", access="") for lun in (0, 1)
    ]
    host.map("mpatha", *disks, wwid=wwid, hwhandler="0")
    told = [each for each in check(host).findings if each.severity == "critical"]
    assert told
    assert not any("iscsiadm" in each.remedy or "portal" in each.remedy for each in told)


@pytest.mark.field(
    "a LUN's number was used again for another volume: udev still has the old WWID of a path that was left behind",
    "IBM/ibm-block-csi-driver#288; kubernetes/kubernetes#90982; Seagate/seagate-exos-x-csi#138",
)
def test_a_path_that_the_kernel_knows_under_another_wwid_is_critical(new_host: NewHost) -> None:
    host, wwid = new_host(), "36005076380808163800000000000007f"
    host.two_paths("mpatha", wwid=wwid)
    attributes(host.san.disks[1].device.directory, wwid="naa.60050763808081638000000000000093")
    told = [each for each in check(host).findings if each.severity == "critical"]
    assert told
    assert "sdb" in told[0].text
