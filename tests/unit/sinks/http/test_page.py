"""The page for people: complete, self-contained, and proof against whatever things are called."""

from __future__ import annotations

from datetime import UTC
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from mpathd_watch.core.audit_report import AuditReport, Timeout
from mpathd_watch.core.catalog.findings import Finding, FindingKind
from mpathd_watch.core.model.facts import AccessFacts
from mpathd_watch.core.model.vocabulary import AccessState, Cause, Health, MapHealth, SourceName
from mpathd_watch.core.state import Auditing, SourceState, State
from mpathd_watch.sinks.http.page import REFRESH_SECONDS, Shown, Wanted, render
from mpathd_watch.sinks.status.from_view import document
from mpathd_watch.sinks.view import View
from tests.factories import (
    NOW,
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
from tests.unit.sinks.http.reading import read


def page(state: State, **changes: Any) -> str:
    return render(Shown(document(View(state, NOW)), "san-host", zone=UTC, **changes))


def test_the_article_can_be_read() -> None:
    text = read(page(article_state())).text
    for said in (
        *("1 map: 1 at risk", "mpio", "at risk", "1 of 2 paths usable", "I/O fails if the last path is lost"),
        *("192.168.2.1:3260", "failed", "sdb", "3:0:0:1", "connection error", "for 2 min 11 s", "transport-offline"),
        *("FAILED", "11:04:34", "2 min 6 s", "faulty", "up", "LOGGED_IN"),
    ):
        assert said in text, said


def test_access_states_are_shown_where_they_differ_from_active_optimized() -> None:
    def shown(first: AccessState, second: AccessState, **changes: Any) -> str:
        paths = [
            make_path("p1", access=AccessFacts(True, "alua", first, preferred=True, group=1)),
            make_path("p2", access=AccessFacts(True, "alua", second, preferred=False, group=17), **changes),
        ]
        return page(make_state([make_map(paths=paths)]), wanted=Wanted(map="mpio"))

    html = shown(AccessState.OPTIMIZED, AccessState.STANDBY)
    assert ">running<small>active/optimized</small><small>port group 1, preferred</small></td>" in html
    assert ">running<small>standby</small><small>port group 17</small></td>" in html
    assert "2 of 2 paths usable, 1 optimized" in html
    failed = shown(AccessState.NON_OPTIMIZED, AccessState.STANDBY, health=Health.FAILED)
    assert '<span class="off">standby</span>' in failed
    assert '<span class="off">active/non-optimized</span>' not in failed
    healthy = shown(AccessState.OPTIMIZED, AccessState.OPTIMIZED)
    assert "optimized" not in healthy
    assert "port group" not in healthy


def test_the_page_loads_nothing_and_renews_itself() -> None:
    reader = read(page(article_state()))
    assert not {"script", "link", "img", "iframe", "object"} & set(reader.tags)
    leads = {value for name, value in reader.attributes if name in ("href", "src")}
    assert leads == {"/", "/?problems", "/?search", "/?map=mpio", "/metrics"}
    assert ("content", str(REFRESH_SECONDS)) in reader.attributes
    assert "url(" not in page(article_state())


def test_the_worst_map_comes_first() -> None:
    state = make_state([make_map("a"), *article_state().maps.values(), make_map("z", health=MapHealth.LOST)])
    html = page(state)
    assert html.index('<h2><a href="/?map=z"') < html.index('<h2><a href="/?map=mpio"') < html.index('/?map=a"')


def test_a_silent_source_is_reported_with_reason_age_and_remedy() -> None:
    silent = SourceState(up=False, reason="timeout", detail="see systemctl status multipathd", last_success=at(-95))
    text = "".join(read(page(make_state(sources=make_sources(multipathd=silent)))).text)
    assert "multipathd does not answer: timeout · last answer 1 min 35 s ago" in text
    assert "see systemctl status multipathd" in text


def test_a_host_without_iscsi_has_no_trouble_with_it() -> None:
    idle = SourceState(up=False, reason="no_module", detail="scsi_transport_iscsi is not loaded")
    html = page(make_state(sources={**make_sources(), SourceName.ISCSI: idle}))
    assert "iscsi no_module" in "".join(read(html).text)
    assert 'class="bad"' not in html


def test_sources_that_answer_or_were_never_asked() -> None:
    text = "".join(read(page(make_state(sources=make_sources(uevent=SourceState())))).text)
    assert "sysfs answered 1.0 s ago" in text
    assert "uevent not read yet" in text


def test_empty_hosts_and_first_moments_are_reported_apart() -> None:
    assert "No multipath maps on this host" in read(page(make_state())).text
    assert "Reading the host for the first time" in read(page(State())).text


def test_old_moments_show_their_date_and_ifaces_their_name() -> None:
    path = make_path(iface="eth1", since=at(-400_000))
    text = "".join(read(page(make_state([make_map(paths=[path], suspended=True)]))).text)
    assert "Nov 13 20:00" in text
    assert "via eth1" in text
    assert "suspended: all I/O hangs" in text


ugly = st.text(st.one_of(st.sampled_from("\"'\\\n<>&;=/\x1b\udc80-![]"), st.characters()), max_size=12)


@settings(deadline=None)
@given(ugly, ugly, ugly)
def test_no_name_can_write_html(name: str, path: str, target: str) -> None:
    def tame(raw: str) -> State:
        failed = make_failed_path(raw, target=raw, dev=raw, hctl=raw, iface=raw)
        source = SourceState(up=False, reason=raw, detail=raw)
        return make_state(
            [make_map(raw, [failed], vendor=raw, product=raw, queueing=raw)],
            [make_session(target=raw)],
            sources=make_sources(sysfs=source),
        )

    expected = read(page(tame("x")))
    for raw in (name, path, target, "<script>alert(1)</script>", "</style><b>", "'\" onload=x"):
        found = read(page(tame(raw)))
        assert set(found.tags) == set(expected.tags)
        assert {key for key, _ in found.attributes} == {key for key, _ in expected.attributes}


def test_an_unheard_of_word_is_shown_as_it_is() -> None:
    told = document(View(article_state(), NOW))
    told["maps"][0]["health"] = "half_dead"
    outage = told["maps"][0]["paths"][1]["outage"]
    assert outage is not None
    outage["cause"] = "solar_wind"
    text = read(render(Shown(told))).text
    assert "half dead" in text
    assert "solar_wind" in text


def test_every_health_and_cause_has_a_face() -> None:
    for cause in Cause:
        for health in Health:
            failed = make_failed_path(health=health, outage=make_outage(cause=cause))
            assert health.value in read(page(make_state([make_map(paths=[failed])]), wanted=Wanted(map="mpio"))).text


def test_the_page_shows_what_is_in_force_how_much_time_is_left_and_that_there_are_findings() -> None:
    stalled = make_path(health=Health.STALLED, outage=make_outage(), deadline=at(2.9))
    late = make_path("b", health=Health.RECOVERING, outage=make_outage(), deadline=at(-7), overdue=True)
    session = make_session()
    wanted = (Timeout("replacement_timeout", 15.0, 5.0),)
    report = AuditReport((Finding(FindingKind.SINGLE_PATH, "x", "y"),), timeouts={session.label: wanted})
    state = make_state([make_map(paths=[stalled, late])], [session], auditing=Auditing(report=report, at=at(0)))
    page = render(Shown(document(View(state, NOW)), findings=report.findings))
    assert " · 2.9 s left" in page
    assert ' · <span class="off">overdue by 7.0 s</span>' in page
    assert ">5/10, replacement 5 s</td>" in page
    assert ">failover in 15 to 21 s</td>" in page
    assert "configured ?/?, replacement 15 s" in page
    assert "Configuration: 1 finding" in page
