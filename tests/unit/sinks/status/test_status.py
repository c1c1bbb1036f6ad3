"""The status document, its screen and its summary."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC
from math import inf
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mpathd_watch.core.audit_report import AuditReport, Timeout
from mpathd_watch.core.catalog.findings import Finding, FindingKind
from mpathd_watch.core.model.facts import RECOVERY_OFF, AccessFacts, TcpFacts
from mpathd_watch.core.model.outage import Outage
from mpathd_watch.core.model.vocabulary import (
    AccessState,
    Cause,
    CheckerState,
    DeviceState,
    DmState,
    Health,
    MapHealth,
    SessionStatus,
    SourceName,
    Suspicion,
)
from mpathd_watch.core.state import Auditing, MapState, SourceState, State, frozen
from mpathd_watch.core.verdicts.flapping import Flaps
from mpathd_watch.core.verdicts.io_latency import Latency
from mpathd_watch.core.verdicts.slow_path import Slowness
from mpathd_watch.sinks.backlog import Outlet
from mpathd_watch.sinks.status.document import StatusError, parse
from mpathd_watch.sinks.status.from_view import document
from mpathd_watch.sinks.status.screen import render
from mpathd_watch.sinks.status.summary import summary
from mpathd_watch.sinks.view import View
from tests.factories import (
    NOW,
    TARGET,
    article_state,
    at,
    make_failed_path,
    make_map,
    make_outage,
    make_path,
    make_session,
    make_sources,
    make_state,
)

SILENT = SourceState(
    up=False, reason="timeout", detail="multipathd did not answer; see systemctl", last_success=at(-95)
)


def view(state: State) -> View:
    return View(state, NOW)


def screen(state: State, *, colour: bool = False, width: int | None = None) -> str:
    return render(document(view(state)), colour=colour, width=width, zone=UTC)


UGLY = "5 s\n\x1b[31m"


def test_the_document_shows_the_article() -> None:
    told = document(view(article_state()))
    assert told["version"] == 1
    assert told["generated"] == "2026-11-18T11:06:40.000Z"
    (entry,) = told["maps"]
    assert (entry["map"], entry["health"], entry["since"], entry["seconds"]) == (
        "mpio",
        "at_risk",
        "2026-11-18T11:04:29.000Z",
        131.0,
    )
    assert (entry["usable"], entry["expected"], entry["present"]) == (1, 2, 2)
    up, failed = entry["paths"]
    assert up["outage"] is None
    assert failed["states"] == {
        "dm": "failed",
        "checker": "faulty",
        "device": "transport-offline",
        "session": "FAILED",
        "access": None,
    }
    outage = failed["outage"]
    assert outage is not None
    assert (outage["cause"], outage["seconds"], outage["transport_up"]) == ("connection_error", 131.0, None)
    assert failed["failures"] == {"connection_error": 1}
    assert told["sessions"][0]["timeouts"] == {
        "noop_out_interval": 5,
        "noop_out_timeout": 10,
        "replacement_timeout": 5,
    }
    assert parse(json.dumps(told)) == told


def test_lists_are_in_the_order_of_their_labels_and_numbers_count_as_numbers() -> None:
    portals = ["192.168.10.1:3260", "192.168.2.1:3260#10", "192.168.2.1:3260#2", "192.168.2.1:3260"]
    paths = [make_path(portal) for portal in portals]
    sessions = [make_session(label=f"{portal}/{TARGET}") for portal in portals]
    found = document(view(make_state([make_map("lun10", paths), make_map("lun9", paths)], sessions)))
    assert [entry["map"] for entry in found["maps"]] == ["lun9", "lun10"]
    assert [path["path"] for path in found["maps"][0]["paths"]] == portals[::-1]
    assert [session["session"] for session in found["sessions"]] == [f"{portal}/{TARGET}" for portal in portals[::-1]]


def test_what_is_unknown_is_null() -> None:
    path = make_path(
        dm=DmState.UNKNOWN, checker=CheckerState.UNKNOWN, device=DeviceState.UNKNOWN, nexus="", dev="", hctl=""
    )
    told = document(view(make_state([make_map(paths=[path], queues=None, suspended=None, vendor="")])))
    (entry,) = told["maps"]
    assert (entry["queues"], entry["suspended"], entry["vendor"]) == (None, None, None)
    assert set(entry["paths"][0]["states"].values()) == {None}
    assert entry["paths"][0]["dev"] is None


def test_timeouts_that_are_off_say_so_and_those_of_a_missing_session_are_gone() -> None:
    told = document(
        view(
            make_state(
                sessions=[
                    make_session(recovery_tmo=RECOVERY_OFF),
                    make_session("192.168.2.1:3260", status=SessionStatus.MISSING),
                ]
            )
        )
    )
    present, missing = told["sessions"]
    assert present["timeouts"] is not None
    assert present["timeouts"]["replacement_timeout"] == "off"
    assert (missing["state"], missing["sid"], missing["timeouts"]) == ("missing", None, None)


def test_every_key_is_documented() -> None:
    page = Path(__file__).parents[4].joinpath("docs/status-json.md").read_text(encoding="utf-8")
    outage = make_outage(timeouts={"noop_out_interval": 5, "noop_out_timeout": 10, "replacement_timeout": 5})
    known = make_map(paths=[make_path(), make_failed_path(outage=outage)])
    told = document(view(make_state([known], [make_session()], sources=make_sources(multipathd=SILENT))))

    def keys(value: object, within: str = "") -> set[str]:
        match value:
            case dict() if within in ("errors", "failures"):
                return set()
            case dict():
                return set(value) | {key for name, item in value.items() for key in keys(item, name)}
            case list():
                return {key for item in value for key in keys(item)}
            case _:
                return set()

    assert {key for key in keys(told) if f"`{key}`" not in page} == set()


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"version": 2}', '{"maps": []}', b"\xff"])
def test_what_is_no_status_is_refused_in_one_line(text: str | bytes) -> None:
    with pytest.raises(StatusError, match=r"^the daemon's status [^\n]+$"):
        parse(text)


def test_the_screen_shows_the_worst_map_first_and_one_line_per_path() -> None:
    state = make_state([make_map("alpha"), *article_state().maps.values()], article_state().nexuses.values())
    lines = screen(state).splitlines()
    assert lines[0] == "2 maps: 1 healthy, 1 at risk"
    assert lines[2].startswith("mpio  AT RISK  1 of 2 paths usable  since 11:04:29 (2 min 11 s)  I/O fails if the last")
    assert lines[3].split() == [
        *("192.168.2.1:3260", "failed", "11:04:34", "(2", "min", "6", "s)", "sdb", "3:0:0:1", "connection", "error"),
        *("[dm", "failed,", "checker", "faulty,", "device", "transport-offline,", "session", "FAILED]"),
    ]
    assert lines[4].split()[:2] == ["192.168.1.1:3260", "up"]
    assert lines[6].startswith("alpha  HEALTHY")
    paths = [line for line in lines if ":3260" in line]
    assert len({line.index(" sd") for line in paths}) == 1


def test_the_screen_says_what_becomes_of_io() -> None:
    lost: dict[str, Any] = {"health": MapHealth.LOST, "paths": frozen({})}
    assert "LOST  0 of 0 paths usable" in screen(make_state([make_map(**lost)]))
    assert "  I/O hangs" in screen(make_state([make_map(queues=True, **lost)]))
    assert "  I/O fails" in screen(make_state([make_map(queues=False, **lost)]))
    assert "I/O" not in screen(make_state([make_map(queues=None, **lost)]))
    assert "SUSPENDED" in screen(make_state([make_map(suspended=True)]))


def test_the_screen_says_how_much_time_is_left_and_what_is_overdue() -> None:
    stalled = make_path(health=Health.STALLED, deadline=at(2.9))
    late = make_path("192.168.2.1:3260", health=Health.RECOVERING, deadline=at(-7), overdue=True)
    lines = screen(make_state([make_map(paths=[stalled, late])]), colour=True).splitlines()
    assert "  2.9 s left" in next(line for line in lines if "stalled" in line)
    assert "\x1b[1;31m  overdue by 7.0 s\x1b[0m" in next(line for line in lines if "recovering" in line)


def test_the_screen_shows_what_is_in_force_sessions_that_are_alike_in_one_line() -> None:
    sessions = [make_session(), make_session("192.168.2.1:3260"), make_session("192.168.3.1:3260", recv_tmo=None)]
    off = make_session("192.168.4.1:3260", recovery_tmo=RECOVERY_OFF)
    gone = make_session("192.168.5.1:3260", status=SessionStatus.MISSING)
    wanted = tuple(
        Timeout(name, seconds, None, why=f"{name} is {UGLY}")
        for name, seconds in (("noop_out_interval", 5.0), ("replacement_timeout", 15.0))
    )
    report = AuditReport(
        (Finding(FindingKind.RECOVERY_OFF, "x", "y"), Finding(FindingKind.SINGLE_PATH, "x", "y")),
        timeouts={off.label: wanted, gone.label: wanted},
    )
    state = make_state(sessions=[*sessions, off, gone], auditing=Auditing(report=report, at=at(0)))
    assert screen(state).splitlines()[2:] == [
        "2 sessions: noop 5/10, replacement 5 s; failover in 15 to 21 s",
        f"192.168.3.1:3260/{TARGET}: noop ?/10, replacement 5 s; failover unknown",
        f"192.168.4.1:3260/{TARGET}: noop 5/10, replacement off; failover without limit"
        "  configured 5/?, replacement 15 s",
        "in the configuration: 1 critical, 1 warning; see mpathd-watch check",
    ]
    told = {entry["session"]: entry for entry in document(view(state))["sessions"]}
    assert told[off.label]["reasons"]["replacement_timeout"].isprintable()
    assert told[off.label]["budget"] == {
        "detection_best": 10.0,
        "detection_worst": 16.0,
        "failover_best": None,
        "failover_worst": None,
    }
    assert (told[gone.label]["timeouts"], told[gone.label]["budget"]) == (None, None)
    unset = replace(wanted[1], configured=inf), replace(wanted[0], configured=None)
    state = make_state(sessions=[off], auditing=Auditing(report=AuditReport(timeouts={off.label: unset})))
    assert document(view(state))["sessions"][0]["configured"] == {
        "noop_out_interval": None,
        "noop_out_timeout": None,
        "replacement_timeout": "off",
    }
    assert document(view(state))["findings"] is None


def test_a_promise_that_is_the_same_at_best_and_at_worst_is_one_number() -> None:
    found = document(view(make_state(sessions=[make_session()])))
    budget = found["sessions"][0]["budget"]
    assert budget is not None
    budget["failover_best"] = budget["failover_worst"]
    assert "; failover in 21 s" in render(found, colour=False)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"read": 9.0, "alive": 1.5, "suspicion": Suspicion.SILENCE}, "silent for 7.5 s"),
        ({"suspicion": Suspicion.SILENCE}, "silent"),
        ({"suspicion": Suspicion.CARRIER, "netdev": "eth2"}, "eth2 has lost its carrier or its address"),
        ({"suspicion": Suspicion.CARRIER}, "its NIC has lost its carrier or its address"),
    ],
)
def test_the_screen_and_the_document_say_why_a_path_is_suspect(changes: dict[str, Any], said: str) -> None:
    suspicion = changes.pop("suspicion")
    session = replace(make_session("192.168.2.1:3260", **changes), suspicion=suspicion)
    path = make_path("192.168.2.1:3260", health=Health.SUSPECT, outage=Outage("1f0c9e", at(-1)), deadline=at(8))
    shown = document(View(make_state([make_map(paths=[path])], [session]), at(0)))
    (entry,) = shown["sessions"]
    assert entry["suspicion"] == suspicion.value
    assert f"  8.0 s left  {said}  [dm active" in render(shown, colour=False)


def test_the_screen_shows_paths_that_work_and_not_well() -> None:
    slowness = Slowness(by_latency=Latency(slow=True))
    path = make_path(flaps=Flaps((1.0,), at(-60)), slowness=slowness, marginal=True)
    shown = render(document(View(make_state([make_map(paths=[path])]), at(0))), colour=False)
    assert "  flapping  slower than its siblings  marginal for multipathd\n" in shown


def alua_map(first: AccessState | None, second: AccessState | None, **changes: Any) -> MapState:
    """Two paths through two port groups of an array, of which the second is preferred."""
    failed: dict[str, Any] = {"device": DeviceState.RUNNING, "outage": make_outage(cause=Cause.ARRAY_STANDBY)}
    return make_map(
        paths=[
            make_path("p1", access=AccessFacts(True, "alua", first, preferred=False, group=1)),
            make_failed_path("p2", access=AccessFacts(True, "alua", second, preferred=True, group=17), **failed),
        ],
        **changes,
    )


def test_the_document_has_what_the_array_says_of_each_path() -> None:
    (entry,) = document(view(make_state([alua_map(AccessState.OPTIMIZED, AccessState.STANDBY)])))["maps"]
    assert entry["optimized"] == 1
    of_paths = [
        (path["states"]["access"], path["handler"], path["port_group"], path["preferred"]) for path in entry["paths"]
    ]
    assert of_paths == [("active/optimized", "alua", 1, False), ("standby", "alua", 17, True)]


def test_where_the_array_says_nothing_the_document_has_null() -> None:
    (entry,) = document(view(article_state()))["maps"]
    assert entry["optimized"] is None
    for path in entry["paths"]:
        assert (path["states"]["access"], path["handler"], path["port_group"], path["preferred"]) == (None,) * 4
    unknown = make_map(paths=[make_path(access=AccessFacts(handler="alua", state=AccessState.UNKNOWN))])
    (entry,) = document(view(make_state([unknown])))["maps"]
    assert (entry["optimized"], entry["paths"][0]["states"]["access"]) == (0, None)


def test_the_screen_shows_access_states_where_they_differ_from_active_optimized() -> None:
    lines = screen(make_state([alua_map(AccessState.NON_OPTIMIZED, AccessState.STANDBY)])).splitlines()
    assert "  1 of 2 paths usable, 0 optimized  " in lines[2]
    assert lines[3].endswith(
        "  the array has put it into standby (ALUA)  [dm failed, checker faulty, device running, access standby]"
    )
    assert lines[4].endswith("  [access active/non-optimized]")


@pytest.mark.parametrize("state", [AccessState.OPTIMIZED, None])
def test_the_screen_does_not_show_access_states_that_say_nothing(state: AccessState | None) -> None:
    shown = screen(make_state([alua_map(state, state)]))
    assert "access" not in shown
    assert "optimized" not in shown


def test_the_screen_shows_the_document_of_a_daemon_that_knows_no_access_states() -> None:
    told = document(view(article_state()))
    for path in told["maps"][0]["paths"]:
        del path["states"]["access"]  # type: ignore[misc]  # as older builds leave it out
    assert "[dm failed, checker faulty" in render(told, colour=False)


def test_the_connection_below_a_session_is_reported() -> None:
    session = make_session("192.168.2.1:3260", tcp=TcpFacts(0.25, 3, 1, 8.0), read=9.0)
    (entry,) = document(View(make_state([], [session]), at(0)))["sessions"]
    assert entry["tcp"] == {"rtt": 0.25, "retransmits": 3, "backoff": 1}
    assert entry["silence"] == 1.0


def test_the_screen_ends_with_the_remedy_for_what_is_down() -> None:
    text = screen(make_state([make_map()], sources=make_sources(multipathd=SILENT)), width=40)
    assert text.splitlines()[-3:] == [
        "multipathd does not answer  last answer…",
        "  multipathd did not answer; see",
        "  systemctl",
    ]


def test_a_host_without_iscsi_has_no_trouble_with_it() -> None:
    idle = SourceState(up=False, reason="no_module", detail="scsi_transport_iscsi is not loaded")
    state = make_state([make_map()], sources={**make_sources(), SourceName.ISCSI: idle})
    assert screen(state) == screen(make_state([make_map()]))
    assert summary(view(state)) == "1 map: 1 healthy"
    assert document(view(state))["sources"][0]["reason"] == "no_module"


def test_empty_hosts_and_first_moments_are_reported_apart() -> None:
    assert screen(make_state()) == "no multipath maps on this host\n"
    assert screen(State()) == "reading the host for the first time\n"
    assert summary(view(make_state())) == "no multipath maps on this host"
    assert summary(view(State())) == "reading the host for the first time"


def test_colour_comes_on_request_only_and_changes_no_letter() -> None:
    plain, coloured = screen(article_state()), screen(article_state(), colour=True)
    assert "\x1b" not in plain
    assert "\x1b[31mfailed\x1b[0m" in coloured
    for code in ("0", "1", "2", "31", "32", "33", "36", "1;31", "1;37;41"):
        coloured = coloured.replace(f"\x1b[{code}m", "")
    assert coloured == plain


def test_lines_are_cut_at_the_width() -> None:
    for width in (20, 80, 200):
        assert max(map(len, screen(article_state(), width=width).splitlines())) <= width


def test_the_summary_is_the_design_s_example() -> None:
    state = make_state([make_map("a"), make_map("b"), *article_state().maps.values()])
    assert summary(view(state)) == "3 maps: 2 healthy, 1 at risk (mpio: 192.168.2.1:3260 failed 00:02:11)"


def test_the_summary_counts_what_it_leaves_out_and_names_silent_sources() -> None:
    lost = make_map(
        "db",
        [make_failed_path("p1"), make_failed_path("p2", health=Health.STALLED, outage=make_outage(3))],
        health=MapHealth.LOST,
    )
    unknown = make_map("new", [make_path()], health=MapHealth.UNKNOWN)
    state = make_state([lost, unknown], sources=make_sources(multipathd=SILENT))
    told = "2 maps: 1 unknown, 1 lost (db: p1 failed 00:02:11 and 1 more; 1 more not healthy)"
    assert summary(view(state)) == f"{told}; multipathd down (timeout)"
    alone = make_state([unknown])
    assert summary(view(alone)) == "1 map: 1 unknown (new: unknown 02:00:00)"


def test_the_summary_names_the_first_of_equals_by_the_numbers_in_their_labels() -> None:
    paths = [make_failed_path(f"192.168.{number}.1:3260") for number in (10, 9)]
    maps = [make_map(name, paths, health=MapHealth.LOST) for name in ("lun10", "lun9")]
    assert "(lun9: 192.168.9.1:3260 failed" in summary(view(make_state(maps)))


def test_the_summary_mentions_a_journald_that_does_not_read() -> None:
    told = "no multipath maps on this host; journald does not read; entries that wait: 12"
    hangs = View(make_state(), at(0), {"journal": Outlet(lost=0, waiting=12, stalled=True)})
    assert summary(hangs) == told
    works = View(make_state(), at(0), {"journal": Outlet(lost=3, waiting=1, stalled=False)})
    assert summary(works) == "no multipath maps on this host"


def test_the_summary_is_bounded() -> None:
    state = make_state([make_map("x" * 900, [make_failed_path()], health=MapHealth.LOST)])
    assert len(summary(view(state))) == 240


ugly = st.text(st.one_of(st.sampled_from('"\\\n\r\t\x1b\udc80<>&'), st.characters()), max_size=10)


@settings(deadline=None)
@given(ugly, ugly, ugly)
def test_no_name_forges_a_line_or_breaks_the_json(name: str, path: str, target: str) -> None:
    failed = make_failed_path(path, target=target, dev=target, outage=make_outage(cause=Cause.CHECKER))
    state = make_state(
        [make_map(name, [failed, make_path(f"{path}2")], vendor=target, health=MapHealth.AT_RISK)],
        [make_session(target=target)],
        sources=make_sources(sysfs=SourceState(up=False, reason=target, detail=target)),
    )
    told = document(view(state))
    assert parse(json.dumps(told, ensure_ascii=False).encode()) == told
    text = render(told, colour=False, width=None, zone=UTC)
    assert len(text.splitlines()) == 10
    assert all(line.isprintable() for line in text.splitlines())
    assert summary(view(state)).isprintable()
