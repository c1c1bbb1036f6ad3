"""The table and the summary: what an administrator sees of last night."""

from __future__ import annotations

from datetime import UTC
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from mpathd_watch.sinks.history.summary import Summary, summary_lines, unproven_lines
from mpathd_watch.sinks.history.table import Gap, gaps, table
from mpathd_watch.sinks.metrics import Exposition
from mpathd_watch.sinks.view import View
from mpathd_watch.store.past import DaemonRun, MapRisk, PastOutage, ProvenPath
from tests.factories import NOW as FACTORY_NOW
from tests.factories import make_state
from tests.unit.sinks.history.pasts import BEGAN, NOW, at, past, restarted


def shown(*outages: PastOutage, missed: Any = (), width: int | None = None) -> list[str]:
    return list(table(outages, missed, NOW, width=width, zone=UTC))


def test_an_outage_is_one_line_in_columns() -> None:
    head, first, second = shown(past(), restarted(began=BEGAN + 3600))
    assert head.split() == ["ID", "BEGAN", "MAP", "PATH", "LASTED", "FAILOVER", "VERDICT", "CAUSE"]
    cells = [cell for cell in first.split("  ") if cell]
    assert [cell.strip() for cell in cells] == [
        "1f0c9e2d3a4b5c6d",
        "2026-11-26 23:09:55",
        "mpio",
        "192.168.2.1:3260",
        "55.4 s",
        "20.4 s",
        "within budget",
        "its NIC has lost its carrier or its address",
    ]
    assert "18.1 s to 30.1 s" in second
    assert "unobserved" in second
    assert first.index("within") == second.index("unobserved") == head.index("VERDICT")


def test_an_open_outage_lasts_until_now_and_an_inherited_one_longer() -> None:
    (line,) = shown(past(instants={}, phases={}, verdict="", inherited=True))[1:]
    assert "at least 1 d 0 h" in line
    assert "  -  " in line
    assert "open" in line


def test_what_nobody_watched_begin_lasted_longer_by_up_to_that_time() -> None:
    (line,) = shown(past(earliest=BEGAN - 60, inherited=True))[1:]
    assert "55.4 s to 1 min 55 s" in line


def test_a_path_that_was_removed_instead_of_coming_back_has_no_duration() -> None:
    (line,) = shown(past(instants={"failed": at(20.3)}, phases={}, verdict="no_budget"))[1:]
    assert line.split()[5:9] == ["-", "-", "no", "budget"]


def test_a_phase_that_broke_the_budget_and_a_drill_are_named() -> None:
    (line,) = shown(past(verdict="over_budget", broken="replacement", drill="d1"))[1:]
    assert "over budget (replacement)" in line
    assert line.endswith("(drill)")


def test_words_of_a_newer_daemon_are_shown_as_they_are() -> None:
    (line,) = shown(past(cause="flood", verdict="half_budget"))[1:]
    assert "half budget" in line
    assert line.endswith("flood")


def test_times_without_a_daemon_stand_between_the_outages() -> None:
    runs = (
        DaemonRun(BEGAN + 100, BEGAN + 200, clean=False),
        DaemonRun(BEGAN - 50, BEGAN + 90),
        DaemonRun(BEGAN + 260, None),
    )
    missed = list(gaps(runs))
    assert missed == [Gap(BEGAN + 90, BEGAN + 100, crashed=False), Gap(BEGAN + 200, BEGAN + 260, crashed=True)]
    lines = shown(past(), past(began=BEGAN + 150), missed=missed)[1:]
    assert lines[1] == "-- no daemon ran: 2026-11-26 23:11:25 to 2026-11-26 23:11:35 (10.0 s) --"
    assert lines[3].startswith("-- the daemon ended without notice: ")


def test_a_terminal_cuts_names_and_the_cause_but_never_the_id() -> None:
    names = {"map": "m" * 60, "path": "p" * 60}
    for width in (200, 120, 100, 80):
        head, line = shown(past(**names), width=width)
        assert len(line) <= width
        assert line.startswith("1f0c9e2d3a4b5c6d  2026-11-26 23:09:55  mmm")
        assert "…" in line
        assert head.index("VERDICT") == line.index("within") if width >= 120 else True
    assert "m" * 60 in shown(past(**names))[1]


@given(st.text(), st.text(), st.text(), st.text(), st.one_of(st.none(), st.integers(20, 200)))
def test_no_text_from_outside_forges_a_line_or_reaches_the_terminal(
    name: str, path: str, cause: str, verdict: str, width: int | None
) -> None:
    outage = past(map=name, path=path, cause=cause, verdict=verdict, broken=cause, id=name)
    lines = [*shown(outage, width=width)]
    lines += summary_lines(Summary({verdict: 1}, (MapRisk(name, 1.0, 0.0),), outage, (ProvenPath(name, path, None),)))
    lines += unproven_lines((ProvenPath(name, path, 0.0),))
    assert all(line.isprintable() for line in lines)
    assert len(shown(outage)) == 2


def test_the_summary_counts_what_the_filters_left() -> None:
    summary = Summary(
        {"within_budget": 40, "over_budget": 2, "": 1},
        (MapRisk("mpio", 131.0, 0.0), MapRisk("data", 60.0, 12.0), MapRisk("quiet", 0.0, 0.0)),
        past(),
        tuple(ProvenPath("mpio", f"192.168.{number}.1:3260", None) for number in range(5)),
    )
    assert list(summary_lines(summary, UTC)) == [
        "43 outages: 1 open, 2 over budget, 40 within budget",
        "mpio: 2 min 11 s at risk",
        "data: 1 min 0 s at risk, 12.0 s lost",
        "longest failover within 90 days: 20.4 s of at most 21.0 s, mpio 192.168.2.1:3260, 2026-11-26 23:09:55 "
        "(1f0c9e2d3a4b5c6d)",
        "failover never proven: 5 paths (mpio 192.168.0.1:3260, mpio 192.168.1.1:3260, mpio 192.168.2.1:3260 and 2 "
        "more; see --unproven)",
    ]


def test_the_summary_of_nothing_is_one_line() -> None:
    assert list(summary_lines(Summary())) == ["0 outages"]
    assert list(summary_lines(Summary(worst=past(phases={"failover": at(3.0)}, bounds={})), UTC))[1].startswith(
        "longest failover within 90 days: 3.0 s, mpio"
    )


def test_paths_that_are_not_proven_are_listed_with_their_last_proof() -> None:
    paths = (ProvenPath("mpio", "192.168.1.1:3260", None), ProvenPath("m", "p", BEGAN))
    assert list(unproven_lines(paths, UTC)) == [
        "mpio  192.168.1.1:3260  never proven",
        "m     p                 last proven 2026-11-26 23:09:55",
    ]


def test_the_metric_counts_what_is_stored_and_is_absent_before_that() -> None:
    for stored, expected in ((None, []), (7, ["mpathd_watch_history_outages 7.0"])):
        view = View(make_state(), FACTORY_NOW, history=stored)
        exposition = Exposition(lambda view=view: view)  # type: ignore[misc]
        text = b"".join(exposition.render(exposition.format())).decode()
        assert [line for line in text.splitlines() if line.startswith("mpathd_watch_history_outages")] == expected
