"""The table of the metrics: every row is complete, and its example is a query that Prometheus accepts."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from mpathd_watch.sinks.metrics.row import Block, Kind, Label, Row
from mpathd_watch.sinks.metrics.table import BLOCKS

ROWS: list[tuple[Block[object], Row[object]]] = [(block, row) for block in BLOCKS for row in block.rows]
NAMES = re.compile(r"\bmpathd_watch_([a-z_]+)\b")
MATCHERS = re.compile(r"\bmpathd_watch_([a-z_]+)\{([^}]*)\}")
GROUPINGS = re.compile(r"\b(?:by|on|ignoring) \(([^)]*)\)")
FOREIGN = {"instance", "le"}
"""Labels that Prometheus or the type of a metric adds."""

each_row = pytest.mark.parametrize("row", [row for _, row in ROWS], ids=lambda row: row.name)


def series_of(row: Row[object]) -> set[str]:
    """What a query may call the metric."""
    if row.kind is not Kind.HISTOGRAM:
        return {row.name}
    return {f"{row.name}_{suffix}" for suffix in ("bucket", "sum", "count")}


def labels_of(name: str) -> dict[str, Label]:
    """The labels of the metric that a query calls ``name``."""
    block, row = next((block, row) for block, row in ROWS if name in series_of(row))
    return {label.name: label for label in (*block.labels, *row.labels)}


def test_no_name_is_used_twice() -> None:
    assert len({row.name for _, row in ROWS}) == len(ROWS)
    assert len({block.title for block in BLOCKS}) == len(BLOCKS)
    for block, row in ROWS:
        names = [label.name for label in (*block.labels, *row.labels)]
        assert len(set(names)) == len(names)


@each_row
def test_a_row_is_named_and_described_as_prometheus_wants_it(row: Row[object]) -> None:
    assert re.fullmatch("[a-z][a-z_]*", row.name)
    assert row.name.endswith("_total") == (row.kind is Kind.COUNTER)
    assert row.help.endswith(".")
    assert not row.absent.endswith(".")


@each_row
def test_an_example_asks_for_its_metric_by_labels_and_words_that_there_are(row: Row[object]) -> None:
    assert row.example.answers.endswith("?")
    query = row.example.query
    named = NAMES.findall(query)
    assert series_of(row) & set(named)
    known = FOREIGN.union(*map(labels_of, named))
    for grouping in GROUPINGS.findall(query):
        assert {name for name in grouping.split(", ") if name} <= known
    for name, matchers in MATCHERS.findall(query):
        for label, words in re.findall(r'(\w+)=~?"([^"]*)"', matchers):
            vocabulary = labels_of(name)[label].words
            assert vocabulary is not None
            assert set(words.split("|")) <= {str(word) for word in vocabulary.meanings}


def test_prometheus_accepts_every_example(tmp_path: Path) -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("NOT TESTED: the syntax of the example queries; promtool is not installed (Debian: prometheus)")
    rules = [{"record": f"example:{row.name}", "expr": row.example.query} for _, row in ROWS]
    file = tmp_path / "examples.yml"
    # JSON is YAML.
    file.write_text(json.dumps({"groups": [{"name": "examples", "rules": rules}]}), encoding="utf-8")
    checked = subprocess.run([promtool, "check", "rules", file], check=False, capture_output=True, text=True)  # noqa: S603  # fixed arguments
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert f"{len(rules)} rules found" in checked.stdout
