"""The judge of the lab finds nothing in what a real kernel and the product did, and finds what is planted there.

`two_outages` has the logs of a real run, shortened: two links were pulled, one after the other, and plugged in again.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from mpathd_watch.core.model.vocabulary import CheckerState, Health
from tests.lab import __main__ as lab
from tests.lab.kit.judge import Judge, Logs
from tests.lab.kit.timeline import Deed, Span, Steps, Timeline
from tests.lab.kit.watch import entry_of, parse_series
from tests.sim.oracle.known import healths
from tests.sim.oracle.truth import SUSPECT, UP, USABLE

REAL = Path(__file__).parent / "two_outages"
ONE, TWO = "192.168.1.1:3260", "192.168.2.1:3260"
STALLED, FAILED, REINSTATED = 120.36, 125.59, 136.15
"""When the first outage, of `ONE`, was reported; the kernel's own instants are at most 0.5 s before."""
INTERFACES = {ONE: "p1", TWO: "p2"}

Line = dict[str, Any]


@dataclass
class Run:
    """The lines of a run, in which something can be planted."""

    truth: list[Line]
    journal: list[Line]
    metrics: list[Line]
    deeds: list[Deed] | None = None

    @classmethod
    def real(cls) -> Run:
        return cls(_lines(REAL / "truth.jsonl"), _lines(REAL / "journal.jsonl"), _lines(REAL / "metrics.jsonl"))

    def judge(self, *, at_the_end: bool = False) -> list[tuple[str, str]]:
        """The rules that do not hold, and what is wrong."""
        series = [(line["mono"], *parse_series(line["series"]), line["value"]) for line in self.metrics]
        logs = Logs.of(self.truth, self.deeds, [entry_of(line) for line in self.journal], series)
        return [(each.rule, each.text) for each in Judge(logs).judge(at_the_end=at_the_end)]

    def of_journal(self, event: str, path: str = ONE) -> Line:
        """The first entry of an event about a path."""
        return next(
            line
            for line in self.journal
            if line["MPATHD_WATCH_EVENT"] == event and line.get("MPATHD_WATCH_PATH", path) == path
        )

    def report(self, at: float, health: str, path: str = ONE) -> None:
        """Have the metrics report a health from `at` on, until they report the next one."""
        for state in Health:
            series = f'mpathd_watch_path_health{{map="mpio",path="{path}",state="{state}"}}'
            self.metrics.append({"mono": at, "series": series, "value": float(state == health)})

    def forget_maps(self) -> None:
        """Leave out what is reported of maps, which follows from what is reported of paths."""
        self.metrics = [line for line in self.metrics if "map_health" not in line["series"]]


def _lines(path: Path) -> list[Line]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def _later(line: Line, seconds: float) -> None:
    for key in ("__MONOTONIC_TIMESTAMP", "__REALTIME_TIMESTAMP", "_SOURCE_REALTIME_TIMESTAMP"):
        line[key] = str(int(line[key]) + round(seconds * 1e6))


def test_nothing_is_wrong_in_a_real_run(capsys: pytest.CaptureFixture[str]) -> None:
    assert Run.real().judge(at_the_end=True) == []
    assert lab.main(["judge", str(REAL)]) == 0
    assert "2 outages, 44 healths compared, 0 violations" in capsys.readouterr().out


def test_the_story_has_the_truth_beside_the_reports(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = Run.real()
    run.of_journal("path_stalled")["MPATHD_WATCH_CAUSE"] = "logout"
    run.of_journal("path_failed")["MPATHD_WATCH_CAUSE"] = "logout"
    run.of_journal("path_recovering")["MPATHD_WATCH_CAUSE"] = "logout"
    run.of_journal("path_reinstated")["MPATHD_WATCH_CAUSE"] = "logout"
    for name, lines in (("truth", run.truth), ("journal", run.journal), ("metrics", run.metrics)):
        (tmp_path / f"{name}.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    (tmp_path / "deeds.jsonl").write_text(
        json.dumps({"seed": "x", "began": 109.0})
        + "\n"
        + json.dumps({"kind": "link down", "number": 1, "begin": 110.9, "end": 128.0})
        + "\n",
        encoding="utf-8",
    )
    assert lab.main(["judge", str(tmp_path)]) == 1
    told = capsys.readouterr().out
    assert f"rule (b) does not hold at 136.1 s: mpio {ONE}: the cause is" in told
    assert re.search(r"\n +110\.90  FAULT   link down \(1\)\n", told)
    assert re.search(rf"\n +120\.33  world   mpio {ONE}: session FAILED\n", told)
    assert re.search(r"\n +120\.36  product <4> path_stalled: ", told)


# --- (a) --------------------------------------------------------------------------------------------------------------


def test_a_health_that_is_reported_too_late_is_found() -> None:
    run = Run.real()
    run.forget_maps()
    for line in run.metrics:
        if f'path="{ONE}"' in line["series"] and 125 < line["mono"] < 129:
            line["mono"] += 3.9
    found = run.judge()
    assert [rule for rule, _ in found] == ["a"]
    assert re.fullmatch(rf"mpio {ONE} is failed( or recovering)?, and reported as stalled", found[0][1])


def test_lateness_of_the_guest_is_no_lateness_of_the_product() -> None:
    run = Run.real()
    run.forget_maps()
    for line in run.metrics:
        if f'path="{ONE}"' in line["series"] and 125 < line["mono"] < 129:
            line["mono"] += 3.9
    run.truth.append({"mono": 127.5, "source": "late", "seconds": 2.0})
    assert run.judge() == []


@pytest.mark.parametrize("health", ["suspect", "stalled", "failed", "recovering", "missing", "unknown"])
def test_a_health_that_is_invented_is_found(health: str) -> None:
    run = Run.real()
    run.forget_maps()
    run.report(139.0 + 12.0, health)
    assert (("a", f"mpio {ONE} is up, and reported as {health}")) in run.judge()


def test_a_path_that_is_reported_as_up_during_its_outage_is_found() -> None:
    run = Run.real()
    run.forget_maps()
    run.metrics = [line for line in run.metrics if f'path="{ONE}"' not in line["series"] or line["mono"] < 111]
    found = {text.split(", and")[0] for rule, text in run.judge() if rule == "a"}
    assert f"mpio {ONE} is suspect" in found


def test_a_map_whose_health_does_not_follow_from_its_paths_is_found() -> None:
    run = Run.real()
    run.metrics = [line for line in run.metrics if "at_risk" not in line["series"] and "healthy" not in line["series"]]
    assert {rule for rule, _ in run.judge()} == set()
    run = Run.real()
    for line in run.metrics:
        line["series"] = line["series"].replace('state="at_risk"', 'state="lost"')
    assert ("a", "map mpio is at_risk, and reported as lost") in run.judge()


def test_what_multipathd_reports_may_be_old_while_it_does_not_answer() -> None:
    """A member that is gone is found by a listing."""
    lines = [session(0.1), disk(0.1), map_(0.1, s8_0="A"), *heard(*range(1, 60)), map_(20.0)]
    run = Run(lines, [], [])
    run.report(0.2, "up")
    wrong = ("a", f"mpio {ONE} is missing, and reported as up")
    assert wrong in run.judge()
    run.deeds = [Deed("multipathd frozen", 0, Span(19.0, 70.0))]
    assert run.judge() == []
    run.deeds = [Deed("multipathd frozen", 0, Span(19.0, 30.0))]
    assert wrong in run.judge()


# --- (b) --------------------------------------------------------------------------------------------------------------


def test_an_outage_that_is_not_reported_is_found() -> None:
    run = Run.real()
    run.journal = [line for line in run.journal if line.get("MPATHD_WATCH_PATH") != ONE]
    assert run.judge() == [("b", f"mpio {ONE}: the outage from 120.3 to 136.1 is reported 0 times")]


def test_an_outage_that_is_reported_twice_is_found() -> None:
    run = Run.real()
    run.journal += [
        {**line, "MPATHD_WATCH_OUTAGE": "another"} for line in run.journal if line.get("MPATHD_WATCH_PATH") == ONE
    ]
    assert ("b", f"mpio {ONE}: the outage from 120.3 to 136.1 is reported 2 times") in run.judge()


def test_an_outage_that_is_invented_is_found() -> None:
    run = Run.real()
    for line in [line for line in run.journal if line.get("MPATHD_WATCH_PATH") == ONE]:
        copy = {**line, "MPATHD_WATCH_OUTAGE": "another", "MPATHD_WATCH_PATH": TWO}
        _later(copy, -9.0)
        if line["MPATHD_WATCH_EVENT"] != "path_suspect":
            run.journal.append(copy)
    assert ("b", f"mpio {TWO}: the outage another is invented") in run.judge()


@pytest.mark.parametrize(
    ("cause", "right"),
    [
        ("nop_timeout", True),
        ("carrier_lost", True),
        ("connection_closed", False),
        ("device_offline", False),
        ("administrator", False),
        ("unknown", False),
    ],
)
def test_a_wrong_cause_is_found(cause: str, right: bool) -> None:
    run = Run.real()
    run.deeds = [Deed("link down", 1, Span(110.9, 128.0)), Deed("link down", 2, Span(140.6, 156.0))]
    for line in run.journal:
        if line.get("MPATHD_WATCH_PATH") == ONE and "MPATHD_WATCH_CAUSE" in line:
            line["MPATHD_WATCH_CAUSE"] = cause
    assert [rule for rule, _ in run.judge()] == ([] if right else ["b"])


@pytest.mark.parametrize(("kind", "cause"), [("LUN not ready", "checker"), ("path failed by hand", "administrator")])
def test_what_only_the_lab_knows_is_a_cause_where_the_lab_did_it(kind: str, cause: str) -> None:
    run = Run.real()
    for line in run.journal:
        if line.get("MPATHD_WATCH_PATH") == ONE and "MPATHD_WATCH_CAUSE" in line:
            line["MPATHD_WATCH_CAUSE"] = cause
    run.deeds = [Deed(kind, 1, Span(119.0, 128.0))]
    assert run.judge() == []
    run.deeds = [Deed(kind, 2, Span(119.0, 128.0))]
    assert [rule for rule, _ in run.judge()] == ["b"]


@pytest.mark.parametrize(
    ("event", "word"), [("path_stalled", "stalled"), ("path_failed", "failed"), ("path_reinstated", "up")]
)
def test_an_instant_that_is_wrong_is_found(event: str, word: str) -> None:
    run = Run.real()
    run.forget_maps()
    _later(run.of_journal(event), 4.5)
    run.journal.sort(key=lambda line: int(line["__MONOTONIC_TIMESTAMP"]))
    assert any(rule == "b" and f"{ONE}: {word} at" in text for rule, text in run.judge())


# --- (c), (e), (f) ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("series", "value", "rule"),
    [
        ('mpathd_watch_source_up{source="multipathd"}', 0.0, "c"),
        (f'mpathd_watch_path_overdue{{map="mpio",path="{ONE}"}}', 1.0, "c"),
        (f'mpathd_watch_path_failures_total{{map="mpio",path="{ONE}"}}', 9.0, "f"),
    ],
)
def test_what_stands_in_the_end_is_found(series: str, value: float, rule: str) -> None:
    run = Run.real()
    run.metrics.append({"mono": 166.0, "series": series, "value": value})
    assert [each for each, _ in run.judge(at_the_end=True)] == [rule]


def test_a_path_that_is_not_up_in_the_end_is_found() -> None:
    run = Run.real()
    run.forget_maps()
    run.report(165.9, "stalled")
    assert ("c", f"mpio {ONE} is stalled") in run.judge(at_the_end=True)


def test_a_run_without_reports_is_not_well() -> None:
    run = Run.real()
    run.metrics = []
    assert ("c", "nothing is reported") in run.judge(at_the_end=True)


@pytest.mark.parametrize(("phase", "wrong"), [("detection", True), ("replacement", True), ("reinstatement", False)])
def test_a_phase_that_the_kernel_ends_in_time_is_not_overdue(phase: str, wrong: bool) -> None:
    run = Run.real()
    overdue = {**run.of_journal("path_failed"), "MPATHD_WATCH_EVENT": "path_overdue", "MPATHD_WATCH_PHASE": phase}
    run.journal.append(overdue)
    assert [rule for rule, _ in run.judge()] == (["e"] if wrong else [])
    run.truth.append({"mono": 124.0, "source": "late", "seconds": 3.0})
    assert run.judge() == []


# --- the truth --------------------------------------------------------------------------------------------------------


def session(at: float, state: str | None = "LOGGED_IN", name: str = "session1") -> Line:
    connection = "up" if state == "LOGGED_IN" else "failed"
    timeouts = {"recovery_tmo": "5", "recv_tmo": "5", "ping_tmo": "5"}
    return {
        "mono": at,
        "source": "session",
        "id": name,
        "portal": ONE,
        "state": state,
        "connection": connection,
        **timeouts,
    }


def disk(at: float, state: str | None = "running", name: str = "sda", number: str = "8:0") -> Line:
    return {"mono": at, "source": "device", "id": name, "dev_t": number, "portal": ONE, "state": state}


def map_(at: float, **states: str) -> Line:
    paths = {number.replace("_", ":")[1:]: state for number, state in states.items()}
    return {"mono": at, "source": "map", "id": "mpio", "paths": paths, "groups": []}


def heard(*moments: float) -> list[Line]:
    return [{"mono": at, "source": "heard", "portal": ONE, "heard": at, "gap": 0.0} for at in moments]


def uevent(at: float, action: str) -> Line:
    return {"mono": at, "source": "uevent", "DM_ACTION": action, "DM_NAME": "mpio", "DM_PATH": "8:0"}


def track(*lines: Line, deeds: list[Deed] | None = None) -> Callable[[float], frozenset[Health]]:
    """The words of the path through `ONE` at a moment."""
    start = [session(0.1), disk(0.1), map_(0.1, s8_0="A")]
    return Timeline([*start, *lines], deeds, INTERFACES).tracks["mpio", ONE].words.at


def test_steps_have_the_values_of_a_span() -> None:
    steps = Steps(1)
    for at, value in ((5.0, 2), (6.0, 2), (7.0, 3)):
        steps.set(at, value)
    assert [steps.at(at) for at in (4.9, 5.0, 7.1)] == [1, 2, 3]
    assert steps.within(5.5, 6.5) == [2]
    assert steps.within(0.0, 9.0) == [1, 2, 3]
    assert list(steps) == [(5.0, 2), (7.0, 3)]


def test_a_silent_session_may_be_suspect_after_the_grace_and_must_be_soon_after() -> None:
    words = track(*heard(*range(1, 21), 36), *[session(40.0)])
    assert words(26.9) == UP
    assert words(27.1) == USABLE
    assert words(28.6) == SUSPECT
    assert words(36.1) == USABLE
    assert words(37.5) == UP


def test_a_lost_carrier_makes_a_path_suspect() -> None:
    words = track(*heard(*range(1, 60)), {"mono": 20.0, "source": "link", "id": "p1", "carrier": "0"})
    assert words(19.9) == UP
    assert words(20.1) == USABLE
    assert words(21.5) == SUSPECT


def test_a_uevent_is_newer_than_a_status_that_was_read_before() -> None:
    words = track(*heard(*range(1, 60)), uevent(20.0, "PATH_FAILED"), map_(20.01, s8_0="A"))
    assert words(20.02) == {Health.FAILED}
    words = track(*heard(*range(1, 60)), uevent(20.0, "PATH_FAILED"), map_(20.2, s8_0="A"))
    assert words(20.3) == UP


def test_a_new_disk_may_come_before_the_old_one_has_left_the_map() -> None:
    words = track(
        *heard(*range(1, 60)),
        disk(20.0, None),
        session(20.0, None),
        session(25.0, name="session2"),
        disk(25.0, name="sdc", number="8:32"),
        map_(26.0, s8_32="A"),
    )
    assert words(20.1) == {Health.MISSING}
    assert words(25.5) == {Health.MISSING}
    assert words(27.0) == UP


def test_a_path_is_recovering_if_its_loss_lasted_for_long_enough_to_be_seen() -> None:
    def lost_for(seconds: float) -> frozenset[Health]:
        return track(
            *heard(*range(1, 20), *range(21, 60)),
            session(20.0, "FAILED"),
            uevent(20.1, "PATH_FAILED"),
            session(20.0 + seconds),
        )(20.1 + seconds)

    assert lost_for(3.0) == {Health.RECOVERING, Health.FAILED}
    assert lost_for(15.0) == {Health.RECOVERING}


def test_the_checker_may_find_a_path_faulty_only_while_something_is_wrong_there() -> None:
    def checker(at: float, deeds: list[Deed] | None) -> frozenset[CheckerState]:
        lines = [session(0.1), disk(0.1), map_(0.1, s8_0="A"), *heard(*range(1, 60))]
        steps = Timeline(lines, deeds, INTERFACES).tracks["mpio", ONE].steps["checker"]
        found: frozenset[CheckerState] = steps.at(at)
        return found

    deeds = [Deed("LUN not ready", 1, Span(30.0, 32.0))]
    assert CheckerState.FAULTY not in checker(29.0, deeds)
    assert CheckerState.FAULTY in checker(31.0, deeds)
    assert CheckerState.FAULTY in checker(40.0, deeds)
    assert CheckerState.FAULTY not in checker(50.0, deeds)
    assert CheckerState.FAULTY not in checker(31.0, [Deed("LUN not ready", 2, Span(30.0, 32.0))])


def test_what_may_be_known_of_each_state_is_combined() -> None:
    known: dict[str, set[Any]] = {"member": {True, False}, "usable": {UP}, "lost": {False}}
    assert healths(known) == {Health.MISSING, Health.FAILED}
