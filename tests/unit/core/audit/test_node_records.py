"""Sessions and node records: matched as iscsiadm does it, and none missed that is absent on purpose."""

from __future__ import annotations

from typing import Any

import pytest

from mpathd_watch.core.catalog.findings import FindingKind as K
from mpathd_watch.core.catalog.findings import Severity
from mpathd_watch.core.formats.open_iscsi import Place, Record, keys, parse_record, record_path
from mpathd_watch.core.model.vocabulary import SessionStatus
from mpathd_watch.core.state import NexusState
from tests.factories import TARGET, make_map, make_path, make_session
from tests.hosts import FIRST, PORTALS, SECOND, Host, both, label, lines, record_file, records

NODES = f"/var/lib/iscsi/nodes/{TARGET}"
MANUAL = lines(startup="manual")


def at(path: str, text: str = "") -> dict[Place, Record]:
    """A record at a path below the target's directory."""
    file = f"{NODES}/{path}"
    place = record_path(file)
    assert place is not None
    return {place: parse_record(text or lines(), file)}


def host(*found: dict[Place, Record], sessions: list[NexusState] | None = None) -> Host:
    nodes = {place: record for each in found for place, record in each.items()}
    return Host(records=nodes, maps=[], sessions=both() if sessions is None else sessions)


def missed(found: Host) -> bool:
    return K.RECORD_WITHOUT_SESSION in found.kinds()


def session(portal: str = FIRST, **facts: Any) -> NexusState:
    return make_session(portal, **facts)


# --- which record is the session's ------------------------------------------------------------------------------------


def test_of_records_of_several_portal_groups_the_sessions_own_counts() -> None:
    first, second = at("192.168.1.1,3260,1/default", lines(timeout=7)), at("192.168.1.1,3260,2/default", lines())
    for tpgt, changed in ((1, True), (2, False)):
        one = host(first, second, sessions=[session(tpgt=tpgt)])
        assert (K.TIMEOUT_NOT_IN_FORCE in one.kinds()) == changed
        assert not missed(one)
    for unknown in (3, None):
        assert K.TIMEOUT_NOT_IN_FORCE not in host(first, second, sessions=[session(tpgt=unknown)]).kinds()


def test_a_record_of_an_unknown_portal_group_counts_for_all_and_the_only_one_in_any_case() -> None:
    old, other = at("192.168.1.1,3260", lines(timeout=7)), at("192.168.1.1,3260,2/default")
    assert K.TIMEOUT_NOT_IN_FORCE in host(old, other, sessions=[session(tpgt=1)]).kinds()
    assert (
        K.TIMEOUT_NOT_IN_FORCE
        in host(at("192.168.1.1,3260,2/default", lines(timeout=7)), sessions=[session(tpgt=1)]).kinds()
    )


def test_a_record_in_the_old_layout_is_about_any_iface() -> None:
    old, new = "192.168.1.1,3260", "192.168.1.1,3260,1/default"
    for path, counts in ((old, True), (new, False)):
        found = host(at(path, lines(timeout=7)), sessions=[session(iface="storage-a")])
        assert missed(found) is not counts
        assert (K.TIMEOUT_NOT_IN_FORCE in found.kinds()) is counts
    assert host(at(old), sessions=[]).only(K.RECORD_WITHOUT_SESSION).subject == label(FIRST)
    assert missed(host(at(old), sessions=[session(SECOND)]))


def test_a_redirected_login_is_the_one_of_its_persistent_portal() -> None:
    away = session(current_portal="192.168.9.9:3260")
    assert not missed(host(records(FIRST), sessions=[away]))
    assert missed(host(at("192.168.9.9,3260,1/default"), sessions=[away]))


@pytest.mark.parametrize(
    ("record", "address", "same"),
    [
        ("2001:db8::1", "2001:db8:0:0:0:0:0:1", True),
        ("2001:DB8::1", "2001:db8::1", True),
        ("2001:db8::1", "2001:db8::2", False),
        ("san.example.com", "san.example.com", True),
    ],
)
def test_addresses_are_compared_whatever_their_spelling(record: str, address: str, same: bool) -> None:
    one = session(f"{address}:3260", address=address)
    assert missed(host(at(f"{record},3260,1/default"), sessions=[one])) is not same


def test_whether_a_name_is_an_address_only_a_resolver_knows() -> None:
    named = at("san.example.com,3260,1/default")
    assert not missed(host(named, sessions=[session()]))
    assert missed(host(named, records(FIRST), sessions=[session()]))
    assert missed(host(named, sessions=[session("192.168.1.1:3261")]))
    assert missed(host(named, sessions=[session(iface="storage-a")]))
    assert missed(host(named, sessions=[session(target="iqn.other")]))
    assert missed(host(named, sessions=[session("other.example.com:3260")]))
    by_name = session("san.example.com:3260")
    assert not missed(host(records(FIRST), sessions=[by_name]))


# --- records that have no session on purpose --------------------------------------------------------------------------


def test_of_leading_logins_one_is_enough() -> None:
    leading = records(*PORTALS, text=f"{lines()}{keys.LEADING_LOGIN} = Yes\n")
    assert not missed(host(leading, sessions=[session(iface="storage-a")]))
    assert not missed(host(leading, sessions=[session()]))
    assert host(leading, sessions=[]).only(K.RECORD_WITHOUT_SESSION).objects == tuple(map(label, PORTALS))
    assert missed(host(records(*PORTALS), sessions=[session()]))


@pytest.mark.parametrize("text", [lines(startup="onboot"), f"{lines()}{keys.DISCOVERY_TYPE} = fw\n"])
def test_firmware_logs_in_through_one_of_its_portals(text: str) -> None:
    assert not missed(host(records(*PORTALS, text=text), sessions=[session()]))
    assert missed(host(records(*PORTALS, text=text), sessions=[]))


def test_sessions_that_firmware_or_the_initramfs_began_need_no_record() -> None:
    assert Host(records={}).findings == ()


# --- node.session.nr_sessions -----------------------------------------------------------------------------------------


def test_fewer_sessions_than_the_record_wants_are_reported_with_both_numbers() -> None:
    wanted = records(FIRST, text=f"{lines()}{keys.NR_SESSIONS} = 4\n")
    labels = [f"{FIRST}{number}/{TARGET}" for number in ("", "#2", "#3", "#4", "#5")]
    sessions = [session(sid=sid, label=name) for sid, name in enumerate(labels, 1)]
    found = host(wanted, sessions=sessions[:3]).only(K.TOO_FEW_SESSIONS)
    assert (found.subject, found.where) == (label(FIRST), f"{record_file(FIRST)}:5")
    assert found.text == "3 of 4 sessions are there (node.session.nr_sessions is 4)"
    assert host(wanted, sessions=sessions[:1]).only(K.TOO_FEW_SESSIONS).text.startswith("1 of 4 sessions is there")
    for enough in (sessions[:4], sessions):
        assert K.TOO_FEW_SESSIONS not in host(wanted, sessions=enough).kinds()
    none = host(wanted, sessions=[])
    assert none.kinds() == {K.RECORD_WITHOUT_SESSION}


@pytest.mark.parametrize("value", ["0", "1", "-1", "x"])
def test_a_number_that_asks_for_no_more_is_no_finding(value: str) -> None:
    assert K.TOO_FEW_SESSIONS not in Host().record(f"{lines()}{keys.NR_SESSIONS} = {value}\n").kinds()


# --- node.startup -----------------------------------------------------------------------------------------------------


def test_where_every_record_in_use_is_manual_something_else_logs_in() -> None:
    found = Host(records=records(*PORTALS, text=MANUAL)).only(K.MANUAL_STARTUP)
    assert (found.severity, found.objects) == (Severity.INFO, tuple(map(label, PORTALS)))
    assert found.text == "node.startup is manual: open-iscsi does not log the session in after a reboot"


def test_one_manual_record_among_automatic_ones_is_a_path_that_a_reboot_takes() -> None:
    found = Host().record(MANUAL).only(K.MANUAL_STARTUP)
    assert (found.severity, found.subject) == (Severity.WARNING, label(FIRST))


def test_an_automatic_sibling_may_be_of_the_target_or_of_the_map() -> None:
    other = "iqn.other"
    sessions = [session(), session(SECOND, sid=2, target=other)]
    paths = [make_path(), make_path(SECOND, "sdb", nexus=f"{SECOND}/{other}")]
    file = f"/var/lib/iscsi/nodes/{other}/192.168.2.1,3260,1/default"
    place = record_path(file)
    assert place is not None
    nodes = {**records(FIRST, text=MANUAL), place: parse_record(lines(), file)}
    for maps, severity in (
        ([make_map(paths=paths)], Severity.WARNING),
        ([make_map("a", paths[:1]), make_map("b", paths[1:])], Severity.INFO),
    ):
        assert Host(records=nodes, sessions=sessions, maps=maps).only(K.MANUAL_STARTUP).severity is severity
    lone = Host(records={**records(FIRST, text=MANUAL), **records(SECOND)}, sessions=[session()], maps=[])
    assert lone.only(K.MANUAL_STARTUP).severity is Severity.WARNING


def test_what_firmware_starts_need_not_be_automatic() -> None:
    firmware = f"{MANUAL}{keys.DISCOVERY_TYPE} = fw\n"
    assert K.MANUAL_STARTUP not in Host(records=records(*PORTALS, text=firmware)).kinds()


def test_sixty_records_have_one_finding_each_kind() -> None:
    portals = [f"192.168.{number}.1:3260" for number in range(1, 61)]
    sessions = [session(portal, sid=sid, recovery_tmo=120) for sid, portal in enumerate(portals[:50], 1)]
    text = lines(timeout=7, replacement=15, startup="manual") + f"{keys.NR_SESSIONS} = 2\nnode.session.scan auto\n"
    found = Host(
        records={**records(*portals[:50], text=text), **records(*portals[50:])}, sessions=sessions, maps=[]
    ).findings
    kinds = [each.kind for each in found]
    causes = [(each.kind, each.cause) for each in found]
    assert len(causes) == len(set(causes))
    assert len(kinds) == len(set(kinds)) + 1  # two timeouts of each record differ from iscsid.conf
    assert {len(each.objects) for each in found} == {10, 50}


def test_a_session_that_is_missing_has_no_record_of_its_own() -> None:
    gone = Host(records=records(FIRST), sessions=[session(status=SessionStatus.MISSING)], maps=[])
    assert gone.kinds() == {K.RECORD_WITHOUT_SESSION}
