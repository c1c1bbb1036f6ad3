"""Each query of each dashboard, asked of Prometheus' engine while a fleet has a fault and while it has none."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Final

import pytest

from tests.component.dashboards.asked import CASES, Case
from tests.component.dashboards.promtool import answered
from tests.component.dashboards.scraped import (
    END,
    FAULT,
    GONE,
    REPLAY,
    REPLAYED,
    SIMULATED,
    WITH_ALUA,
    Series,
    scraped,
    scraped_without_a_map,
)
from tools.dashboards.words import PATH_HEALTH

SETTLED: Final = 60
"""Seconds after which a host has been scraped often enough for rates and for rules of rules."""
RECORDED: Final = range(REPLAY, REPLAY + 65)
MOMENTS: Final = sorted({*range(SETTLED, END + 1, 60), *range(RECORDED.start + 15, RECORDED.stop, 5)})

SOMETIMES: Final = {
    ("Maps", "E"): "the source that knows it, multipathd, is down for a while",
    ("Silence of the targets", "A"): "the simulated hosts have no time at which a target was last heard",
    ("Promised and measured", "B"): "no failover has been proven before the first outage has ended",
}
"""Queries of panels that always show something, apart from these: what they lack, and when."""

NO_ALUA: Final = {
    ("Maps", "D"): "only one host has an array with ALUA",
    ("I/O fails in", "A"): "only that host waits for a deadline: the others keep a path, or queue without end",
}
"""Queries that are answered by the third host alone."""

IN_TROUBLE: Final = frozenset({"Findings of the audit", "Hosts in trouble"})
"""Panels that would be empty if the hosts here had no finding."""

HOSTS: Final = {REPLAYED: ("mpio", REPLAY + 15), SIMULATED: ("lun00", SETTLED)}
"""The hosts that are looked at one at a time: a map of each, and from when on it answers."""
MAPS: Final = {host: map_ for host, (map_, _) in HOSTS.items()} | {WITH_ALUA: "lun00"}


def asked(case: Case, host: str, step: str = "15s") -> str:
    """The query with this host chosen, and its map."""
    return case.asked(host, MAPS[host], step=step)


@pytest.fixture(scope="module")
def promtool() -> str:
    found = shutil.which("promtool")
    if found is None:
        pytest.skip("NOT TESTED: promtool is not installed (Debian: prometheus); no dashboard was tried")
    return found


@pytest.fixture(scope="module")
def series() -> Series:
    return scraped()


@pytest.fixture(scope="module")
def answers(promtool: str, series: Series, tmp_path_factory: pytest.TempPathFactory) -> dict[str, frozenset[int]]:
    """The moments at which each query has an answer."""
    wanted = dict.fromkeys(asked(case, host) for case in CASES for host in MAPS)
    return answered(promtool, series, wanted, MOMENTS, tmp_path_factory.mktemp("promtool"))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_query_has_an_answer_whenever_it_should(case: Case, answers: dict[str, frozenset[int]]) -> None:
    found = {host: answers[asked(case, host)] for host in MAPS}
    answering = {host for host, moments in found.items() if moments}
    if (case.title, case.letter) in NO_ALUA:
        assert answering == {WITH_ALUA}
        return
    assert answering & HOSTS.keys(), "it never has an answer"
    unanswered = {
        host: [moment for moment in MOMENTS if moment >= begin and moment not in found[host]]
        for host, (_, begin) in HOSTS.items()
    }
    lacking = {host: moments for host, moments in unanswered.items() if moments}
    if (case.title, case.letter) in SOMETIMES:
        assert lacking, "it always has an answer: remove it from SOMETIMES"
    elif not case.empty:
        assert not lacking, "its panel has no text for this"


@pytest.mark.parametrize("title", sorted({case.title for case in CASES if case.empty} - IN_TROUBLE))
def test_a_panel_that_says_what_no_data_means_has_none_at_times(title: str, answers: dict[str, frozenset[int]]) -> None:
    of_panel = [case for case in CASES if case.title == title and case.empty]
    empty = [
        (host, moment)
        for host in HOSTS
        for moment in MOMENTS
        if not any(moment in answers[asked(case, host)] for case in of_panel)
    ]
    assert empty


def test_trouble_is_shown_while_it_lasts(answers: dict[str, frozenset[int]]) -> None:
    (case,) = (each for each in CASES if each.title == "Hosts that have lost a portal")
    shown = {moment for moment in answers[asked(case, SIMULATED)] if moment not in RECORDED}
    assert shown >= {moment for moment in MOMENTS if moment in FAULT}
    # A host that does not answer any more keeps what it has reported for two minutes.
    assert shown <= {moment for moment in MOMENTS if FAULT.start <= moment < GONE + 120}


def test_the_phases_of_the_recorded_outage_are_shown(promtool: str, series: Series, tmp_path: Path) -> None:
    (case,) = (each for each in CASES if each.title == "Phases of the outages")
    words = {f"({asked(case, REPLAYED, '5s')}) == {number}": word.text for number, word in PATH_HEALTH.items()}
    found = answered(promtool, series, words, [moment for moment in MOMENTS if moment in RECORDED], tmp_path)
    shown = {words[query]: min(moments) for query, moments in found.items() if moments}
    assert sorted(shown, key=shown.__getitem__) == ["up", "suspect", "stalled", "failed", "recovering"]


def test_a_map_that_is_gone_is_counted_as_missing_and_alerted(promtool: str, tmp_path: Path) -> None:
    """It still has metrics: a map that is lost."""
    (case,) = (each for each in CASES if each.title == "Maps missing")
    panel = f"({asked(case, WITH_ALUA)}) == 1"
    alert = 'ALERTS{alertname="MultipathMapsMissing", alertstate="firing"}'
    found = answered(promtool, scraped_without_a_map(600), [panel, alert], [240, 600], tmp_path)
    assert found == {panel: {240, 600}, alert: {600}}


def test_where_there_is_no_host_no_panel_says_that_all_is_well(promtool: str, tmp_path: Path) -> None:
    wanted = [asked(case, SIMULATED) for case in CASES]
    assert not any(answered(promtool, Series(), wanted, [END], tmp_path).values())


def test_what_is_excused_exists() -> None:
    assert {*SOMETIMES, *NO_ALUA} <= {(case.title, case.letter) for case in CASES}
    assert {case.title for case in CASES if case.empty} >= IN_TROUBLE
