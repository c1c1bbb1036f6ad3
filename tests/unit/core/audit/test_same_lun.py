"""Maps whose paths lead to different LUNs, and LUNs that are in two maps."""

from __future__ import annotations

from typing import Any

import pytest

from mpathd_watch.core.catalog.findings import FindingKind
from mpathd_watch.core.model.facts import BlockFacts
from mpathd_watch.core.model.vocabulary import DeviceState, Transport
from tests.factories import TARGET, make_map, make_session, with_changes
from tests.hosts import FIRST, PORTALS, SECOND, Host, both, numbered_paths, two_paths

OTHER = "iqn.2010-10.org.openstack:b"
TGT_WWID = "360000000000000000e00000000010001"
NONE = set[FindingKind]()
K = FindingKind


def called(first: str, second: str, **changes: Any) -> Host:
    """A map whose paths have these names in the kernel."""
    return Host().paths(*two_paths({"block": BlockFacts(wwid=first), **changes}, {"block": BlockFacts(wwid=second)}))


# --- one map, two LUNs ------------------------------------------------------------------------------------------------


def test_the_kernels_names_of_the_lun_differ() -> None:
    found = called("naa.600a", "naa.600b").only(K.ONE_MAP_TWO_LUNS)
    assert found.text == "the kernel has naa.600a on sda and naa.600b on sdb (device/wwid)"


@pytest.mark.parametrize(
    "right",
    [
        called("naa.600a", "naa.600a"),
        called("naa.600a", "eui.600b"),
        called("naa.600a", ""),
        called("", "SCSI name"),
        called("naa.600a", "naa.600b", device=DeviceState.TRANSPORT_OFFLINE),
        called("naa.600a", "naa.600b", member=False),
    ],
)
def test_names_that_are_equal_out_of_date_or_of_different_kinds(right: Host) -> None:
    assert right.kinds() == NONE


def test_one_cause_is_one_finding() -> None:
    """The path leads to another LUN: udev has its other WWID, and it has another name and another size, too."""
    block = BlockFacts(size=8, wwid="naa.600b")
    host = Host().paths(*two_paths({"block": block, "wwid": "3600b"}, {"block": BlockFacts(size=16, wwid="naa.600a")}))
    assert host.kinds() == {K.WWID_DIFFERS}
    host = Host().paths(*two_paths({"block": block}, {"block": BlockFacts(size=16, wwid="naa.600a")}))
    assert host.kinds() == {K.ONE_MAP_TWO_LUNS}


def test_two_luns_of_one_session() -> None:
    """genestack#451 and others: different LUNs with one serial number."""
    disks = [*numbered_paths(1, FIRST, SECOND), *numbered_paths(2, FIRST, SECOND)]
    paths = [with_changes(path, label=f"{path.label}#{at}") for at, path in enumerate(disks)]
    found = Host(maps=[make_map("mpio", paths)]).only(K.ONE_MAP_TWO_LUNS)
    assert found.text == "sd1x0 and sd2x0 are LUN 1 and LUN 2 of one target (2:0:0)"


@pytest.mark.parametrize("hctl", ["3:0:0:2", "2:0:1:2", "2:0:0:1", ""])
def test_the_lun_may_have_another_number_at_another_port(hctl: str) -> None:
    assert Host().paths(*two_paths({"hctl": "2:0:0:1"}, {"hctl": hctl})).kinds() == NONE


def test_two_targets_with_the_serial_number_that_tgt_makes_up() -> None:
    """genestack#451: two storage nodes with tgt, each with a target 1 with a LUN 1."""
    paths = [*numbered_paths(1, FIRST), *numbered_paths(1, SECOND, target=OTHER)]
    found = Host(maps=[make_map("mpio", paths, wwid=TGT_WWID, vendor="IET")]).only(K.ONE_MAP_TWO_LUNS)
    assert found.text == f"the targets {TARGET}, {OTHER} give their LUNs the same WWID: it is the one that tgt makes up"
    one_target = make_map("mpio", numbered_paths(1, *PORTALS), wwid=TGT_WWID, vendor="IET")
    assert Host(maps=[one_target]).kinds() == NONE


@pytest.mark.parametrize(
    ("vendor", "kinds"), [("LIO-ORG", {K.ONE_WWID_TWO_TARGETS}), ("IET", {K.ONE_WWID_TWO_TARGETS}), ("3PARdata", NONE)]
)
def test_targets_on_ordinary_hosts_are_only_named(vendor: str, kinds: set[FindingKind]) -> None:
    paths = [*numbered_paths(1, FIRST), *numbered_paths(1, SECOND, target=OTHER)]
    sessions = [make_session(FIRST), make_session(SECOND, sid=2, target=OTHER)]
    host = Host(maps=[make_map("mpio", paths, vendor=vendor)], sessions=sessions, records={})
    assert host.kinds() == kinds


def test_a_path_without_a_target_is_of_no_other_target() -> None:
    fibre = {"nexus": "", "target": "", "transport": Transport.FC}
    assert K.ONE_WWID_TWO_TARGETS not in Host().paths(*two_paths(fibre)).kinds()


# --- one LUN, two maps ------------------------------------------------------------------------------------------------


def two_maps(first: list[Any], second: list[Any], **changes: Any) -> Host:
    return Host(maps=[make_map("one", first), make_map("two", second)], **changes)


def test_the_kernels_name_of_a_lun_in_two_maps() -> None:
    def paths(lun: int, wwid: str) -> list[Any]:
        return [with_changes(path, block=BlockFacts(wwid=wwid)) for path in numbered_paths(lun, *PORTALS)]

    found = two_maps(paths(1, "naa.6001"), paths(2, "naa.6001")).only(K.ONE_LUN_TWO_MAPS)
    assert (found.subject, found.text) == ("one and two", "naa.6001 is sd1x0 in one and sd2x0 in two")
    for wwid in ("", "t10.IET     00010001", "naa.60000000000000000e00000000010001"):
        assert two_maps(paths(1, wwid), paths(2, wwid)).kinds() == NONE
    assert two_maps(paths(1, "naa.6001"), paths(2, "naa.6002")).kinds() == NONE


def test_one_address_at_a_portal_in_two_maps() -> None:
    """The LUN was exchanged, and one of two sessions to the portal was not scanned again."""
    first, second = numbered_paths(1, FIRST), numbered_paths(9, SECOND)
    second = [with_changes(path, hctl="7:0:0:1") for path in second]

    def sessions(**second: Any) -> list[Any]:
        return [
            make_session(FIRST, label=f"{FIRST}/{TARGET}"),
            make_session(FIRST, label=f"{SECOND}/{TARGET}", **second),
        ]

    found = two_maps(first, second, sessions=sessions(sid=2)).only(K.ONE_LUN_TWO_MAPS)
    assert found.text == f"LUN 1 of {SECOND}/{TARGET} is sd1x0 in one and sd9x0 in two"
    for right in (sessions(sid=2, tpgt=2), sessions(sid=2, tpgt=None), sessions(sid=2, initiator="iqn.2020:b"), both()):
        assert K.ONE_LUN_TWO_MAPS not in two_maps(first, second, sessions=right).kinds()
    without = [with_changes(path, hctl="") for path in second]
    assert K.ONE_LUN_TWO_MAPS not in two_maps(first, without, sessions=sessions(sid=2)).kinds()


def test_a_map_with_two_luns_is_not_compared_with_others() -> None:
    mixed = [*numbered_paths(1, FIRST), *numbered_paths(2, FIRST)]
    paths = [with_changes(path, label=f"{path.label}#{at}") for at, path in enumerate(mixed)]
    kinds = two_maps(paths, numbered_paths(1, FIRST)).kinds()
    assert K.ONE_MAP_TWO_LUNS in kinds
    assert K.ONE_LUN_TWO_MAPS not in kinds
