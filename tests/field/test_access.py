"""Arrays with ALUA: what they report of each path, and hosts that do not go by it."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from tests.fakes.sysfs import FakeDisk
from tests.field.conftest import NewHost
from tests.field.host import Host
from tests.field.product import check

OPTIMIZED, SLOWER = "active/optimized", "active/non-optimized"
NETAPP = "3600a098038303053453f463045727a3%d"
OF_ACCESS = {"alua_ignored", "no_handler", "one_controller", "optimized_path_unused"}


PORTS = ((1, 1), (1, 2), (2, 1), (2, 2))
"""Controllers, and the networks in which they have a portal."""


def disks(
    host: Host,
    number: int = 1,
    states: tuple[str, str] = (OPTIMIZED, SLOWER),
    ports: Sequence[tuple[int, int]] = PORTS,
) -> list[FakeDisk]:
    """A LUN behind these ports of an array whose controllers report these states."""
    sessions = {session.connection.get("persistent_address"): session for session in host.san.sessions}
    found = []
    for controller, net in ports:
        address = f"192.168.{net}.1{controller}"
        found.append(
            host.disk(
                sessions.get(address) or host.login(f"{address}:3260"),
                lun=number,
                wwid=NETAPP % number,
                vendor="NETAPP",
                product="LUN C-Mode",
                access=states[controller - 1],
                group=controller,
            )
        )
    return found


@pytest.mark.field(
    "multibus on an array with ALUA: half of the I/O goes to the wrong controller",
    "swiftgist/lrbd#5; xapi-project/sm#271",
)
def test_paths_of_both_controllers_in_one_path_group(new_host: NewHost) -> None:
    host = new_host()
    host.configure(
        "defaults {\n    no_path_retry 12\n}\noverrides {\n    path_grouping_policy multibus\n}\n",
        path_grouping_policy="multibus",
    )
    host.map("data", *disks(host), wwid=NETAPP % 1)
    told = check(host).only("alua_ignored")
    assert (told.severity, told.subject) == ("warning", "data")
    assert told.text == (
        "sda, sdb (active/optimized) and sdc, sdd (active/non-optimized) are in one path group: "
        "path_grouping_policy is multibus"
    )
    assert told.where.endswith("etc/multipath.conf:5")


@pytest.mark.field("detect_prio no: all paths have the priority 1", "equinixmetal-archive/csi-packet#17")
def test_paths_of_both_controllers_have_one_priority(new_host: NewHost) -> None:
    host = new_host()
    host.configure(
        "defaults {\n    no_path_retry 12\n}\noverrides {\n    detect_prio no\n    prio const\n}\n", detect_prio="no"
    )
    members = disks(host)
    host.map("data", *members, wwid=NETAPP % 1, groups=[[each] for each in members])
    told = check(host).only("alua_ignored")
    assert told.text.endswith("have the same priority: detect_prio is no, and prio const")
    assert told.where.endswith("etc/multipath.conf:5")


@pytest.mark.field("an array that serves all ports alike, with multibus as its vendor has it", "xcp-ng/xcp#297")
@pytest.mark.parametrize("policy", ["multibus", "group_by_prio"])
def test_an_array_that_serves_all_ports_alike_is_used_as_one(new_host: NewHost, policy: str) -> None:
    host = new_host()
    conf = f"defaults {{\n    no_path_retry 12\n}}\noverrides {{\n    path_grouping_policy {policy}\n}}\n"
    host.configure(conf, path_grouping_policy=policy)
    host.map("data", *disks(host, states=(OPTIMIZED, OPTIMIZED)), wwid=NETAPP % 1)
    assert not check(host).codes() & OF_ACCESS


@pytest.mark.field("a kernel without scsi_dh_alua", "gardenlinux/gardenlinux#3641; coreos/bugs#2281")
def test_disks_without_a_device_handler(new_host: NewHost) -> None:
    host = new_host()
    members = disks(host)
    host.map("data", *members, wwid=NETAPP % 1, groups=[members[:2], members[2:]], hwhandler="0")
    for disk in members[1:]:
        disk.device.set("dh_state", "detached")
        disk.device.remove("access_state")
        disk.device.remove("preferred_path")
    told = check(host).only("no_handler")
    assert (told.severity, told.subject) == ("warning", "data")
    assert told.text == "sdb, sdc, sdd have no device handler: dh_state is detached"


@pytest.mark.field(
    "the initiator logged in to one node of two, so all paths of a LUN lead there",
    "NetApp/trident#998; gluster/gluster-block#9",
)
def test_all_paths_of_a_lun_lead_to_one_controller(new_host: NewHost) -> None:
    host = new_host()
    for number in (1, 2):
        members = disks(host, number, ports=((1, 1), (2, 2)))
        host.map(f"data{number}", *members, wwid=NETAPP % number, groups=[[each] for each in members])
    host.map("data3", *disks(host, 3, ports=((1, 1), (1, 2))), wwid=NETAPP % 3)
    told = check(host).only("one_controller")
    assert (told.severity, told.subject) == ("warning", "data3")
    assert told.text == "all 2 paths lead to port group 1; 2 other maps of its array have paths to port group 2"
