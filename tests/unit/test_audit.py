"""The audit: every finding where it belongs, and none where all is in order."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from math import inf
from typing import Any

import pytest

from mpathd_watch.core.audit import audit
from mpathd_watch.core.budget import Budget, budget
from mpathd_watch.core.configuration import Configuration, NodeRecord, Reason, Unreadable
from mpathd_watch.core.facts import RECOVERY_OFF
from mpathd_watch.core.findings import Finding, FindingKind, Severity
from mpathd_watch.core.iscsiconf import Place, Record, keys, parse_record, record_path
from mpathd_watch.core.multipathconf import Code, parse
from mpathd_watch.core.report import Report
from mpathd_watch.core.state import MapState, SessionState, Settings, SourceState, State
from mpathd_watch.core.vocabulary import SessionStatus
from tests.factories import TARGET, make_map, make_path, make_session, make_sources, make_state

FIRST, SECOND = PORTALS = ("192.168.1.1:3260", "192.168.2.1:3260")
CONF = "/etc/multipath.conf"
ISCSID = "/etc/iscsi/iscsid.conf"
FOR_ISCSI = 'overrides {\n\tprotocol {\n\t\ttype "scsi:iscsi"\n\t\tfast_io_fail_tmo %s\n\t}\n}\n'


def label(portal: str) -> str:
    return f"{portal}/{TARGET}"


def record_file(portal: str, iface: str = "default") -> str:
    return f"/var/lib/iscsi/nodes/{TARGET}/{portal.replace(':', ',')},1/{iface}"


def lines(interval: int = 5, timeout: int = 10, replacement: int = 5, startup: str = "automatic") -> str:
    """Of a node record or iscsid.conf: node.startup in line 1, then interval, timeout, replacement_timeout."""
    return (
        f"{keys.STARTUP} = {startup}\n{keys.NOOP_OUT_INTERVAL} = {interval}\n"
        f"{keys.NOOP_OUT_TIMEOUT} = {timeout}\n{keys.REPLACEMENT_TIMEOUT} = {replacement}\n"
    )


def records(*portals: str, text: str | None = None) -> dict[Place, Record]:
    found = {}
    for portal in portals:
        file = record_file(portal)
        place = record_path(file)
        assert place is not None
        found[place] = parse_record(lines() if text is None else text, file)
    return found


@dataclass
class Host:
    """A host on which all is in order: one map, two portals, and records that say what is in force."""

    multipath: str = ""
    iscsid: str | None = field(default_factory=lines)
    records: dict[Place, Record] = field(default_factory=lambda: records(*PORTALS))
    sessions: list[SessionState] = field(default_factory=lambda: [make_session(portal) for portal in PORTALS])
    maps: list[MapState] = field(default_factory=lambda: [make_map()])
    unreadable: tuple[Unreadable, ...] = ()
    changes: dict[str, Any] = field(default_factory=dict)

    def live(self, **facts: Any) -> Host:
        """The first session has these facts."""
        self.sessions[0] = make_session(FIRST, **facts)
        return self

    def record(self, text: str) -> Host:
        """The first session's record says this."""
        self.records.update(records(FIRST, text=text))
        return self

    def paths(self, *paths: Any, **changes: Any) -> Host:
        """The map has these paths."""
        self.maps = [make_map(paths=paths, **changes)]
        return self

    @property
    def state(self) -> State:
        return make_state(self.maps, self.sessions, self.configuration, **self.changes)

    @property
    def configuration(self) -> Configuration:
        iscsid = None if self.iscsid is None else parse_record(self.iscsid, ISCSID)
        found = tuple(NodeRecord(place, record) for place, record in self.records.items())
        return Configuration(parse(self.multipath, CONF), iscsid, found, self.unreadable)

    @property
    def report(self) -> Report:
        return audit(self.state)

    @property
    def findings(self) -> tuple[Finding, ...]:
        return self.report.findings

    def kinds(self) -> set[FindingKind]:
        return {finding.kind for finding in self.findings}

    def only(self, kind: FindingKind) -> Finding:
        """The only finding of this kind."""
        (finding,) = [finding for finding in self.findings if finding.kind is kind]
        return finding


def test_nothing_is_found_where_all_is_in_order() -> None:
    assert Host().findings == ()
    assert Host().report.severity is Severity.INFO
    assert audit(State()) == Report()


# --- each finding, beside a host that is nearly the same and in order -------------------------------------------------


def both(**facts: Any) -> list[SessionState]:
    return [make_session(portal, **facts) for portal in PORTALS]


def same_portal() -> Host:
    return Host().paths(make_path(), make_path(dev="sdb", label=f"{FIRST}#2"))


def down(**changes: Any) -> dict[str, Any]:
    return {"sources": make_sources(multipathd=SourceState(up=False, **changes))}


UNREADABLE = (Unreadable("/etc/iscsi/nodes", Reason.NO_PERMISSION, "no permission to read it"),)
K = FindingKind
PAIRS: list[tuple[FindingKind, Host, Host]] = [
    (
        K.REFUSED_CONFIGURATION,
        Host(multipath='blacklist {\n\tdevnode "[a"\n}\n'),
        Host(multipath='blacklist {\n\tdevnode "[a]"\n}\n'),
    ),
    (K.SYNTAX_ERROR, Host(multipath="defaults {\n\tpolling_interval 5\n"), Host(multipath="defaults {\n}\n")),
    (K.SYNTAX_ERROR, Host(iscsid=lines() + "node.startup automatic\n"), Host(iscsid=lines() + "# node.startup\n")),
    (K.SYNTAX_ERROR, Host().record(lines() + f"{keys.SCAN} auto\n"), Host().record(lines() + f"{keys.SCAN} = auto\n")),
    (
        K.OBSOLETE_KEYWORD,
        Host(multipath="defaults {\n\tudev_dir /dev\n}\n"),
        Host(multipath="defaults {\n\tpolling_interval 5\n}\n"),
    ),
    (
        K.ODD_REGEX,
        Host(multipath='blacklist {\n\tdevnode "^hd[a-z][[0-9]*]"\n}\n'),
        Host(multipath='blacklist {\n\tdevnode "^hd[a-z][0-9]*"\n}\n'),
    ),
    (K.UNREADABLE_FILE, Host(unreadable=UNREADABLE), Host()),
    (K.REPLACEMENT_TIMEOUT_OVERRIDDEN, Host().record(lines(replacement=15)), Host().record(lines(replacement=5))),
    (K.TIMEOUT_NOT_IN_FORCE, Host().record(lines(interval=4)), Host()),
    (K.TIMEOUT_NOT_IN_FORCE, Host().live(recovery_tmo=30), Host().live(recovery_tmo=5)),
    (K.RECORD_DIFFERS, Host(iscsid=lines(timeout=5)), Host(iscsid=None)),
    (
        K.LONG_REPLACEMENT_TIMEOUT,
        Host(sessions=both(recovery_tmo=120), records={}),
        Host(sessions=both(recovery_tmo=119), records={}),
    ),
    (K.RECOVERY_OFF, Host().live(recovery_tmo=RECOVERY_OFF), Host().live(recovery_tmo=0)),
    (K.PINGS_OFF, Host().live(recv_tmo=0, ping_tmo=0), Host().live(recv_tmo=1, ping_tmo=3)),
    (K.PINGS_OFF, Host().live(ping_tmo=0), Host().live(ping_tmo=3)),
    (K.TIGHT_PINGS, Host().live(ping_tmo=2), Host().live(ping_tmo=3)),
    (K.MANUAL_STARTUP, Host().record(lines(startup="manual")), Host().record(lines(startup="onboot"))),
    (
        K.RECORD_WITHOUT_SESSION,
        Host(records=records(*PORTALS, "192.168.3.1:3260")),
        Host(records={**records(*PORTALS), **records("192.168.3.1:3260", text=lines(startup="manual"))}),
    ),
    (
        K.SESSION_WITHOUT_PATH,
        Host(sessions=[*both(), make_session("192.168.3.1:3260")]),
        Host(sessions=[*both(), make_session("192.168.3.1:3260", status=SessionStatus.FAILED)]),
    ),
    (
        K.SINGLE_PATH,
        Host().paths(make_path()),
        replace(
            Host().paths(make_path()), changes={"settings": Settings(single_path_ok=frozenset({"mpio"}))}, records={}
        ),
    ),
    (K.SINGLE_PORTAL, same_portal(), Host()),
    (
        K.SINGLE_PORTAL,
        same_portal(),
        Host().paths(*(replace(make_path(), label=f"{at}:0:0:1", portal="", session="") for at in (1, 2))),
    ),
    (K.TIMEOUTS_DIFFER, Host().live(recv_tmo=4), Host().live(recv_tmo=5)),
    (K.TIMEOUTS_DIFFER, Host().live(recovery_tmo=RECOVERY_OFF), Host(sessions=both(recovery_tmo=RECOVERY_OFF))),
    (K.QUEUES_FOR_EVER, Host(maps=[make_map(queueing="on", queues=True)]), Host(maps=[make_map(queueing="12 chk")])),
    (K.MULTIPATHD_NOT_RUNNING, Host(changes=down()), Host(maps=[], changes=down())),
    (K.MULTIPATHD_NOT_RUNNING, Host(changes=down()), Host(changes={"sources": {}})),
]


@pytest.mark.parametrize(
    ("kind", "wrong", "right"), PAIRS, ids=[f"{number}-{kind.code}" for number, (kind, _, _) in enumerate(PAIRS)]
)
def test_a_finding_comes_where_it_belongs_and_not_beside_it(kind: FindingKind, wrong: Host, right: Host) -> None:
    assert kind in wrong.kinds()
    assert kind not in right.kinds()


def test_every_kind_of_finding_is_among_these() -> None:
    assert {kind for kind, _, _ in PAIRS} == set(FindingKind)


def test_the_worst_come_first_and_give_the_report_its_severity() -> None:
    host = Host(multipath="junk\n", unreadable=UNREADABLE).live(recovery_tmo=RECOVERY_OFF)
    severities = [finding.kind.value.severity for finding in host.findings]
    assert severities[0] is host.report.severity is Severity.CRITICAL
    assert severities[-1] is Severity.INFO
    assert severities == sorted(severities, reverse=True)
    assert Host(unreadable=UNREADABLE).report.severity is Severity.INFO


# --- who won ----------------------------------------------------------------------------------------------------------


def test_the_article_multipathd_wrote_its_default_over_the_record() -> None:
    host = Host().record(lines(replacement=15))
    found = host.only(K.REPLACEMENT_TIMEOUT_OVERRIDDEN)
    assert found.subject == label(FIRST)
    assert found.where == f"{record_file(FIRST)}:4"
    assert found.text == (
        "recovery_tmo is 5 s: multipathd wrote its fast_io_fail_tmo (default) over "
        f"node.session.timeo.replacement_timeout = 15 ({record_file(FIRST)}:4)"
    )
    assert host.kinds() == {K.REPLACEMENT_TIMEOUT_OVERRIDDEN, K.RECORD_DIFFERS}


def test_fast_io_fail_tmo_for_iscsi_is_named_with_its_line() -> None:
    host = Host(multipath=FOR_ISCSI % 20, sessions=both(recovery_tmo=20))
    found = [finding for finding in host.findings if finding.kind is K.REPLACEMENT_TIMEOUT_OVERRIDDEN]
    assert [finding.subject for finding in found] == [label(portal) for portal in PORTALS]
    assert all(f"recovery_tmo is 20 s: multipathd wrote its fast_io_fail_tmo ({CONF}:4)" in each.text for each in found)
    host.records = records(*PORTALS, text=lines(replacement=20))
    assert host.kinds() == {K.RECORD_DIFFERS}


def test_multipath_tools_own_table_of_products_is_named() -> None:
    host = Host(maps=[make_map(vendor="PURE", product="FlashArray")], sessions=both(recovery_tmo=10))
    found = [finding.text for finding in host.findings if finding.kind is K.REPLACEMENT_TIMEOUT_OVERRIDDEN]
    assert len(found) == 2
    assert "fast_io_fail_tmo (multipath-tools' hardware table)" in found[0]


def test_any_map_through_the_session_may_have_brought_the_timeout() -> None:
    maps = [make_map(), make_map("pure", vendor="PURE", product="FlashArray"), make_map("other", vendor="", product="")]
    for recovery, kind in ((5, None), (10, K.REPLACEMENT_TIMEOUT_OVERRIDDEN), (11, K.TIMEOUT_NOT_IN_FORCE)):
        host = Host(maps=maps, sessions=both(recovery_tmo=recovery))
        assert host.kinds() == ({kind} if kind else set())
    assert "fast_io_fail_tmo 10 (multipath-tools' hardware table) or 5 (default)" in host.findings[0].text


@pytest.mark.parametrize("value", ["off", "0"])
def test_fast_io_fail_tmo_off_or_0_is_not_written(value: str) -> None:
    host = Host(multipath=FOR_ISCSI % value, sessions=both(recovery_tmo=0))
    assert K.REPLACEMENT_TIMEOUT_OVERRIDDEN not in host.kinds()
    assert "recovery_tmo is 0 s, which nothing configured explains" in host.findings[0].text


def test_a_value_that_nobody_configured_is_told_with_all_that_is_configured() -> None:
    assert Host().live(recovery_tmo=30).only(K.TIMEOUT_NOT_IN_FORCE).text == (
        f"recovery_tmo is 30 s, which nothing configured explains: {keys.REPLACEMENT_TIMEOUT} is 5 "
        f"({record_file(FIRST)}:4), and multipathd's fast_io_fail_tmo 5 (default)"
    )


def test_a_record_without_the_key_has_open_iscsis_default() -> None:
    found = Host().record("node.startup = automatic\n").only(K.REPLACEMENT_TIMEOUT_OVERRIDDEN)
    assert found.text.endswith("= 120 (open-iscsi's default)")
    assert found.where == ""


def test_without_the_record_nobody_is_accused() -> None:
    """Without root no record can be read, and iscsid.conf says nothing of a session whose record may differ."""
    host = Host(records={}, iscsid=lines(replacement=120), sessions=both(recovery_tmo=15), unreadable=UNREADABLE)
    assert host.kinds() == {K.UNREADABLE_FILE}


def test_a_session_without_a_map_is_not_multipathds() -> None:
    host = Host(maps=[]).live(recovery_tmo=120)
    assert host.kinds() == {K.SESSION_WITHOUT_PATH}


# --- pings, records, sessions -----------------------------------------------------------------------------------------


def test_the_record_was_changed_after_the_login() -> None:
    assert Host().record(lines(timeout=6)).only(K.TIMEOUT_NOT_IN_FORCE) == Finding(
        K.TIMEOUT_NOT_IN_FORCE,
        label(FIRST),
        "noop_out_timeout is 10 s, its record says 6: the record was changed after the login",
        f"{record_file(FIRST)}:3",
    )


def test_a_single_zero_is_raised_by_the_kernel() -> None:
    for wanted in (lines(interval=0, timeout=5), lines(interval=5, timeout=0)):
        host = Host(sessions=both(ping_tmo=5), records=records(*PORTALS, text=wanted))
        text = host.findings[0].text
        assert text.endswith("is 5 s, its record says 0: the kernel takes 0 only for both of the ping's timeouts")
    host = Host(sessions=both(ping_tmo=5), records=records(*PORTALS, text=lines(interval=0, timeout=0)))
    assert "after the login" in host.findings[0].text


def test_pings_off_says_what_is_known() -> None:
    assert Host().live(recv_tmo=0, ping_tmo=None).only(K.PINGS_OFF).text == (
        "noop_out_interval is 0 and noop_out_timeout is unknown: the kernel sends no pings"
    )


def test_unreadable_timeouts_are_nobodys_fault() -> None:
    nothing = {"recv_tmo": None, "ping_tmo": None, "recovery_tmo": None}
    host = Host(sessions=both(**nothing))
    assert host.findings == ()
    assert host.report.budgets == dict.fromkeys(map(label, PORTALS))
    for name in nothing:
        assert Host().live(**{name: None}).findings == ()


def test_timeouts_that_differ_are_listed_by_path() -> None:
    host = Host().live(recovery_tmo=RECOVERY_OFF)
    assert host.only(K.TIMEOUTS_DIFFER).text == (
        f"noop_out_interval/noop_out_timeout/recovery_tmo are 5/10/off on {FIRST}, 5/10/5 on {SECOND}"
    )


def test_a_record_that_leaves_the_startup_open_is_named() -> None:
    host = Host().record(f"{keys.NOOP_OUT_TIMEOUT} = 10\n{keys.REPLACEMENT_TIMEOUT} = 5\n")
    assert host.only(K.MANUAL_STARTUP).where == record_file(FIRST)


def test_what_iscsid_conf_says_otherwise() -> None:
    found = Host(iscsid=lines(replacement=120)).findings
    assert [(finding.kind, finding.where) for finding in found] == [
        (K.RECORD_DIFFERS, f"{record_file(portal)}:4") for portal in PORTALS
    ]
    assert found[0].text == (f"replacement_timeout is 5 by its record, and would be 120 in a new one, by {ISCSID}:4")


def test_a_record_without_a_session_is_named_with_its_interface() -> None:
    file = record_file(FIRST, "storage-a")
    place = record_path(file)
    assert place is not None
    host = Host(records={**records(*PORTALS), place: parse_record(lines(), file)})
    found = host.only(K.RECORD_WITHOUT_SESSION)
    assert (found.subject, found.where) == (f"{FIRST}@storage-a/{TARGET}", f"{file}:1")
    host.sessions.append(make_session(FIRST, iface="storage-a", label=f"{FIRST}@storage-a/{TARGET}"))
    assert K.RECORD_WITHOUT_SESSION not in host.kinds()


def test_a_record_spells_ipv6_as_it_likes() -> None:
    file = f"/etc/iscsi/nodes/{TARGET}/2001:db8:0:0::1,3260,1/default"
    place = record_path(file)
    assert place is not None
    session = make_session("2001:db8::1:3260", address="2001:db8::1", iface="")
    host = Host(records={place: parse_record(lines(), file)}, sessions=[session], maps=[])
    assert host.kinds() == {K.SESSION_WITHOUT_PATH}


def test_a_missing_session_has_no_timeouts_but_a_record() -> None:
    host = Host().live(status=SessionStatus.MISSING, recovery_tmo=RECOVERY_OFF, ping_tmo=0)
    assert host.kinds() == {K.RECORD_WITHOUT_SESSION}
    assert set(host.report.budgets) == {label(SECOND)}


def test_where_sysfs_cannot_be_read_no_session_is_missed() -> None:
    host = Host(maps=[], sessions=[], changes={"sources": make_sources(sysfs=SourceState(up=False))})
    assert host.findings == ()


# --- files and maps ---------------------------------------------------------------------------------------------------


def test_problems_of_files_keep_their_lines_and_sentences() -> None:
    host = Host(multipath="defaults {\n\tudev_dir /dev\n}\n", iscsid=lines() + "password=secret\n")
    assert [(finding.kind, finding.subject, finding.where) for finding in host.findings] == [
        (K.SYNTAX_ERROR, ISCSID, f"{ISCSID}:5"),
        (K.OBSOLETE_KEYWORD, CONF, f"{CONF}:2"),
    ]
    assert "secret" not in repr(host.report)


@pytest.mark.parametrize("code", Code)
def test_every_problem_of_multipath_conf_has_a_kind(code: Code) -> None:
    document = parse("", CONF)
    problem = parse("junk\n", CONF).problems[0]
    for fatal in (False, True):
        broken = replace(document, problems=(replace(problem, code=code, fatal=fatal),))
        found = audit(make_state(configuration=Configuration(broken))).findings
        assert [finding.text for finding in found] == [problem.text]
        assert (found[0].kind is K.REFUSED_CONFIGURATION) == fatal


def test_what_an_unreadable_file_is_called() -> None:
    found = Host(unreadable=UNREADABLE).only(K.UNREADABLE_FILE)
    assert (found.subject, found.text, found.where) == ("/etc/iscsi/nodes", "no permission to read it", "")


def test_a_map_by_its_wwid_may_have_one_path() -> None:
    host = Host().paths(make_path(), wwid="3600")
    assert host.only(K.SINGLE_PATH).text == f"its only path is {FIRST}"
    host.changes = {"settings": Settings(single_path_ok=frozenset({"3600"}))}
    assert K.SINGLE_PATH not in host.kinds()


def test_all_through_one_portal() -> None:
    assert same_portal().only(K.SINGLE_PORTAL).text == f"its 2 paths all go through {FIRST}"


def test_multipathds_silence_is_told_in_its_own_words() -> None:
    assert Host(changes=down(detail="it is gone.")).only(K.MULTIPATHD_NOT_RUNNING).text == "it is gone"
    assert Host(changes=down()).only(K.MULTIPATHD_NOT_RUNNING).text == "it does not answer"


def test_maps_and_sessions_come_in_the_order_of_their_labels() -> None:
    host = Host(maps=[make_map(name, queueing="on") for name in ("c", "a", "b")])
    assert [finding.subject for finding in host.findings] == ["a", "b", "c"]


# --- budgets ----------------------------------------------------------------------------------------------------------

BUDGETS: Iterable[tuple[tuple[int | None, int | None, int | None], Budget | None]] = (
    ((5, 10, 5), Budget(10, 16, 15, 21)),
    ((5, 5, 120), Budget(5, 11, 125, 131)),
    ((5, 10, 0), Budget(10, 16, 10, 16)),
    ((5, 10, RECOVERY_OFF), Budget(10, 16, inf, inf)),
    ((0, 0, 5), Budget(inf, inf, inf, inf)),
    ((0, 5, 5), Budget(inf, inf, inf, inf)),
    ((5, 0, 5), Budget(inf, inf, inf, inf)),
    ((None, 10, 5), None),
    ((5, None, 5), None),
    ((5, 10, None), None),
)


@pytest.mark.parametrize(("timeouts", "expected"), BUDGETS)
def test_budget(timeouts: tuple[int | None, int | None, int | None], expected: Budget | None) -> None:
    interval, timeout, recovery = timeouts
    assert budget(make_session(recv_tmo=interval, ping_tmo=timeout, recovery_tmo=recovery).facts) == expected


def test_the_report_has_a_budget_for_every_session() -> None:
    assert Host().report.budgets == {label(portal): Budget(10, 16, 15, 21) for portal in PORTALS}


@pytest.mark.parametrize("reason", Reason)
def test_only_what_is_not_utf8_counts_all_the_same(reason: Reason) -> None:
    assert reason.counts == (reason is Reason.NOT_UTF8)
