"""Disks in no map: what hides them, and that nothing is reported twice."""

from __future__ import annotations

from mpathd_watch.core.catalog.findings import Finding
from mpathd_watch.core.catalog.findings import FindingKind as K
from mpathd_watch.core.model.vocabulary import DeviceState
from tests.factories import make_session
from tests.hosts import CONF, FIRST, SECOND, Host, disk, down, label, lines

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


def test_an_entry_is_reported_once_for_each_session() -> None:
    host = with_third(2, 0, 5, multipath=DEVNODE)
    by = 'hidden by the blacklist: devnode "^sd"'
    assert [finding for finding in host.findings if finding.kind is K.BLACKLISTED_PATH] == [
        Finding(K.BLACKLISTED_PATH, label(FIRST), f"2 disks (sds, sdt) are {by}", f"{CONF}:2"),
        Finding(K.BLACKLISTED_PATH, label(THIRD), f"5 disks (sdu, sdv, sdw and 2 more) are {by}", f"{CONF}:2"),
    ]
    assert K.SESSION_WITHOUT_PATH not in host.kinds()


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
