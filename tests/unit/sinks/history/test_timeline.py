"""One outage: its timeline beside its budget, its plot, and the same as JSON."""

from __future__ import annotations

import json
import math
from datetime import UTC
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mpathd_watch.core.model.outage import PathStates
from mpathd_watch.core.model.vocabulary import DeviceState, DmState, Health, SessionStatus
from mpathd_watch.sinks.history.document import journal_entries, outage_entry, shown_outage
from mpathd_watch.sinks.history.figure import Look
from mpathd_watch.sinks.history.plot import look, plot
from mpathd_watch.sinks.history.timeline import Entry, journal_lines, timeline
from mpathd_watch.store.past import PastOutage, RawChange
from tests.unit.sinks.history.pasts import BEGAN, NOW, at, past, restarted

SVG = "{http://www.w3.org/2000/svg}"


def texts(outage: PastOutage, now: float = NOW) -> list[str]:
    root = ElementTree.fromstring(plot(outage, now))  # noqa: S314  # our own text
    return [each.text or "" for each in root.iter(f"{SVG}text")]


def test_a_timeline_has_the_stages_and_the_phases_beside_their_budget() -> None:
    assert list(timeline(past(), NOW, zone=UTC)) == [
        "outage 1f0c9e2d3a4b5c6d: mpio, path 192.168.2.1:3260, WWID 3600a0b8",
        "cause: its NIC has lost its carrier or its address",
        "began 2026-11-26 23:09:55, lasted 55.4 s",
        "verdict: within budget",
        "timeouts in force: noop_out_interval 5, noop_out_timeout 10, replacement_timeout off",
        "incident: 77aa",
        "",
        "2026-11-26 23:09:54   -0.1 s  last sign of life",
        "2026-11-26 23:09:55   +0.0 s  suspect",
        "2026-11-26 23:10:10  +15.2 s  stalled",
        "2026-11-26 23:10:15  +20.3 s  failed",
        "2026-11-26 23:10:42  +47.4 s  transport back",
        "2026-11-26 23:10:50  +55.4 s  up again",
        "",
        "PHASE          TOOK    ALLOWED",
        "detection      15.3 s  16 s",
        "replacement    5.1 s   5 s",
        "failover       20.4 s  21 s",
        "reinstatement  8.0 s   82 s",
    ]


def test_what_nobody_watched_is_shown_as_a_range() -> None:
    lines = list(timeline(restarted(), NOW, zone=UTC))
    assert "verdict: unobserved" in lines
    assert "2026-11-26 23:10:13  +18.0 to +30.0 s  failed" in lines
    assert "failover       18.1 s to 30.1 s  21 s" in lines


def test_what_nothing_bounds_is_at_least_so_long() -> None:
    outage = restarted(
        earliest=BEGAN - 60,
        instants={"stalled": at(15.2), "failed": at(18.0, math.inf)},
        phases={"replacement": at(2.8, math.inf)},
        evidence="NIC p2 has no carrier",
    )
    lines = list(timeline(outage, NOW, zone=UTC))
    assert lines[2:5] == [
        "began between 2026-11-26 23:08:55 and 2026-11-26 23:09:55, and the path was not seen up again",
        "verdict: unobserved",
        "timeouts in force: noop_out_interval 5, noop_out_timeout 10, replacement_timeout off",
    ]
    assert "evidence: NIC p2 has no carrier" in lines
    assert "2026-11-26 23:10:13  +18.0 s or later  failed" in lines
    assert any("at least 2.8 s" in line for line in lines)
    assert "at least 2.8 s of at most 5 s" in texts(outage)
    assert outage_entry(outage)["instants"]["failed"] == {"least": 18.0, "most": None}
    assert outage_entry(outage)["earliest"] == "2026-11-26T23:08:55.000Z"


def test_an_open_outage_has_phases_that_are_not_measured_yet() -> None:
    outage = past(
        instants={"last_alive": at(-0.1), "stalled": at(15.2)},
        phases={"detection": at(15.3)},
        verdict="",
        drill="d1",
        incident="",
        inherited=True,
        timeouts=None,
        bounds={"detection": 16.0, "replacement": 5.0},
    )
    lines = list(timeline(outage, BEGAN + 17, zone=UTC))
    assert lines[2:5] == [
        "had begun before it was first seen, 2026-11-26 23:09:55, open for at least 17.0 s",
        "verdict: open",
        "drill: d1",
    ]
    assert lines[-1] == "replacement  not measured  5 s"


def test_the_phase_that_broke_the_budget_is_marked() -> None:
    outage = past(verdict="over_budget", broken="replacement", bounds={"replacement": 4.0})
    lines = list(timeline(outage, NOW, zone=UTC))
    assert "verdict: over budget (replacement)" in lines
    assert "replacement    5.1 s   4 s       OVER" in lines
    assert "detection      15.3 s  no limit" in lines


def test_an_outage_of_which_nothing_is_known_has_a_head_only() -> None:
    lines = list(timeline(past(instants={}, phases={}, bounds={}, timeouts=None), NOW, zone=UTC))
    assert lines[-1] == ""
    assert lines[2] == "began 2026-11-26 23:09:55, and the path was not seen up again"


def test_a_phase_and_a_stage_of_a_newer_daemon_are_shown() -> None:
    lines = list(timeline(past(instants={"half_up": at(3)}, phases={"wobble": at(2)}), NOW, zone=UTC))
    assert "2026-11-26 23:09:58  +3.0 s  half up" in lines
    assert "wobble  2.0 s  no limit" in lines


def test_the_entries_of_the_journal_are_lines() -> None:
    entries = (Entry(BEGAN, "warning", "path_stalled", "mpio: stalled"), Entry(BEGAN + 5, "err", "path_failed", "x\ny"))
    assert list(journal_lines(entries, zone=UTC)) == [
        "2026-11-26 23:09:55  warning  path_stalled  mpio: stalled",
        "2026-11-26 23:10:00  err      path_failed   x\\x0ay",
    ]
    assert list(journal_lines(())) == []
    assert journal_entries(entries)[1] == {
        "at": "2026-11-26T23:10:00.000Z",
        "priority": "err",
        "event": "path_failed",
        "message": "x\\x0ay",
    }


def test_the_plot_has_a_row_a_layer_and_the_deadline_of_the_failover() -> None:
    found = texts(past())
    assert {"path", "session", "disk", "dm"} <= set(found)
    assert {"LOGGED_IN", "transport-offline", "recovering", "failed"} <= set(found)
    assert "I/O moves by 20.9" in found
    assert "failed 20.3" in found
    assert "mpio 192.168.2.1:3260: its NIC has lost its carrier or its address, within budget, 55.4 s" in found
    assert not any(text.startswith("up again by") for text in found)


def test_the_plot_of_an_outage_without_raw_states_has_its_health() -> None:
    found = texts(restarted())
    assert "path" in found
    assert "session" not in found
    assert {"suspect", "stalled", "failed", "recovering", "up"} <= set(", ".join(found).split(", "))
    assert "failed 18 to 30" in found


def test_a_path_that_never_failed_is_not_drawn_as_recovering() -> None:
    outage = restarted(instants={"stalled": at(0), "transport_up": at(3), "reinstated": at(4)}, phases={})
    assert "recovering" not in ", ".join(texts(outage))


def test_the_plot_of_an_open_outage_ends_now() -> None:
    outage = past(instants={"failed": at(0)}, phases={}, verdict="", states=(RawChange(0, PathStates("failed")),))
    root = ElementTree.fromstring(plot(outage, BEGAN + 100))  # noqa: S314  # our own text
    assert [each.findtext(f"{SVG}title") for each in root.iter(f"{SVG}rect") if each.get("class") == "bar bad"] == [
        "path: failed, 0 to 1:40"
    ]


@pytest.mark.parametrize("word", [*Health, *SessionStatus, *DmState, *DeviceState])
def test_every_word_has_a_look(word: str) -> None:
    unknown = {"unknown", "none", "created"}
    assert (look(word.value) is Look.DULL) == (word.value in unknown)  # type: ignore[attr-defined]


def test_one_outage_as_json() -> None:
    shown = json.loads(json.dumps(shown_outage(restarted(states=(RawChange(1.0, PathStates("up", session="FREE")),)))))
    assert shown["instants"]["failed"] == {"least": 18.0, "most": 30.0}
    assert shown["phases"]["failover"] == {"least": 18.1, "most": 30.1, "allowed": 21.0}
    assert shown["phases"]["transition"] == {"least": None, "most": None, "allowed": None}
    assert shown["timeouts"]["replacement_timeout"] == "off"
    assert shown["lasted"] == {"least": 55.4, "most": 55.4}
    assert shown["states"] == [
        {"at": 1.0, "health": "up", "dm": None, "checker": None, "device": None, "session": "FREE", "access": None}
    ]
    assert outage_entry(past(instants={}, timeouts=None, verdict="", incident=""))["verdict"] is None


@given(st.text(), st.text(), st.text())
def test_no_text_from_outside_forges_a_line(first: str, second: str, third: str) -> None:
    outage = past(id=first, wwid=second, map=third, cause=first, incident=second, drill=third)
    lines = list(timeline(outage, NOW)) + list(journal_lines((Entry(BEGAN, first, second, third),)))
    assert all(line.isprintable() for line in lines)
    assert texts(outage)
