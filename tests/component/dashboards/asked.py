"""What the dashboards of docs/grafana ask."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tools.dashboards.agreement import panels, queries

DASHBOARDS: Final = sorted((Path(__file__).resolve().parents[3] / "docs/grafana").glob("*.json"))


@dataclass(frozen=True, slots=True)
class Case:
    """A query of a panel or a variable. ``empty`` is what the panel says without data; ``""`` if it always has some."""

    dashboard: str
    title: str
    letter: str
    expr: str
    empty: str

    @property
    def name(self) -> str:
        """For the list of tests."""
        return f"{self.dashboard}: {self.title}, {self.letter}"

    def asked(self, host: str, map_: str, *, step: str = "15s", rate: str = "1m", span: str = "1200s") -> str:
        """The query as Grafana asks it with these chosen.

        The points are ``step`` apart, rates are taken over ``rate``, and the time range is ``span``.
        """
        values = {
            "$__rate_interval": rate,
            "$__interval": step,
            "$__range": span,
            "$instance": host,
            "$map": map_,
            "$site": ".*",
        }
        expr = self.expr
        for name, value in values.items():
            expr = expr.replace(name, value)
        return expr


def _cases() -> Iterator[Case]:
    for path in DASHBOARDS:
        dashboard = json.loads(path.read_text(encoding="utf-8"))
        empty: Mapping[str, str] = {
            panel["title"]: panel["fieldConfig"]["defaults"].get("noValue", "") for panel in panels(dashboard)
        }
        letters: dict[str, int] = {}
        for title, expr in queries(dashboard):
            letter = chr(ord("A") + letters.setdefault(title, 0))
            letters[title] += 1
            yield Case(path.stem.removeprefix("mpathd-watch-"), title, letter, expr, empty.get(title, ""))


CASES: Final = tuple(_cases())
