"""Questions to Prometheus' own engine, with the recording and alerting rules loaded: ``promtool test rules``."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterable
from itertools import cycle
from pathlib import Path
from typing import Final

from tests.component.dashboards.scraped import INTERVAL, Series

RULES: Final = Path(__file__).resolve().parents[3] / "docs/prometheus"
_GOT: Final = re.compile(r'got: \{query="(q\d+)"\} (\S+)$', re.MULTILINE)
ORDER: Final = ("paths", "sessions", "maps", "shared", "hosts", "seen", "fleet")
"""The groups of rules. promtool runs them in this order, and a server each at its own moment."""
EVALUATED_EACH: Final = 15
"""Seconds."""


def answered(
    promtool: str, series: Series, queries: Iterable[str], moments: Iterable[int], directory: Path
) -> dict[str, frozenset[int]]:
    """The moments, in seconds, at which each query has an answer.

    Raises ``RuntimeError`` if promtool does not answer, as where a query is no PromQL.
    """
    asked = {f"q{number}": query for number, query in enumerate(queries)}
    times = sorted(moments)
    test = {
        "rule_files": [str(RULES / "rules.yml"), str(RULES / "fleet.yml")],
        "evaluation_interval": f"{EVALUATED_EACH}s",
        "group_eval_order": [f"mpathd-watch-{name}" for name in ORDER],
        "tests": [
            {
                "interval": f"{INTERVAL}s",
                "input_series": [{"series": name, "values": values} for name, values in series.notation()],
                "promql_expr_test": [
                    {"expr": _number(name, query), "eval_time": f"{second}s", "exp_samples": []}
                    for name, query in asked.items()
                    for second in times
                ],
            }
        ],
    }
    path = directory / "dashboards.test.yml"
    path.write_text(json.dumps(test), encoding="utf-8")  # JSON is YAML
    command = [promtool, "test", "rules", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603  # a tool of this machine
    # Nothing is expected of each question, so promtool reports what it got, in the order of the questions.
    got = [(name, int(float(value))) for name, value in _GOT.findall(done.stdout + done.stderr)]
    if [name for name, _ in got] != [name for name in asked for _ in times]:
        raise RuntimeError(f"promtool did not answer all:\n{(done.stdout + done.stderr)[-3000:]}")
    found: dict[str, set[int]] = {query: set() for query in asked.values()}
    for (name, value), second in zip(got, cycle(times), strict=False):
        if value:
            found[asked[name]].add(second)
    return {query: frozenset(each) for query, each in found.items()}


def _number(name: str, query: str) -> str:
    """How many series the query gives, with the name of the query."""
    return f'label_replace(count({query}) or vector(0), "query", "{name}", "", "")'
