"""Each query of each dashboard, asked of Prometheus' engine while a fleet has a fault and while it has none."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest

from tests.component.dashboards.promtool import answered
from tests.component.dashboards.scraped import END, FAULT, GONE, REPLAY, REPLAYED, SIMULATED, Series, scraped
from tools.dashboards.agreement import queries
from tools.dashboards.words import PATH_HEALTH

DASHBOARDS: Final = sorted((Path(__file__).resolve().parents[3] / "docs/grafana").glob("*.json"))
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

NEVER: Final = {
    ("Maps", "D"): "neither the recording nor the simulated hosts have an array with ALUA",
    ("I/O fails in", "A"): "the recorded host keeps a path, and the simulated ones queue without end",
}
"""Queries that nothing here can answer. Their metrics are those of docs/metrics.md, which `make check` compares."""

IN_TROUBLE: Final = frozenset({"Findings of the audit", "Hosts in trouble"})
"""Panels that would be empty if the hosts here had no finding."""

HOSTS: Final = {REPLAYED: ("mpio", REPLAY + 15), SIMULATED: ("lun00", SETTLED)}
"""The hosts that are looked at one at a time: a map of each, and from when on it answers."""


@dataclass(frozen=True, slots=True)
class Case:
    """A query. ``empty`` is what the panel says when it has no data; ``""`` if it always has."""

    title: str
    letter: str
    expr: str
    empty: str

    def asked(self, host: str, step: str = "15s") -> str:
        """The query as Grafana asks it with this host chosen, for points that are ``step`` apart."""
        values = {
            "$__rate_interval": "1m",
            "$__interval": step,
            "$__range": f"{END}s",
            "$instance": host,
            "$map": HOSTS[host][0],
            "$site": ".*",
        }
        expr = self.expr
        for name, value in values.items():
            expr = expr.replace(name, value)
        return expr


def _cases() -> Iterator[Any]:
    for path in DASHBOARDS:
        dashboard = json.loads(path.read_text(encoding="utf-8"))
        empty = {
            panel["title"]: panel["fieldConfig"]["defaults"].get("noValue", "")
            for panel in dashboard["panels"]
            if panel["type"] != "row"
        }
        letters: dict[str, int] = {}
        for title, expr in queries(dashboard):
            letter = chr(ord("A") + letters.setdefault(title, 0))
            letters[title] += 1
            case = Case(title, letter, expr, empty.get(title, ""))
            yield pytest.param(case, id=f"{path.stem.removeprefix('mpathd-watch-')}: {title}, {letter}")


CASES: Final = list(_cases())
ALL: Final = tuple(param.values[0] for param in CASES)


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
    asked = dict.fromkeys(case.asked(host) for case in ALL for host in HOSTS)
    return answered(promtool, series, asked, MOMENTS, tmp_path_factory.mktemp("promtool"))


@pytest.mark.parametrize("case", CASES)
def test_a_query_has_an_answer_whenever_it_should(case: Case, answers: dict[str, frozenset[int]]) -> None:
    found = {host: answers[case.asked(host)] for host in HOSTS}
    at_all = frozenset().union(*found.values())
    if (case.title, case.letter) in NEVER:
        assert not at_all, "it has an answer: remove it from NEVER"
        return
    assert at_all, "it never has an answer"
    unanswered = {
        host: [moment for moment in MOMENTS if moment >= begin and moment not in found[host]]
        for host, (_, begin) in HOSTS.items()
    }
    lacking = {host: moments for host, moments in unanswered.items() if moments}
    if (case.title, case.letter) in SOMETIMES:
        assert lacking, "it always has an answer: remove it from SOMETIMES"
    elif not case.empty:
        assert not lacking, "its panel has no text for this"


@pytest.mark.parametrize("title", sorted({case.title for case in ALL if case.empty} - IN_TROUBLE))
def test_a_panel_that_says_what_no_data_means_has_none_at_times(title: str, answers: dict[str, frozenset[int]]) -> None:
    of_panel = [case for case in ALL if case.title == title and case.empty]
    empty = [
        (host, moment)
        for host in HOSTS
        for moment in MOMENTS
        if not any(moment in answers[case.asked(host)] for case in of_panel)
    ]
    assert empty


def test_trouble_is_shown_while_it_lasts(answers: dict[str, frozenset[int]]) -> None:
    (case,) = (each for each in ALL if each.title == "Hosts that have lost a portal")
    shown = {moment for moment in answers[case.asked(SIMULATED)] if moment not in RECORDED}
    assert shown >= {moment for moment in MOMENTS if moment in FAULT}
    # A host that does not answer any more keeps what it has reported for two minutes.
    assert shown <= {moment for moment in MOMENTS if FAULT.start <= moment < GONE + 120}


def test_the_phases_of_the_recorded_outage_are_shown(promtool: str, series: Series, tmp_path: Path) -> None:
    (case,) = (each for each in ALL if each.title == "Phases of the outages")
    asked = {f"({case.asked(REPLAYED, '5s')}) == {number}": word.text for number, word in PATH_HEALTH.items()}
    found = answered(promtool, series, asked, [moment for moment in MOMENTS if moment in RECORDED], tmp_path)
    shown = {asked[query]: min(moments) for query, moments in found.items() if moments}
    assert sorted(shown, key=shown.__getitem__) == ["up", "suspect", "stalled", "failed", "recovering"]


def test_where_there_is_no_host_no_panel_says_that_all_is_well(promtool: str, tmp_path: Path) -> None:
    asked = [case.asked(SIMULATED) for case in ALL]
    assert not any(answered(promtool, Series(), asked, [END], tmp_path).values())


def test_what_is_excused_exists() -> None:
    assert {*SOMETIMES, *NEVER} <= {(case.title, case.letter) for case in ALL}
    assert {case.title for case in ALL if case.empty} >= IN_TROUBLE
