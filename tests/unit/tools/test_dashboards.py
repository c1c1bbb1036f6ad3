"""The check of the dashboards: that ours pass, and that each disagreement is found."""

from __future__ import annotations

import ast
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mpathd_watch.core.model.vocabulary import Health, MapHealth, SessionStatus
from tools.check_rules import ROOT, RULES, RUNBOOKS
from tools.dashboards import agreement, fleet, host, words
from tools.dashboards import map as one_map
from tools.dashboards.agreement import DASHBOARDS, METRICS, complaints, read_metrics
from tools.dashboards.model import Words

Change = Callable[[dict[str, Any]], object]
NAME = "mpathd-watch-host.json"


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A copy of what is checked."""
    for name in (*RULES, RUNBOOKS, METRICS):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    shutil.copytree(ROOT / DASHBOARDS, tmp_path / DASHBOARDS)
    return tmp_path


def panel(dashboard: dict[str, Any], title: str = "Round trip") -> dict[str, Any]:
    (found,) = (each for each in dashboard["panels"] if each["title"] == title)
    result: dict[str, Any] = found
    return result


def asks(expr: str) -> Change:
    return lambda dashboard: panel(dashboard)["targets"][0].update(expr=expr)


def test_ours_agree() -> None:
    assert list(complaints()) == []


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (lambda each: panel(each).update(description=""), "Round trip: no description of whole sentences"),
        (lambda each: panel(each)["fieldConfig"]["defaults"].pop("unit"), "Round trip: no unit"),
        (lambda each: panel(each).update(targets=[]), "Round trip: no query"),
        (lambda each: panel(each)["datasource"].update(uid="abc"), "Round trip: its data source is not the variable"),
        (
            lambda each: panel(each)["targets"][0]["datasource"].update(uid="abc"),
            "Round trip: its data source is not the variable",
        ),
        (lambda each: panel(each).update(links=[]), "Round trip: no link to a runbook"),
        (
            lambda each: panel(each)["links"][0].update(url="${runbooks}#other"),
            "Round trip: docs/runbooks.md has no section #other",
        ),
        (lambda each: panel(each)["gridPos"].update(x=13), "Round trip: it does not fit beside the panels on its left"),
        (lambda each: panel(each).update(title="Uevents"), "two panels are called 'Uevents'"),
        (lambda each: panel(each).update(id=1), "two panels have one id"),
        (asks("mpathd_watch_other"), "Round trip: there is no metric mpathd_watch_other"),
        (asks("mpathd_watch:other"), "Round trip: there is no metric mpathd_watch:other"),
        (
            asks('mpathd_watch_session_tcp_rtt_seconds{map="a"}'),
            "Round trip: mpathd_watch_session_tcp_rtt_seconds has no label map",
        ),
        (asks('mpathd_watch:absent{nothing=~"a"}'), "Round trip: mpathd_watch:absent has no label nothing"),
        (
            asks("sum by (job, nothing) (mpathd_watch_map_paths)"),
            "Round trip: no series has a label nothing",
        ),
        (asks('mpathd_watch_map_health{state="bad"}'), "Round trip: mpathd_watch_map_health has no state 'bad'"),
        (
            lambda each: panel(each)["targets"][0].update(legendFormat="{{nothing}}"),
            "Round trip: no series has a label nothing",
        ),
        (
            lambda each: each["templating"]["list"][2]["query"].update(
                query="label_values(mpathd_watch_map_paths, nothing)"
            ),
            "variable instance: no series has a label nothing",
        ),
        (asks('mpathd_watch_map_paths{map="$other"}'), "there is no variable other"),
        (
            lambda each: each["templating"]["list"].append({"name": "idle", "type": "textbox"}),
            "nothing uses the variable idle",
        ),
    ],
)
def test_each_disagreement_is_one_line(tree: Path, change: Change, complaint: str) -> None:
    path = tree / DASHBOARDS / NAME
    dashboard = json.loads(path.read_text(encoding="utf-8"))
    change(dashboard)
    path.write_text(json.dumps(dashboard), encoding="utf-8")
    assert list(complaints(tree)) == [f"{NAME}: {complaint}"]


def test_dashboards_must_be_linked(tree: Path) -> None:
    path = tree / DASHBOARDS / NAME
    dashboard = json.loads(path.read_text(encoding="utf-8"))
    dashboard["uid"] = "other"
    dashboard["tags"] = []
    path.write_text(json.dumps(dashboard), encoding="utf-8")
    assert list(complaints(tree)) == [
        "mpathd-watch-fleet.json: there is no dashboard mpathd-watch-host",
        "mpathd-watch-fleet.json: its head does not link to all dashboards",
        "mpathd-watch-host.json: its head does not link to all dashboards",
        "mpathd-watch-map.json: its head does not link to all dashboards",
    ]


def test_without_dashboards_nothing_agrees(tree: Path) -> None:
    for path in (tree / DASHBOARDS).iterdir():
        path.unlink()
    assert list(complaints(tree)) == [f"{DASHBOARDS}: no dashboard"]


def test_a_metric_that_is_removed_from_the_page_is_missed(tree: Path) -> None:
    page = tree / METRICS
    page.write_text(
        page.read_text(encoding="utf-8").replace("| `mpathd_watch_session_tcp_rtt_seconds` |", "| gone |"),
        encoding="utf-8",
    )
    assert list(complaints(tree)) == [f"{NAME}: Round trip: there is no metric mpathd_watch_session_tcp_rtt_seconds"]


def test_the_page_of_metrics_is_read() -> None:
    row = "| `mpathd_watch_x` | gauge | `map`, `path` | Text. |\n| `mpathd_watch_y` | histogram | - | Text. |\n"
    assert read_metrics(row) == {
        "mpathd_watch_x": {"map", "path"},
        "mpathd_watch_y_bucket": {"le"},
        "mpathd_watch_y_sum": frozenset(),
        "mpathd_watch_y_count": frozenset(),
    }


@pytest.mark.parametrize(
    ("shown", "vocabulary"),
    [
        (words.MAP_HEALTH, MapHealth),
        (words.PATH_HEALTH, Health),
        (words.SESSION_STATE, SessionStatus),
    ],
)
def test_each_word_has_a_number(shown: Words, vocabulary: type[MapHealth | Health | SessionStatus]) -> None:
    assert {word.text for word in shown.values()} == {str(word) for word in vocabulary}


def test_the_query_of_a_word_has_its_number() -> None:
    query = words.numbered("m", 'a="b"', {1: words.ANSWERS[0], 2: words.ANSWERS[1]}, "x")
    assert query == 'max by (x) (\n  m{a="b", state="no answer"} * 1\n  or m{a="b", state="answers"} * 2\n)'
    worst = words.numbered("m", 'a="b"', {1: words.ANSWERS[0]}, "x", worst=True)
    one = 'm{a="b", state="no answer"}'
    assert worst == f"max by (x) (\n  (max_over_time({one}[$__interval]) or {one}) * 1\n)"


@pytest.mark.parametrize("content", [fleet.DASHBOARD, host.DASHBOARD, one_map.DASHBOARD], ids=lambda each: each.uid)
def test_the_panels_of_the_files_are_those_of_the_code(content: Any) -> None:
    """What can be compared without Grafana's library; `make check` compares all where it is installed."""
    dashboard = json.loads((ROOT / DASHBOARDS / f"{content.uid}.json").read_text(encoding="utf-8"))
    expected = [
        (each.title, each.description, each.unit.value, each.empty, [query.expr for query in each.queries])
        for row in content.rows
        for each in row.panels
    ]
    found = []
    for each in agreement.panels(dashboard):
        defaults = each["fieldConfig"]["defaults"]
        exprs = [target["expr"] for target in each["targets"]]
        found.append((each["title"], each["description"], defaults["unit"], defaults.get("noValue", ""), exprs))
    assert found == expected


def test_one_module_imports_the_library_of_grafana() -> None:
    importing = set()
    for path in (ROOT / "tools").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("grafana_foundation_sdk"):
                importing.add(path.relative_to(ROOT / "tools").as_posix())
    assert importing == {"dashboards/grafana.py"}


def test_the_command_prints_what_disagrees(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert agreement.main() == 0
    monkeypatch.setattr(agreement, "complaints", lambda: ["one"])
    assert agreement.main() == 1
    assert capsys.readouterr().out == "one\n"
