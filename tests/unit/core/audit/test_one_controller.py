"""Maps whose paths all lead to one port group, although other maps of the array use others."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from mpathd_watch.core.catalog.findings import FindingKind
from mpathd_watch.core.model.acknowledgement import Acknowledgement
from mpathd_watch.core.model.facts import AccessFacts
from mpathd_watch.core.model.settings import Settings
from mpathd_watch.core.model.vocabulary import Transport
from mpathd_watch.core.state import Due, MapState, PathState, Wait, frozen
from tests.factories import TARGET, make_map, make_path, make_session, with_changes
from tests.hosts import Host

A1, A2, B1, B2 = (f"192.168.{net}.{controller}:3260" for controller in (1, 2) for net in (1, 2))
"""Two portals of each controller."""
GROUPS = {A1: 1, A2: 1, B1: 2, B2: 2}
ONE, BOTH, MIXED = (A1, A2), (A1, A2, B1, B2), (A1, B2)
K = FindingKind


def lun(number: int, *portals: str, groups: Mapping[str, int | None] | None = None, target: str = TARGET) -> MapState:
    """A map with a path through each of these portals."""
    paths = [
        make_path(
            portal,
            f"sd{number}x{at}",
            dev_t=f"65:{16 * number + at}",
            hctl=f"{at + 2}:0:0:{number}",
            target=target,
            nexus=f"{portal}/{target}",
            access=AccessFacts(grouped=True, handler="alua", group=(GROUPS if groups is None else groups)[portal]),
        )
        for at, portal in enumerate(portals)
    ]
    return make_map(f"lun{number}", paths)


def host(*maps: MapState, **changes: Any) -> Host:
    return Host(maps=list(maps), sessions=[], records={}, changes=changes)


def luns(*portals: tuple[str, ...]) -> list[MapState]:
    return [lun(number, *ends) for number, ends in enumerate(portals, 1)]


def reported(host: Host) -> list[str]:
    return [finding.subject for finding in host.findings if finding.kind is K.ONE_CONTROLLER]


def test_all_paths_to_one_controller_of_two() -> None:
    found = host(*luns(MIXED, MIXED, ONE)).only(K.ONE_CONTROLLER)
    assert (found.subject, found.text) == (
        "lun3",
        "all 2 paths lead to port group 1; 2 other maps of its array have paths to port group 2",
    )


def test_one_other_map_is_enough_and_several_are_one_finding() -> None:
    found = host(*luns(MIXED, ONE)).only(K.ONE_CONTROLLER)
    assert found.text.endswith("1 other map of its array has paths to port group 2")
    found = host(*luns(MIXED, ONE, MIXED, MIXED, MIXED, ONE)).only(K.ONE_CONTROLLER)
    assert found.subject == "lun2, lun6"
    assert found.text.startswith("the paths of 2 maps lead to one port group, for example lun2: all 2 paths lead to")


def test_a_map_that_only_lacks_paths_is_reported_for_that() -> None:
    right = host(*luns(BOTH, BOTH, ONE))
    assert reported(right) == []
    assert K.FEWER_PATHS_THAN_ITS_KIN in right.kinds()


def test_each_lun_may_have_a_target_of_its_own() -> None:
    maps = [
        lun(number, *ends, target=f"iqn.2001-05.com.example:{number}") for number, ends in enumerate((MIXED, ONE), 1)
    ]
    assert reported(host(*maps)) == ["lun2"]


def test_a_portal_that_logins_are_redirected_to_is_the_port() -> None:
    """All log in at one portal, and the target sends each session to a port of its own."""
    maps, sessions = [], []
    for number, ends in enumerate((MIXED, ONE), 1):
        paths = []
        for at, portal in enumerate(ends):
            session = make_session(
                "192.168.9.9:3260", sid=10 * number + at, label=f"{number}.{at}", current_portal=portal
            )
            sessions.append(session)
            path = lun(number, *ends).paths[portal]
            paths.append(with_changes(path, portal="192.168.9.9:3260", nexus=session.label))
        maps.append(make_map(f"lun{number}", paths))
    assert reported(Host(maps=maps, sessions=sessions, records={})) == ["lun2"]


def test_fibre_channel_ports_are_told_by_their_addresses() -> None:
    def path(hctl: str, group: int) -> PathState:
        found = make_path(hctl, f"sd{hctl.replace(':', '')}", hctl=hctl, nexus="", target="", transport=Transport.FC)
        return with_changes(found, portal="", access=AccessFacts(grouped=True, group=group))

    right = host(
        make_map("lun1", [path("1:0:0:1", 1), path("2:0:1:1", 2)]),
        make_map("lun2", [path("1:0:0:2", 1), path("2:0:0:2", 1)]),
    )
    assert reported(right) == ["lun2"]


@pytest.mark.parametrize(
    "right",
    [
        # Nothing shows another group.
        host(*luns(ONE)),
        host(*luns(ONE, ONE)),
        host(*luns(MIXED, MIXED)),
        # As many maps use one controller only: that may be so on purpose.
        host(*luns(ONE, ONE, MIXED)),
        host(*luns(ONE, (B1, B2), ONE, (B1, B2))),
        # Another array, or other ports of the same one.
        host(lun(1, *MIXED, target="iqn.a"), lun(2, *MIXED, target="iqn.a"), lun(3, *ONE), lun(4, *ONE)),
        host(*luns(ONE, (B1, B2))),
        # Groups that are numbered for each LUN: the same port has another group.
        host(*luns(MIXED), lun(2, *ONE, groups={A1: 7, A2: 7})),
        host(lun(1, A1, A2, groups={A1: 1, A2: 2}), lun(2, *ONE)),
        # Each port has a group of its own.
        host(*luns(MIXED), lun(2, *ONE, groups={A1: 1, A2: 3})),
        # A group is not known.
        host(*luns(MIXED), lun(2, *ONE, groups={A1: 1, A2: None})),
        host(lun(1, *MIXED, groups={A1: 1, B2: None}), lun(2, *ONE)),
        # One port only has a finding of its own.
        host(*luns(MIXED, (A1,))),
        # A map that lost its path to the other controller has alerts of its own.
        host(
            lun(1, *MIXED),
            replace(
                lun(2, A1, A2, B1),
                paths=frozen(
                    {label: replace(path, member=label != B1) for label, path in lun(2, A1, A2, B1).paths.items()}
                ),
            ),
        ),
        # Declared as enough, or made just now.
        host(*luns(MIXED, ONE), settings=Settings(single_path_ok=frozenset({"lun2"}))),
        host(*luns(MIXED, ONE), settings=Settings(single_path_ok=frozenset({"wwid-of-lun2"}))),
        host(*luns(MIXED, ONE), deadlines=frozen({Due(Wait.SETTLE, "wwid-of-lun2"): 1.0})),
        host(*luns(MIXED, ONE), settings=Settings(acknowledge=(Acknowledgement("one_controller", "meant", "lun2"),))),
        # No port group at all.
        host(make_map("one"), make_map("two")),
        host(),
    ],
)
def test_nothing_is_reported_where_other_groups_are_not_known_for_certain(right: Host) -> None:
    assert reported(right) == []
