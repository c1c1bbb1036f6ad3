"""Check that the rules for Prometheus, their tests, the runbooks and the journal's catalog agree.

``python -m tools.check_rules`` prints one line for each disagreement. It knows the metrics and the alerts of the code,
and reads docs/prometheus and docs/runbooks.md. Whether the rules do what they should is what promtool tests
(tools/check-prometheus).
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from mpathd_watch.core.alerting.pairs import PAIRS
from mpathd_watch.core.catalog.alerts import AlertKind, Priority
from mpathd_watch.core.catalog.words import Vocabulary
from mpathd_watch.sinks.metrics.row import Kind
from mpathd_watch.sinks.metrics.table import BLOCKS

ROOT: Final = Path(__file__).resolve().parent.parent
FLEET: Final = "docs/prometheus/fleet.yml"
RULES: Final = ("docs/prometheus/rules.yml", FLEET)
TESTS: Final = ("docs/prometheus/rules.test.yml", "docs/prometheus/fleet.test.yml")
ROUTES: Final = "docs/prometheus/alertmanager.yml"
RUNBOOKS: Final = "docs/runbooks.md"
RUNBOOK_URL: Final = "file:///usr/share/doc/mpathd-watch/runbooks.md#"
PARAGRAPHS: Final = ("Journal", "Meaning", "Impact", "Diagnosis", "Mitigation")
LEAST_EXPECTATIONS: Final = 3
SEVERITIES: Final = frozenset({"critical", "warning", "info", "none"})
SCOPES: Final = frozenset({"path", "session", "map", "host", "fleet", "inhibitor"})

AWAITED: Final[frozenset[str]] = frozenset()
"""Metrics of the contract that rules use already and the code does not have yet. It is an error if one of them exists,
or if no rule uses it: this set must become empty."""

JOURNAL_ONLY: Final[Mapping[str, str]] = {
    "incident_began": "metrics show its sessions, maps and paths, which have alerts; Alertmanager groups these",
    "incident_worse": "likewise",
    "lun_resized": "it is about a moment: no metric says whether the sizes agree now",
}
"""Urgent events without an alert of Prometheus, and why."""

_HEADING: Final = re.compile(r"^## (Multipath\w+)$", re.MULTILINE)
_PARAGRAPH: Final = re.compile(r"^\*\*(\w+):\*\* +(\S.*?)(?=\n\n|\n*\Z)", re.MULTILINE | re.DOTALL)
_ENTRY: Final = re.compile(r"\[`(\w+)`\]\(alerts\.md#(\w+)\)\s`([0-9a-f]{32})`")
_PROMQL: Final = re.compile(r"^```promql\n(.*?)^```", re.MULTILINE | re.DOTALL)
_METRIC: Final = re.compile(r"\bmpathd_watch[_:][a-z0-9_:]+")
_SELECTOR: Final = re.compile(r"\b(mpathd_watch_[a-z0-9_]+)\{([^}]*)\}")
_MATCHER: Final = re.compile(r'(\w+)\s*(?:=~|!~|!=|=)\s*"([^"]*)"')
_ALERTNAME: Final = re.compile(r'alertname\s*(?:=~|!~|!=|=)\s*"([^"]*)"')
_KEY: Final = re.compile(r"^( *)(?:- )?([a-z_]+):(?: +(\S.*))?$")


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule of Prometheus: an alert, or a series that is recorded."""

    name: str
    is_alert: bool
    expr: str
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Expectation:
    """What a test expects of one alert at a moment, in seconds. ``restart``: a series of the test is interrupted."""

    test: str
    at: int
    alert: str
    fires: bool
    restart: bool


# --- the files --------------------------------------------------------------------------------------------------------


def read_rules(text: str) -> tuple[Rule, ...]:
    """The rules in a file that is indented as ours are; promtool says whether it is YAML.

    Raises ``ValueError`` if the file has a line that is not as ours.
    """
    rules: list[Rule] = []
    for number, group in _items(text, "      - "):
        head, *rest = group
        kind, _, name = head.partition(": ")
        if kind not in ("alert", "record"):
            raise ValueError(f"line {number}: a rule begins with 'alert' or 'record', not with {head!r}")
        found: dict[str, Any] = {"expr": "", "labels": {}, "annotations": {}}
        key = ""
        for line in rest:
            inner = line.strip()
            if line.startswith(" " * 10):
                if key == "expr":
                    found["expr"] += f"{inner}\n"
                elif key in ("labels", "annotations"):
                    label, _, value = inner.partition(": ")
                    found[key][label] = _unquoted(value)
                continue
            key, _, value = inner.partition(":")
            if key == "expr" and value.strip() != "|":
                found["expr"] = value.strip()
        rules.append(Rule(name, kind == "alert", found["expr"], found["labels"], found["annotations"]))
    return tuple(rules)


def read_tests(text: str) -> tuple[Expectation, ...]:
    """What the tests in a file of promtool expect of the alerts."""
    found: list[Expectation] = []
    for _, test in _items(text, "  - "):
        name = test[0].partition(": ")[2]
        restart = any("stale" in line for line in test if line.strip().startswith("values:"))
        at, alert = 0, ""
        for line in test:
            match = _KEY.match(line)
            if match is None:
                continue
            key, value = match[2], match[3] or ""
            if key == "eval_time":
                at = int(value.removesuffix("s"))
            elif key == "alertname":
                alert = value
            elif key == "exp_alerts":
                found.append(Expectation(name, at, alert, value != "[]", restart))
    return tuple(found)


def tested_queries(text: str) -> frozenset[str]:
    """The expressions that a file of promtool evaluates, in one line each."""
    found = re.findall(r"^      - expr: \|\n((?: {10}.*\n)+)", text, re.MULTILINE)
    return frozenset(_one_line(expr) for expr in found)


def _items(text: str, start: str) -> Iterator[tuple[int, list[str]]]:
    """The items of all lists at one depth: the number of the first line, and the lines, without comments."""
    item: list[str] = []
    first = 0
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.strip().startswith("#"):
            continue
        if line.startswith(start):
            if item:
                yield first, item
            item, first = [line.removeprefix(start)], number
        elif item and line.startswith(" " * len(start)):
            item.append(line)
        elif item:
            yield first, item
            item = []
    if item:
        yield first, item


def _unquoted(value: str) -> str:
    if value.startswith('"') and value.endswith('"'):
        return value[1:-1].replace(r"\"", '"').replace(r"\\", "\\")
    return value


def _one_line(query: str) -> str:
    return " ".join(line for line in (each.partition(" #")[0].strip() for each in query.splitlines()) if line)


# --- what must agree --------------------------------------------------------------------------------------------------


def about_rules(rules: Sequence[Rule]) -> Iterator[str]:
    """What is wrong with the rules themselves."""
    names = [rule.name for rule in rules]
    yield from (f"{name}: two rules have this name" for name in sorted({n for n in names if names.count(n) > 1}))
    for rule in rules:
        if not rule.is_alert:
            continue
        for key in ("summary", "description", "runbook_url"):
            if not rule.annotations.get(key):
                yield f"{rule.name}: no annotation {key}"
        if "{{" not in rule.annotations.get("description", ""):
            yield f"{rule.name}: its description has no value"
        if rule.annotations.get("runbook_url", "") != RUNBOOK_URL + rule.name.lower():
            yield f"{rule.name}: runbook_url is not {RUNBOOK_URL}{rule.name.lower()}"
        if rule.labels.get("severity") not in SEVERITIES:
            yield f"{rule.name}: severity is none of {', '.join(sorted(SEVERITIES))}"
        if rule.labels.get("scope") not in SCOPES:
            yield f"{rule.name}: scope is none of {', '.join(sorted(SCOPES))}"


def about_metrics(rules: Sequence[Rule], awaited: frozenset[str] = AWAITED) -> Iterator[str]:
    """Metrics and words that the rules use and nothing exports, and those that are no longer awaited."""
    exported = _exported()
    recorded = {rule.name for rule in rules if not rule.is_alert}
    used: set[str] = set()
    for rule in rules:
        for text in (rule.expr, *rule.annotations.values()):
            names = set(_METRIC.findall(text))
            used |= names
            for name in sorted(names - exported - recorded - awaited):
                yield f"{rule.name}: there is no metric {name}"
            yield from (f"{rule.name}: {each}" for each in unknown_words(text))
    for name in sorted(awaited & exported):
        yield f"{name} exists now: remove it from AWAITED"
    for name in sorted(awaited - used):
        yield f"{name}: no rule uses it: remove it from AWAITED"
    for name in sorted(name for name in recorded - used if not name.startswith(_FOR_PEOPLE)):
        yield f"{name}: nothing uses this recorded series"


_FOR_PEOPLE: Final = ("mpathd_watch:map_device:", "mpathd_watch:paths_")
"""Recorded for queries and dashboards, not for other rules."""


def _exported() -> frozenset[str]:
    names: set[str] = set()
    for block in BLOCKS:
        for row in block.rows:
            parts = ("_bucket", "_sum", "_count") if row.kind is Kind.HISTOGRAM else ("",)
            names |= {row.metric + part for part in parts}
    return frozenset(names)


def unknown_words(text: str) -> Iterator[str]:
    """Words in selectors that the vocabulary of their label does not have."""
    words = _vocabularies()
    for metric, matchers in _SELECTOR.findall(text):
        for label, value in _MATCHER.findall(matchers):
            vocabulary = words.get((metric, label))
            if vocabulary is None or vocabulary.more:
                continue
            for word in value.split("|"):
                if word not in vocabulary.meanings:
                    yield f"{metric} has no {label} {word!r}"


def _vocabularies() -> Mapping[tuple[str, str], Vocabulary]:
    return {
        (row.metric, label.name): label.words
        for block in BLOCKS
        for row in block.rows
        for label in (*block.labels, *row.labels)
        if label.words is not None
    }


def about_fleet(rules: Sequence[Rule]) -> Iterator[str]:
    """Rules of the fleet that read what hosts export: where they run, there may be only what others have recorded."""
    for rule in rules:
        for text in (rule.expr, *rule.annotations.values()):
            for name in sorted({each for each in _METRIC.findall(text) if ":" not in each}):
                yield f"{rule.name}: {FLEET} may read recorded series only, not {name}"


def about_tests(rules: Sequence[Rule], expectations: Sequence[Expectation]) -> Iterator[str]:
    """Alerts that are not tested enough: when they fire, when not yet, when no longer, and after a restart."""
    alerts = {rule.name for rule in rules if rule.is_alert}
    for name in sorted({each.alert for each in expectations} - alerts):
        yield f"{name}: it is tested, and there is no such alert"
    for name in sorted(alerts):
        its = [each for each in expectations if each.alert == name]
        if len(its) < LEAST_EXPECTATIONS:
            yield f"{name}: {len(its)} expectations, at least {LEAST_EXPECTATIONS} are needed"
        firing = [each for each in its if each.fires]
        if not _beside(its, firing, before=True):
            yield f"{name}: no test shows that it does not fire too early"
        if not _beside(its, firing, before=False):
            yield f"{name}: no test shows that it resolves"
        if not any(each.restart for each in firing):
            yield f"{name}: no test has a restart of the daemon"


def _beside(its: Iterable[Expectation], firing: Iterable[Expectation], *, before: bool) -> bool:
    """Whether a test expects silence before, or after, a moment at which it expects the alert."""
    return any(
        quiet.test == loud.test and (quiet.at < loud.at) is before
        for quiet in its
        if not quiet.fires
        for loud in firing
    )


def about_runbooks(rules: Sequence[Rule], page: str) -> Iterator[str]:
    """Alerts without a complete section, sections without an alert, and entries that the catalog does not have."""
    alerts = {rule.name for rule in rules if rule.is_alert}
    sections = _sections(page)
    yield from (f"{name}: no section in {RUNBOOKS}" for name in sorted(alerts - sections.keys()))
    yield from (f"{RUNBOOKS}: {name} is no alert" for name in sorted(sections.keys() - alerts))
    logged: set[str] = set()
    for name, section in sections.items():
        paragraphs = _PARAGRAPH.findall(section)
        if tuple(title for title, _ in paragraphs) != PARAGRAPHS:
            yield f"{RUNBOOKS}: {name} has not the paragraphs {', '.join(PARAGRAPHS)}"
            continue
        journal = paragraphs[0][1]
        entries = _ENTRY.findall(journal)
        if not entries and not journal.startswith("none: "):
            yield f"{RUNBOOKS}: {name} names no entry of the journal, and not why there is none"
        for event, anchor, message_id in entries:
            logged.add(event)
            kind = AlertKind.__members__.get(event.upper())
            if kind is None or anchor != event or kind.value.message_id != message_id:
                yield f"{RUNBOOKS}: {name}: {event} with {message_id} is not in the catalog"
    yield from about_events(logged)


def about_events(logged: set[str], journal_only: Mapping[str, str] = JOURNAL_ONLY) -> Iterator[str]:
    """Events that should wake somebody, and that no alert of Prometheus knows."""
    urgent = urgent_events()
    for event in sorted(urgent - logged - journal_only.keys()):
        yield f"{event}: no alert of {RUNBOOKS} names it; give it one, or a reason in JOURNAL_ONLY"
    for event in sorted(journal_only.keys() & logged | journal_only.keys() - urgent):
        yield f"{event}: remove it from JOURNAL_ONLY"


def urgent_events() -> frozenset[str]:
    """Events that wake people, and those that begin what stands: they may have priority info as parts of an incident.

    Prometheus knows no incidents, so it needs an alert for each of them.
    """
    begins = (event for pair in PAIRS for event in pair.begins)
    return frozenset((*begins, *(kind.event for kind in AlertKind if kind.value.priority <= Priority.WARNING)))


def about_queries(page: str, tested: frozenset[str]) -> Iterator[str]:
    """Queries on the page that no test evaluates."""
    for query in map(_one_line, _PROMQL.findall(page)):
        if query not in tested:
            yield f"{RUNBOOKS}: no test evaluates {query}"


def about_routes(rules: Sequence[Rule], text: str) -> Iterator[str]:
    """Alerts that the example of Alertmanager names and that do not exist."""
    alerts = {rule.name for rule in rules if rule.is_alert}
    for value in _ALERTNAME.findall(text):
        for name in value.split("|"):
            if name not in alerts:
                yield f"{ROUTES}: {name} is no alert"


def _sections(page: str) -> dict[str, str]:
    pieces = _HEADING.split(page)
    return dict(zip(pieces[1::2], pieces[2::2], strict=True))


def complaints(root: Path = ROOT) -> Iterator[str]:
    """All that disagrees in the files below ``root``."""

    def read(name: str) -> str:
        return (root / name).read_text(encoding="utf-8")

    rules = [rule for name in RULES for rule in read_rules(read(name))]
    page = read(RUNBOOKS)
    yield from about_rules(rules)
    yield from about_metrics(rules)
    yield from about_fleet(read_rules(read(FLEET)))
    yield from about_tests(rules, [each for name in TESTS for each in read_tests(read(name))])
    yield from about_runbooks(rules, page)
    yield from about_queries(page, frozenset().union(*(tested_queries(read(name)) for name in TESTS)))
    yield from about_routes(rules, read(ROUTES))


def main() -> int:
    """Print what disagrees; the exit status."""
    found = list(complaints())
    for line in found:
        sys.stdout.write(f"{line}\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
