"""The parts of the page: what goes on, the last day of a map, findings, many maps, and what a reader asks for."""

from __future__ import annotations

import re
from datetime import UTC
from typing import Any
from urllib.parse import quote
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mpathd_watch.core.audit_report import AuditReport
from mpathd_watch.core.catalog.findings import Finding, FindingKind, Severity
from mpathd_watch.core.model.mappings import frozen
from mpathd_watch.core.model.vocabulary import Cause, Health, MapHealth, Suspicion
from mpathd_watch.core.state import Auditing, State
from mpathd_watch.immutable import replace
from mpathd_watch.sinks.http.page import REFRESH_SECONDS, Shown, Wanted, render, wanted
from mpathd_watch.sinks.http.page.day import UNWATCHED, Stretch, bar, stretches, summary
from mpathd_watch.sinks.http.page.maps import MOST_LINES, MOST_TABLES
from mpathd_watch.sinks.http.page.running import MOST as MOST_RUNNING
from mpathd_watch.sinks.status.document import MapEntry
from mpathd_watch.sinks.status.from_view import document
from mpathd_watch.sinks.view import View
from mpathd_watch.store.day import Change, Day
from tests.factories import (
    NOW,
    article_state,
    at,
    make_failed_path,
    make_map,
    make_outage,
    make_path,
    make_session,
    make_state,
)
from tests.unit.sinks.http.reading import read

WALL = NOW.wall
HOURS = 3600.0


def page(state: State, **changes: Any) -> str:
    return render(Shown(document(View(state, NOW)), **{"host": "san-host", "zone": UTC, **changes}))


def text(html: str) -> str:
    """What a reader sees."""
    return " ".join("".join(read(html.partition("</style>")[2].join(("<html><head>", ""))).text).split())


def at_risk(number: int, **changes: Any) -> Any:
    """A map with a failed path."""
    return make_map(f"lun{number}", [make_path(), make_failed_path(**changes)], health=MapHealth.AT_RISK)


# --- the whole --------------------------------------------------------------------------------------------------------


def test_the_page_is_about_this_host_and_in_its_time_with_the_zone() -> None:
    shown = page(article_state(), host="san\x1b<b>", zone=ZoneInfo("Europe/Berlin"))
    assert "<h1>san\\x1b&lt;b&gt;</h1>" in shown
    assert "<title>1 map: 1 at risk &middot; san" in shown
    assert "As of 2026-11-18 12:06:40 CET (UTC+01:00) · renewed every 5 s" in text(shown)
    assert "12:04:34" in shown
    assert "Since (CET)" in shown
    assert "11:06:40 UTC · renewed" in page(article_state())


def test_a_page_without_the_host_s_name_has_the_program_s() -> None:
    assert "<h1>mpathd-watch</h1>" in page(make_state(), host="")


# --- what goes on -----------------------------------------------------------------------------------------------------


def test_outages_of_one_path_label_and_cause_are_one_entry_with_a_count_down() -> None:
    stalled: dict[str, Any] = {"health": Health.STALLED, "outage": make_outage(17, cause=Cause.NOP_TIMEOUT)}
    maps = [at_risk(number, **stalled, since=at(-2), deadline=at(3.2 + number)) for number in range(5)]
    shown = page(make_state(maps))
    section = shown.partition('<section class="running">')[2].partition("</section>")[0]
    assert section.count("192.168.2.1:3260") == 1
    assert "5 maps: lun0, lun1, lun2 and 2 more" in section
    assert "No answer to the initiator" in section
    assert "for 17.0 s" in section
    assert "for the kernel to give the session up" in section
    assert 'aria-label="3.2 s left"' in section
    assert "--n:4;--d:3.2s;--u:0.385" in section


def test_what_is_overdue_or_long_is_not_counted_down() -> None:
    late = at_risk(1, health=Health.RECOVERING, deadline=at(-7), overdue=True)
    shown = page(make_state([late]))
    assert '<div class="left"><span class="off">overdue by 7.0 s</span></div>' in shown
    long = page(make_state([at_risk(1, health=Health.RECOVERING, deadline=at(600))]))
    assert 'class="count"' not in long
    assert "10 min 0 s left" in long
    assert 'class="count"' in page(make_state([at_risk(1, health=Health.RECOVERING, deadline=at(100))]))


def test_the_most_urgent_outage_comes_first_and_the_rest_is_counted() -> None:
    maps = [
        make_map(f"lun{number}", [make_failed_path(f"10.0.0.{number}:3260", deadline=at(100 - number))])
        for number in range(MOST_RUNNING + 3)
    ]
    section = page(make_state(maps)).partition('<section class="running">')[2].partition("</section>")[0]
    assert section.count("<li") == MOST_RUNNING + 1
    assert section.index(f"10.0.0.{MOST_RUNNING + 2}:3260") < section.index("10.0.0.6:3260")
    assert "10.0.0.2:3260" not in section
    assert "3 other outages below" in section


def test_a_healthy_host_has_no_outages() -> None:
    assert "Running outages" not in page(make_state([make_map()]))


def test_a_suspect_path_says_why() -> None:
    session = replace(make_session("192.168.2.1:3260"), suspicion=Suspicion.CARRIER)
    path = make_path("192.168.2.1:3260", health=Health.SUSPECT, outage=make_outage(2), deadline=at(8))
    shown = text(page(make_state([make_map(paths=[make_path(), path], health=MapHealth.DEGRADED)], [session])))
    assert "Its NIC has lost its carrier or its address" in shown
    assert "for the kernel to detect the loss" in shown


# --- the last day -----------------------------------------------------------------------------------------------------


def day(*changes: tuple[float, str], unwatched: tuple[tuple[float, float], ...] = (), known: float = -24) -> Day:
    """Changes of the map ``mpio``; all moments in hours from now."""
    found = tuple(Change(WALL + hours * HOURS, health) for hours, health in changes)
    gaps = tuple((WALL + begin * HOURS, WALL + end * HOURS) for begin, end in unwatched)
    return Day(WALL - 24 * HOURS, WALL, WALL + known * HOURS, frozen({"wwid-of-mpio": found} if found else {}), gaps)


def entry(health: MapHealth = MapHealth.HEALTHY, since: float = -48) -> MapEntry:
    (found,) = document(View(make_state([make_map(health=health, since=at(since * HOURS))]), NOW))["maps"]
    return found


def hours(day: Day, of: MapEntry | None = None) -> list[tuple[float, float, str]]:
    found = stretches(day, entry() if of is None else of, WALL)
    return [(round((s.begin - WALL) / HOURS, 3), round((s.end - WALL) / HOURS, 3), s.health) for s in found]


def test_the_day_of_a_map_is_its_changes_and_the_health_that_it_had_before() -> None:
    changes = ((-30, "healthy"), (-10, "at_risk"), (-9, "lost"), (-8, "healthy"))
    assert hours(day(*changes)) == [
        (-24, -10, "healthy"),
        (-10, -9, "at_risk"),
        (-9, -8, "lost"),
        (-8, 0, "healthy"),
    ]


def test_what_the_store_does_not_have_yet_comes_from_the_state() -> None:
    lost = entry(MapHealth.LOST, since=-0.5)
    assert hours(day((-30, "healthy")), lost) == [(-24, -0.5, "healthy"), (-0.5, 0, "lost")]
    assert hours(day(), entry()) == [(-24, 0, "healthy")]
    assert hours(day(), entry(since=-3)) == [(-3, 0, "healthy")]


def test_nobody_watched_between_two_runs_of_the_daemon() -> None:
    unwatched = ((-20, -18), (-6, -5))
    assert hours(day((-30, "healthy"), (-12, "at_risk"), (-5, "healthy"), unwatched=unwatched)) == [
        (-24, -20, "healthy"),
        (-20, -18, UNWATCHED),
        (-18, -12, "healthy"),
        (-12, -6, "at_risk"),
        (-6, -5, UNWATCHED),
        (-5, 0, "healthy"),
    ]


def test_before_what_was_read_nothing_is_shown() -> None:
    assert hours(day((-3, "at_risk"), (-2, "healthy"), known=-3)) == [(-3, -2, "at_risk"), (-2, 0, "healthy")]


moments = st.floats(-30, 2)


@given(
    st.lists(st.tuples(moments, st.sampled_from(["healthy", "lost", "odd"])), max_size=6),
    st.lists(st.tuples(moments, moments)),
)
def test_the_stretches_are_in_order_and_within_the_day(
    changes: list[tuple[float, str]], gaps: list[tuple[float, float]]
) -> None:
    watched = tuple(sorted((min(gap), max(gap)) for gap in gaps))
    found = hours(day(*sorted(changes), unwatched=watched))
    assert all(-24 <= begin <= end for begin, end, _ in found)
    drawn = bar(day(*changes, unwatched=watched), entry(), WALL, UTC)
    assert "nan" not in drawn


def test_a_short_outage_is_wide_enough_to_be_seen_and_the_bar_says_when() -> None:
    shown = bar(day((-30, "healthy"), (-0.01, "at_risk"), (-0.001, "healthy")), entry(), WALL, UTC)
    assert '<rect class="bad" x="994.0" y="0" width="6.0"' in shown
    assert "<title>at risk 11:06:04 to 11:06:36 (32.4 s)</title>" in shown
    assert "<small>at risk 32.4 s</small>" in shown
    assert 'aria-label="last 24 h: at risk 32.4 s"' in shown


def test_a_day_without_trouble_needs_no_words() -> None:
    shown = bar(day((-30, "healthy"), unwatched=((-3, -2),)), entry(), WALL, UTC)
    assert "<small></small>" in shown
    assert 'aria-label="last 24 h: not watched 1 h 0 min"' in shown
    assert summary([Stretch(0, 1, "healthy")]) == "healthy"
    assert summary([Stretch(0, 1, "odd"), Stretch(1, 3, "degraded")]) == "odd 1.0 s, degraded 2.0 s"


def test_a_map_that_flaps_all_day_has_a_bar_of_bounded_size() -> None:
    changes = [(-23 + number / 100, "lost" if number % 2 else "healthy") for number in range(2000)]
    assert bar(day(*changes), entry(), WALL, UTC).count("<rect") <= 60


def test_without_a_store_there_is_no_day() -> None:
    assert bar(None, entry(), WALL, UTC) == ""
    assert "<svg" not in page(article_state())
    assert "Last 24 h" not in page(make_state([make_map()]))
    shown = page(make_state([make_map(), at_risk(1)]), day=day((-30, "healthy")))
    assert shown.count("<svg") == 2
    assert "Last 24 h, to 11:06 UTC" in shown


# --- findings ---------------------------------------------------------------------------------------------------------


def test_findings_have_level_object_text_place_and_remedy() -> None:
    finding = Finding(FindingKind.SINGLE_PATH, "lun<1>", "has one path", where="/etc/x:3")
    shown = page(make_state(), findings=(finding,))
    assert "<strong>lun&lt;1&gt;</strong>: has one path <small>/etc/x:3</small>" in shown
    assert finding.remedy.split(".")[0] in text(shown)
    assert "Configuration: 1 finding" in shown


def test_many_findings_are_bounded_and_those_of_level_info_are_counted() -> None:
    serious = [Finding(FindingKind.SINGLE_PATH, f"lun{number}", "x") for number in range(25)]
    mild = [Finding(FindingKind.SINGLE_PATH, "z", "x", level=Severity.INFO)] * 2
    shown = page(make_state(), findings=(*serious, *mild))
    assert "Configuration: 25 findings" in shown
    assert "5 more and 2 of level info: see mpathd-watch check" in shown
    assert "<strong>lun20" not in shown
    assert "Configuration" not in page(make_state(), findings=tuple(mild))


def test_the_daemon_s_findings_are_those_of_its_last_audit() -> None:
    report = AuditReport((Finding(FindingKind.SINGLE_PATH, "x", "y"),))
    found = document(View(make_state(auditing=Auditing(report=report, at=at(0))), NOW))
    assert found["findings"] == {"critical": 0, "warning": 1, "info": 0}


# --- many maps --------------------------------------------------------------------------------------------------------


def test_a_map_without_a_fault_is_one_line_and_leads_to_its_paths() -> None:
    shown = page(make_state([make_map("a/b c?&"), at_risk(1)]))
    assert shown.count("<table") == 1
    assert f'<a class="name" href="/?map={quote("a/b c?&", safe="")}">a/b c?&amp;</a>' in shown
    assert "2 of 2 up" in shown
    assert "dm-0 LIO-ORG disk1" in shown


def test_of_many_maps_with_a_fault_the_worst_have_tables_and_the_others_a_line_with_the_cause() -> None:
    maps = [at_risk(number) for number in range(MOST_TABLES + 4)]
    shown = page(
        make_state([*maps, make_map("suspended", suspended=True), make_map("none", [], health=MapHealth.LOST)])
    )
    assert shown.count('<table class="paths"') == MOST_TABLES
    assert shown.count("192.168.2.1:3260: connection error") == 5
    assert '<span class="cause">suspended</span>' in shown


def test_500_maps_are_a_page_of_bounded_size() -> None:
    maps = [make_map(f"lun{number:04}", wwid=f"w{number}") for number in range(MOST_LINES + 50)]
    shown = page(make_state(maps))
    assert shown.count("<li><a") == MOST_LINES
    assert "50 other maps: search for them, or see the problems" in shown


# --- what a reader asks for -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", Wanted()),
        ("map=a%2Fb", Wanted(map="a/b")),
        ("problems", Wanted(problems=True)),
        ("problems=&map=x&other=1", Wanted(map="x", problems=True)),
        ("search", Wanted(search=True)),
        ("text=eth+0%0A", Wanted(text="eth 0")),
        ("text=" + "x" * 900, Wanted(text="x" * 200)),
        ("map=%ff%1b", Wanted(map="\N{REPLACEMENT CHARACTER}\\x1b")),
    ],
)
def test_the_address_says_what_is_wanted(query: str, expected: Wanted) -> None:
    assert wanted(query) == expected


@given(st.text(max_size=40))
def test_any_address_is_understood(query: str) -> None:
    assert isinstance(wanted(query), Wanted)


@given(st.text(min_size=1, max_size=20))
def test_the_address_of_a_map_leads_to_it(name: str) -> None:
    state = make_state([make_map(name)])
    (found,) = document(View(state, NOW))["maps"]
    (address,) = re.findall(r'class="name" href="/\?([^"]*)"', page(state))
    assert wanted(address).takes(found)


def test_problems_alone_or_a_text_in_a_name() -> None:
    state = make_state([make_map("alpha"), at_risk(1)])
    problems = page(state, wanted=Wanted(problems=True))
    assert "alpha" not in problems
    assert "Only maps with a problem: 1" in problems
    assert 'href="/?problems" aria-current=page>Problems 1</a>' in problems
    for part, found in (
        ("LPHA", True),
        ("wwid-of-al", True),
        ("sdb", True),
        ("lio", True),
        ("dm-0", True),
        ("zz", False),
    ):
        shown = page(state, wanted=Wanted(text=part))
        assert ("/?map=alpha" in shown) is found
    assert "No map has zz in a name" in page(state, wanted=Wanted(text="zz"))
    assert "Only maps with alpha in a name: 1" in page(state, wanted=Wanted(text="alpha"))


def test_one_map_has_its_paths_and_a_map_that_is_not_there_is_reported() -> None:
    state = make_state([make_map("alpha"), make_map("beta")])
    shown = page(state, wanted=Wanted(map="alpha"))
    assert shown.count("<table") == 1
    assert "beta" not in shown
    assert "There is no map &lt;b&gt;" in page(state, wanted=Wanted(map="<b>"))
    assert "No map has a problem" in page(state, wanted=Wanted(problems=True))


def test_the_form_is_not_renewed_while_somebody_types() -> None:
    shown = page(make_state([make_map('a"<b>')]), wanted=Wanted(search=True))
    assert "http-equiv" not in shown
    assert "not renewed" in shown
    assert '<option value="a&quot;&lt;b&gt;">' in shown
    assert 'name="text"' in shown
    assert f'content="{REFRESH_SECONDS}"' in page(make_state(), wanted=Wanted(problems=True))


ugly = st.text(st.one_of(st.sampled_from("\"'\\\n<>&;=/\x1b\udc80-![]%?#"), st.characters()), max_size=12)


@settings(deadline=None)
@given(ugly, ugly, st.sampled_from([{}, {"problems": True}, {"search": True}]))
def test_no_name_and_no_address_can_write_html(name: str, asked: str, how: dict[str, Any]) -> None:
    def shown(raw: str, asked: str) -> str:
        state = make_state([make_map(raw, [make_failed_path(raw, health=Health.STALLED, deadline=at(5))])])
        past = Day(WALL - 86400, WALL, WALL - 86400, frozen({f"wwid-of-{raw}": (Change(WALL - 5000, raw),)}))
        found = (Finding(FindingKind.SINGLE_PATH, raw, raw, where=raw, advice=raw),)
        return page(state, host=raw, day=past, findings=found, wanted=Wanted(map=asked, **how))

    tame = [read(shown("x", asked_for)) for asked_for in ("x", "y", "")]
    tags = {tag for each in tame for tag in each.tags}
    attributes = {key for each in tame for key, _ in each.attributes}
    for raw, address in ((name, asked), ("<script>alert(1)</script>", "'\" onload=x"), ("</title></style><b>", asked)):
        found = read(shown(raw, address))
        assert set(found.tags) <= tags
        assert {key for key, _ in found.attributes} <= attributes
