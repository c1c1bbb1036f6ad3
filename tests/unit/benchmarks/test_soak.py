"""What a soak does, expects and judges: schedule, ledger, bounds and page, without a daemon."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.host.journald import Entry
from benchmarks.machine import Machine
from benchmarks.soak import exposed
from benchmarks.soak.clients import OPEN_METRICS, PLAIN, Answer, complaint
from benchmarks.soak.ledger import FAILED, REINSTATED, Ledger
from benchmarks.soak.load import newest_outage
from benchmarks.soak.outcome import Answers, Numbers, Outcome, Quiet, Sample
from benchmarks.soak.page import Made, plot, section, write
from benchmarks.soak.plan import (
    MOST_PACE,
    MOST_TIMES_LUNS,
    QUICK,
    SESSIONS,
    TIMES,
    UEVENTS,
    WEEK,
    Course,
    Deed,
    Done,
    Pace,
    bad_week,
    course,
    quick,
    rehearsal,
    schedule,
)
from benchmarks.soak.verdict import LONG, SHORT, Bounds, allowed, broken
from mpathd_watch.core.catalog.alerts import AlertKind, Priority
from mpathd_watch.sinks.journal import line_entry
from tests.unit.store.test_store import NOW, Store, ended, outage

KEY = ("mpath0", "192.168.0.1:3260", FAILED)
MACHINE = Machine("Example 3000", 4, 15.5, "Linux 6.12.1", "3.13.5", "1.2.3", "2026-11-26")
MADE = Made(MACHINE, "make soak-quick", "soak-hour.svg")
QUIET = Quiet(("/dev/null", "/run/x1/state/state.db", "socket:[4]", "socket:[5]"), ("python",) * 3, ())


def entry(at: int, **fields: str) -> Entry:
    return Entry(at, "".join(f"{name}={value}\n" for name, value in fields.items()).encode())


def of_path(at: int, event: str = FAILED, **more: str) -> Entry:
    named = {"MPATHD_WATCH_EVENT": event, "MPATHD_WATCH_MAP": KEY[0], "MPATHD_WATCH_PATH": KEY[1]}
    return entry(at, **named, **more)


def samples(course: Course, leak: float = 0.0, seed: int = 1) -> list[Sample]:
    """Those of a run whose memory has noise and grows by so many KiB an hour."""
    dice, last, found = random.Random(seed), 0.0, []  # noqa: S311  # no secret
    for number in range(int(course.load)):
        last = 0.8 * last + dice.gauss(0.0, 80.0)
        rss = 50_000.0 + last + leak * number / 3600
        found.append(Sample(float(number), rss, rss - 9e3, 70, 15, 0, 5 << 20, 40_000, (9.0, 12.0), (), (2.0, 8.0)))
    return found


def outcome(course: Course = QUICK, pace: Pace | None = None, **changed: Any) -> Outcome:
    """One that breaks no bound."""
    ledger = Ledger()
    ledger.sent = ledger.due = ledger.found = 1000
    ledger.reloads = 3
    ledger.events.update({"source_down store disk_full": 2, "source_up store": 2})
    good = Outcome(
        course=course,
        pace=pace or quick(course.load),
        samples=samples(course),
        answers={kind: Answers([0.02] * 50) for kind in ("gzip", "openmetrics", "browser")},
        latencies=[2.0] * 99 + [80.0],
        ledger=ledger,
        done=Done(reloads=3, journald=2, disk=2),
        before=QUIET,
        after=QUIET,
        numbers=Numbers(1000, 0, {"journal": 0}),
        disagreements=(),
        stderr="",
        blackouts={"DISK": [(10.0, 24.0)], "JOURNALD": [(30.0, 33.0)]},
    )
    return replace(good, **changed)


# --- the plan ---------------------------------------------------------------------------------------------------------


def test_a_bad_week_goes_by_a_hundred_times_as_fast() -> None:
    spell = WEEK / TIMES
    events = sum(
        2 * bad_week().luns * (2 if each.deed is Deed.RESTART else 1)
        for each in schedule(bad_week(), spell, 1)
        if each.deed in (Deed.UEVENT_LOSS, Deed.SESSION_LOSS, Deed.RESTART)
    )
    assert events == pytest.approx(UEVENTS, rel=0.01)
    assert bad_week().events == pytest.approx(UEVENTS / spell)
    assert sum(each.deed is Deed.RELOAD for each in schedule(bad_week(), spell, 1)) == 7


@pytest.mark.parametrize("pace", [2, MOST_TIMES_LUNS, MOST_PACE])
def test_a_pace_multiplies_events_and_disturbances(pace: int) -> None:
    assert bad_week(pace).events == pytest.approx(pace * bad_week().events)
    for deed in (Deed.RELOAD, Deed.JOURNALD, Deed.DISK):
        count = [sum(each.deed is deed for each in schedule(bad_week(by), 7200.0, 1)) for by in (1, pace)]
        assert count[1] == pytest.approx(pace * count[0], abs=pace)


def test_a_pace_multiplies_the_luns_as_far_as_it_can_and_shortens_the_intervals_only_then() -> None:
    first, most, faster = bad_week(), bad_week(MOST_TIMES_LUNS), bad_week(2 * MOST_TIMES_LUNS)
    assert (most.luns, most.losses, most.down) == (MOST_TIMES_LUNS * first.luns, first.losses, first.down)
    assert (faster.luns, faster.losses, faster.down) == (most.luns, first.losses / 2, first.down / 2)
    assert (faster.disk_full, faster.journald_gone) == (first.disk_full / 2, first.journald_gone / 2)


@given(st.sampled_from([bad_week(), bad_week(MOST_PACE), quick(QUICK.load)]), st.floats(1.0, 4000.0), st.integers())
@settings(max_examples=30)
def test_all_is_undone_in_time_and_no_session_is_lost_twice_at_once(pace: Pace, seconds: float, seed: int) -> None:
    found = schedule(pace, seconds, seed)
    assert found == sorted(found, key=lambda each: each.at)
    assert all(each.at >= 0 and each.at + each.lasts <= seconds for each in found)
    busy: dict[object, float] = {}
    for each in found:
        lost: list[object] = [each.session] if each.deed in (Deed.UEVENT_LOSS, Deed.SESSION_LOSS) else [each.deed]
        if each.deed is Deed.RESTART:
            lost = [each.session, (each.session + 1) % SESSIONS]
        for key in lost:
            assert busy.get(key, 0.0) <= each.at
            # Who comes back and is lost at once may never have been seen to be back.
            busy[key] = each.at + each.lasts + (pace.losses if isinstance(key, int) else 0.0)


def test_the_quick_run_does_everything_at_least_twice_and_the_rehearsal_once() -> None:
    deeds = Counter(each.deed for each in schedule(quick(QUICK.load), QUICK.load, 2))
    assert deeds.keys() == set(Deed)
    assert min(deeds.values()) >= 2
    once = Counter(each.deed for each in rehearsal(quick(QUICK.load), QUICK.rehearsal, 1))
    assert [once[deed] for deed in (Deed.RELOAD, Deed.JOURNALD, Deed.DISK)] == [1, 1, 1]
    assert once[Deed.UEVENT_LOSS] + once[Deed.SESSION_LOSS] >= 8


def test_the_quick_run_keeps_to_its_time() -> None:
    assert QUICK.rehearsal + QUICK.load < 115
    assert course(1.0).load == 3600.0
    assert course(0.1).warm_up <= course(0.1).load / 2


# --- the ledger -------------------------------------------------------------------------------------------------------


def test_an_entry_is_that_of_the_first_uevent_that_waits_for_it() -> None:
    ledger = Ledger()
    for at in (1_000_000, 5_000_000):
        ledger.expect(KEY, at, counts=True)
    ledger.enter([of_path(3_000_000), of_path(5_500_000), of_path(6_000_000, REINSTATED)])
    assert ledger.taken() == [2.0, 0.5]
    assert (ledger.taken(), ledger.missing, ledger.found) == ([], [], 2)
    assert ledger.extra == {(*KEY[:2], REINSTATED): 1}


def test_what_has_not_come_is_missing() -> None:
    ledger = Ledger()
    ledger.expect(KEY, 1, counts=True)
    ledger.expect(KEY, 2, counts=True)
    ledger.enter([of_path(3), entry(4, MPATHD_WATCH_EVENT="map_degraded", MPATHD_WATCH_MAP="mpath0")])
    assert ledger.missing == [KEY]
    assert ledger.events["map_degraded"] == 1


def test_what_waits_for_journald_has_no_latency() -> None:
    ledger = Ledger()
    ledger.expect(KEY, 1, counts=True)
    ledger.journald(accepting=False)
    ledger.expect(KEY, 2, counts=True)
    ledger.enter([of_path(9), of_path(9, MPATHD_WATCH_DELAY_SEC="3.0")])
    ledger.journald(accepting=True)
    ledger.expect(KEY, 1_000_000, counts=True)
    ledger.expect((*KEY[:2], REINSTATED), 1_000_000, counts=False)
    ledger.enter([of_path(2_000_000), of_path(2_000_000, REINSTATED)])
    assert (ledger.taken(), ledger.found, ledger.late) == ([1.0], 4, 1)


def test_sources_and_the_daemons_own_errors_are_noted() -> None:
    ledger = Ledger()
    down = {"MPATHD_WATCH_EVENT": AlertKind.SOURCE_DOWN.event, "MPATHD_WATCH_SOURCE": "store"}
    ledger.enter([entry(1, MESSAGE="full", MPATHD_WATCH_REASON="disk_full", **down)] * 2)
    ledger.enter([Entry(1, line_entry(priority, str(priority))) for priority in (Priority.ERR, Priority.INFO)])
    assert ledger.events["source_down store disk_full"] == 2
    assert ledger.messages == {"source_down store disk_full": "full"}
    assert len(ledger.errors) == 1
    ledger.enter([Entry(1, line_entry(Priority.INFO, "The configuration was reloaded."))])
    assert ledger.reloads == 1


# --- the metrics ------------------------------------------------------------------------------------------------------

SCRAPED = """\
# HELP mpathd_watch_path_health x
mpathd_watch_path_health{map="mpath0",path="a",state="up"} 1.0
mpathd_watch_path_health{map="mpath0",path="a",state="failed"} 0.0
mpathd_watch_path_health{map="mpath\\"1",path="a",state="failed"} 1.0
mpathd_watch_uevents_total{action="change"} 12.0
mpathd_watch_uevents_total{action="add"} 3.0
mpathd_watch_uevent_overflows_total 1.0
mpathd_watch_outlet_lost_total{outlet="journal"} 2.0
"""


def test_metrics_are_read() -> None:
    assert exposed.paths(SCRAPED) == {("mpath0", "a"): "up", ('mpath\\"1', "a"): "failed"}
    assert exposed.numbers(SCRAPED) == Numbers(15, 1, {"journal": 2})


def test_a_path_that_is_not_as_it_must_be_is_named() -> None:
    found, expected = {("m", "a"): "up", ("m", "c"): "up"}, {("m", "a"): "failed", ("m", "b"): "up"}
    assert exposed.disagreements(found, found) == []
    assert exposed.disagreements(found, expected) == [
        "m/a is up, not failed",
        "m/b is not there, not up",
        "m/c is up, not expected",
    ]


@pytest.mark.parametrize(
    ("text", "content_type", "wanted", "found"),
    [
        ('x\nmpathd_watch_map_health{map="m"} 1.0\n', "text/plain; charset=utf-8", PLAIN, ""),
        ('x\nmpathd_watch_map_health{map="m"} 1.0\n', "text/plain", OPEN_METRICS, "content type"),
        ('x\nmpathd_watch_map_health{map="m"} 1.0\n', "application/openmetrics-text", OPEN_METRICS, "no # EOF"),
        ('x\nmpathd_watch_map_health{map="m"} 1.0\n# EOF\n', "application/openmetrics-text", OPEN_METRICS, ""),
        ('x\nmpathd_watch_map_health{map="m"} 1', "text/plain", PLAIN, "cut off"),
        ("x\n", "text/plain", PLAIN, "no health"),
    ],
)
def test_a_scrape_must_be_whole(text: str, content_type: str, wanted: str, found: str) -> None:
    complained = complaint(text, content_type, wanted)
    assert found in complained
    assert bool(found) == bool(complained)


def test_an_answer_is_the_same_as_a_line() -> None:
    answer = Answer("gzip", 1.5, 0.25, 'OSError: "x"\n')
    assert Answer.of(answer.line()) == answer


# --- the bounds -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(5))
def test_a_good_run_breaks_no_bound(seed: int) -> None:
    assert broken(outcome(samples=samples(QUICK, seed=seed)), SHORT) == []
    long = course(1.0)
    assert broken(outcome(long, bad_week(), samples=samples(long, seed=seed)), LONG) == []


@pytest.mark.parametrize(
    ("parts", "bounds", "leak"), [(QUICK, SHORT, 600_000.0), (course(1.0), LONG, 3_000.0), (course(3.0), LONG, 2_000.0)]
)
@pytest.mark.parametrize("seed", range(3))
def test_a_leak_is_found(parts: Course, bounds: Bounds, leak: float, seed: int) -> None:
    (line,) = broken(outcome(parts, samples=samples(parts, leak, seed)), bounds)
    assert line.startswith("memory grows by ")


def test_the_bound_of_an_hour_is_that_of_an_hour_and_the_one_of_two_minutes_is_wider() -> None:
    assert allowed(LONG, course(1.0).load - course(1.0).warm_up) < 2 * LONG.growth
    assert allowed(LONG, 24 * 3600.0) == LONG.growth
    assert allowed(SHORT, QUICK.load - QUICK.warm_up) == pytest.approx(
        SHORT.growth_at_once * 3600 / (QUICK.load - QUICK.warm_up)
    )


def test_memory_that_can_not_be_judged_is_no_good_memory() -> None:
    assert "memory can't be judged" in broken(outcome(samples=samples(QUICK)[:20]), SHORT)[0]


@pytest.mark.parametrize(
    ("changed", "line"),
    [
        ({"after": replace(QUIET, descriptors=(*QUIET.descriptors, "/dev/null"))}, "5 it; more are dev/null"),
        ({"after": replace(QUIET, descriptors=(*QUIET.descriptors[:3], "pipe:[7]"))}, "more are pipe:"),
        ({"after": replace(QUIET, threads=("python",) * 4)}, "3 threads before the load, 4 after it"),
        ({"after": replace(QUIET, children=(7,))}, "0 children before the load, 1 after it"),
        ({"numbers": Numbers(999, 0, {})}, "1000 uevents were sent, and 999 counted"),
        ({"numbers": Numbers(1000, 0, {"store": 3})}, "the outlet store has lost 3 items"),
        ({"latencies": [300.0] * 100}, "the median: 300 ms; allowed are 250"),
        ({"latencies": [2.0] * 98 + [9000.0] * 2}, "99 of 100: 9,000 ms; allowed are 4,000"),
        ({"latencies": []}, "no event was measured"),
        ({"answers": {"gzip": Answers([0.1], ["status 503"])}}, "1 of 2 answers to gzip have failed: status 503"),
        ({"answers": {"gzip": Answers()}}, "no answer to gzip"),
        ({"answers": {"gzip": Answers([5.0])}}, "a scrape (gzip), 99 of 100: 5,000 ms"),
        ({"disagreements": ["m/a is up, not failed"]}, "the state is wrong in 1 places: m/a is up, not failed"),
        ({"samples": [replace(each, database=9 << 20) for each in samples(QUICK)]}, "database has grown to 9.0 MiB"),
        ({"samples": [replace(each, recording=3 << 20) for each in samples(QUICK)]}, "recording has grown to 3.0 MiB"),
        ({"samples": [replace(each, recording=0) for each in samples(QUICK)]}, "there is no recording"),
        ({"stderr": "Traceback (most recent call last):\n  x\nKeyError: 1\n"}, "standard error: KeyError: 1"),
        ({"done": Done(reloads=4, disk=2)}, "4 reloads were asked for, and 3 reported"),
        ({"done": Done(disk=3)}, "source_down store disk_full: 2 entries for 3 times that the disk was full"),
        (
            {"done": Done(disk=4, written=1)},
            "source_down store disk_full: 2 entries for 4 times that the disk was full",
        ),
        ({"done": Done(disk=2, unnoticed=1)}, "1 times nothing was written while the disk was full"),
    ],
)
def test_each_bound_can_be_broken(changed: dict[str, Any], line: str) -> None:
    lines = broken(outcome(**changed), SHORT)
    assert any(line.removeprefix("5 it; ") in each for each in lines), lines
    assert all("\n" not in each for each in lines)


def test_a_full_disk_need_not_be_reported_while_everything_can_be_written() -> None:
    good = outcome()
    good.done.disk += 1
    good.done.written = 1
    assert broken(good, SHORT) == []


def test_the_newest_outage_is_read_from_the_database(tmp_path: Path) -> None:
    store = Store(tmp_path)
    assert newest_outage(tmp_path / "state.db") == 0.0
    for number in range(3):
        store.keep(ended(outage(number, failed=NOW.later(number))))
    assert newest_outage(tmp_path / "state.db") == pytest.approx(outage(2).began.wall)
    assert newest_outage(tmp_path / "none.db") == 0.0
    assert not (tmp_path / "none.db").exists()


def test_failures_of_one_source_are_counted() -> None:
    text = (
        'mpathd_watch_source_errors_total{reason="disk_full",source="store"} 2.0\n'
        'mpathd_watch_source_errors_total{reason="timeout",source="store"} 1.0\n'
        'mpathd_watch_source_errors_total{reason="timeout",source="sysfs"} 5.0\n'
    )
    assert (exposed.failures(text, "store"), exposed.failures(text, "network")) == (3, 0)


def test_a_browser_may_take_longer_than_a_scraper() -> None:
    answers = {"gzip": Answers([0.1]), "openmetrics": Answers([0.1]), "browser": Answers([8.0])}
    assert broken(outcome(answers=answers), SHORT) == []


def test_missing_entries_must_be_explained_by_events_that_were_lost() -> None:
    bad = outcome()
    bad.ledger.expect(KEY, 1, counts=True)
    bad.ledger.extra[KEY] += 1
    assert [each.partition(":")[0] for each in broken(bad, SHORT)] == [
        "1 of 1001 entries are missing",
        "1 entries about paths that nothing explains",
    ]
    assert broken(replace(bad, numbers=Numbers(990, 1, {})), SHORT) == []
    bad.ledger.events["events_lost"] += 1
    assert broken(bad, SHORT) == []


def test_a_daemon_that_was_very_late_may_report_a_loss_twice() -> None:
    bad = outcome()
    bad.ledger.extra[KEY] += 2
    assert len(broken(bad, SHORT)) == 1
    assert broken(replace(bad, latencies=[2.0] * 199 + [1500.0]), SHORT) == []
    assert broken(replace(bad, answers={**bad.answers, "gzip": Answers([0.01] * 199 + [1.5])}), SHORT) == []


def test_what_else_is_reported_must_be_explained() -> None:
    bad = outcome()
    bad.ledger.events["source_down multipathd timeout"] = 1
    bad.ledger.messages["source_down multipathd timeout"] = "no answer"
    bad.ledger.errors.append("Internal error")
    assert broken(bad, SHORT) == [
        "source_down multipathd timeout: 1 entries that nothing explains (no answer)",
        "1 messages of priority err: Internal error",
    ]


# --- the page ---------------------------------------------------------------------------------------------------------


def test_the_section_has_the_figures_and_the_broken_bounds() -> None:
    text = section(outcome(), SHORT, [], MADE)
    assert "| uevents | 1,000 |" in text
    assert "No bound was broken." in text
    assert "(soak-hour.svg)" in text
    assert "| entries about paths that are missing | 0 of 1,000 | 0 |" in text
    assert "* memory grows" in section(outcome(), SHORT, ["memory grows"], MADE)


def test_the_plot_is_xml_with_a_panel_for_each_quantity() -> None:
    picture = ElementTree.fromstring(plot(outcome()))  # noqa: S314  # our own
    height = float(picture.attrib["viewBox"].split()[3])
    lines = list(picture.iter("{http://www.w3.org/2000/svg}polyline"))
    assert len(lines) == 11
    for line in lines:
        assert all(0 < float(point.partition(",")[2]) < height for point in line.attrib["points"].split())
    texts = [each.text for each in picture.iter("{http://www.w3.org/2000/svg}text")]
    assert {"disk full", "no journald", "memory (MiB)", "children"} <= set(texts)


def test_a_section_is_written_in_its_place(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("a\n<!-- begin: hour -->\nold\n<!-- end: hour -->\nb\n", encoding="utf-8")
    write(page, "hour", "new")
    assert page.read_text(encoding="utf-8") == "a\n<!-- begin: hour -->\n\nnew\n\n<!-- end: hour -->\nb\n"
    with pytest.raises(ValueError, match="begin: accelerated"):
        write(page, "accelerated", "new")


def test_the_page_of_the_repository_has_a_place_for_each_run() -> None:
    page = (Path(__file__).parents[3] / "docs/soak.md").read_text(encoding="utf-8")
    for key in ("hour", "accelerated"):
        assert page.count(f"<!-- begin: {key} -->") == page.count(f"<!-- end: {key} -->") == 1
