"""Check that the dashboards in docs/grafana agree with the metrics, the rules and the runbooks, and are complete.

``python -m tools.dashboards.agreement`` prints one line for each disagreement. It needs only the files: docs/grafana,
docs/prometheus, docs/metrics.md and docs/runbooks.md.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tools.check_rules import ROOT, RULES, RUNBOOKS, read_rules, unknown_words

DASHBOARDS: Final = "docs/grafana"
METRICS: Final = "docs/metrics.md"
GRID: Final = 24
"""Columns that Grafana has for panels."""

_OF_TARGETS: Final = frozenset({"job", "instance", "site"})
"""Labels that Prometheus sets, or the administrator."""
_OF_ALERTS: Final = frozenset({"alertname", "alertstate", "severity", "scope"})
_OF_RULES: Final = frozenset({"array", "host", "device"})
"""Labels that the rules make."""
_PARTS: Final = ("_bucket", "_sum", "_count")

_ROW: Final = re.compile(r"^\| `(mpathd_watch_\w+)` \| (\w+) \| ([^|]*) \|", re.MULTILINE)
_CODE: Final = re.compile(r"`(\w+)`")
_METRIC: Final = re.compile(r"\bmpathd_watch[_:][a-z0-9_:]+")
_SELECTOR: Final = re.compile(r"\b([A-Za-z_:][\w:]*)\{([^}]*)\}")
_MATCHER: Final = re.compile(r'(\w+)\s*(?:=~|!~|!=|=)\s*"')
_GROUPED: Final = re.compile(r"\b(?:by|on|without|ignoring|group_left|group_right)\s*\(([^)]*)\)")
_LEGEND: Final = re.compile(r"{{\s*(\w+)\s*}}")
_VARIABLE: Final = re.compile(r"\$(?:\{(\w+)[^}]*\}|(\w+))")
_HEADING: Final = re.compile(r"^## (.+)$", re.MULTILINE)
_VALUES: Final = re.compile(r"^label_values\((.+), *(\w+)\)$")
_DASHBOARD: Final = re.compile(r"/d/([\w-]+)")


@dataclass(frozen=True, slots=True)
class Known:
    """What the dashboards may use: metrics with their labels, recorded series, and sections of the runbooks."""

    metrics: Mapping[str, frozenset[str]]
    recorded: frozenset[str]
    sections: frozenset[str]

    @property
    def labels(self) -> frozenset[str]:
        """The labels that a series can have."""
        return frozenset().union(*self.metrics.values(), _OF_TARGETS, _OF_ALERTS, _OF_RULES)


def read_metrics(page: str) -> dict[str, frozenset[str]]:
    """The metrics on the page with their labels; of a histogram its three kinds of series."""
    found: dict[str, frozenset[str]] = {}
    for name, kind, labels in _ROW.findall(page):
        own = frozenset(_CODE.findall(labels))
        if kind == "histogram":
            found |= {name + part: own | ({"le"} if part == "_bucket" else set()) for part in _PARTS}
        else:
            found[name] = own
    return found


def panels(dashboard: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The panels that show something."""
    return [panel for panel in dashboard["panels"] if panel["type"] != "row"]


def about_panels(dashboard: Mapping[str, Any], known: Known) -> Iterator[str]:
    """What a panel lacks."""
    titles = [panel["title"] for panel in panels(dashboard)]
    yield from (f"two panels are called {title!r}" for title in sorted({t for t in titles if titles.count(t) > 1}))
    numbers = [panel["id"] for panel in dashboard["panels"]]
    if len(set(numbers)) < len(numbers):
        yield "two panels have one id"
    for panel in panels(dashboard):
        title = panel["title"]
        if not panel.get("description", "").endswith("."):
            yield f"{title}: no description of whole sentences"
        if not panel["fieldConfig"]["defaults"].get("unit"):
            yield f"{title}: no unit"
        if not panel["targets"]:
            yield f"{title}: no query"
        for part in (panel, *panel["targets"]):
            if part.get("datasource", {}).get("uid") != "${datasource}":
                yield f"{title}: its data source is not the variable"
        sections = [link["url"].partition("${runbooks}#")[2] for link in panel.get("links", ())]
        if not any(sections):
            yield f"{title}: no link to a runbook"
        yield from (f"{title}: {RUNBOOKS} has no section #{each}" for each in sections if each not in known.sections)
        place = panel["gridPos"]
        if place["x"] + place["w"] > GRID:
            yield f"{title}: it does not fit beside the panels on its left"


def about_queries(dashboard: Mapping[str, Any], known: Known) -> Iterator[str]:
    """Metrics, labels and words that do not exist, in queries of panels and of variables."""
    for title, expr in queries(dashboard):
        for name in sorted(set(_METRIC.findall(expr)) - known.metrics.keys() - known.recorded):
            yield f"{title}: there is no metric {name}"
        for name, matchers in _SELECTOR.findall(expr):
            labels = known.metrics[name] | _OF_TARGETS if name in known.metrics else known.labels
            for label in sorted(set(_MATCHER.findall(matchers)) - labels):
                yield f"{title}: {name} has no label {label}"
        for group in _GROUPED.findall(expr):
            for label in sorted({each.strip() for each in group.split(",")} - known.labels - {"", "le"}):
                yield f"{title}: no series has a label {label}"
        yield from (f"{title}: {each}" for each in unknown_words(expr))
    for panel in panels(dashboard):
        for target in panel["targets"]:
            for label in sorted(set(_LEGEND.findall(target.get("legendFormat", ""))) - known.labels):
                yield f"{panel['title']}: no series has a label {label}"


def queries(dashboard: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """All that is asked of Prometheus, each with the title of its panel or the name of its variable."""
    for panel in panels(dashboard):
        for target in panel["targets"]:
            yield panel["title"], target["expr"]
    for variable in dashboard["templating"]["list"]:
        if variable["type"] == "query":
            # As a query that gives the same values: label_values is Grafana's own.
            yield f"variable {variable['name']}", _VALUES.sub(r"count by (\2) (\1)", variable["query"]["query"])


def about_variables(dashboard: Mapping[str, Any]) -> Iterator[str]:
    """Variables that are used and do not exist, or that nothing uses."""
    declared = {variable["name"] for variable in dashboard["templating"]["list"]}
    text = json.dumps([dashboard["panels"], dashboard["templating"], dashboard["links"]])
    used = {braced or bare for braced, bare in _VARIABLE.findall(text)}
    for name in sorted(each for each in used - declared if not each.startswith("__") and not each.isdigit()):
        yield f"there is no variable {name}"
    for name in sorted(declared - used):
        yield f"nothing uses the variable {name}"


def about_links(dashboards: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """Links to dashboards that do not exist, and a dashboard whose head does not link to all."""
    uids = {dashboard["uid"] for dashboard in dashboards.values()}
    for name, dashboard in dashboards.items():
        found = set(_DASHBOARD.findall(json.dumps(dashboard["panels"])))
        yield from (f"{name}: there is no dashboard {uid}" for uid in sorted(found - uids))
        tags = {tag for link in dashboard["links"] if link["type"] == "dashboards" for tag in link["tags"]}
        if not all(tags & set(other["tags"]) for other in dashboards.values()):
            yield f"{name}: its head does not link to all dashboards"
    if len(uids) < len(dashboards):
        yield "two dashboards have one uid"


def complaints(root: Path = ROOT) -> Iterator[str]:
    """All that disagrees in the files below ``root``."""

    def read(name: str) -> str:
        return (root / name).read_text(encoding="utf-8")

    rules = [rule for name in RULES for rule in read_rules(read(name))]
    known = Known(
        metrics=read_metrics(read(METRICS)),
        recorded=frozenset(rule.name for rule in rules if not rule.is_alert),
        sections=frozenset(title.lower().replace(" ", "-") for title in _HEADING.findall(read(RUNBOOKS))),
    )
    found = {
        path.name: json.loads(path.read_text(encoding="utf-8")) for path in sorted((root / DASHBOARDS).glob("*.json"))
    }
    if not found:
        yield f"{DASHBOARDS}: no dashboard"
    for name, dashboard in found.items():
        for each in (*about_panels(dashboard, known), *about_queries(dashboard, known), *about_variables(dashboard)):
            yield f"{name}: {each}"
    yield from about_links(found)


def main() -> int:
    """Print what disagrees; the exit status."""
    found = list(complaints())
    for line in found:
        sys.stdout.write(f"{line}\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
