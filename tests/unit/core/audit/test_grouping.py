"""Findings of one cause together, and apart from them those that are acknowledged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from mpathd_watch.core.audit.grouping import Sighting, grouped, without_acknowledged
from mpathd_watch.core.audit_report import Acknowledged
from mpathd_watch.core.catalog.findings import Finding, Severity
from mpathd_watch.core.catalog.findings import FindingKind as K
from mpathd_watch.core.model.acknowledgement import Acknowledgement
from mpathd_watch.core.model.settings import Settings
from mpathd_watch.core.model.text import listed
from mpathd_watch.core.model.vocabulary import DeviceState, Transport
from tests.factories import make_map, make_path, make_session
from tests.hosts import CONF, FIRST, SECOND, Host, both, disk, label, two_paths

SIXTY = [f"map{number}" for number in range(60)]


def meant(finding: str, object_: str = "*", reason: str = "it is meant") -> Acknowledgement:
    return Acknowledgement(finding, reason, object_)


def acknowledging(host: Host, *entries: Acknowledgement) -> Host:
    return replace(host, changes={**host.changes, "settings": Settings(acknowledge=entries)})


# --- grouping ---------------------------------------------------------------------------------------------------------


def test_three_are_named_and_the_others_are_counted() -> None:
    assert listed(["a", "b", "c"]) == "a, b, c"
    assert listed(SIXTY) == "map0, map1, map2 and 57 more"


def test_the_same_sentence_of_the_same_line_is_one_finding() -> None:
    lines = (("a", "f:1"), ("b", "f:1"), ("c", "f:2"), ("a", "f:1"))
    found = list(grouped(Finding(K.PINGS_OFF, subject, "text", where) for subject, where in lines))
    assert found == [
        Finding(K.PINGS_OFF, "a, b", "text", "f:1", objects=("a", "b")),
        Finding(K.PINGS_OFF, "c", "text", "f:2"),
    ]
    assert found[0].cause != found[1].cause


def test_a_cause_may_have_a_sentence_for_each_object_and_one_for_all() -> None:
    def told(parts: Sequence[str]) -> str:
        return f"{len(parts)} parts"

    def sighting(subject: str, *parts: str, **changes: Any) -> Sighting:
        return Sighting(K.PINGS_OFF, subject, f"about {subject}", cause="why", parts=parts, told=told, **changes)

    assert [each.text for each in grouped([sighting("a", "x", "y")])] == ["about a"]
    assert [each.text for each in grouped([sighting("a", "x", "y"), sighting("b", "y", "z")])] == ["3 parts"]
    apart = [sighting("a"), sighting("b", level=Severity.INFO), sighting("c", advice="another remedy")]
    assert [each.subject for each in grouped(apart)] == ["a", "b", "c"]


def test_level_and_advice_take_the_place_of_what_the_catalog_has() -> None:
    plain = Finding(K.PINGS_OFF, "a", "text")
    assert (plain.severity, plain.remedy) == (Severity.WARNING, K.PINGS_OFF.value.remedy)
    other = replace(plain, level=Severity.INFO, advice="Do something else.")
    assert (other.severity, other.remedy) == (Severity.INFO, "Do something else.")


@pytest.mark.parametrize(("count", "findings"), [(1, 1), (3, 3), (4, 1), (60, 1)])
def test_a_few_lost_maps_have_a_finding_each(count: int, findings: int) -> None:
    host = Host(maps=[make_map(name, []) for name in SIXTY[:count]])
    assert len([each for each in host.findings if each.kind is K.MAP_WITHOUT_PATH]) == findings


def of_sixty(*paths: Any, **changes: Any) -> list[Any]:
    return [make_map(name, paths, **changes) for name in SIXTY]


def hosts() -> list[Host]:
    """Sixty maps with all sorts of findings."""
    fibre = {"transport": Transport.FC, "nexus": "", "portal": ""}
    same = [make_path(label=f"{FIRST}#{number}", dev=f"sd{number}") for number in (1, 2)]
    return [
        Host(maps=of_sixty(make_path())),
        Host(maps=[make_map(name, [make_path(label=f"{number}:0:0:1", **fibre)]) for number, name in enumerate(SIXTY)]),
        Host(maps=of_sixty(*same)),
        Host(maps=[make_map(name, [make_path(), *same[: 1 + number % 2]]) for number, name in enumerate(SIXTY)]),
        Host(maps=of_sixty(*two_paths({"timeout": 60}), queueing="on")).live(recovery_tmo=120, ping_tmo=2),
        Host(maps=of_sixty(*two_paths({}), queueing="-", queues=False), sessions=both(recovery_tmo=120, recv_tmo=0)),
        Host(maps=of_sixty(*two_paths({"wwid": "other", "device": DeviceState.RUNNING}, {"wwid": "other"}))),
        Host(
            multipath="overrides {\n\tno_path_retry 1\n\tfast_io_fail_tmo off\n\tpolling_interval 30\n}\n",
            maps=[make_map(name, [make_path(label=name, nexus=label(name))]) for name in SIXTY],
            sessions=[
                make_session("1.1.1.1:1", sid=sid, label=label(name), recovery_tmo=sid)
                for sid, name in enumerate(SIXTY)
            ],
        ),
    ]


@pytest.mark.parametrize("number", range(len(hosts())))
def test_sixty_maps_have_one_finding_for_a_kind_and_a_cause(number: int) -> None:
    found = [each for each in hosts()[number].findings if len(each.objects) != 1]
    assert [each for each in found if len(each.objects) >= 30]
    assert len(found) <= 8
    causes = [(each.kind, each.severity, each.cause) for each in found]
    assert len(causes) == len(set(causes))
    for each in found:
        assert len(each.text) <= 200


def test_what_many_maps_share_is_told_of_each() -> None:
    def text(host: Host, kind: K) -> str:
        return host.only(kind).text

    one, other = make_path(), make_path(label="192.168.9.1:3260")
    assert (
        text(Host(maps=[make_map("a", [one]), make_map("b", [one])]), K.SINGLE_PATH)
        == f"the only path of each is {FIRST}"
    )
    assert text(Host(maps=[make_map("a", [one]), make_map("b", [other])]), K.SINGLE_PATH) == (
        f"each has only one path ({FIRST}, 192.168.9.1:3260)"
    )
    same = [make_path(label=f"{FIRST}#{number}", dev=f"sd{number}") for number in (1, 2)]
    assert text(Host(maps=[make_map("a", same), make_map("b", same)]), K.SINGLE_PORTAL) == (
        f"all paths of each go through {FIRST}"
    )
    labels = [f"192.168.{number}.1:3260" for number in (1, 2, 3, 4)]
    sessions = [make_session(portal, sid=sid, recovery_tmo=5 + sid % 2) for sid, portal in enumerate(labels)]
    maps = [
        make_map(name, [make_path(portal, f"sd{portal}") for portal in portals])
        for name, portals in (("a", labels[:2]), ("b", labels[2:]))
    ]
    assert text(Host(maps=maps, sessions=sessions), K.TIMEOUTS_DIFFER) == (
        "noop_out_interval/noop_out_timeout/recovery_tmo of their paths are 5/10/5 on some, 5/10/6 on some"
    )


def test_paths_of_other_luns_are_named_and_counted() -> None:
    two = Host(maps=[make_map("a", two_paths({"wwid": "x"}, {"wwid": "y"}))])
    assert two.only(K.WWID_DIFFERS).text == (
        "its WWID is wwid-of-a, but of its paths 192.168.1.1:3260 (sda) has x, 192.168.2.1:3260 (sdb) has y"
    )
    many = Host(maps=[make_map(name, two_paths({"wwid": f"{name}x"})) for name in "abcd"])
    assert many.only(K.WWID_DIFFERS).text == (
        "4 paths of them have another WWID than their map: 192.168.1.1:3260 (sda) has ax, 192.168.1.1:3260 (sda) has "
        "bx, 192.168.1.1:3260 (sda) has cx and 1 more"
    )


# --- remedies by transport --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("transport", "wanted", "unwanted"),
    [
        (Transport.ISCSI, "second portal", "zone"),
        (Transport.FC, "zone", "portal"),
        (Transport.UNKNOWN, "blacklist", "portal"),
    ],
)
def test_the_remedy_is_one_of_the_transport(transport: Transport, wanted: str, unwanted: str) -> None:
    remedy = Host().paths(make_path(transport=transport, nexus="")).only(K.SINGLE_PATH).remedy
    assert wanted in remedy
    assert unwanted not in remedy


@pytest.mark.parametrize("transport", [each for each in Transport if each is not Transport.ISCSI])
def test_no_remedy_of_another_transport_names_iscsi(transport: Transport) -> None:
    lost = Host().paths(make_path(transport=transport, nexus="", member=False))
    other = Host().paths(*two_paths({"wwid": "x"}, transport=transport, nexus=""))
    for host, kind in ((lost, K.MAP_WITHOUT_PATH), (other, K.WWID_DIFFERS), (Host().paths(), K.MAP_WITHOUT_PATH)):
        remedy = host.only(kind).remedy
        assert not [word for word in ("iscsiadm", "portal", "session", "Log in") if word in remedy]


# --- acknowledgements -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("entry", "subject", "fits"),
    [
        (meant("single_path"), "anything", True),
        (meant("single_path", "backup"), "backup", True),
        (meant("single_path", "backup"), "backup2", False),
        (meant("single_path", "backup*"), "backup2", True),
        (meant("single_path", "backup*"), "backup", True),
        (meant("single_path", "b*p"), "backup", False),
        (meant("single_portal", "backup"), "backup", False),
        (meant("single_path", "back**"), "back*up", True),
    ],
)
def test_an_entry_fits_a_code_and_an_object(entry: Acknowledgement, subject: str, fits: bool) -> None:
    assert entry.fits("single_path", subject) is fits


def test_what_is_acknowledged_counts_for_nothing_and_is_kept_with_its_reason() -> None:
    host = replace(Host().paths(make_path()), sessions=both()[:1], records={})
    assert host.report.severity is Severity.WARNING
    host = acknowledging(host, meant("single_path", "mp*", "the backup array has one port"))
    assert K.SINGLE_PATH not in host.kinds()
    assert host.report.severity is Severity.INFO
    (one,) = host.report.acknowledged
    assert (one.finding.kind, one.finding.subject, one.reason) == (
        K.SINGLE_PATH,
        "mpio",
        "the backup array has one port",
    )


def test_a_group_loses_the_objects_that_are_acknowledged() -> None:
    entries = (
        meant("single_path", "map1*", "one"),
        meant("single_path", "map2", "two"),
        meant("single_path", "map10", "3"),
    )
    host = acknowledging(Host(maps=of_sixty(make_path())), *entries)
    found = host.only(K.SINGLE_PATH)
    assert len(found.objects) == 48
    assert found.subject == "map0, map3, map4 and 45 more"
    assert [(each.finding.subject, each.reason) for each in host.report.acknowledged] == [
        ("map1, map10, map11 and 8 more", "one"),
        ("map2", "two"),
    ]


def test_a_count_is_made_of_what_is_left() -> None:
    entry = 'blacklist {\n\tdevnode "^sd"\n}\n'
    host = Host(multipath=entry, unmapped=(disk("sds"), disk("sdt", sid=2, wwid="36002")))
    assert host.only(K.BLACKLISTED_PATH).text.startswith("2 disks (sds, sdt) are")
    left = acknowledging(host, meant("blacklisted_path", label(SECOND))).only(K.BLACKLISTED_PATH)
    assert (left.subject, left.where) == (label(FIRST), f"{CONF}:2")
    assert left.text.startswith("1 disk (sds) is")


def test_an_entry_that_fits_nothing_changes_nothing() -> None:
    host = Host().paths(make_path())
    assert acknowledging(host, meant("single_portal"), meant("single_path", "other")).findings == host.findings
    assert without_acknowledged([], [meant("single_path")]) == ([], [])


def test_those_that_are_acknowledged_are_sorted_as_findings_are() -> None:
    host = acknowledging(
        Host(multipath="junk\n", maps=[make_map(paths=[])]), meant("syntax_error"), meant("map_without_path")
    )
    assert [type(each) for each in host.report.acknowledged] == [Acknowledged] * 2
    assert [each.finding.kind for each in host.report.acknowledged] == [K.MAP_WITHOUT_PATH, K.SYNTAX_ERROR]
