"""What a drill shows: its screen, its sentences, and the report as Markdown, SVG and JSON."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from dataclasses import replace
from datetime import UTC

import pytest

from mpathd_watch.core.drill.following import Following, advance, begun
from mpathd_watch.core.drill.io_wait import SlowIo
from mpathd_watch.core.drill.plan import plan
from mpathd_watch.core.drill.result import DrillRecord, Ending, PhaseResult, conclude
from mpathd_watch.core.drill.target import Kind, Target
from mpathd_watch.core.model.vocabulary import Health, Phase
from mpathd_watch.core.state import State
from mpathd_watch.sinks.drill import document, markdown, texts
from mpathd_watch.sinks.drill.plot import plot
from mpathd_watch.sinks.drill.screen import frame
from tests.factories import at, make_map, make_path
from tests.unit.core.drill.drilling import ONE, P2, TWO, ended, host, lost, outage, passed, planned, session, with_path

SVG = "{http://www.w3.org/2000/svg}"


def record(ending: Ending = Ending.BACK) -> DrillRecord:
    """A drill that has passed, if nobody stopped it."""
    return replace(conclude(passed(host()), ending), slowest=SlowIo("mpio", TWO, 16.5, 3))


def not_back() -> DrillRecord:
    """A drill whose path was never reinstated, and in which another one failed."""
    state = host()
    following = begun(planned(state), state, at(0))
    following = advance(following, lost(lost(state, health=Health.RECOVERING), ONE), (), at(90))
    return conclude(following, Ending.LIMIT)


def shown(state: State, seconds: float, *, width: int = 120, colour: bool = False) -> list[str]:
    whole = host()
    return frame(advance(begun(planned(whole), whole, at(0)), state, (), at(seconds)), width, colour=colour)


# --- sentences --------------------------------------------------------------------------------------------------------


def test_the_announcement_has_what_is_lost_what_is_promised_and_how_to_cause_it() -> None:
    lines = list(texts.announcement(planned(host())))
    assert lines == [
        "Drill on interface p2: it is safe now.",
        "interface p2: 1 path of 1 map would be lost; each has another one.",
        "  Expected: noticed after 10 to 16 s, I/O moves after 15 to 21 s, back within 82 s of the new connection.",
        "  Cause the fault with:",
        "      ip link set p2 down",
        "    and undo it, once I/O has moved, with:",
        "      ip link set p2 up",
        "  or pull the cable. mpathd-watch runs none of these commands.",
        "Waiting for the fault. Ctrl-C ends the drill.",
    ]


def test_of_a_map_each_portal_is_announced() -> None:
    lines = list(texts.announcement(planned(host(), Target(Kind.MAP, "mpio"))))
    assert lines[0] == "Drill on map mpio: it is safe now. Let one of these fail:"
    assert [line for line in lines if line.startswith("portal ")] == [
        f"portal {portal}: 1 path of 1 map would be lost; each has another one." for portal in (ONE, TWO)
    ]


def test_a_refusal_has_all_reasons() -> None:
    found = plan(lost(host(), ONE), P2)
    assert list(texts.refusal(found)) == [
        "A drill on interface p2 is refused:",
        *(f"  - {reason}" for reason in found.reasons),
    ]


def test_what_timers_and_polling_add_is_named_where_only_that_keeps_a_promise() -> None:
    late = PhaseResult(Phase.REPLACEMENT, 5.0, 5.1, tolerance=2.0)
    assert texts.promised_and_measured(late) == "5.1 s of at most 5.0 s and 2.0 s for timers and polling: kept"
    assert texts.promised_and_measured(replace(late, measured=7.1)) == "7.1 s of at most 5.0 s: BROKEN"


def test_the_summary_compares_promised_with_measured() -> None:
    assert list(texts.summary(record())) == [
        "Drill on interface p2: passed after 1 min 2 s.",
        "  detection      12.0 s of at most 16.0 s: kept",
        "  replacement    5.0 s of at most 5.0 s: kept",
        "  failover       17.0 s of at most 21.0 s: kept",
        "  reinstatement  5.0 s of at most 82.0 s: kept",
        f"  slowest I/O    at least 16.5 s on {TWO} of mpio, the mean of 3 that ended together",
    ]


@pytest.mark.parametrize(
    ("io", "words"),
    [
        (None, "no I/O has ended on the paths of these maps"),
        (SlowIo("mpio", TWO, 16.5, 1), f"at least 16.5 s on {TWO} of mpio"),
    ],
)
def test_the_slowest_io_is_no_more_than_what_is_known(io: SlowIo | None, words: str) -> None:
    assert texts.slowest(io) == words


def test_a_promise_without_limit_and_a_phase_without_evidence_are_words() -> None:
    assert texts.seconds(float("inf")) == "no limit"
    assert texts.seconds(None) == "not measured"


# --- the screen -------------------------------------------------------------------------------------------------------


def test_before_the_fault_the_screen_has_the_limits() -> None:
    assert shown(host(), 1.5) == [
        "",
        "Drill on interface p2, 1.5 s",
        "  noticed            0 of 1  limit 16.0 s",
        "  held I/O given up  0 of 1  limit 5.0 s",
        "  I/O moved          0 of 1  limit 21.0 s",
        "  in use again       0 of 1  limit 82.0 s",
        "  slowest I/O        no I/O has ended on the paths of these maps",
        "  undo: ip link set p2 up;  Ctrl-C ends the drill",
    ]


def test_a_phase_that_runs_counts_down() -> None:
    lines = shown(lost(host(), health=Health.STALLED), 27)
    assert lines[2] == "  noticed            1 of 1  12.0 s of at most 16.0 s: kept"
    assert lines[3] == "  held I/O given up  0 of 1  [########............]  3.0 s left"
    assert lines[4] == "  I/O moved          0 of 1  [#################...]  3.0 s left"


def test_a_phase_that_is_overdue_is_red_and_shows_by_how_much() -> None:
    lines = shown(lost(host(), health=Health.RECOVERING), 40, colour=True)
    assert lines[5] == "\x1b[1;31m  in use again       0 of 1  [####################]  overdue by 10.0 s\x1b[0m"


def test_a_phase_that_broke_its_promise_is_red() -> None:
    late = outage(last_alive=at(-40), transport_up=None, reinstated=None)
    state = with_path(host(), TWO, health=Health.FAILED, outage=late)
    lines = shown(state, 20, colour=True)
    assert lines[2] == "\x1b[1;31m  noticed            1 of 1  50.0 s of at most 16.0 s: BROKEN\x1b[0m"
    assert lines[3].startswith("\x1b[32m")


def test_of_a_map_there_are_no_limits_until_one_of_its_portals_has_failed() -> None:
    state = host()
    following = begun(planned(state, Target(Kind.MAP, "mpio")), state, at(0))
    assert frame(following, 120, colour=False)[1:] == [
        "Drill on map mpio, 0.0 s",
        "  none of the portals has failed yet",
        "  slowest I/O        no I/O has ended on the paths of these maps",
        "  Ctrl-C ends the drill",
    ]
    assert len(frame(advance(following, lost(state), (), at(1)), 120, colour=False)) == 8


def test_no_line_is_wider_than_the_terminal() -> None:
    assert max(map(len, shown(lost(host()), 20, width=30))) == 29
    assert set(map(len, shown(lost(host()), 20, width=0))) == {0, 1}


def test_where_the_fault_has_no_command_the_screen_names_none() -> None:
    odd = host(make_map("mpio", [make_path(), make_path(TWO, "sdb")]))
    found = planned(odd)
    bare = replace(found, choices=tuple(replace(choice, ways=()) for choice in found.choices))
    assert frame(begun(bare, odd, at(0)), 80, colour=False)[-1] == "  Ctrl-C ends the drill"


def test_without_any_held_io_there_is_no_limit_to_draw() -> None:
    at_once = session(2, recovery_tmo=0)
    state = host(sessions=(session(1), at_once))
    following: Following = advance(begun(planned(state), state, at(0)), lost(state, health=Health.STALLED), (), at(29))
    assert frame(following, 120, colour=False)[3].endswith("[####################]  1.0 s left")


# --- the report -------------------------------------------------------------------------------------------------------


def test_the_page_of_a_drill_that_has_passed() -> None:
    page = markdown.report(record(), "drill.svg", UTC)
    assert page.startswith("# Drill on interface p2: passed\n\nIt began on 2026-11-18 at 11:06:40 UTC.\n")
    assert "Every path came back, and each phase kept what the timeouts in force promise." in page
    assert "| 21.0 s | 17.0 s | kept |" in page
    assert "](drill.svg)" in page
    assert (
        f"| {TWO} | mpio | sdb | no answer to the initiator's ping | 12.0 s | 5.0 s | 17.0 s | 5.0 s | proven |" in page
    )


def test_the_page_of_a_drill_that_has_not() -> None:
    page = markdown.report(not_back(), zone=UTC)
    assert "It has not passed:\n\n- it had not ended after 1 min 30 s\n" in page
    assert "NOT BACK: recovering |" in page
    assert "NOT BACK: failed, not part of the drill |" in page
    assert ".svg" not in page


def test_the_page_of_a_drill_that_was_stopped() -> None:
    assert "It was stopped, and proves nothing:" in markdown.report(record(Ending.STOPPED), zone=UTC)
    state = host()
    nothing = conclude(begun(planned(state, Target(Kind.MAP, "mpio")), state, at(0)), Ending.STOPPED)
    assert markdown.report(nothing, zone=UTC).endswith("No path has failed.\n")
    assert "| did not fail | - | - | - | - | - |" in markdown.report(
        conclude(begun(planned(state), state, at(0)), Ending.LIMIT)
    )


def test_a_page_lists_no_more_paths_than_can_be_read() -> None:
    names = [f"lun{number}" for number in range(205)]
    state = host(*map(make_map, names))
    page = markdown.report(conclude(begun(planned(state), state, at(0)), Ending.LIMIT), zone=UTC)
    assert page.endswith("\nand 5 more.\n")


def test_a_phase_that_was_late_is_marked_on_the_page() -> None:
    state = host()
    following = advance(begun(planned(state), state, at(0)), state, (ended(whole=outage(last_alive=at(-40))),), at(60))
    assert "| 50.0 s (LATE) |" in markdown.report(conclude(following, Ending.BACK), zone=UTC)


def test_names_from_the_san_can_not_forge_markdown() -> None:
    evil = "evil|`*_[x](y)\n# forged"
    page = markdown.report(replace(record(), target=Target(Kind.MAP, evil)), zone=UTC)
    assert page.splitlines()[0] == r"# Drill on map evil\|\`\*\_\[x\]\(y\)\\x0a\# forged: passed"


def test_the_picture_has_a_row_for_each_path_and_the_limits_as_marks() -> None:
    drawn = plot(record())
    root = ET.fromstring(drawn)  # noqa: S314  # our own text
    assert root.tag == f"{SVG}svg"
    shown = "".join(root.itertext())
    for words in (TWO, "stalled", "failed", "recovering", "I/O must have moved", "must be in use again", "detection"):
        assert words in shown


def test_the_picture_of_what_did_not_come_back() -> None:
    shown = "".join(ET.fromstring(plot(not_back())).itertext())  # noqa: S314  # our own text
    assert "recovering" in shown
    assert ONE in shown


def test_without_an_outage_there_is_nothing_to_draw() -> None:
    state = host()
    assert plot(conclude(begun(planned(state), state, at(0)), Ending.LIMIT)) == ""


def test_what_was_not_seen_is_not_drawn() -> None:
    bare = outage(last_alive=None, stalled=None, transport_up=None, reinstated=None, bounds=None)
    state = host()
    following = advance(
        begun(planned(state), state, at(0)), with_path(state, TWO, health=Health.FAILED, outage=bare), (), at(40)
    )
    shown = "".join(ET.fromstring(plot(conclude(following, Ending.LIMIT))).itertext())  # noqa: S314  # our own text
    assert "must have moved" not in shown
    assert "stalled" not in shown


def test_the_document_has_everything_in_numbers() -> None:
    found = json.loads(json.dumps(document.document(record())))
    assert (found["version"], found["outcome"], found["ending"], found["reasons"]) == (1, "passed", "back", [])
    assert found["target"] == {"kind": "interface", "name": "p2"}
    assert found["promised"] == {
        "noticed_best": 10,
        "noticed_worst": 16,
        "moved_best": 15,
        "moved_worst": 21,
        "back": 82,
    }
    assert found["slowest_io"] == {"map": "mpio", "path": TWO, "at_least_seconds": 16.5, "ios": 3}
    (path,) = found["paths"]
    assert path["phases"]["failover"] == {"promised": 21.0, "measured": 17.0, "kept": True}
    assert path["outages"][0]["failed"] == "2026-11-18T11:06:55.000Z"
    assert path["outages"][0]["suspected"] is None


def test_the_document_of_a_refusal_has_its_reasons_and_nothing_that_was_measured() -> None:
    found = document.refusal(plan(lost(host(), ONE), P2))
    assert found["outcome"] == "refused"
    assert len(found["reasons"]) == 2
    assert "paths" not in found


def test_what_has_no_limit_is_null() -> None:
    state = host()
    whole = conclude(begun(planned(state, Target(Kind.MAP, "mpio")), state, at(0)), Ending.STOPPED)
    found = document.document(whole)
    assert set(found["promised"].values()) == {None}
    assert found["slowest_io"] is None
