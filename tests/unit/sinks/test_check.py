"""What ``check`` prints, and how it ends."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from math import inf
from pathlib import Path
from typing import Any

import pytest

from mpathd_watch import cli
from mpathd_watch.cli import check as command
from mpathd_watch.core.audit import audit
from mpathd_watch.core.audit_report import Acknowledged, AuditReport, MapReport
from mpathd_watch.core.catalog.findings import Finding, FindingKind
from mpathd_watch.core.configuration import Configuration, NodeRecord
from mpathd_watch.core.formats.multipath_conf import parse
from mpathd_watch.core.formats.open_iscsi import keys, parse_record, record_path
from mpathd_watch.core.model.budget import Budget
from mpathd_watch.core.model.facts import RECOVERY_OFF, AccessFacts
from mpathd_watch.core.model.text import clean
from mpathd_watch.core.model.vocabulary import AccessState, Health, MapHealth
from mpathd_watch.core.state import SourceState, State
from mpathd_watch.sinks import check
from tests.factories import TARGET, article_state, make_map, make_path, make_session, make_sources, make_state
from tests.hosts import CONF, FIRST, FOR_ISCSI, SECOND, Host, label, lines, record_file

NOBODY = AuditReport((), {})
FIRST_LINE = re.compile(
    r"MPATHD-WATCH (OK|WARNING|CRITICAL|UNKNOWN): [^|\n]+ \| maps=\d+( maps_[a-z_]+=\d+){5} "
    r"paths_usable=\d+;;;0;\d+ paths_expected=\d+ findings_critical=\d+ findings_warning=\d+ findings_info=\d+"
)
SECRET = "correct-horse-battery"  # noqa: S105
UGLY = 'ev|il\n"name"\x1b[31m\u2028\u202e=1;2;3\x00 | x=1'
INFO = Finding(FindingKind.UNREADABLE_FILE, "/etc/iscsi/nodes", "no permission to read it")
WARNING = Finding(FindingKind.SINGLE_PATH, "mpio", "its only path is 192.168.1.1:3260")
CRITICAL = Finding(FindingKind.RECOVERY_OFF, "192.168.1.1:3260/iqn", "recovery_tmo is off")


def sysfs_down(detail: str = "") -> State:
    return make_state(sources=make_sources(sysfs=SourceState(up=False, reason="unreadable", detail=detail)))


def result(found: AuditReport, state: State, **question: Any) -> check.Result:
    """The result; the article's map is healthy, and a made-up state may have none."""
    return check.judge(found, state, check.Question(**question))


def printed_of(found: AuditReport, state: State, **question: Any) -> str:
    return check.text(result(found, state, **question))


def document_of(found: AuditReport, state: State, **question: Any) -> dict[str, Any]:
    return check.document(result(found, state, **question))


def status_of(found: AuditReport, state: State, **question: Any) -> int:
    return result(found, state, **question).status


def report(*findings: Finding, **budgets: Budget | None) -> AuditReport:
    return AuditReport(findings, budgets=budgets)


def healthy(state: State) -> State:
    """The state, with all maps healthy."""
    return replace(state, maps={wwid: replace(map_, health=MapHealth.HEALTHY) for wwid, map_ in state.maps.items()})


def in_health(*healths: MapHealth) -> State:
    """A host with a map in each of these, named a, b, ..."""
    names = "abcdefgh"[: len(healths)]
    return make_state(
        maps=[replace(make_map(name), health=health) for name, health in zip(names, healths, strict=True)]
    )


FIGURES = (
    "maps=1 maps_healthy=1 maps_degraded=0 maps_at_risk=0 maps_lost=0 maps_unknown=0 "
    "paths_usable=1;;;0;2 paths_expected=2"
)


@pytest.mark.parametrize(
    ("findings", "status", "line", "figures"),
    [
        ((), 0, "OK: {}; no findings", "findings_critical=0 findings_warning=0 findings_info=0"),
        ((INFO,), 0, "OK: {}; 1 finding", "findings_critical=0 findings_warning=0 findings_info=1"),
        ((WARNING, INFO), 1, "WARNING: {}; 2 findings", "findings_critical=0 findings_warning=1 findings_info=1"),
        ((CRITICAL, WARNING), 2, "CRITICAL: {}; 2 findings", "findings_critical=1 findings_warning=1 findings_info=0"),
    ],
)
def test_the_first_line_and_the_exit_status_are_a_nagios_plugins(
    findings: tuple[Finding, ...], status: int, line: str, figures: str
) -> None:
    found, state = report(*findings), healthy(article_state())
    first = printed_of(found, state).splitlines()[0]
    text = line.format("1 map and 2 iSCSI sessions, 1 of 2 paths usable")
    assert first == f"MPATHD-WATCH {text} | {FIGURES} {figures}"
    assert FIRST_LINE.fullmatch(first)
    assert status_of(found, state) == status
    document = document_of(found, state)
    assert f"{document['status']}: {document['summary']}" == text


M = MapHealth


@pytest.mark.parametrize(
    ("healths", "status"),
    [
        ((), 0),
        ((M.HEALTHY,), 0),
        ((M.HEALTHY, M.DEGRADED), 1),
        ((M.HEALTHY, M.AT_RISK), 1),
        ((M.AT_RISK, M.LOST), 2),
        ((M.HEALTHY, M.UNKNOWN), 3),
        ((M.DEGRADED, M.UNKNOWN), 1),
        ((M.UNKNOWN, M.LOST), 2),
    ],
)
def test_the_worst_map_makes_the_status(healths: tuple[MapHealth, ...], status: int) -> None:
    state = in_health(*healths)
    assert status_of(NOBODY, state) == status
    assert status_of(NOBODY, state, configuration=False) == status
    assert status_of(NOBODY, state, paths=False) == 0
    assert document_of(NOBODY, state)["status"] == ("OK", "WARNING", "CRITICAL", "UNKNOWN")[status]


def test_one_usable_path_left_may_be_critical() -> None:
    for healths, status in (((M.AT_RISK,), 2), ((M.DEGRADED,), 1), ((M.HEALTHY,), 0)):
        assert status_of(NOBODY, in_health(*healths), at_risk=check.Status.CRITICAL) == status


def test_one_map_may_be_asked_for_by_its_name_or_its_wwid() -> None:
    state = in_health(M.HEALTHY, M.LOST)
    (lost,) = (map_ for map_ in state.maps.values() if map_.health is M.LOST)
    assert status_of(report(CRITICAL), state, map="a") == 0
    for asked in (lost.label, lost.wwid):
        assert status_of(NOBODY, state, map=asked) == 2
        assert list(document_of(audit(state), state, map=asked)["maps"]) == [lost.label]
    first = printed_of(report(CRITICAL), state, map="a").splitlines()
    assert first == [
        "MPATHD-WATCH OK: a: 2 of 2 paths usable | maps=1 maps_healthy=1 maps_degraded=0 "
        "maps_at_risk=0 maps_lost=0 maps_unknown=0 paths_usable=2;;;0;2 paths_expected=2"
    ]
    assert status_of(NOBODY, state, map="c|d") == 2
    assert printed_of(NOBODY, state, map="c|d") == "MPATHD-WATCH CRITICAL: there is no map 'c\N{BROKEN BAR}d'\n"


def test_a_map_in_trouble_has_a_line_with_its_paths() -> None:
    lines = printed_of(NOBODY, article_state()).splitlines()
    assert lines[0].startswith(
        "MPATHD-WATCH WARNING: 1 map: 1 at risk (mpio: 1 of 2 paths usable, 192.168.2.1:3260 (sdb) failed); "
        "no findings | "
    )
    assert lines[1] == "WARNING map_at_risk: mpio: 1 of 2 paths usable, 192.168.2.1:3260 (sdb) failed"
    paths = [make_path(f"192.168.{number}.1:3260", dev="", health=Health.FAILED) for number in range(1, 8)]
    state = make_state(maps=[replace(make_map("a", paths=paths), health=M.LOST), replace(make_map("b"), health=M.LOST)])
    first, line, *_ = printed_of(NOBODY, state).splitlines()
    assert "2 maps: 2 lost (a: 0 of 7 paths usable, 192.168.1.1:3260 failed, " in first
    assert ", 3 more; 1 more map not healthy); no findings | " in first
    assert line.endswith("192.168.4.1:3260 failed, 3 more")


def test_what_the_health_rests_on_counts_without_the_configuration() -> None:
    dead = Finding(FindingKind.MULTIPATHD_NOT_RUNNING, "multipathd", "it does not run")
    found, state = report(dead, CRITICAL, WARNING), in_health(M.HEALTHY)
    assert status_of(found, state, configuration=False) == 2
    first, *lines = printed_of(found, state, configuration=False).splitlines()
    assert "; multipathd: it does not run | maps=1 " in first
    assert "findings_" not in first
    assert [line.split()[1] for line in lines if line.startswith("CRITICAL")] == ["multipathd_not_running:"]
    assert len(document_of(found, state, configuration=False)["findings"]) == 1
    first = printed_of(found, state, paths=False).splitlines()[0]
    assert first.startswith("MPATHD-WATCH CRITICAL: 3 findings on 1 map and 0 iSCSI sessions | findings_critical=2 ")


def test_thousands_of_findings_are_cut() -> None:
    many = report(
        *(Finding(FindingKind.SINGLE_PATH, f"map{number}", "its only path is gone") for number in range(4096))
    )
    lines = printed_of(many, make_state()).splitlines()
    assert lines[-1] == "3896 more findings; --json prints all of them"
    assert len(lines) == 1 + 200 + 1 + 1
    assert len(document_of(many, make_state())["findings"]) == 4096


@pytest.mark.parametrize(
    ("state", "told"),
    [
        (sysfs_down(), "sysfs can't be read"),
        (sysfs_down("/sys: gone | x=1"), "/sys: gone \N{BROKEN BAR} x=1"),
        (State(), "sysfs can't be read"),
    ],
)
def test_without_sysfs_nothing_is_known(state: State, told: str) -> None:
    for found in (NOBODY, report(CRITICAL)):
        assert status_of(found, state) == 3
        assert document_of(found, state)["status"] == "UNKNOWN"
        assert printed_of(found, state) == f"MPATHD-WATCH UNKNOWN: {told}\n"


def test_a_finding_has_a_line_and_below_it_what_it_means() -> None:
    in_file = Finding(FindingKind.SYNTAX_ERROR, "/etc/multipath.conf", "it has no end", "/etc/multipath.conf:7")
    elsewhere = Finding(FindingKind.MANUAL_STARTUP, "192.168.1.1:3260/iqn", "node.startup is manual", "/record:1")
    lines = printed_of(report(WARNING, in_file, elsewhere), make_state()).splitlines()
    assert lines[1::2] == [
        "WARNING single_path: mpio: its only path is 192.168.1.1:3260",
        "WARNING syntax_error: /etc/multipath.conf:7: it has no end",
        "WARNING manual_startup: 192.168.1.1:3260/iqn: node.startup is manual (/record:1)",
    ]
    named = replace(elsewhere, text="node.startup is manual (/record:1)")
    assert printed_of(report(named), make_state()).splitlines()[1] == lines[5]
    about = FindingKind.SINGLE_PATH.value
    assert lines[2] == f"    {about.leads_to} {about.remedy}"


def test_budgets_stand_in_columns() -> None:
    budgets = {
        "a": Budget(10, 16, 15, 21),
        "longer": Budget(10, 16, inf, inf),
        "b": Budget(inf, inf, inf, inf),
        "c": None,
    }
    assert printed_of(report(**budgets), make_state()).splitlines()[1:] == [
        "",
        "Durations if a link fails silently, at best and at worst, by the timeouts in force:",
        "  a       detection 10 to 16 s, failover 15 to 21 s",
        "  longer  detection 10 to 16 s, failover without limit",
        "  b       detection without limit, failover without limit",
        "  c       unknown, its timeouts can't be read",
    ]


def test_the_json_has_its_documented_shape() -> None:
    found = report(WARNING, replace(INFO, where="/x:1"), a=Budget(10, 16, 15, 21), b=Budget(10, 16, inf, inf), c=None)
    document = json.loads(json.dumps(document_of(found, make_state()), allow_nan=False))
    about = FindingKind.SINGLE_PATH.value
    assert document == {
        "version": 1,
        "status": "WARNING",
        "summary": "0 maps and 0 iSCSI sessions; 2 findings",
        "findings": [
            {
                "severity": "warning",
                "code": "single_path",
                "subject": "mpio",
                "objects": ["mpio"],
                "text": "its only path is 192.168.1.1:3260",
                "where": None,
                "leads_to": about.leads_to,
                "remedy": about.remedy,
            },
            {
                "severity": "info",
                "code": "unreadable_file",
                "subject": "/etc/iscsi/nodes",
                "objects": ["/etc/iscsi/nodes"],
                "text": "no permission to read it",
                "where": "/x:1",
                "leads_to": FindingKind.UNREADABLE_FILE.value.leads_to,
                "remedy": FindingKind.UNREADABLE_FILE.value.remedy,
            },
        ],
        "acknowledged": [],
        "budgets": {
            "a": {
                "detection_best_seconds": 10,
                "detection_worst_seconds": 16,
                "failover_best_seconds": 15,
                "failover_worst_seconds": 21,
            },
            "b": {
                "detection_best_seconds": 10,
                "detection_worst_seconds": 16,
                "failover_best_seconds": None,
                "failover_worst_seconds": None,
            },
            "c": None,
        },
        "timeouts": {},
        "maps": {},
    }


def test_the_json_shows_of_each_session_and_map_who_set_what() -> None:
    host = Host(multipath=FOR_ISCSI % "off", version=(0, 9, 4)).live(recovery_tmo=RECOVERY_OFF)
    found = json.loads(json.dumps(document_of(host.report, host.state), allow_nan=False))
    assert found["timeouts"][label(SECOND)][0] == {
        "timeout": "noop_out_interval",
        "configured": 5,
        "effective": 5,
        "where": f"{record_file(SECOND)}:2",
        "why": None,
    }
    last = found["timeouts"][label(FIRST)][-1]
    assert (last["timeout"], last["configured"], last["effective"]) == ("replacement_timeout", 5, "off")
    assert last["why"].startswith("recovery_tmo is off, but fast_io_fail_tmo is off")
    known = found["maps"]["mpio"]
    assert (known["wwid"], known["reinstatement_worst_seconds"]) == ("wwid-of-mpio", 12)
    assert (known["budget"]["failover_best_seconds"], known["budget"]["failover_worst_seconds"]) == (15, None)
    assert known["settings"]["fast_io_fail_tmo"] == {"value": "off", "origin": f"{CONF}:4"}
    assert known["settings"]["no_path_retry"] == {"value": 12, "origin": "multipath-tools' hardware table"}
    assert known["settings"]["dev_loss_tmo"] == {"value": None, "origin": "default"}
    assert (
        document_of(replace(host.report, maps=without_checks(host.report)), host.state)["maps"]["mpio"][
            "reinstatement_worst_seconds"
        ]
        is None
    )


def test_the_json_has_the_number_of_optimized_paths_where_the_array_reports_it() -> None:
    paths = [
        make_path(f"p{n}", access=AccessFacts(state=state)) for n, state in enumerate((AccessState.OPTIMIZED, None))
    ]
    state = make_state([make_map(paths=paths), make_map("silent")])
    maps = document_of(audit(state), state)["maps"]
    assert {name: each["optimized"] for name, each in maps.items()} == {"mpio": 1, "silent": None}


def without_checks(found: AuditReport) -> dict[str, MapReport]:
    return {wwid: replace(known, recheck_interval=None, reinstatement_worst=inf) for wwid, known in found.maps.items()}


HEAD = "Durations if a link fails silently, at best and at worst, by the timeouts in force:"
USUAL = "detection 10 to 16 s, failover 15 to 21 s"


def promises(host: Host) -> list[str]:
    """What stands below the findings."""
    lines = printed_of(host.report, host.state).splitlines()
    return lines[lines.index(HEAD) + 1 :]


def test_maps_that_are_promised_the_same_share_a_line() -> None:
    host = Host(maps=[make_map(name) for name in "abcde"], version=(0, 9, 4))
    assert promises(host) == [f"  a, b, c and 2 more  {USUAL}, reinstatement up to 12 s after the return"]
    report = replace(host.report, maps=without_checks(host.report))
    assert printed_of(report, host.state).splitlines()[-1] == f"  a, b, c and 2 more  {USUAL}"


def test_sessions_are_listed_where_they_differ_or_no_map_uses_them() -> None:
    third = "192.168.3.1:3260"
    host = Host(version=(0, 9, 4)).live(recovery_tmo=15).record(lines(replacement=15))
    host.sessions.append(make_session(third, recv_tmo=0))
    width = len(f"  {label(FIRST)}")
    assert promises(host) == [
        f"  {'mpio':<{width}}  detection 10 to 16 s, failover 15 to 31 s, reinstatement up to 12 s after the return",
        f"    {label(FIRST)}  detection 10 to 16 s, failover 25 to 31 s",
        f"    {label(SECOND)}  {USUAL}",
        f"  {label(third):<{width}}  detection without limit, failover without limit",
    ]


def test_sessions_of_a_map_are_listed_in_the_order_of_the_numbers_in_their_labels() -> None:
    portals = ("192.168.10.1:3260", "192.168.2.1:3260")
    sessions = [make_session(portal, recovery_tmo=number) for number, portal in enumerate(portals)]
    state = make_state([make_map(paths=[make_path(portal) for portal in portals])], sessions)
    listed = [line.split()[0] for line in printed_of(audit(state), state).splitlines() if line.startswith("    192.")]
    assert listed == [label(portal) for portal in reversed(portals)]


def test_a_map_that_is_not_on_iscsi_is_promised_nothing() -> None:
    host = Host(maps=[make_map(paths=[make_path(nexus="", portal="")])], sessions=[], records={})
    assert not any(line.startswith("  mpio") for line in printed_of(host.report, host.state).splitlines())


def test_timeouts_that_are_not_the_configured_ones_are_listed() -> None:
    host = Host().live(recovery_tmo=RECOVERY_OFF, recv_tmo=None).record(lines(timeout=6))
    assert promises(host)[-3:] == [
        "",
        "Timeouts in force that differ from the configured ones:",
        f"  {label(FIRST)}  noop_out_timeout 10 s, configured 6 s; replacement_timeout off, configured 5 s",
    ]


def ugly() -> State:
    """Whatever may be named from outside is named badly, and cleaned where sources clean it."""
    name = clean(UGLY)
    session = make_session(target=name, iface=name, label=f"192.168.1.1:3260/{name}", ping_tmo=0)
    path = make_path(nexus=session.label, label=f"192.168.1.1:3260@{name}")
    file = clean(f"/etc/iscsi/nodes/{TARGET}{name}/192.168.1.1,3260,1/{name}")
    place = record_path(file)
    assert place is not None
    text = f"{UGLY}\nnode.startup = automatic\nnode.session.auth.password = {SECRET}\n{SECRET}\n{SECRET} {SECRET}\n"
    multipath = parse(f'blacklist {{\n\tdevnode "[{UGLY}"\n\tdevnode "[[a|b]]"\n\t{UGLY} 1\n', "/etc/multipath.conf")
    iscsid = parse_record(f"{keys.REPLACEMENT_TIMEOUT} = {SECRET}\n{SECRET}={SECRET}\n", "/etc/iscsi/iscsid.conf")
    configuration = Configuration(multipath, iscsid, (NodeRecord(place, parse_record(text, file)),))
    return make_state([make_map(name, [path], queueing="on")], [session], configuration)


def test_ugly_names_stay_on_their_line_and_forge_no_performance_data() -> None:
    state = ugly()
    found = audit(state)
    lines = printed_of(found, state).split("\n")
    assert all(line.isprintable() for line in lines)
    assert FIRST_LINE.fullmatch(lines[0])
    assert not any("|" in line for line in lines[1:])
    # The verdict, a line a finding, one a kind, an empty one, the budgets' head, a budget, the end of the last line.
    assert len(lines) == 1 + len(found.findings) + len({finding.kind for finding in found.findings}) + 4
    assert any("ev\N{BROKEN BAR}il" in line for line in lines)
    assert "ev|il" in json.dumps(document_of(found, state))


def test_nothing_secret_is_printed() -> None:
    state = ugly()
    found = audit(state)
    assert {FindingKind.SYNTAX_ERROR, FindingKind.RECORD_WITHOUT_SESSION} <= {each.kind for each in found.findings}
    assert SECRET not in printed_of(found, state) + json.dumps(document_of(found, state))


# --- the command ------------------------------------------------------------------------------------------------------


def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, sysfs: bool = True, **conf: Any) -> list[str]:
    """An empty host's arguments for ``check``."""
    (tmp_path / "mpathd-watch.toml").write_text("", encoding="utf-8")
    monkeypatch.setattr(command, "read", lambda *_where: Configuration(**conf))
    root = tmp_path / "sys"
    if sysfs:
        (root / "class/block").mkdir(parents=True)
        (root / "block").mkdir()
    config = ["--config", str(tmp_path / "mpathd-watch.toml"), "--multipathd-socket", str(tmp_path / "socket")]
    return ["check", *config, "--sysfs", str(root)]


def test_the_command_prints_text_or_json_and_ends_alike(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = host(tmp_path, monkeypatch, multipath=parse("junk\n", "/etc/multipath.conf"))
    assert cli.main(arguments) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("MPATHD-WATCH WARNING: 0 maps and 0 iSCSI sessions; 1 finding | maps=0 ")
    assert lines[1].startswith("WARNING syntax_error: /etc/multipath.conf:1: ")
    assert cli.main([*arguments, "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["findings"][0]["code"] == "syntax_error"


def test_the_command_without_sysfs_is_unknown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = host(tmp_path, monkeypatch, sysfs=False)
    assert cli.main(arguments) == 3
    assert capsys.readouterr().out.startswith("MPATHD-WATCH UNKNOWN: ")
    assert cli.main([*arguments, "--json"]) == 3
    assert json.loads(capsys.readouterr().out)["status"] == "UNKNOWN"


def test_a_configuration_that_is_wrong_is_unknown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = host(tmp_path, monkeypatch)
    (tmp_path / "mpathd-watch.toml").unlink()
    assert cli.main(arguments) == 3
    told = capsys.readouterr()
    assert told.out == f"MPATHD-WATCH UNKNOWN: {tmp_path}/mpathd-watch.toml: no such file\n"
    assert cli.main([*arguments, "--json"]) == 3
    told = capsys.readouterr()
    assert (told.out, told.err) == ("", f"mpathd-watch: {tmp_path}/mpathd-watch.toml: no such file\n")


def test_what_a_kind_leads_to_is_said_once_behind_the_last_of_its_findings() -> None:
    kind, other = FindingKind.SINGLE_PATH, FindingKind.SINGLE_PORTAL
    found = report(Finding(kind, "one", "text"), Finding(kind, "two", "text"), Finding(other, "three", "text"))
    lines = printed_of(found, healthy(article_state())).splitlines()[1:]
    subjects = [line.split(": ")[1] if line.startswith("WARNING") else "advice" for line in lines]
    assert subjects == ["one", "two", "advice", "three", "advice"]


def test_a_root_that_cannot_be_read_is_unknown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = [*host(tmp_path, monkeypatch), "--root", str(tmp_path / "gone")]
    problem = f"--root {tmp_path}/gone: No such file or directory"
    assert cli.main(arguments) == 3
    assert capsys.readouterr().out == f"MPATHD-WATCH UNKNOWN: {problem}\n"
    assert cli.main([*arguments, "--json"]) == 3
    assert capsys.readouterr().err == f"mpathd-watch: {problem}\n"


def test_the_options_choose_what_is_checked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = host(tmp_path, monkeypatch, multipath=parse("junk\n", "/etc/multipath.conf"))
    for more, status in (
        (["--paths"], 0),
        (["--configuration"], 1),
        (["--map", "mpio"], 2),
        (["--at-risk", "critical"], 1),
    ):
        assert cli.main([*arguments, *more]) == status
    with pytest.raises(SystemExit) as ended:
        cli.main([*arguments, "--paths", "--configuration"])
    assert ended.value.code == 2
    assert "not allowed with" in capsys.readouterr().err


def test_what_is_acknowledged_is_shown_with_its_reason_and_counts_for_nothing() -> None:
    found = replace(report(), acknowledged=(Acknowledged(WARNING, "one port is enough"),))
    document = document_of(found, make_state())
    assert (document["status"], document["findings"]) == ("OK", [])
    assert [(each["code"], each["reason"]) for each in document["acknowledged"]] == [
        ("single_path", "one port is enough")
    ]
    assert printed_of(found, make_state()).splitlines()[1:] == [
        "ACKNOWLEDGED single_path: mpio: its only path is 192.168.1.1:3260: one port is enough"
    ]
