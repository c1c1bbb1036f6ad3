"""Disks in no map: what hides them, and that nothing is reported twice."""

from __future__ import annotations

from dataclasses import replace

from mpathd_watch.core.catalog.findings import FindingKind as K
from mpathd_watch.core.catalog.findings import Severity
from mpathd_watch.core.formats.multipath_conf import NEWEST
from mpathd_watch.core.model.vocabulary import DeviceState, Transport
from tests.factories import make_map, make_session
from tests.hosts import CONF, FIRST, SECOND, Host, both, disk, down, label, lines

THIRD = "192.168.3.1:3260"
DEVNODE = 'blacklist {\n\tdevnode "^sd"\n}\n'
STRICT = "find_multipaths is strict (default): only a WWID in /etc/multipath/wwids gets a map"


def with_third(*disks: int, **changes: object) -> Host:
    """A third session that no map uses, and these many disks in no map behind each."""
    names = iter("stuvwxyz")
    unmapped = tuple(
        disk(f"sd{next(names)}", sid=sid, wwid=f"3600{sid}{at}")
        for sid, count in enumerate(disks, 1)
        for at in range(count)
    )
    host = Host(unmapped=unmapped)
    host.sessions.append(make_session(THIRD, sid=3))
    for name, value in changes.items():
        setattr(host, name, value)
    return host


def test_an_entry_is_reported_once_for_all_sessions() -> None:
    host = with_third(2, 0, 5, multipath=DEVNODE)
    found = host.only(K.BLACKLISTED_PATH)
    assert (found.objects, found.where) == ((label(FIRST), label(THIRD)), f"{CONF}:2")
    assert found.text == '7 disks (sds, sdt, sdu and 4 more) are hidden by the blacklist: devnode "^sd"'
    assert found.severity is Severity.INFO
    assert K.SESSION_WITHOUT_PATH not in host.kinds()


def test_an_entry_that_hides_second_paths_takes_redundancy_and_one_that_hides_the_only_ones_does_not() -> None:
    by = 'hidden by the blacklist: devnode "^sd"'
    host = Host(multipath=DEVNODE, unmapped=(disk("sds"), disk("sdt", sid=2), disk("sdu", wwid="36002")))
    assert [(each.severity, each.text) for each in host.findings if each.kind is K.BLACKLISTED_PATH] == [
        (Severity.WARNING, f"2 disks (sds, sdt) are {by}"),
        (Severity.INFO, f"1 disk (sdu) is {by}"),
    ]
    host.unmapped = (disk("sds", wwid="wwid-of-mpio"),)
    assert host.only(K.BLACKLISTED_PATH).severity is Severity.WARNING


def test_where_udev_knows_no_wwid_a_lun_of_a_target_is_one() -> None:
    first, second = disk("sds", wwid=""), disk("sdt", sid=2, wwid="")
    for other, severity in ((second, Severity.WARNING), (replace(second, hctl="3:0:0:8"), Severity.INFO)):
        host = Host(multipath=DEVNODE, unmapped=(first, other))
        assert host.only(K.BLACKLISTED_PATH).severity is severity
    lone = replace(first, transport=Transport.UNKNOWN, sid=None, name="sdv")
    assert Host(multipath=DEVNODE, unmapped=(first, lone)).only(K.BLACKLISTED_PATH).severity is Severity.INFO


def test_sixty_luns_of_one_cause_have_one_finding_each_kind() -> None:
    for sids in ((1, 2), (1,)):
        disks = tuple(disk(f"sda{lun}x{sid}", sid=sid, wwid=f"3600{lun}") for lun in range(60) for sid in sids)
        host = Host(unmapped=disks, maps=[], sessions=both()[: len(sids)], records={})
        kinds = [each.kind for each in host.findings]
        assert len(kinds) == len(set(kinds))
    host = Host(
        unmapped=tuple(disk(f"sda{lun}x{sid}", sid=sid, wwid=f"3600{lun}") for lun in range(9) for sid in (1, 2))
    )
    found = host.only(K.PATH_NOT_IN_MAP)
    assert found.subject == "36000, 36001, 36002 and 6 more"
    assert found.text == f"18 disks (sda0x1, sda0x2, sda1x1 and 15 more) are in no map, but have these WWIDs: {STRICT}"
    maps = [make_map(name) for name in ("a", "b")]
    host = Host(unmapped=tuple(disk(f"sd{name}", wwid=f"wwid-of-{name}") for name in ("a", "b")), maps=maps)
    assert host.only(K.PATH_NOT_IN_MAP).text == (
        "2 disks (sda, sdb) are in no map, but have WWIDs of these maps: neither the blacklist nor find_multipaths "
        "explains it"
    )


def test_sessions_without_a_path_are_named_together() -> None:
    disks = tuple(disk(f"sd{sid}", sid=sid, wwid=f"3600{sid}") for sid in (1, 2))
    found = Host(unmapped=disks, maps=[]).only(K.SESSION_WITHOUT_PATH)
    assert found.objects == (label(FIRST), label(SECOND))
    assert found.text == f"no map uses them, and their 2 disks (sd1, sd2) are in no map: {STRICT}"
    assert Host(maps=[]).only(K.SESSION_WITHOUT_PATH).text == "no map uses them"


def test_without_any_multipath_a_session_needs_no_map() -> None:
    host = Host(maps=[], changes=down(reason="not_running"), version=None)
    assert host.only(K.SESSION_WITHOUT_PATH).severity is Severity.INFO
    for change in ({"version": NEWEST}, {"multipath": "defaults {\n}\n"}, {"changes": down()}):
        assert replace(host, **change).only(K.SESSION_WITHOUT_PATH).severity is Severity.WARNING


def test_what_multipath_tools_hides_on_its_own_is_not_reported() -> None:
    """The management LUNs of arrays, which every session to them has."""
    access = disk(vendor="NETAPP", product="INF-01-00", wwid="36009")
    xport = disk(vendor="NETAPP", product="Universal Xport", wwid="36009")
    assert Host(unmapped=(xport, access)).kinds() <= {K.PATH_NOT_IN_MAP}
    for running in (None, ""):
        assert Host(unmapped=(disk("vda"),), running=running).findings == ()
    array = "devices {\n\tdevice {\n\t\tvendor LIO\n\t\tproduct A\n\t\tproduct_blacklist disk9\n\t}\n}\n"
    host = Host(unmapped=(disk(), disk("sdy")), running=array)
    assert host.findings == ()


def test_an_entry_that_only_multipathd_still_has() -> None:
    host = with_third(0, 0, 1, running=DEVNODE)
    found = host.only(K.CONFIGURATION_NOT_LOADED)
    assert (found.subject, found.where) == (label(THIRD), "")
    assert found.text == (
        '1 disk (sds) is hidden by an entry that multipathd runs with, but multipath.conf no longer has: devnode "^sd"'
    )
    assert K.SESSION_WITHOUT_PATH not in host.kinds()
    host.multipath = 'blacklist {\n\twwid "["\n}\n'
    assert K.CONFIGURATION_NOT_LOADED not in host.kinds()


def test_second_paths_and_why_they_are_in_no_map() -> None:
    host = Host(unmapped=(disk(), disk("sdy", sid=2)))
    found = host.only(K.PATH_NOT_IN_MAP)
    assert (found.subject, found.where) == ("36001", "")
    assert found.text == f"2 disks (sdx, sdy) are in no map, but have this WWID: {STRICT}"
    host.wwids = frozenset({"36002"})
    assert host.only(K.PATH_NOT_IN_MAP).text.endswith(
        ": find_multipaths is strict (default), and the WWID is not in /etc/multipath/wwids"
    )
    host.wwids = frozenset({"36001"})
    assert host.only(K.PATH_NOT_IN_MAP).text.endswith(": neither the blacklist nor find_multipaths explains it")
    host.wwids, host.multipath = None, "defaults {\n\tfind_multipaths strict\n}\n"
    assert host.only(K.PATH_NOT_IN_MAP).where == f"{CONF}:2"
    host.running = "defaults {\n\tfind_multipaths yes\n}\n"
    assert host.only(K.PATH_NOT_IN_MAP).where == ""
    host.changes = down()
    assert host.only(K.PATH_NOT_IN_MAP).text.endswith(": multipathd does not answer")


def test_a_further_path_of_a_map_is_named_with_it() -> None:
    found = Host(unmapped=(disk(wwid="wwid-of-mpio"),)).only(K.PATH_NOT_IN_MAP)
    assert found.subject == "mpio"
    assert found.text == (
        "1 disk (sdx) is in no map, but has this map's WWID: neither the blacklist nor find_multipaths explains it"
    )


def test_a_session_without_a_path_names_its_disks() -> None:
    (found,) = with_third(0, 0, 5).findings
    assert (found.kind, found.subject) == (K.SESSION_WITHOUT_PATH, label(THIRD))
    assert found.text == "no map uses it, and its 5 disks (sds, sdt, sdu and 2 more) are in no map"
    (found,) = with_third(0, 0, 1).findings
    assert found.text == f"no map uses it, and its 1 disk (sds) is in no map: {STRICT}"
    (found,) = with_third(0, 0, 1, wwids=frozenset({"360030"})).findings
    assert found.text == "no map uses it, and its 1 disk (sds) is in no map"
    (found,) = with_third().findings
    assert found.text == "no map uses it"


def test_a_session_whose_disks_are_explained_in_part() -> None:
    host = with_third(0, 0, 2, multipath="blacklist {\n\twwid 360030\n}\n", wwids=frozenset({"360031"}))
    assert [(finding.kind, finding.text) for finding in host.findings] == [
        (K.SESSION_WITHOUT_PATH, "no map uses it, and its 1 disk (sdt) is in no map"),
        (K.BLACKLISTED_WWID, '1 disk (sds) is hidden by the blacklist: wwid "360030"'),
    ]


def test_in_an_outage_no_disk_is_missed() -> None:
    for state in DeviceState:
        found = Host(unmapped=(disk(wwid="wwid-of-mpio", state=state),)).kinds()
        assert found == ({K.PATH_NOT_IN_MAP} if state is DeviceState.RUNNING else set())


def test_a_mapped_session_may_have_disks_of_its_own() -> None:
    assert Host(unmapped=(disk(), disk("sdy", sid=2, wwid="36002"), disk("sdz", sid=None))).findings == ()


def test_records_still_count() -> None:
    assert with_third(records={}).record(lines()).kinds() == {K.SESSION_WITHOUT_PATH}
    assert SECOND not in str(with_third().findings)
