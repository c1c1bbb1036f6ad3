"""Maps that are not used as their array asks for it, and the many that are."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from mpathd_watch.core.catalog.findings import Finding, FindingKind, Severity
from mpathd_watch.core.model.acknowledgement import Acknowledgement
from mpathd_watch.core.model.facts import AccessFacts
from mpathd_watch.core.model.settings import Settings
from mpathd_watch.core.model.vocabulary import AccessState, DeviceState, Health
from mpathd_watch.core.state import MapState, PathState
from mpathd_watch.core.verdicts.access_use import SETTLED, AccessUse
from tests.factories import make_map, make_path
from tests.hosts import CONF, Host

OPTIMIZED, SLOWER, STANDBY = AccessState.OPTIMIZED, AccessState.NON_OPTIMIZED, AccessState.STANDBY
K = FindingKind
OF_ACCESS = {K.ALUA_IGNORED, K.OPTIMIZED_PATH_UNUSED, K.NO_HANDLER, K.ONE_CONTROLLER}
CONST = "defaults {\n    detect_prio no\n    prio const\n}\n"
MULTIBUS = "defaults {\n    path_grouping_policy multibus\n}\n"


def access(state: AccessState | None = OPTIMIZED, group: int | None = 1, **changes: Any) -> AccessFacts:
    return replace(AccessFacts(grouped=True, handler="alua", state=state, preferred=False, group=group), **changes)


def a_path(number: int, facts: AccessFacts, *, group: int | None, priority: int | None, **changes: Any) -> PathState:
    return make_path(
        f"192.168.{number}.1:3260",
        f"sd{chr(ord('a') + number - 1)}",
        hctl=f"{number}:0:0:1",
        dev_t=f"8:{16 * number}",
        access=facts,
        group=group,
        priority=priority,
        **changes,
    )


def two(
    first: AccessFacts | None = None,
    second: AccessFacts | None = None,
    *,
    groups: tuple[int | None, int | None] = (1, 2),
    priorities: tuple[int | None, int | None] = (50, 10),
    **changes: Any,
) -> tuple[PathState, PathState]:
    """An optimized path and one that is not, each in a path group of its own; ``changes`` are the second one's."""
    one, other = first or access(), second or access(SLOWER, 2)
    return (
        a_path(1, one, group=groups[0], priority=priorities[0]),
        a_path(2, other, group=groups[1], priority=priorities[1], **changes),
    )


def host(*paths: PathState, multipath: str = "", use: AccessUse | None = None, **changes: Any) -> Host:
    """A host with one map over these paths; ``use`` is what the daemon remembers of it."""
    maps = [make_map(paths=paths, **{"vendor": "ACME", **changes})]
    return Host(multipath=multipath, maps=maps, access={} if use is None else of_map(use))


def of_map(use: AccessUse) -> dict[str, AccessUse]:
    return {"wwid-of-mpio": use}


def remembered(held: float = SETTLED, **changes: Any) -> AccessUse:
    return AccessUse((), since=0.0, began=0.0, held=held, **changes)


def found(host: Host) -> set[FindingKind]:
    return host.kinds() & OF_ACCESS


# --- alua_ignored -----------------------------------------------------------------------------------------------------


def test_paths_of_different_access_states_with_one_priority() -> None:
    told = host(*two(priorities=(1, 1)), multipath=CONST).only(K.ALUA_IGNORED)
    assert told.text == (
        "sda (active/optimized) and sdb (active/non-optimized) have the same priority: "
        "detect_prio is no, and prio const"
    )
    assert (told.subject, told.where, told.severity) == ("mpio", f"{CONF}:2", Severity.WARNING)


def test_a_prioritizer_that_nobody_has_set_is_named_as_such() -> None:
    told = host(*two(priorities=(1, 1)), multipath="defaults {\n    detect_prio no\n}\n")
    assert told.only(K.ALUA_IGNORED).text.endswith("detect_prio is no, and prio const (default)")


def test_paths_of_different_access_states_in_one_path_group() -> None:
    told = host(*two(groups=(1, 1)), multipath=MULTIBUS).only(K.ALUA_IGNORED)
    assert told.text == (
        "sda (active/optimized) and sdb (active/non-optimized) are in one path group: path_grouping_policy is multibus"
    )
    assert told.where == f"{CONF}:2"


def test_only_the_paths_that_are_alike_are_named() -> None:
    paths = (
        *two(priorities=(1, 1)),
        a_path(3, access(STANDBY, 3), group=3, priority=1),
        a_path(4, access(SLOWER, 3), group=3, priority=10),
    )
    told = host(*paths, multipath=CONST).only(K.ALUA_IGNORED)
    assert told.text.startswith("sda (active/optimized) and sdb, sdc (active/non-optimized, standby) have the same")


def test_without_a_listing_the_settings_show_it() -> None:
    unlisted = two(priorities=(None, None), groups=(None, None))
    told = host(*unlisted, multipath=CONST).only(K.ALUA_IGNORED)
    assert told.text.startswith("sda (active/optimized) and sdb (active/non-optimized) get the same priority: ")
    assert not found(host(*unlisted))
    assert not found(host(*two(priorities=(None, 10), groups=(None, None)), multipath=CONST))


def test_an_unknown_priority_is_not_the_same_as_another() -> None:
    assert not found(host(*two(priorities=(-1, -1)), multipath=CONST, use=remembered()))


@pytest.mark.parametrize("policy", ["group_by_prio", "group_by_tpg", "failover"])
def test_the_daemon_waits_until_multipathd_must_have_followed_the_array(policy: str) -> None:
    conf = f"defaults {{\n    path_grouping_policy {policy}\n    failback immediate\n}}\n"
    for paths in (two(groups=(1, 1)), two(priorities=(50, 50))):
        right = host(*paths, multipath=conf)
        assert not found(right)
        right.access = of_map(remembered(held=SETTLED - 1))
        assert not found(right)
        right.access = of_map(remembered())
        text = right.only(K.ALUA_IGNORED).text
        assert ":" not in text, "no setting explains it"


def test_the_daemon_waits_with_a_setting_that_explains_it_too() -> None:
    paths = two(priorities=(1, 1))
    assert not found(host(*paths, multipath=CONST, use=remembered(held=1.0)))
    assert found(host(*paths, multipath=CONST, use=remembered())) == {K.ALUA_IGNORED}


@pytest.mark.parametrize(
    ("line", "failback", "where"),
    [
        ("", "manual (default)", ""),
        ("failback 30", "30", f"{CONF}:3"),
        ("failback followover", "followover", f"{CONF}:3"),
    ],
)
def test_without_immediate_failback_paths_stay_in_the_group_that_they_were_in(
    line: str, failback: str, where: str
) -> None:
    conf = f"defaults {{\n    path_grouping_policy group_by_prio\n    {line}\n}}\n"
    told = host(*two(groups=(1, 1)), multipath=conf, use=remembered()).only(K.ALUA_IGNORED)
    assert told.text.endswith(f"are in one path group: failback is {failback}, so they stay there")
    assert told.where == where


def test_a_setting_that_will_matter_is_only_mentioned() -> None:
    told = host(*two(second=access(OPTIMIZED, 2)), multipath=CONST).only(K.ALUA_IGNORED)
    assert told.severity is Severity.INFO
    assert told.text == (
        "all its port groups are active/optimized, but multipathd will not follow once the array changes that: "
        "detect_prio is no, and prio const"
    )
    assert told.where == f"{CONF}:2"
    assert FindingKind.ALUA_IGNORED.value.milder


@pytest.mark.parametrize(
    ("second", "multipath"),
    [
        # Many arrays serve all groups alike for good, and their vendors recommend this.
        (access(OPTIMIZED, 2), MULTIBUS),
        (access(OPTIMIZED, 2), ""),
        (access(OPTIMIZED, 2), "defaults {\n    prio const\n}\n"),
        (access(OPTIMIZED, 2), "defaults {\n    detect_prio no\n    prio alua\n}\n"),
        # One port group, or nothing known of it.
        (access(OPTIMIZED, 1), CONST),
        (access(OPTIMIZED, None), CONST),
        (access(AccessState.UNKNOWN, 2), CONST),
        (access(AccessState.TRANSITIONING, 2), CONST),
    ],
)
def test_an_array_that_serves_all_groups_alike_may_be_used_as_one(second: AccessFacts, multipath: str) -> None:
    assert not found(host(*two(second=second, groups=(1, 1), priorities=(1, 1)), multipath=multipath))


def test_no_line_sets_what_multipathd_runs_with() -> None:
    right = host(*two(second=access(OPTIMIZED, 2)))
    right.running = CONST
    assert not found(right)


# --- optimized_path_unused --------------------------------------------------------------------------------------------


def used(lasted: float = SETTLED, **changes: Any) -> AccessUse:
    return remembered(**{"streak": 2, "share": 0.974, "labels": ("192.168.2.1:3260",), "lasted": lasted, **changes})


def test_io_over_paths_that_are_not_optimized() -> None:
    told = host(*two(), use=used()).only(K.OPTIMIZED_PATH_UNUSED)
    assert told.text == (
        "97% of its I/O goes over sdb (active/non-optimized), although sda (active/optimized) can be used: "
        "failback is manual (default)"
    )
    assert (told.subject, told.where, told.severity) == ("mpio", "", Severity.WARNING)


def test_the_line_that_keeps_io_there_is_named() -> None:
    wrong = host(*two(), use=used(), multipath="defaults {\n    failback manual\n}\n")
    assert wrong.only(K.OPTIMIZED_PATH_UNUSED).where == f"{CONF}:2"
    wrong.multipath = "defaults {\n    failback immediate\n}\n"
    assert wrong.only(K.OPTIMIZED_PATH_UNUSED).text.endswith("although sda (active/optimized) can be used")


@pytest.mark.parametrize(("lasted", "reported"), [(299 + SETTLED, False), (300 + SETTLED, True)])
def test_a_failback_that_is_still_to_come_is_waited_for(lasted: float, reported: bool) -> None:
    right = host(*two(), use=used(lasted), multipath="defaults {\n    failback 300\n}\n")
    assert (found(right) == {K.OPTIMIZED_PATH_UNUSED}) is reported


def test_it_follows_where_the_access_states_are_ignored() -> None:
    assert found(host(*two(priorities=(1, 1)), multipath=CONST, use=used())) == {K.ALUA_IGNORED}


@pytest.mark.parametrize(
    "right",
    [
        host(*two()),
        host(*two(), use=remembered()),
        host(*two(), use=used(streak=1)),
        host(*two(), use=used(lasted=SETTLED - 1)),
        host(*two(first=access(AccessState.TRANSITIONING)), use=used()),
        host(replace(two()[0], member=False), two()[1], use=used()),
    ],
)
def test_io_elsewhere_is_right_where_no_optimized_path_could_be_used_for_long(right: Host) -> None:
    assert not found(right)


# --- no_handler -------------------------------------------------------------------------------------------------------


BARE = AccessFacts(grouped=True, group=1)


def test_disks_without_a_device_handler() -> None:
    told = host(*two(BARE, BARE)).only(K.NO_HANDLER)
    assert (told.subject, told.text) == ("mpio", "sda, sdb have no device handler: dh_state is detached")
    assert told.severity is Severity.WARNING


def test_a_device_handler_on_some_disks_only() -> None:
    assert host(*two(access(), BARE)).only(K.NO_HANDLER).text == "sdb has no device handler: dh_state is detached"


def test_several_maps_without_one_are_one_finding() -> None:
    right = host(*two(BARE, BARE))
    right.maps.append(make_map("other", two(BARE, BARE)))
    told = right.only(K.NO_HANDLER)
    assert told.subject == "mpio, other"
    assert told.text.startswith("disks of 2 maps have no device handler, for example mpio: sda, sdb have no")


@pytest.mark.parametrize(
    "right",
    [
        host(*two(AccessFacts(grouped=False), AccessFacts(grouped=False))),
        host(*two(AccessFacts(), AccessFacts())),
        host(*two(replace(BARE, handler="rdac"), replace(BARE, handler="rdac"))),
        host(*two(access(), BARE, device=DeviceState.CANCEL)),
        host(*two(access(), BARE, member=False)),
        Host(maps=[]),
    ],
)
def test_no_handler_is_missed_where_none_is_needed(right: Host) -> None:
    assert not found(right)


# --- all of them ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [K.ALUA_IGNORED, K.OPTIMIZED_PATH_UNUSED, K.NO_HANDLER])
def test_what_is_meant_is_acknowledged(kind: FindingKind) -> None:
    wrong = {
        K.ALUA_IGNORED: host(*two(priorities=(1, 1)), multipath=CONST),
        K.OPTIMIZED_PATH_UNUSED: host(*two(), use=used()),
        K.NO_HANDLER: host(*two(access(), BARE)),
    }[kind]
    assert found(wrong) == {kind}
    wrong.changes["settings"] = Settings(acknowledge=(Acknowledgement(kind.code, "meant", "mpio"),))
    assert not found(wrong)
    acknowledged: list[Finding] = [each.finding for each in wrong.report.acknowledged]
    assert [finding.kind for finding in acknowledged] == [kind]


def of_states(first: AccessState | None, second: AccessState | None, **changes: Any) -> MapState:
    return make_map(paths=two(access(first), access(second, 2), **changes), vendor="ACME")


@pytest.mark.parametrize("settings", ["", CONST, MULTIBUS, f"{CONST}{MULTIBUS}"])
@pytest.mark.parametrize(
    "map_",
    [
        # The standby paths of an array with an active and a passive controller, as they should be.
        make_map(paths=two(second=access(STANDBY, 2), priorities=(50, 1)), vendor="ACME"),
        # Access states that are not compared: the path can't be used anyway, or the word is not known.
        *(
            of_states(OPTIMIZED, state, priorities=(50, 50), groups=(1, 1))
            for state in (
                *(AccessState.UNKNOWN, AccessState.TRANSITIONING, AccessState.UNAVAILABLE, AccessState.OFFLINE),
                *(AccessState.LBA_DEPENDENT, None),
            )
        ),
        # No optimized path at all.
        of_states(SLOWER, STANDBY, priorities=(10, 10), groups=(1, 1)),
        # Paths of one port group whose states differ, and an array that prefers one group.
        make_map(paths=two(second=access(SLOWER, 1)), vendor="ACME"),
        make_map(paths=two(access(preferred=True), access(SLOWER, 2)), vendor="ACME"),
        make_map(paths=two(access(), access(SLOWER, 2, preferred=True), priorities=(50, 90)), vendor="ACME"),
        # The group is not known.
        make_map(paths=two(access(group=None), access(SLOWER, None)), vendor="ACME"),
        # The path that is not optimized has failed, or left the map.
        of_states(OPTIMIZED, SLOWER, priorities=(1, 1), health=Health.FAILED),
        of_states(OPTIMIZED, SLOWER, priorities=(1, 1), member=False),
        # Another handler has its own words.
        make_map(
            paths=two(access(handler="rdac"), access(STANDBY, 2, handler="rdac"), priorities=(1, 1)), vendor="ACME"
        ),
    ],
)
def test_nothing_is_reported_of_maps_that_are_used_as_the_array_asks_for(map_: MapState, settings: str) -> None:
    for access_ in ({}, of_map(remembered())):
        assert not Host(multipath=settings, maps=[map_], access=access_).kinds() & OF_ACCESS
